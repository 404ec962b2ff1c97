// Pictures of a clip: its wave, its features, and what the network answers over time.

import type { Features, Track } from "../types";
import { t } from "../i18n/i18n";
import { colour, curveColour, heat, picture } from "./canvas";

/** The wave, as least and greatest sample of each column. */
export function wavePicture(features: Pick<Features, "wave" | "seconds">): HTMLElement {
  const { min, max } = features.wave;
  // Soft clips are drawn larger, up to eight times.
  const full = Math.max(4096, ...max, ...min.map((v) => -v));
  return picture(t("wave.label", { s: features.seconds.toFixed(2) }), 64, (to, width, height) => {
    const y = (v: number) => height / 2 - (v / full) * (height / 2 - 2);
    to.fillStyle = colour("line");
    to.fillRect(0, height / 2, width, 1);
    to.fillStyle = colour("accent");
    min.forEach((low, k) => {
      const x = (k / min.length) * width;
      to.fillRect(x, y(max[k]), Math.max(1, width / min.length), Math.max(1, y(low) - y(max[k])));
    });
  });
}

/** An image with a pixel for each feature, low bands at the bottom. */
export function featureImage(values: ArrayLike<number>, frames: number, bands: number, low: number, high: number): ImageData {
  const image = new ImageData(Math.max(1, frames), Math.max(1, bands));
  for (let frame = 0; frame < frames; frame++) {
    for (let band = 0; band < bands; band++) {
      const [r, g, b] = heat((values[frame * bands + band] - low) / Math.max(1, high - low));
      const at = ((bands - 1 - band) * frames + frame) * 4;
      image.data.set([r, g, b, 255], at);
    }
  }
  return image;
}

function range(values: number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  return [sorted[Math.floor(sorted.length * 0.02)] ?? 0, sorted[Math.floor(sorted.length * 0.995)] ?? 1];
}

/** The features that the device computes, as a spectrogram. */
export function spectrogram(features: Pick<Features, "features" | "frames" | "bands" | "what" | "low_hz" | "high_hz">): HTMLElement {
  const { frames, bands } = features;
  const [low, high] = range(features.features);
  const source = document.createElement("canvas");
  [source.width, source.height] = [Math.max(1, frames), Math.max(1, bands)];
  source.getContext("2d")!.putImageData(featureImage(features.features, frames, bands, low, high), 0, 0);
  const what = t("spectrogram.label", { what: features.what, bands, frames, low: features.low_hz, high: features.high_hz });
  return picture(what, 120, (to, width, height) => {
    to.imageSmoothingEnabled = false;
    to.drawImage(source, 0, 0, width, height);
  });
}

/** Probabilities over time, one curve a label; dashed where the detector smoothed them. */
export function trackPicture(track: Track): HTMLElement {
  const said = track.events.map((e) => `${e.label} ${e.seconds.toFixed(2)} s`).join(", ") || t("track.none");
  const canvas = picture(t("track.label", { events: said }), 110, (to, width, height) => {
    const x = (frame: number) => (frame / Math.max(1, track.frames - 1)) * width;
    const y = (v: number) => height - 4 - (v / 32768) * (height - 8);
    const curve = (values: number[], k: number, dash: number[]) => {
      to.setLineDash(dash);
      to.strokeStyle = curveColour(k);
      to.beginPath();
      for (let f = 0; f < track.frames; f++) to.lineTo(x(f), y(values[f * track.outputs + k]));
      to.stroke();
    };
    to.lineWidth = 1.5;
    for (let k = 0; k < track.outputs; k++) {
      curve(track.probabilities, k, []);
      if (track.thresholds) curve(track.means, k, [3, 3]);
    }
    to.setLineDash([]);
    to.fillStyle = colour("text");
    for (const event of track.events) to.fillRect(x(event.step), 0, 1.5, height);
  });
  return canvas;
}

/** Which colour is which label. */
export function legend(labels: string[]): HTMLElement {
  const list = document.createElement("ul");
  list.className = "legend";
  labels.forEach((label, k) => {
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.style.background = `var(--curve-${(k % 6) + 1})`;
    item.append(mark, label);
    list.append(item);
  });
  return list;
}
