// The clips of a class: a list of any length, marks, and what is done with what is marked.

import { address, get, post } from "../api";
import { level, number, t } from "../i18n/i18n";
import type { Changed, ClipName, Clips, Kind } from "../types";
import { button, fill, h, select } from "../ui/dom";
import { attempt, note } from "../ui/say";
import { undo } from "../undo";
import { virtualList } from "../ui/virtual";
import { playClip } from "./detail";
import { className, type DataState } from "./view";

export interface ClipList {
  node: HTMLElement;
  title: HTMLElement;
  /** Reads the clips again; from the top, or where the list stands. */
  read(top: boolean): Promise<void>;
}

/** How many clips or tables. */
export function counted(kind: Kind, n: number): string {
  const key = kind === "clips" ? "data.count" : "data.tables";
  return t(n === 1 ? `${key}.one` : key, { n: number(n) });
}

const EMPTY: Clips = { revision: 0, total: 0, class: [], name: [], ms: [], level: [], peak: [], bytes: [] };

export function clipList(state: DataState, show: (clip: ClipName | null) => void): ClipList {
  let clips = EMPTY;
  let asked = 0;
  const marked = new Set<string>();
  const title = h("h2", {});
  const errors = h("div", {});
  const count = h("span", { class: "dim", role: "status" });
  const actions = h("div", { class: "row wrap" });
  const find = h("input", { type: "search", placeholder: t("data.find"), "aria-label": t("data.find"), oninput: () => later() });
  const list = virtualList({ label: t("data.clips"), rowHeight: 32, render, onselect: (row) => show(clip(row)), onkey });
  const empty = h("p", { class: "empty" });

  const clip = (row: number): ClipName => ({ class: clips.class[row] || state.class || "", name: clips.name[row] });

  function render(row: number): HTMLElement {
    const name = clips.name[row];
    const mark = h("input", { type: "checkbox", tabindex: -1, "aria-label": t("data.mark", { name }), onclick: (e: Event) => (e.stopPropagation(), toggle(name)) });
    mark.checked = marked.has(name);
    const ms = clips.ms[row];
    return h(
      "div",
      { class: "clip" },
      mark,
      h("span", { class: "clip-name" }, name),
      state.kind === "clips" && h("span", { class: "num" }, ms === null ? "–" : `${number(ms / 1000, 2)} s`),
      state.kind === "clips" && h("span", { class: "num wide" }, level(clips.level[row])),
      state.kind === "tables" && h("span", { class: "num" }, `${number(clips.bytes[row] / 1024, 1)} KiB`),
    );
  }

  function toggle(name: string): void {
    if (!marked.delete(name)) marked.add(name);
    drawActions();
    list.update(clips.name.length);
  }

  function targets(): ClipName[] {
    const names = marked.size > 0 ? clips.name.filter((n) => marked.has(n)) : list.current >= 0 ? [clips.name[list.current]] : [];
    return names.map((name) => ({ class: state.class ?? "", name }));
  }

  async function change(what: "move" | "exclude" | "include" | "delete", to?: string): Promise<void> {
    const items = targets();
    if (items.length === 0) return;
    await attempt(errors, async () => {
      const body = { kind: state.kind, items, to, excluded: what === "delete" ? state.excluded : undefined };
      const { op, done } = await post<Changed>(address(`clips/${what}`), body);
      marked.clear();
      note(t(`data.did.${what}`, { n: done, to: to ? className(to) : "" }), { label: t("undo"), run: () => void undo(op) });
    });
  }

  function onkey(event: KeyboardEvent, row: number): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const actionsOfKeys: Record<string, () => void> = {
      " ": () => playClip(state, clip(row)),
      Enter: () => playClip(state, clip(row)),
      x: () => toggle(clips.name[row]),
      e: () => void change(state.excluded ? "include" : "exclude"),
      m: () => actions.querySelector("select")?.focus(),
      Delete: () => void change("delete"),
    };
    actionsOfKeys[event.key]?.();
    return event.key in actionsOfKeys;
  }

  function drawActions(): void {
    const others = state.classes.filter((c) => c.name !== state.class).map((c) => [c.name, className(c.name)] as [string, string]);
    const move = select([["", t("data.move")], ...others], "", (to) => to && void change("move", to), { "aria-label": t("data.move"), disabled: state.excluded });
    const away = state.excluded ? button(t("data.include"), () => change("include")) : button(t("data.exclude"), () => change("exclude"));
    fill(actions, move, away, button(t("data.delete"), () => change("delete"), { class: "quiet" }), marked.size > 0 && h("span", { class: "dim" }, t("data.marked", { n: marked.size })));
  }

  const excluded = h("input", { type: "checkbox", onchange: () => ((state.excluded = excluded.checked), marked.clear(), void read(true)) });

  async function read(top: boolean): Promise<void> {
    const mine = ++asked;
    fill(title, state.class === null ? t("data.noclass") : className(state.class));
    if (top) marked.clear();
    await attempt(errors, async () => {
      const url = address("clips", { kind: state.kind, class: state.class ?? "*", count: 100_000, excluded: state.excluded, find: find.value || undefined });
      const answer = state.class === null ? EMPTY : await get<Clips>(url);
      if (mine !== asked) return;
      clips = answer;
      excluded.checked = state.excluded;
      count.textContent = counted(state.kind, clips.name.length);
      empty.textContent = t(state.kind === "clips" ? "data.empty" : "data.empty.tables");
      empty.hidden = clips.name.length > 0;
      list.node.hidden = clips.name.length === 0;
      if (top) list.node.scrollTop = 0;
      list.update(clips.name.length);
      drawActions();
      if (list.current >= 0) show(clip(list.current));
      else if (top) show(null);
    });
  }

  let timer = 0;
  function later(): void {
    clearTimeout(timer);
    timer = window.setTimeout(() => void read(true), 150);
  }

  const node = h(
    "div",
    { class: "list" },
    h("div", { class: "row wrap" }, find, count, h("label", { class: "check" }, excluded, t("data.excluded"))),
    actions,
    errors,
    empty,
    list.node,
  );
  return { node, title, read };
}
