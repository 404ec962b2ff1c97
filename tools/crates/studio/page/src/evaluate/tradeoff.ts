// The trade-off of a listener: misses against false accepts an hour, and the operating point as a handle on the curve.

import { ApiError, get, ofRun, post } from "../api";
import { chart } from "../draw/chart";
import { on } from "../events";
import { number, percent, t } from "../i18n/i18n";
import type { CurvePoint, Job, Point, Progress, Run, Tradeoff } from "../types";
import { button, field, fill, h } from "../ui/dom";
import { announce, attempt, complain, note } from "../ui/say";
import { moments } from "./moments";

/** False accepts an hour on the logarithmic axis; none at all stands left of the smallest. */
function axisValue(point: CurvePoint, least: number): number {
  return Math.max(point.false_accepts_per_hour, least / 2);
}

function interval([low, high]: [number, number], format: (v: number) => string): string {
  return `${format(low)} – ${format(high)}`;
}

/** Counts and intervals of a point. */
function pointFacts(p: Point): HTMLElement {
  const rate = (v: number) => number(v, 2);
  const rows: [string, string, string][] = [
    [t("point.missed"), percent(p.missed, 1), interval(p.missed_interval, (v) => percent(v, 1))],
    [t("point.accepts"), rate(p.false_accepts_per_hour), interval(p.interval, rate)],
  ];
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "tiles", "aria-live": "polite" }, rows.map(([name, value, range]) => h("div", { class: "tile" }, h("span", { class: "dim" }, name), h("strong", {}, value), h("span", { class: "dim" }, t("point.interval", { range }))))),
    h("p", { class: "hint" }, t("point.counts", { hours: number(p.hours, 2), said: number(p.said), hits: number(p.hits), accepts: number(p.false_accepts), smooth: p.smooth, refractory: p.refractory })),
    h(
      "table",
      { class: "figures" },
      h("thead", {}, h("tr", {}, [t("point.word"), t("point.threshold"), t("point.said"), t("point.detected"), t("point.false")].map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, p.words.map((w) => h("tr", {}, h("th", { scope: "row" }, w.label), h("td", {}, number(w.threshold > 1 ? w.threshold / 32768 : w.threshold, 3)), h("td", {}, number(w.said)), h("td", {}, number(w.detected)), h("td", {}, number(w.false_accepts))))),
    ),
  );
}

