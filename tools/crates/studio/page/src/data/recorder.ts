// Recording clips of a class: level meter, what the browser did to the sound, the gates' verdict, and another try.

import { ApiError, address, put } from "../api";
import { openMicrophone, type Given, type Microphone } from "../audio/microphone";
import { peak, play, wav } from "../audio/sound";
import { level, number, t } from "../i18n/i18n";
import { project } from "../state";
import type { Stored } from "../types";
import { button, field, fill, h, select } from "../ui/dom";
import { announce, complain, sentence } from "../ui/say";
import { microphoneProblem, settingsTable } from "../audio/given";
import { className } from "./view";

export interface Recorder {
  node: HTMLElement;
  /** Records a clip, as its button does. */
  start(): void;
  close(): void;
}

/** Samples left out after the button, so that its click is not in the clip. */
const LEAD_SECONDS = 0.15;

export function recorder(into: string, done: () => void): Recorder {
  const rate = project().microphone_rate;
  const errors = h("div", {});
  const facts = h("div", {});
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const bar = h("i", {});
  const meter = h("div", { class: "meter", role: "meter", "aria-label": t("record.level"), "aria-valuemin": -60, "aria-valuemax": 0 }, bar);
  const state = h("div", { class: "record-state", role: "status" });
  const speaker = h("input", { type: "text", value: localStorage.getItem("speaker") ?? "me", maxlength: 40, autocomplete: "off", onchange: () => localStorage.setItem("speaker", speaker.value) });
  const go = button(`● ${t("record.start")}`, () => void start(1), { class: "record" });
  let seconds = 1.5;
  let row = 1;
  let microphone: Microphone | null = null;
  let opening: Promise<void> | null = null;
  let take: { samples: Int16Array; at: number; ready: () => void } | null = null;
  let closed = false;
  let level0 = -60;

  function receive(block: Int16Array): void {
    level0 = Math.max(peak(block), level0 - 0.7);
    bar.style.width = `${Math.max(0, Math.min(100, ((level0 + 60) / 60) * 100))}%`;
    bar.className = level0 > -1 ? "hot" : level0 < -40 ? "low" : "";
    meter.setAttribute("aria-valuenow", String(Math.round(level0)));
    if (!take) return;
    // Counted down to zero first: what lies before is left out.
    const skip = Math.min(block.length, Math.max(0, -take.at));
    const part = block.subarray(skip, skip + Math.max(0, take.samples.length - Math.max(0, take.at)));
    if (part.length > 0) take.samples.set(part, Math.max(0, take.at));
    take.at += block.length;
    if (take.at >= take.samples.length) take.ready();
  }

  async function open(): Promise<void> {
    microphone = await openMicrophone(rate);
    await microphone.context.audioWorklet.addModule("./assets/capture.js");
    if (closed) {
      microphone.close();
      return;
    }
    const node = new AudioWorkletNode(microphone.context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = (event) => receive(event.data as Int16Array);
    microphone.source.connect(node);
    show(microphone.given);
  }

  function show(given: Given): void {
    fill(facts, settingsTable(given));
  }

  async function capture(): Promise<Int16Array> {
    const samples = new Int16Array(Math.round(seconds * rate));
    await new Promise<void>((ready) => (take = { samples, at: -Math.round(LEAD_SECONDS * rate), ready }));
    take = null;
    return samples;
  }

  async function start(first: number): Promise<void> {
    if (take || closed) return;
    fill(errors);
    try {
      opening ??= open();
      await opening;
    } catch (error) {
      opening = null;
      complain(errors, new Error(microphoneProblem(error)), { label: t("again"), run: () => void start(first) });
      return;
    }
    go.disabled = true;
    node.classList.add("recording");
    state.textContent = row > 1 ? t("record.now.of", { n: first, of: row }) : t("record.now");
    announce(state.textContent);
    const samples = await capture();
    node.classList.remove("recording");
    go.disabled = false;
    state.textContent = "";
    if (!closed) await store(samples, first);
  }

  async function store(samples: Int16Array, first: number, force = false, replace?: string): Promise<void> {
    const file = wav(samples, rate);
    const url = address("clips", { kind: "clips", class: into, speaker: speaker.value.trim() || "me", force, name: replace, replace: replace !== undefined });
    const listen = button(`▶ ${t("play")}`, () => play(URL.createObjectURL(file)));
    try {
      const stored = await put<Stored>(url, file);
      const again = button(t("record.replace"), () => void retake(stored.name), { class: "quiet" });
      fill(result, h("div", { class: "good" }, h("strong", {}, `✓ ${stored.name}`), h("span", { class: "dim" }, t("record.stored", { s: number(stored.ms / 1000, 2), level: level(stored.level), peak: level(stored.peak) })), h("div", { class: "row" }, listen, again)));
      announce(t("record.stored.say", { name: stored.name }));
      if (first < row) setTimeout(() => void start(first + 1), 600);
    } catch (error) {
      const reject = h("div", {});
      fill(result, reject);
      const keep = { label: t("data.keep"), run: () => void store(samples, first, true, replace) };
      const gate = error instanceof ApiError && error.status === 422 && error.reason !== "unreadable";
      complain(reject, new Error(sentence(error)), { label: t("record.again"), run: () => (replace ? void retake(replace) : void start(first)) }, ...(gate ? [keep] : []));
      reject.querySelector(".error")?.append(listen);
    }
  }

  async function retake(name: string): Promise<void> {
    if (take || !microphone) return;
    state.textContent = t("record.now");
    node.classList.add("recording");
    const samples = await capture();
    node.classList.remove("recording");
    state.textContent = "";
    await store(samples, row, false, name);
  }

  const lengths = ["1", "1.5", "2", "3", "5"].map((s) => [s, t("seconds", { n: s })] as [string, string]);
  const rows = ["1", "5", "10", "20"].map((n) => [n, n] as [string, string]);
  const node = h(
    "div",
    { class: "stack recorder" },
    h("div", { class: "row spread" }, h("h3", {}, t("record.title", { class: className(into) })), button("×", done, { class: "quiet", "aria-label": t("close") })),
    h("div", { class: "row" }, go, state),
    meter,
    errors,
    result,
    h("div", { class: "fields" }, field(t("record.speaker"), speaker, t("record.speaker.help")), field(t("record.length"), select(lengths, "1.5", (v) => (seconds = Number(v)))), field(t("record.row"), select(rows, "1", (v) => (row = Number(v))))),
    facts,
  );
  return {
    node,
    start: () => void start(1),
    close() {
      closed = true;
      microphone?.close();
    },
  };
}
