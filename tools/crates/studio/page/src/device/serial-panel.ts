// A board at a serial port of this machine: who is there, a new model for it, whether it computes the same, and its log.

import { address, bytes, get, ofRun } from "../api";
import { clipAddress } from "../data/detail";
import { number, t, type Key } from "../i18n/i18n";
import { Core, type Frames } from "../live/core";
import { project } from "../state";
import type { Classes, Clips, Run } from "../types";
import { button, fill, h } from "../ui/dom";
import { announce, complain } from "../ui/say";
import { Board, BoardError, type Hello, type SerialPort, type Slots } from "./board";
import { sealed } from "./wire";

const KEPT_LINES = 500;
/** Clips that are compared, one of each class. */
const VERIFIED = 4;

interface Serial {
  requestPort(): Promise<SerialPort>;
}

function words(frames: Frames[], core: Core): { numbers: number[][]; events: string[] } {
  const { features, outputs } = core.facts;
  const numbers: number[][] = [];
  const events: string[] = [];
  for (const f of frames) {
    for (let k = 0; k < f.frames; k++) {
      numbers.push([...f.features.subarray(k * features, (k + 1) * features), ...f.logits.subarray(k * outputs, (k + 1) * outputs), ...f.means.subarray(k * outputs, (k + 1) * outputs)].map((v) => v & 0xffff));
    }
    events.push(...f.events.map((e) => `${e.class} ${e.step} ${e.score}`));
  }
  return { numbers, events };
}

