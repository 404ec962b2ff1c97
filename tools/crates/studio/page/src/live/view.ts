// Live: the model listens to this machine's microphone, computed by the device's own code.

import { bytes, ofRun } from "../api";
import { microphoneProblem, settingsTable } from "../audio/given";
import { openMicrophone, type Microphone } from "../audio/microphone";
import { legend } from "../draw/features";
import { number, t } from "../i18n/i18n";
import { runPicker } from "../state";
import type { Run } from "../types";
import { button, fill, h } from "../ui/dom";
import { announce, complain } from "../ui/say";
import { Core, type Frames, type ModelFacts } from "./core";
import { scrollPictures, type ScrollPictures } from "./scroll";

const KEPT_EVENTS = 200;

export function liveView(place: HTMLElement): () => void {
  const errors = h("div", {});
  const body = h("div", { class: "stack" });
  let run: Run | null = null;
  let microphone: Microphone | null = null;
  let pictures: ScrollPictures | null = null;
  let listening = 0;

  const said = h("div", { class: "said", role: "status", "aria-live": "assertive" }, "–");
  const events = h("ol", { class: "events", "aria-label": t("live.events"), tabindex: 0 });
  const facts = h("div", {});
  const draws = h("div", { class: "stack" });
  const go = button(t("live.start"), () => (microphone ? stop() : void start()), { class: "primary" });
  const again = button(t("live.reset"), () => reset(), { class: "quiet", disabled: true });
  let node: AudioWorkletNode | null = null;

  function stop(): void {
    listening += 1;
    microphone?.close();
    microphone = null;
    node = null;
    pictures?.end();
    pictures = null;
    go.textContent = t("live.start");
    go.classList.add("primary");
    again.setAttribute("disabled", "");
    body.classList.remove("listening");
  }

  function reset(): void {
    node?.port.postMessage("reset");
    fill(said, "–");
    fill(events);
  }

  async function start(): Promise<void> {
    if (!run) return;
    const mine = ++listening;
    fill(errors);
    go.disabled = true;
    try {
      const [code, blob] = await Promise.all([bytes("/core.wasm"), bytes(ofRun(run.name, "model"))]);
      const module = await WebAssembly.compile(code);
      // Loaded here first: a blob that the core does not take is said before the microphone is asked for.
      const model = new Core(module, blob).facts;
      const opened = await openMicrophone(model.rate);
      if (mine !== listening) {
        opened.close();
        return;
      }
      microphone = opened;
      await opened.context.audioWorklet.addModule("./assets/worklet.js");
      node = new AudioWorkletNode(opened.context, "listener", { numberOfOutputs: 0, processorOptions: { module, blob } });
      node.port.onmessage = (event) => message(event.data, model);
      node.onprocessorerror = () => (stop(), complain(errors, new Error(t("live.stopped")), { label: t("again"), run: () => void start() }));
      opened.source.connect(node);
      show(model, opened);
    } catch (error) {
      stop();
      const text = error instanceof DOMException || (error as Error).message === "insecure" ? microphoneProblem(error) : null;
      complain(errors, text ? new Error(text) : error, { label: t("again"), run: () => void start() });
    } finally {
      go.disabled = false;
    }
  }

  function show(model: ModelFacts, opened: Microphone): void {
    pictures = scrollPictures(model);
    go.textContent = t("live.stop");
    go.classList.remove("primary");
    again.removeAttribute("disabled");
    body.classList.add("listening");
    const rate = t("live.facts", { rate: number(model.rate), hop: number((model.hop / model.rate) * 1000, 1), features: model.features, outputs: model.outputs });
    fill(draws, pictures.node, legend(model.labels), !model.detector && h("p", { class: "error" }, t("live.nodetector")));
    fill(facts, h("p", { class: "hint" }, rate), settingsTable(opened.given));
    announce(t("live.listening"));
  }

  function message(data: { frames?: Frames; error?: string }, model: ModelFacts): void {
    if (data.error) {
      stop();
      complain(errors, new Error(data.error));
    }
    if (!data.frames) return;
    pictures?.add(data.frames);
    for (const event of data.frames.events) {
      const label = model.labels[event.class] ?? String(event.class);
      const score = number(event.score / 32768, 2);
      const seconds = number((event.step * model.hop) / model.rate, 2);
      fill(said, label);
      said.classList.remove("flash");
      void said.offsetWidth;
      said.classList.add("flash");
      events.prepend(h("li", { "data-label": label }, h("span", { class: "num" }, `${seconds} s`), h("strong", {}, label), h("span", { class: "dim" }, t("live.score", { score }))));
      while (events.childElementCount > KEPT_EVENTS) events.lastElementChild!.remove();
    }
  }

  const picker = runPicker((r) => r.model && r.sound, (r) => {
    if (run?.name !== r?.name || run?.modified !== r?.modified) stop();
    run = r;
    go.hidden = !r;
    fill(errors);
    if (!r) fill(draws, h("p", { class: "empty" }, t("live.none")));
    else if (!microphone) fill(draws, h("p", { class: "empty" }, t(r.calibrated || !r.stream ? "live.ready" : "live.uncalibrated")));
  });
  fill(
    body,
    h("p", { class: "claim" }, t("live.claim")),
    h("div", { class: "columns live" }, h("section", { class: "panel grow" }, draws), h("section", { class: "panel" }, said, h("h2", {}, t("live.events")), events, facts)),
  );
  fill(place, h("div", { class: "row bar-row" }, h("h1", {}, t("view.live")), picker.node, go, again), errors, body);
  return () => {
    stop();
    picker.end();
  };
}
