// The clips of a cell: each played, its features and the network's answer over time shown.

import { address, get } from "../api";
import { play } from "../audio/sound";
import { clipAddress, featureFacts } from "../data/detail";
import { legend, spectrogram, trackPicture, wavePicture } from "../draw/features";
import { t } from "../i18n/i18n";
import type { Answer, Features, Run, Track } from "../types";
import { button, fill, h } from "../ui/dom";
import { attempt } from "../ui/say";
import { virtualList } from "../ui/virtual";

/** Wave, features and answer over time, drawn into a place. */
export function drawSound(place: Element, features: Features, track: Track | null, labels: string[]): void {
  fill(
    place,
    wavePicture(features),
    spectrogram(features),
    h("p", { class: "hint" }, featureFacts(features)),
    track && [trackPicture(track), legend(labels), track.thresholds && h("p", { class: "hint" }, t("track.dashed"))],
  );
}

export interface CellClips {
  list: HTMLElement;
  detail: HTMLElement;
  show(answers: Answer[], labels: string[], said: number, told: number): void;
  end(): void;
}

export function cellClips(run: Run): CellClips {
  let answers: Answer[] = [];
  let labels: string[] = [];
  let abort = new AbortController();
  const detail = h("div", { class: "stack" });
  const title = h("h3", { role: "status" });
  const rows = virtualList({
    label: t("evaluate.clips"),
    rowHeight: 32,
    render: (row) => h("div", { class: "clip" }, h("span", { class: "clip-name" }, answers[row].name), h("span", { class: "dim" }, answers[row].class)),
    onselect: (row) => select(answers[row]),
    onkey(event, row) {
      if (event.key !== " " && event.key !== "Enter") return false;
      play(clipAddress(answers[row]));
      return true;
    },
  });
  const list = h("div", { class: "stack", hidden: true }, title, rows.node);

  function select(answer: Answer): void {
    abort.abort();
    abort = new AbortController();
    const signal = abort.signal;
    const errors = h("div", {});
    const body = h("div", { class: "stack" });
    const said = t("evaluate.answer", { said: labels[answer.label], float: answer.float === null ? "–" : labels[answer.float], integer: labels[answer.integer] });
    fill(detail, h("h3", { class: "clip-title" }, `${answer.class}/${answer.name}`), h("p", { class: "hint" }, said), h("div", { class: "row" }, button(`▶ ${t("play")}`, () => play(clipAddress(answer)))), errors, body);
    void attempt(errors, async () => {
      const query = { class: answer.class, name: answer.name, run: run.name };
      const [features, track] = await Promise.all([get<Features>(address("clip/features", query), signal), get<Track>(address("clip/track", query), signal)]);
      if (!signal.aborted) drawSound(body, features, track, track.labels);
    });
  }

  return {
    list,
    detail,
    show(found, names, said, told) {
      answers = found;
      labels = names;
      list.hidden = false;
      title.textContent = t("evaluate.cell", { n: found.length, said: names[said], told: names[told] });
      rows.node.hidden = found.length === 0;
      rows.update(found.length);
      rows.node.scrollTop = 0;
      if (found.length > 0) rows.select(0);
      list.scrollIntoView({ block: "nearest" });
    },
    end: () => abort.abort(),
  };
}