export function tradeoff(run: Run): { node: HTMLElement; end: () => void } {
  const errors = h("div", {});
  const status = h("p", { class: "hint", role: "status" });
  const facts = h("div", {});
  const list = h("div", {});
  const node = h("div", { class: "stack" });
  let curve: CurvePoint[] = [];
  let at = -1;
  let job: Job["id"] | null = null;
  let asked = 0;
  let least = 0.01;
  const plot = chart({ label: t("point.curve"), height: 260, x: t("point.accepts"), y: t("point.missed"), format: (v) => percent(v, 0), log: true, legend: false });
  const handle = h("div", { class: "handle", role: "slider", tabindex: 0, "aria-label": t("point.handle"), "aria-valuemin": 0 });
  const use = button(t("point.use"), () => void apply(), { class: "primary" });

  function place(): void {
    const u = plot.plot();
    if (!u || at < 0) return;
    const point = curve[at];
    handle.style.left = `${u.valToPos(axisValue(point, least), "x") + u.over.offsetLeft}px`;
    handle.style.top = `${u.valToPos(point.missed, "y") + u.over.offsetTop}px`;
    handle.setAttribute("aria-valuenow", String(at));
    handle.setAttribute("aria-valuetext", t("point.text", { accepts: number(point.false_accepts_per_hour, 2), missed: percent(point.missed, 1) }));
  }

  let timer = 0;
  function move(to: number): void {
    at = Math.max(0, Math.min(curve.length - 1, to));
    place();
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), 120);
  }

  /** The detector that is best for as many false accepts as the handle allows. */
  async function ask(): Promise<void> {
    const mine = ++asked;
    await attempt(errors, async () => {
      const point = await get<Point>(ofRun(run.name, "point", { max_false_accepts_per_hour: curve[at].false_accepts_per_hour }));
      if (mine === asked) show(point);
    });
  }

  function show(point: Point): void {
    fill(facts, pointFacts(point));
    fill(list, moments(run, point));
  }

  async function apply(): Promise<void> {
    use.disabled = true;
    await attempt(errors, async () => {
      const point = await post<Point>(ofRun(run.name, "point"), { max_false_accepts_per_hour: curve[at].false_accepts_per_hour });
      show(point);
      note(t("point.used", { accepts: number(point.false_accepts_per_hour, 2), missed: percent(point.missed, 1) }));
    });
    use.disabled = false;
  }

  function keys(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -5, PageDown: 5, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(at + steps[event.key]);
  }

  function drag(event: PointerEvent): void {
    const u = plot.plot();
    if (!u || event.buttons === 0) return;
    const box = u.over.getBoundingClientRect();
    const distance = (p: CurvePoint) => Math.hypot(u.valToPos(axisValue(p, least), "x") - (event.clientX - box.left), u.valToPos(p.missed, "y") - (event.clientY - box.top));
    const nearest = curve.reduce((best, p, k) => (distance(p) < distance(curve[best]) ? k : best), 0);
    if (nearest !== at) move(nearest);
  }

  function draw(answer: Tradeoff): void {
    const above = answer.curve.filter((p) => p.false_accepts_per_hour > 0).map((p) => p.false_accepts_per_hour);
    least = Math.min(1, ...above);
    curve = [...answer.curve].sort((a, b) => a.false_accepts_per_hour - b.false_accepts_per_hour || b.missed - a.missed);
    // One point for each number of false accepts: the one that misses least.
    curve = curve.filter((p, k) => k + 1 === curve.length || curve[k + 1].false_accepts_per_hour !== p.false_accepts_per_hour);
    const box = h("div", { class: "curve-box" }, plot.node, handle);
    fill(
      node,
      errors,
      h("p", { class: "hint" }, t("point.help", { hours: number(answer.hours, 2), said: number(answer.said) })),
      h("div", { class: "columns tradeoff" }, h("div", { class: "stack grow" }, box, h("div", { class: "row" }, use, button(t("point.again"), () => form(), { class: "quiet" }))), facts),
      list,
    );
    plot.set(curve.map((p) => axisValue(p, least)), [
      { label: t("point.missed"), values: curve.map((p) => p.missed), colour: 0, dots: true },
      { label: t("point.low"), values: curve.map((p) => p.missed_interval[0]), colour: 4, dash: true },
      { label: t("point.high"), values: curve.map((p) => p.missed_interval[1]), colour: 4, dash: true },
    ]);
    const own = answer.point;
    const start = own ? curve.reduce((best, p, k) => (Math.abs(p.false_accepts_per_hour - own.false_accepts_per_hour) < Math.abs(curve[best].false_accepts_per_hour - own.false_accepts_per_hour) ? k : best), 0) : Math.floor(curve.length / 2);
    at = start;
    handle.setAttribute("aria-valuemax", String(curve.length - 1));
    if (own) show(own);
    else void ask();
    requestAnimationFrame(place);
  }

  function form(): void {
    const hours = h("input", { type: "number", min: 0.1, max: 48, step: 0.1, value: 1 });
    const words = h("input", { type: "number", min: 1, max: 3600, value: 300 });
    const snr = h("input", { type: "number", min: -10, max: 40, value: 10 });
    const submit = (event: Event) => {
      event.preventDefault();
      void attempt(errors, async () => {
        const started = await post<Job>(ofRun(run.name, "tradeoff"), { hours: Number(hours.value), per_hour: Number(words.value), snr: Number(snr.value) });
        job = started.id;
        fill(node, errors, status);
        status.textContent = t("point.playing");
      });
    };
    fill(node, errors, h("p", { class: "hint" }, t("point.not")), h("form", { class: "stack", onsubmit: submit }, h("div", { class: "fields" }, field(t("point.hours"), hours), field(t("point.words"), words), field(t("point.snr"), snr)), h("div", { class: "row" }, h("button", { type: "submit", class: "primary" }, t("point.play")))));
  }

  async function read(): Promise<void> {
    try {
      draw(await get<Tradeoff>(ofRun(run.name, "tradeoff")));
    } catch (error) {
      if (error instanceof ApiError && error.reason === "not-played") form();
      else complain(fillErrors(), error, { label: t("again"), run: () => void read() });
    }
  }
  const fillErrors = () => (fill(node, errors), errors);

  handle.addEventListener("keydown", keys);
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", drag);
  const sizes = new ResizeObserver(() => requestAnimationFrame(place));
  sizes.observe(plot.node);
  const ends = [
    on("job", (j: Job) => {
      if (j.id !== job) return;
      if (j.state === "done") {
        announce(t("point.ready"));
        void read();
      } else if (j.state === "failed") {
        form();
        complain(errors, new Error(j.error ?? ""));
      }
    }),
    on("progress", (p: Progress & { job: Job["id"] }) => {
      if (p.job === job) status.textContent = `${t("point.playing")} ${p.text} ${p.total > 0 ? `${number((p.done / p.total) * 100)} %` : ""}`;
    }),
  ];
  void read();
  return {
    node,
    end() {
      ends.forEach((e) => e());
      sizes.disconnect();
      plot.end();
    },
  };
}
