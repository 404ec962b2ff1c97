// Evaluate: the confusion matrix with the clips of each cell, float and integer figures, layers, and the operating point.

import { ApiError, get, ofRun, post } from "../api";
import { on } from "../events";
import { number, percent, t, type Key } from "../i18n/i18n";
import { runPicker } from "../state";
import type { Evaluation, Figure, Job, Progress, Run } from "../types";
import { button, fill, h } from "../ui/dom";
import { attempt, complain } from "../ui/say";
import { cellClips } from "./clips";
import { confusion } from "./confusion";
import { tradeoff } from "./tradeoff";

function figure(f: Figure | undefined): string {
  if (!f) return "–";
  return f.share ? percent(f.value, 2) : number(f.value, 4);
}

function figures(e: Evaluation): HTMLElement {
  const names = e.integer.map((f) => f.name);
  return h(
    "table",
    { class: "figures" },
    h("thead", {}, h("tr", {}, [t("evaluate.figure"), t("evaluate.float"), t("evaluate.integer")].map((c) => h("th", { scope: "col" }, c)))),
    h("tbody", {}, names.map((name, k) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, figure(e.float?.find((f) => f.name === name))), h("td", {}, figure(e.integer[k]))))),
  );
}

/** Each layer's integers against the float network: signal above error in dB, and how many numbers saturated. */
function layers(e: Evaluation): HTMLElement | null {
  if (e.layers.length === 0) return null;
  const db = (v: number | null) => h("td", {}, v === null || v === undefined ? "–" : `${number(v, 1)} dB`);
  const columns: Key[] = ["layer.layer", "layer.weights", "layer.input", "layer.recurrent", "layer.output", "layer.saturated"];
  const row = (l: Evaluation["layers"][number]) =>
    h("tr", {}, h("th", { scope: "row" }, `${l.layer} ${l.variant} ${l.format}`.trim()), db(l.weights_db), db(l.input_db), db(l.recurrent_db), db(l.output_db), h("td", {}, l.outputs > 0 ? percent(l.saturated / l.outputs, 3) : "–"));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": t("evaluate.layers") },
    h("table", { class: "figures" }, h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col" }, t(c))))), h("tbody", {}, e.layers.map(row))),
    h("p", { class: "hint" }, t("evaluate.layers.help")),
  );
}

export function evaluateView(place: HTMLElement): () => void {
  const errors = h("div", {});
  const body = h("div", { class: "stack" });
  let run: Run | null = null;
  let job: Job["id"] | null = null;
  let inner: (() => void)[] = [];

  function clear(): void {
    inner.forEach((e) => e());
    inner = [];
  }

  async function evaluate(): Promise<void> {
    await attempt(errors, async () => {
      const started = await post<Job>(ofRun(run!.name, "do"), { what: "eval" });
      job = started.id;
      fill(body, h("p", { class: "empty", role: "status" }, t("evaluate.running")));
    });
  }

  function missing(error: unknown): void {
    if (error instanceof ApiError && error.reason === "not-evaluated") {
      fill(body, h("div", { class: "empty" }, h("p", {}, t("evaluate.not")), button(t("evaluate.now"), evaluate, { class: "primary" })), stream());
    } else {
      complain(errors, error, { label: t("again"), run: () => void show(run) });
    }
  }

  function stream(): HTMLElement | null {
    if (!run?.stream || !run.model) return null;
    const part = tradeoff(run);
    inner.push(part.end);
    return h("section", { class: "panel" }, h("h2", {}, t("point.title")), part.node);
  }

  function draw(e: Evaluation): void {
    const clips = cellClips(run!);
    inner.push(clips.end);
    const integer = e.integer_confusion;
    const matrix = integer && confusion(e, (said, told, kind) => clips.show(e.answers.filter((a) => a.label === said && (kind === "float" ? a.float : a.integer) === told), e.labels, said, told));
    fill(
      body,
      e.stale && h("div", { class: "error", role: "status" }, h("span", {}, t("evaluate.stale")), button(t("evaluate.now"), evaluate)),
      stream(),
      h(
        "div",
        { class: "columns evaluate" },
        h("section", { class: "panel grow" }, h("h2", {}, t("evaluate.confusion")), h("p", { class: "hint" }, t(e.answers.length > 0 ? "evaluate.confusion.help" : "evaluate.confusion.steps")), matrix ?? h("p", { class: "empty" }, t("evaluate.noclasses")), clips.list),
        h("section", { class: "panel" }, clips.detail, h("h2", {}, t("evaluate.figures")), figures(e), h("p", { class: "hint" }, t("evaluate.examples", { n: number(e.examples), split: e.split, disagree: number(e.disagree), compared: number(e.compared) })), e.layers.length > 0 && h("h3", {}, t("evaluate.layers")), layers(e)),
      ),
    );
  }

  async function show(to: Run | null): Promise<void> {
    run = to;
    clear();
    fill(errors);
    if (!run) {
      fill(body, h("p", { class: "empty" }, t("evaluate.none")));
      return;
    }
    try {
      const answer = await get<Evaluation>(ofRun(run.name, "judge"));
      if (run === to) draw(answer);
    } catch (error) {
      if (run === to) missing(error);
    }
  }

  const picker = runPicker((r) => r.model || r.evaluated, (r) => void show(r));
  fill(place, h("div", { class: "row bar-row" }, h("h1", {}, t("view.evaluate")), picker.node), errors, body);
  const ends = [
    on("job", (j: Job) => {
      if (j.id === job && j.state === "failed") complain(errors, new Error(j.error ?? ""), { label: t("again"), run: () => void evaluate() });
      if (j.id === job && j.state === "done") void show(run);
    }),
    on("progress", (p: Progress & { job: Job["id"] }) => {
      const status = body.querySelector("[role=status].empty");
      if (p.job === job && status) status.textContent = `${t("evaluate.running")} ${p.text} ${p.total > 0 ? `${p.done} / ${p.total}` : ""}`;
    }),
  ];
  return () => {
    ends.forEach((e) => e());
    picker.end();
    clear();
  };
}
