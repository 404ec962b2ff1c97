// Train: a new run from a preset or a recipe, runs with their state, and their curves in the same charts.

import { get, ofRun, post, remove } from "../api";
import { chart, type Chart, type Curve } from "../draw/chart";
import { on } from "../events";
import { duration, percent, t, type Key } from "../i18n/i18n";
import { chooseRun, runs as readRuns } from "../state";
import type { Epoch, Job, Progress, Run, RunDetail } from "../types";
import { button, fill, h } from "../ui/dom";
import { attempt, complain, note } from "../ui/say";
import { confirm } from "../ui/ask";
import { undo } from "../undo";
import { newRun } from "./new";

/** Runs whose curves are shown; the newest is, unless the person chose others. */
const compared = new Set<string>();

export function trainView(place: HTMLElement): () => void {
  const errors = h("div", {});
  const rows = h("div", { class: "runs", role: "list", "aria-label": t("train.runs") });
  const details = h("div", { class: "stack" });
  const metrics = new Map<string, Epoch[]>();
  const progress = new Map<Job["id"], Progress>();
  let runs: Run[] = [];
  const charts: { key: "loss" | "accuracy" | "metric"; chart: Chart }[] = [
    { key: "loss", chart: chart({ label: t("train.loss"), height: 210, x: t("train.epoch"), y: t("train.loss") }) },
    { key: "accuracy", chart: chart({ label: t("train.accuracy"), height: 210, x: t("train.epoch"), y: t("train.accuracy"), format: (v) => percent(v) }) },
    { key: "metric", chart: chart({ label: t("train.missed"), height: 210, x: t("train.epoch"), y: t("train.missed"), format: (v) => percent(v) }) },
  ];

  function curves(key: "loss" | "accuracy" | "metric"): [number[], Curve[]] {
    const chosen = runs.filter((r) => compared.has(r.name));
    const longest = Math.max(0, ...chosen.map((r) => metrics.get(r.name)?.length ?? 0));
    const x = Array.from({ length: longest }, (_, k) => k + 1);
    const pick = (epochs: Epoch[], value: (e: Epoch) => number | null | undefined) => x.map((_, k) => (epochs[k] ? (value(epochs[k]) ?? null) : null));
    const list = chosen.flatMap((run) => {
      const epochs = metrics.get(run.name) ?? [];
      const tone = runs.indexOf(run);
      if (key === "metric") return [{ label: run.name, values: pick(epochs, (e) => e.validation_metric), colour: tone }];
      const train = pick(epochs, key === "loss" ? (e) => e.train_loss_per_step ?? e.train_loss : (e) => e.train_accuracy);
      const valid = pick(epochs, key === "loss" ? (e) => e.valid_loss_per_step ?? e.valid_loss : (e) => e.valid_accuracy);
      return [
        { label: `${run.name}, ${t("train.train")}`, values: train, colour: tone, dash: true },
        { label: `${run.name}, ${t("train.valid")}`, values: valid, colour: tone },
      ];
    });
    return [x, list.filter((c) => c.values.some((v) => v !== null))];
  }

  function drawCharts(): void {
    for (const { key, chart } of charts) {
      const [x, list] = curves(key);
      chart.node.parentElement?.toggleAttribute("hidden", list.length === 0);
      chart.set(x, list);
    }
  }

  async function load(name: string): Promise<void> {
    if (metrics.has(name)) return;
    metrics.set(name, (await get<RunDetail>(ofRun(name))).metrics);
  }

  async function read(): Promise<void> {
    await attempt(errors, async () => {
      runs = await readRuns();
      for (const name of compared) if (!runs.some((r) => r.name === name)) compared.delete(name);
      if (compared.size === 0 && runs.length > 0) compared.add(runs[0].name);
      await Promise.all([...compared].map(load));
      drawRuns();
      drawCharts();
    });
  }

  async function act(run: Run, what: "pause" | "resume" | "stop"): Promise<void> {
    await attempt(errors, async () => void (await post(ofRun(run.name, what))));
  }

  async function away(run: Run): Promise<void> {
    if (!(await confirm(t("train.delete.ask", { name: run.name }), t("data.delete")))) return;
    await attempt(errors, async () => {
      const { op } = await remove<{ op: number }>(ofRun(run.name));
      note(t("train.deleted", { name: run.name }), { label: t("undo"), run: () => void undo(op) });
    });
  }

  async function compare(name: string, yes: boolean): Promise<void> {
    if (yes) compared.add(name);
    else compared.delete(name);
    await attempt(errors, () => (yes ? load(name) : Promise.resolve()));
    drawCharts();
  }

  function actions(run: Run): HTMLElement[] {
    const list: HTMLElement[] = [];
    const active = run.state === "training" || run.state === "starting";
    if (active && !run.outside) list.push(button(t("train.pause"), () => act(run, "pause")), button(t("train.stop"), () => act(run, "stop"), { title: t("train.stop.help") }));
    if (run.state === "paused" && !run.outside) list.push(button(t("train.resume"), () => act(run, "resume"), { class: "primary" }), button(t("train.stop"), () => act(run, "stop"), { title: t("train.stop.help") }));
    if (run.state === "trained" || (run.state === "ready" && !run.evaluated)) list.push(button(t("train.finish"), () => attempt(errors, async () => void (await post(ofRun(run.name, "do"), { what: run.model ? "eval" : "quantize" })))));
    if (run.model) list.push(button(t("view.evaluate"), () => go(run, "evaluate")), button(t("view.live"), () => go(run, "live")));
    list.push(button(t("train.log"), () => log(run), { class: "quiet" }));
    if (!active && !run.outside) list.push(button(t("data.delete"), () => away(run), { class: "quiet" }));
    return list;
  }

  function go(run: Run, view: string): void {
    chooseRun(run.name);
    location.hash = view;
  }

  async function log(run: Run): Promise<void> {
    await attempt(errors, async () => {
      const detail = await get<RunDetail>(ofRun(run.name));
      fill(details, h("div", { class: "row spread" }, h("h3", {}, t("train.log.of", { name: run.name })), button("×", () => fill(details), { class: "quiet", "aria-label": t("close") })), h("pre", { class: "log", tabindex: 0 }, detail.log.join("\n") || t("train.log.none")));
      details.scrollIntoView({ block: "nearest" });
    });
  }

  function row(run: Run): HTMLElement {
    const mark = h("input", { type: "checkbox", "aria-label": t("train.compare", { name: run.name }), onchange: () => void compare(run.name, mark.checked) });
    mark.checked = compared.has(run.name);
    const own = run.job === null ? undefined : progress.get(run.job);
    const total = own && own.total > 0 && run.state !== "training" ? own.total : Math.max(1, run.epochs);
    const done = own && own.total > 0 && run.state !== "training" ? own.done : run.done;
    const left = run.seconds_left ?? own?.seconds_left;
    const figures = [run.valid_accuracy !== null && t("train.valid.accuracy", { share: percent(run.valid_accuracy) }), run.metric !== null && t("train.valid.missed", { share: percent(run.metric) }), run.done > 0 && t("train.epochs", { done: run.done, of: run.epochs })];
    const text = [...figures.filter(Boolean), left ? t("train.left", { time: duration(left) }) : "", own && run.state !== "training" ? own.text : ""].filter(Boolean).join(" · ");
    return h(
      "div",
      { class: "run", role: "listitem", "data-run": run.name, "data-state": run.state },
      h("div", { class: "row" }, mark, h("i", { class: "swatch", style: `background: var(--curve-${(runs.indexOf(run) % 6) + 1})` }), h("strong", { class: "clip-name" }, run.name), h("span", { class: `badge ${run.state}` }, t(`state.${run.state}` as Key)), run.outside && h("span", { class: "badge", title: t("train.outside.help") }, t("train.outside"))),
      h("progress", { value: Math.min(done, total), max: total, "aria-label": t("train.progress", { name: run.name }) }),
      h("div", { class: "dim facts" }, text),
      run.error && h("div", { class: "error", role: "alert" }, run.error),
      h("div", { class: "row wrap" }, actions(run)),
    );
  }

  function drawRuns(): void {
    if (rows.contains(document.activeElement) && rows.querySelector("button:active")) return;
    const focused = document.activeElement instanceof HTMLElement && rows.contains(document.activeElement) ? [document.activeElement.closest<HTMLElement>("[data-run]")?.dataset.run, document.activeElement.textContent] : null;
    fill(rows, runs.length === 0 ? h("p", { class: "empty" }, t("train.none")) : runs.map(row));
    if (focused) {
      const again = [...rows.querySelectorAll<HTMLElement>("[data-run]")].find((r) => r.dataset.run === focused[0]);
      [...(again?.querySelectorAll<HTMLElement>("button, input") ?? [])].find((b) => b.textContent === focused[1])?.focus();
    }
  }

  function epoch({ run, epoch }: { run: string; epoch: Epoch }): void {
    const list = metrics.get(run);
    if (!list) return;
    const at = list.findIndex((e) => e.epoch === epoch.epoch);
    if (at >= 0) list[at] = epoch;
    else list.push(epoch);
    if (compared.has(run)) drawCharts();
  }

  function changed(run: Run): void {
    const at = runs.findIndex((r) => r.name === run.name);
    if (at < 0) return void read();
    runs[at] = run;
    drawRuns();
  }

  function job(job: Job): void {
    if (job.state === "failed" && job.run !== null && job.kind !== "play") complain(errors, new Error(job.error ?? t("train.failed")), { label: t("again"), run: () => void read() });
  }

  const form = newRun((name) => {
    compared.clear();
    compared.add(name);
    metrics.delete(name);
    void read();
  });
  fill(
    place,
    h(
      "div",
      { class: "columns train" },
      h("section", { class: "panel" }, h("h2", {}, t("train.new")), form),
      h("section", { class: "panel grow" }, h("h2", {}, t("train.runs")), errors, rows, details),
      h("section", { class: "panel grow" }, h("h2", {}, t("train.curves")), h("p", { class: "hint" }, t("train.curves.help")), charts.map(({ key, chart }) => h("div", {}, h("h3", {}, t(key === "metric" ? "train.missed" : `train.${key}`)), chart.node))),
    ),
  );
  const ends = [
    on("runs", () => void read()),
    on("run", changed),
    on("epoch", epoch),
    on("restart", ({ run }: { run: string }) => (metrics.set(run, []), drawCharts())),
    on("job", job),
    on("progress", (p: Progress & { job: Job["id"] }) => (progress.set(p.job, p), drawRuns())),
    on("lost", () => (metrics.clear(), void read())),
  ];
  void read();
  return () => {
    ends.forEach((e) => e());
    charts.forEach(({ chart }) => chart.end());
  };
}
