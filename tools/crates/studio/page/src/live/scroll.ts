// Features and probabilities of the last seconds, drawn as they come: one column a frame, the newest at the right.

import { colour, curveColour, heat } from "../draw/canvas";
import { t } from "../i18n/i18n";
import { h } from "../ui/dom";
import type { Frames, ModelFacts } from "./core";

export interface ScrollPictures {
  node: HTMLElement;
  add(frames: Frames): void;
  end(): void;
}

const COLUMNS = 320;
/** Range of features at the start, before anything was said: eight in Q6.9. */
const LEAST_RANGE = 8 << 9;

export function scrollPictures(model: ModelFacts): ScrollPictures {
  const bands = Math.max(1, model.features);
  const seconds = ((COLUMNS * model.hop) / model.rate).toFixed(1);
  const picture = h("canvas", { role: "img", class: "picture live-features", width: COLUMNS, height: bands, "aria-label": t("live.features", { s: seconds }) });
  const tracks = h("canvas", { role: "img", class: "picture live-tracks", "aria-label": t("live.probabilities", { s: seconds }) });
  const to = picture.getContext("2d")!;
  const history = new Float32Array(COLUMNS * model.outputs);
  const means = new Float32Array(COLUMNS * model.outputs);
  const marks = new Uint8Array(COLUMNS);
  const waiting: Frames[] = [];
  let low = Infinity;
  let high = -Infinity;
  let drawing = 0;

  function column(frame: Frames, k: number): ImageData {
    const image = new ImageData(1, bands);
    if (low > high) {
      low = Math.min(...frame.features.subarray(k * bands, (k + 1) * bands));
      high = low + LEAST_RANGE;
    }
    for (let band = 0; band < bands; band++) {
      const v = frame.features[k * bands + band];
      // The range follows what comes, and falls slowly.
      low = Math.min(v, low + (high - low) * 1e-5);
      high = Math.max(v, high - (high - low) * 1e-5);
      const [r, g, b] = heat((v - low) / Math.max(1, high - low));
      image.data.set([r, g, b, 255], (bands - 1 - band) * 4);
    }
    return image;
  }

  function shift(frames: Frames): void {
    const { outputs } = model;
    to.drawImage(picture, -frames.frames, 0);
    for (let k = 0; k < frames.frames; k++) {
      to.putImageData(column(frames, k), COLUMNS - frames.frames + k, 0);
      history.copyWithin(0, outputs);
      means.copyWithin(0, outputs);
      marks.copyWithin(0, 1);
      for (let o = 0; o < outputs; o++) {
        history[(COLUMNS - 1) * outputs + o] = frames.probabilities[k * outputs + o] / 32768;
        means[(COLUMNS - 1) * outputs + o] = frames.means[k * outputs + o] / 32768;
      }
      marks[COLUMNS - 1] = 0;
    }
    if (frames.events.length > 0) marks[COLUMNS - 1] = 1;
  }

  function curves(): void {
    const [width, height] = [tracks.clientWidth, tracks.clientHeight];
    const ratio = window.devicePixelRatio || 1;
    if (tracks.width !== Math.round(width * ratio)) [tracks.width, tracks.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = tracks.getContext("2d")!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = colour("line");
    for (const share of [0, 0.5, 1]) pen.fillRect(0, height - 4 - share * (height - 8), width, 1);
    for (let o = 0; o < model.outputs; o++) {
      for (const [values, dash] of [[history, []], [means, [3, 3]]] as [Float32Array, number[]][]) {
        if (dash.length > 0 && !model.detector) continue;
        pen.setLineDash(dash);
        pen.strokeStyle = curveColour(o);
        pen.lineWidth = 1.5;
        pen.beginPath();
        for (let c = 0; c < COLUMNS; c++) pen.lineTo((c / (COLUMNS - 1)) * width, height - 4 - values[c * model.outputs + o] * (height - 8));
        pen.stroke();
      }
    }
    pen.setLineDash([]);
    pen.fillStyle = colour("text");
    marks.forEach((mark, c) => mark && pen.fillRect((c / (COLUMNS - 1)) * width, 0, 1.5, height));
  }

  function draw(): void {
    drawing = requestAnimationFrame(draw);
    if (waiting.length === 0) return;
    waiting.splice(0).forEach(shift);
    curves();
  }
  drawing = requestAnimationFrame(draw);

  return {
    node: h("div", { class: "stack" }, h("h3", {}, t("live.features.title")), picture, h("h3", {}, t("live.probabilities.title")), tracks),
    add(frames) {
      waiting.push(frames);
      // A hidden tab draws nothing; what it missed is of no use later.
      if (waiting.length > COLUMNS) waiting.splice(0, waiting.length - COLUMNS);
    },
    end: () => cancelAnimationFrame(drawing),
  };
}
