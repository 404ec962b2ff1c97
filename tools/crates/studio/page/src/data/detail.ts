// One clip: listen, wave, the device's features; or a plot for each channel of a table.

import { address, get } from "../api";
import { play } from "../audio/sound";
import { chart, type Chart } from "../draw/chart";
import { spectrogram, wavePicture } from "../draw/features";
import { number, t } from "../i18n/i18n";
import type { ClipName, Features, Table } from "../types";
import { button, fill, h } from "../ui/dom";
import { attempt } from "../ui/say";
import type { DataState } from "./view";

/** The address of a clip's file. */
export function clipAddress(clip: ClipName, excluded = false): string {
  return address("clip", { kind: "clips", class: clip.class, name: clip.name, excluded, as: "wav" });
}

export function playClip(state: DataState, clip: ClipName): void {
  if (state.kind === "clips") play(clipAddress(clip, state.excluded));
}

/** Facts of the features that a picture shows. */
export function featureFacts(f: Features): string {
  return t("detail.features", { what: f.what, bands: f.bands, low: number(f.low_hz), high: number(f.high_hz), window: number(f.window_s * 1000), hop: number(f.hop_s * 1000, 1) });
}

export interface ClipDetail {
  node: HTMLElement;
  show(clip: ClipName | null): void;
  end(): void;
}

export function clipDetail(state: DataState): ClipDetail {
  const node = h("div", { class: "stack" });
  let abort = new AbortController();
  let charts: Chart[] = [];
  let shown = "";

  function clear(): void {
    abort.abort();
    abort = new AbortController();
    charts.forEach((c) => c.end());
    charts = [];
  }

  async function sound(clip: ClipName, body: HTMLElement, signal: AbortSignal): Promise<void> {
    const features = await get<Features>(address("clip/features", { class: clip.class, name: clip.name, excluded: state.excluded }), signal);
    fill(body, wavePicture(features), spectrogram(features), h("p", { class: "hint" }, featureFacts(features)), h("p", { class: "hint" }, t("detail.rate", { rate: number(features.rate), s: number(features.seconds, 2) })));
  }

  async function table(clip: ClipName, body: HTMLElement, signal: AbortSignal): Promise<void> {
    const read = await get<Table>(address("table", { class: clip.class, name: clip.name, excluded: state.excluded }), signal);
    const steps = (read.values[0] ?? []).map((_, k) => k * read.every);
    charts = read.columns.map((name) => chart({ label: name, height: 110, x: t("detail.step"), y: name }));
    fill(body, h("p", { class: "hint" }, t("detail.table", { rows: number(read.rows), columns: read.columns.length })), charts.map((c) => c.node));
    charts.forEach((c, k) => c.set(steps, [{ label: read.columns[k], values: read.values[k], colour: k, dots: false }]));
  }

  return {
    node,
    show(clip) {
      const key = clip ? `${state.kind} ${state.excluded} ${clip.class}/${clip.name}` : "";
      if (key === shown && clip) return;
      shown = key;
      clear();
      if (!clip) {
        fill(node, h("p", { class: "empty" }, t("detail.none")));
        return;
      }
      const errors = h("div", {});
      const body = h("div", { class: "stack" });
      const file = address("clip", { kind: state.kind, class: clip.class, name: clip.name, excluded: state.excluded });
      fill(
        node,
        h("h3", { class: "clip-title" }, clip.name),
        h("div", { class: "row" }, state.kind === "clips" && button(`▶ ${t("play")}`, () => playClip(state, clip)), h("a", { href: file, download: clip.name, class: "button" }, t("download"))),
        errors,
        body,
      );
      const signal = abort.signal;
      // Moving through a list quickly asks for nothing on the way.
      setTimeout(() => {
        if (!signal.aborted) void attempt(errors, () => (state.kind === "clips" ? sound : table)(clip, body, signal));
      }, 60);
    },
    end: clear,
  };
}
