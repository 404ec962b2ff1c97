// Data: classes as cards, the clips of one, and what one clip is.

import { address, get, post, put } from "../api";
import { on } from "../events";
import { duration, level, number, t } from "../i18n/i18n";
import type { ClassInfo, Classes, Kind } from "../types";
import { button, fill, h } from "../ui/dom";
import { attempt, complain, note } from "../ui/say";
import { undo } from "../undo";
import { ask } from "../ui/ask";
import { clipDetail } from "./detail";
import { clipList, counted } from "./list";
import { recorder, type Recorder } from "./recorder";
import { dropZone } from "./drop";
import { typedWords } from "./words";

/** What the data view shows; its parts change it and are told by `show`. */
export interface DataState {
  kind: Kind;
  class: string | null;
  excluded: boolean;
  classes: ClassInfo[];
}

const state: DataState = { kind: "clips", class: null, excluded: false, classes: [] };

export const BACKGROUND = "_background_noise_";

/** A class' name as the page shows it. */
export function className(name: string): string {
  return name === BACKGROUND ? t("data.background") : name;
}

export function dataView(place: HTMLElement): () => void {
  const errors = h("div", {});
  const cards = h("div", { class: "cards", role: "group", "aria-label": t("data.classes") });
  const notes = h("div", { class: "hint" });
  const detail = clipDetail(state);
  const list = clipList(state, (clip) => detail.show(clip));
  const side = h("section", { class: "panel detail" }, detail.node);
  let open: Recorder | null = null;

  function closeRecorder(): void {
    open?.close();
    open = null;
    fill(side, detail.node);
  }

  function record(): void {
    if (state.kind !== "clips" || state.class === null) return;
    closeRecorder();
    open = recorder(state.class, closeRecorder);
    fill(side, open.node);
    open.start();
    side.scrollIntoView({ block: "nearest" });
  }

  function choose(name: string | null): void {
    state.class = name;
    drawCards();
    list.read(true);
    if (open) record();
  }

  function card(info: ClassInfo): HTMLElement {
    const chosen = info.name === state.class;
    const lengths = info.shortest_ms === null || info.longest_ms === null ? "" : t("data.lengths", { from: number(info.shortest_ms / 1000, 1), to: number(info.longest_ms / 1000, 1) });
    const loud = info.level_db === null ? 0 : Math.max(0, Math.min(1, (info.level_db + 60) / 60));
    const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: `width:${loud * 100}%` }));
    return h(
      "button",
      { type: "button", class: "card", "aria-pressed": String(chosen), onclick: () => choose(info.name), "data-class": info.name },
      h("span", { class: "name" }, className(info.name)),
      h("span", { class: "count" }, number(info.clips)),
      h("span", { class: "dim facts" }, state.kind === "clips" ? [duration(info.seconds), lengths && ` · ${lengths}`] : counted("tables", info.clips)),
      state.kind === "clips" && [bar, h("span", { class: "dim facts" }, t("data.level", { level: level(info.level_db) }))],
      info.excluded > 0 && h("span", { class: "dim facts" }, t("data.excluded.count", { n: info.excluded })),
    );
  }

  function drawCards(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset?.class;
    fill(cards, state.classes.map(card), button(`+ ${t("data.class.new")}`, addClass, { class: "card new" }));
    if (focused !== undefined) [...cards.querySelectorAll<HTMLElement>("[data-class]")].find((c) => c.dataset.class === focused)?.focus();
  }

  async function addClass(): Promise<void> {
    const name = await ask(t("data.class.new"), t("data.class.name"), "", (value) => post(address("classes"), { kind: state.kind, name: value }));
    if (name !== null) choose(name);
  }

  async function rename(): Promise<void> {
    if (state.class === null) return;
    const from = state.class;
    const to = await ask(t("data.class.rename"), t("data.class.name"), from, (value) => post(address("classes/rename"), { kind: state.kind, from, to: value }));
    if (to !== null) choose(to);
  }

  async function readClasses(): Promise<void> {
    const read = await get<Classes>(address("classes", { kind: state.kind }));
    state.classes = [...read.classes, ...(read.background ? [read.background] : [])];
    if (!state.classes.some((c) => c.name === state.class)) state.class = state.classes[0]?.name ?? null;
    fill(notes, read.notes.map((n) => h("div", {}, n)));
    drawCards();
  }

  async function read(): Promise<void> {
    await attempt(errors, async () => {
      await readClasses();
      await list.read(false);
    });
  }

  async function upload(files: File[]): Promise<void> {
    if (state.class === null) {
      complain(errors, new Error(t("data.drop.noclass")));
      return;
    }
    await dropFiles(state.kind, state.class, files, errors);
  }

  const kinds = (["clips", "tables"] as Kind[]).map((kind) =>
    button(t(`data.kind.${kind}`), () => switchKind(kind), { "aria-pressed": String(kind === state.kind), "data-kind": kind }),
  );
  function switchKind(kind: Kind): void {
    closeRecorder();
    Object.assign(state, { kind, class: null, excluded: false });
    kinds.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.kind === kind)));
    place.classList.toggle("is-tables", kind === "tables");
    detail.show(null);
    void read();
  }
  place.classList.toggle("is-tables", state.kind === "tables");

  const zone = dropZone(() => state.kind, (files) => void upload(files));
  fill(
    place,
    h(
      "div",
      { class: "columns data" },
      h(
        "section",
        { class: "panel" },
        h("div", { class: "row spread" }, h("h2", {}, t("data.classes")), h("div", { class: "segment", role: "group", "aria-label": t("data.kind") }, kinds)),
        cards,
        notes,
        typedWords(),
      ),
      h(
        "section",
        { class: "panel grow" },
        h(
          "div",
          { class: "row spread wrap" },
          list.title,
          h(
            "div",
            { class: "row wrap" },
            button(t("data.record"), record, { class: "primary only-clips" }),
            zone.button,
            button(t("data.class.rename"), rename, { class: "quiet" }),
            button(t("undo"), () => undo(), { class: "quiet", title: "Ctrl Z" }),
          ),
        ),
        errors,
        list.node,
      ),
      side,
    ),
  );

  const keys = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    if (event.key === "r" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (open) open.start();
      else record();
    }
  };
  document.addEventListener("keydown", keys);
  const ends = [on("data", (change: { kind: Kind }) => change.kind === state.kind && void read()), on("lost", () => void read())];
  zone.attach(place);
  void read();
  return () => {
    document.removeEventListener("keydown", keys);
    ends.forEach((e) => e());
    closeRecorder();
    zone.detach();
    detail.end();
  };
}

/** Sends files one after the other; what the gates reject is listed with its reason and can be kept all the same. */
async function dropFiles(kind: Kind, into: string, files: File[], errors: Element): Promise<void> {
  const rejected: { file: File; error: unknown }[] = [];
  let stored = 0;
  const send = (file: File, force: boolean) => put(address("clips", { kind, class: into, name: file.name, force }), file);
  for (const [k, file] of files.entries()) {
    if (files.length > 3 && k % 10 === 0) note(t("data.drop.progress", { n: k + 1, of: files.length }));
    try {
      await send(file, false);
      stored += 1;
    } catch (error) {
      rejected.push({ file, error });
    }
  }
  if (stored > 0) note(t("data.drop.done", { n: stored, class: className(into) }), { label: t("undo"), run: () => void undo() });
  fill(
    errors,
    rejected.map(({ file, error }) => {
      const line = h("div", {});
      const keep = { label: t("data.keep"), run: () => void attempt(line, async () => void (await send(file, true))) };
      complain(line, error, keep);
      line.querySelector(".error")?.prepend(h("strong", {}, file.name));
      return line;
    }),
  );
}