export function serialPanel(): { node: HTMLElement; use(run: Run | null): void; end(): void } {
  const serial = (navigator as unknown as { serial?: Serial }).serial;
  const errors = h("div", {});
  const facts = h("p", { class: "hint", role: "status" });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t("serial.progress") });
  const log = h("ol", { class: "log", role: "log", "aria-label": t("serial.log"), tabindex: 0 });
  let run: Run | null = null;
  let board: Board | null = null;
  let hello: Hello | null = null;

  const connect = button(t("serial.connect"), () => (board ? void close() : void open()), { class: "primary" });
  const send = button(t("serial.send"), () => void work(transfer), { disabled: true });
  const verify = button(t("serial.verify"), () => void work(compare), { disabled: true });

  function enable(yes: boolean): void {
    send.disabled = verify.disabled = !yes || !run;
    connect.textContent = t(board ? "serial.close" : "serial.connect");
  }

  function said(line: string): void {
    log.append(h("li", {}, line));
    while (log.childElementCount > KEPT_LINES) log.firstElementChild!.remove();
    log.scrollTop = log.scrollHeight;
  }

  function fault(error: unknown): void {
    const name = (error as Error)?.name;
    if (name === "NotFoundError") return;
    if (error instanceof BoardError) complain(errors, new Error(t(`serial.error.${error.code}` as Key)));
    else if (name === "NetworkError" || name === "InvalidStateError") complain(errors, new Error(t("serial.error.busy")));
    else complain(errors, error);
  }

  async function work(task: (to: Board, of: Run) => Promise<void>): Promise<void> {
    if (!board || !run) return;
    fill(errors);
    enable(false);
    try {
      await task(board, run);
    } catch (error) {
      fault(error);
    } finally {
      progress.hidden = true;
      enable(board !== null);
    }
  }

  async function open(): Promise<void> {
    fill(errors);
    try {
      const port = await serial!.requestPort();
      board = await Board.open(port, said, gone);
      enable(false);
      await greet(board);
      enable(true);
    } catch (error) {
      await close();
      fault(error);
    }
  }

  async function greet(to: Board): Promise<void> {
    facts.textContent = t("serial.asking");
    hello = await to.hello();
    const ours = project().protocol;
    if (hello.version !== ours.version || hello.schema !== ours.schema) throw new Error(t("serial.error.version"));
    const slots = await to.status().catch(() => null);
    await show(slots);
  }

  async function show(slots: Slots | null): Promise<void> {
    const mine = run && hello ? new DataView(await bytes(ofRun(run.name, "model"))) : null;
    const same = mine !== null && hello !== null && mine.getUint32(mine.byteLength - 4, true) === hello.crc;
    const model = hello?.crc === 0 ? t("serial.empty") : t("serial.model", { crc: (hello?.crc ?? 0).toString(16).padStart(8, "0"), same: t(same ? "serial.same" : "serial.other") });
    const room = slots ? t(slots.signed ? "serial.signed" : "serial.room", { room: number(slots.room), counter: slots.running?.counter ?? 0 }) : t("serial.noslots");
    facts.textContent = `${model} ${room}`;
  }

  /** Sends the run's model, restarts the board and asks what runs. */
  async function transfer(to: Board, of: Run): Promise<void> {
    const before = await to.status();
    if (before.signed) throw new Error(t("serial.error.signed"));
    const blob = await bytes(ofRun(of.name, "model"));
    if (blob.byteLength > before.room) throw new Error(t("serial.error.room", { bytes: number(blob.byteLength), room: number(before.room) }));
    progress.hidden = false;
    await to.send(await sealed(blob, before.highest + 1), new Uint8Array(blob), hello!.frame, (received) => {
      progress.value = received / blob.byteLength;
      facts.textContent = t("serial.sending", { done: number(received), of: number(blob.byteLength) });
    });
    await to.restart();
    await new Promise((done) => setTimeout(done, 500));
    hello = await to.hello();
    const after = await to.status();
    await show(after);
    if (after.running?.counter !== before.highest + 1) throw new Error(t("serial.error.notrunning"));
    announce(t("serial.sent"));
  }

  /** A clip of each class. */
  async function clips(): Promise<Int16Array[]> {
    const { classes } = await get<Classes>(address("classes", { kind: "clips" }));
    const found: Int16Array[] = [];
    for (const c of classes.slice(0, VERIFIED)) {
      const list = await get<Clips>(address("clips", { kind: "clips", class: c.name, count: 1 }));
      if (list.name.length === 0) continue;
      const wav = await bytes(clipAddress({ class: c.name, name: list.name[0] }));
      const context = new OfflineAudioContext(1, 1, project().microphone_rate);
      const sound = (await context.decodeAudioData(wav)).getChannelData(0);
      found.push(Int16Array.from(sound, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768)))));
    }
    return found;
  }

  /** Clips through the board and through the core in this page: every integer, or where the first one differs. */
  async function compare(to: Board, of: Run): Promise<void> {
    const [code, blob, sounds] = await Promise.all([bytes("/core.wasm"), bytes(ofRun(of.name, "model")), clips()]);
    const core = new Core(await WebAssembly.compile(code), blob);
    let frames = 0;
    progress.hidden = false;
    await to.listen();
    for (const [k, samples] of sounds.entries()) {
      for (let at = 0; at < samples.length; at += core.facts.hop) {
        const block = samples.slice(at, at + core.facts.hop);
        const theirs = await to.samples(block);
        const ours = words(core.push(block), core);
        frames += ours.numbers.length;
        const numbers = theirs ? [...new Uint16Array(theirs.numbers.slice().buffer)] : [];
        const event = theirs?.event ? [`${theirs.event.class} ${theirs.event.step} ${theirs.event.score}`] : [];
        if (String(numbers) !== String(ours.numbers[0] ?? []) || String(event) !== String(ours.events)) throw new Error(t("serial.differs", { frame: frames }));
        progress.value = (k + at / samples.length) / sounds.length;
      }
    }
    facts.textContent = t("serial.equal", { frames: number(frames) });
    announce(facts.textContent);
  }

  function gone(): void {
    board = null;
    hello = null;
    facts.textContent = "";
    enable(false);
  }

  async function close(): Promise<void> {
    const open = board;
    gone();
    await open?.close();
  }

  const node = h(
    "section",
    { class: "panel" },
    h("h2", {}, t("serial.title")),
    serial
      ? [h("p", { class: "hint" }, t("serial.help")), h("div", { class: "row wrap" }, connect, send, verify), errors, facts, progress, h("h3", {}, t("serial.log")), log]
      : h("p", { class: "hint" }, t("serial.none"), " ", h("code", {}, "elman send runs/NAME --port PORT")),
  );
  return {
    node,
    use(to) {
      run = to;
      enable(board !== null);
    },
    end: () => void close(),
  };
}
