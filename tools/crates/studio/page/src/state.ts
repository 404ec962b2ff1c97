// What all views share: the project, and which run the person looks at.

import { address, get } from "./api";
import type { Project, Run } from "./types";
import { on } from "./events";
import { t } from "./i18n/i18n";
import { select } from "./ui/dom";

let loaded: Project;

export async function loadProject(): Promise<void> {
  loaded = await get<Project>(address("project"));
}

export function project(): Project {
  return loaded;
}

let chosen: string | null = sessionStorage.getItem("run");

/** The run that Evaluate, Live and Device show. */
export function chosenRun(): string | null {
  return chosen;
}

export function chooseRun(name: string): void {
  chosen = name;
  sessionStorage.setItem("run", name);
}

export function runs(): Promise<Run[]> {
  return get<Run[]>(address("runs"));
}

/** A choice among the runs that fit, and a call with the chosen one, again whenever it changes on the server. */
export function runPicker(fits: (run: Run) => boolean, show: (run: Run | null) => void): { node: HTMLElement; end: () => void } {
  const node = document.createElement("div");
  node.className = "picker";
  let last = "";
  let asked = 0;
  async function read(): Promise<void> {
    const mine = ++asked;
    const list = (await runs().catch(() => [])).filter(fits);
    if (mine !== asked) return;
    const run = list.find((r) => r.name === chosen) ?? list[0] ?? null;
    const options = list.map((r) => [r.name, r.name] as [string, string]);
    const box = select(options, run?.name ?? "", (name) => (chooseRun(name), void read()), { "aria-label": t("run"), disabled: list.length === 0 });
    if (node.childElementCount === 0 || document.activeElement !== node.firstElementChild) node.replaceChildren(box);
    const now = JSON.stringify(run && [run.name, run.state, run.modified, run.model, run.evaluated, run.calibrated]);
    if (now === last) return;
    last = now;
    show(run);
  }
  const ends = ["runs", "run", "lost"].map((type) => on(type, () => void read()));
  void read();
  return { node, end: () => (asked++, ends.forEach((e) => e())) };
}
