// Misses and false accepts of a stream: each is played, looked at, and made a hard example in two clicks.

import { get, ofRun, post } from "../api";
import { play } from "../audio/sound";
import { BACKGROUND, className } from "../data/view";
import { duration, number, t } from "../i18n/i18n";
import type { Features, Point, Run, Stored, Track } from "../types";
import { undo } from "../undo";
import { button, fill, h, select } from "../ui/dom";
import { attempt, note } from "../ui/say";
import { virtualList } from "../ui/virtual";
import { drawSound } from "./clips";

interface Moment {
  track: number;
  from: number;
  to: number;
  text: string;
  /** What was said, which a hard example is by default. */
  said: string | null;
}

/** Sound before and after, so that one can tell what happened. */
const AROUND = 0.4;

function moment(of: Point, which: "misses" | "alarms"): Moment[] {
  if (which === "misses") {
    return of.misses.map((m) => ({ track: m.track, from: Math.max(0, m.start_s - AROUND), to: m.end_s + AROUND, text: t("moment.miss", { word: m.label, at: duration(m.start_s) }), said: m.label }));
  }
  return of.alarms.map((a) => {
    const said = a.said ?? t("moment.nothing");
    return { track: a.track, from: Math.max(0, a.at_s - 1.2), to: a.at_s + AROUND, text: t("moment.alarm", { told: a.told, said, at: duration(a.at_s), score: number(a.score > 1 ? a.score / 32768 : a.score, 2) }), said: a.said };
  });
}

export function moments(run: Run, point: Point): HTMLElement {
  let which: "misses" | "alarms" = point.alarms.length > 0 ? "alarms" : "misses";
  let list: Moment[] = [];
  const detail = h("div", { class: "stack" });
  const errors = h("div", {});
  const rows = virtualList({
    label: t("moment.list"),
    rowHeight: 32,
    render: (row) => h("div", { class: "clip" }, h("span", { class: "clip-name" }, list[row].text)),
    onselect: (row) => open(list[row]),
    onkey(event, row) {
      if (event.key !== " " && event.key !== "Enter") return false;
      play(sound(list[row]));
      return true;
    },
  });

  const query = (m: Moment) => ({ track: m.track, from_s: m.from.toFixed(3), to_s: m.to.toFixed(3) });
  const sound = (m: Moment) => ofRun(run.name, "moment", query(m));

  function open(m: Moment): void {
    const body = h("div", { class: "stack" });
    const classes = [...new Set([m.said ?? "unknown", "unknown", ...run.labels.filter((l) => l !== "silence"), BACKGROUND])];
    const hard = select([["", t("moment.hard")], ...classes.map((c) => [c, className(c)] as [string, string])], "", (to) => to && void keep(m, to, hard), { "aria-label": t("moment.hard") });
    fill(detail, h("h3", {}, m.text), h("div", { class: "row" }, button(`▶ ${t("play")}`, () => play(sound(m))), hard), h("p", { class: "hint" }, t("moment.hard.help")), body);
    void attempt(errors, async () => {
      const track = await get<Track & Features>(ofRun(run.name, "moment/track", query(m)));
      drawSound(body, track, track, track.labels);
    });
  }

  async function keep(m: Moment, to: string, box: HTMLSelectElement): Promise<void> {
    box.value = "";
    await attempt(errors, async () => {
      const stored = await post<Stored>(ofRun(run.name, "hard"), { track: m.track, from_s: m.from, to_s: m.to, class: to });
      note(t("moment.kept", { name: stored.name, class: className(to) }), { label: t("undo"), run: () => void undo(stored.op) });
    });
  }

  function draw(): void {
    list = moment(point, which);
    rows.node.hidden = list.length === 0;
    rows.update(list.length);
    fill(detail, h("p", { class: "empty" }, t(list.length === 0 ? "moment.none" : "moment.choose")));
  }

  const kinds = (["alarms", "misses"] as const).map((k) =>
    button(
      t(`moment.${k}`, { n: point[k].length }),
      () => {
        which = k;
        kinds.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.kind === k)));
        draw();
      },
      { "aria-pressed": String(k === which), "data-kind": k },
    ),
  );
  draw();
  return h("div", { class: "columns moments" }, h("div", { class: "stack grow" }, h("div", { class: "segment", role: "group", "aria-label": t("moment.list") }, kinds), rows.node, errors), detail);
}
