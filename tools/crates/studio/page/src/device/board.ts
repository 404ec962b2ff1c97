// A board at a serial line: one request after the other, each repeated until its reply comes.

import { frame, message, Reader, Writer } from "./wire";

/** What the browser's Web Serial gives, as far as it is used here. */
export interface SerialPort {
  open(options: { baudRate: number }): Promise<void>;
  close(): Promise<void>;
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
}

export interface Hello {
  version: number;
  schema: string;
  crc: number;
  frame: number;
}

export interface Slots {
  signed: boolean;
  running: { counter: number; length: number; confirmed: boolean } | null;
  room: number;
  highest: number;
  receiving: { received: number; length: number } | null;
}

export interface ListenedFrame {
  event: { class: number; step: number; score: number } | null;
  /** Features, logits and mean probabilities, 16 bits each. */
  numbers: Uint8Array;
}

/** The board did not do what was asked, or does not answer. */
export class BoardError extends Error {
  constructor(readonly code: "no-answer" | "failure" | "unreadable") {
    super(code);
  }
}

const FIRST_WAIT = 1000;
const REPEATS = 5;
const HELLO = 0;
const AGAIN = 1;
const FAILURE = 2;
const ANSWER = 3;
/** Requests by their place in the list of docs/protocol.md. */
const START = 1;
const SAMPLES = 4;
const SLOTS = 11;
const TASK_LISTEN = 3;
const OUTCOME_DONE = 0;
const OUTCOME_FRAME = 5;
const OUTCOME_SLOTS = 7;
const NO_CLASS = 65_535;

function slots(reader: Reader): Slots {
  const signed = reader.byte() === 1;
  const running = reader.option(() => {
    reader.number();
    const [counter, length] = [reader.number(), reader.number()];
    reader.bytes(8);
    return { counter, length, confirmed: reader.byte() === 1 };
  });
  const [room, highest] = [reader.number(), reader.number()];
  const receiving = reader.option(() => ({ received: reader.number(), length: reader.number() }));
  return { signed, running, room, highest, receiving };
}

export class Board {
  private line: number[] = [];
  private waiting: ((reply: { sequence: number; reader: Reader }) => void) | null = null;
  private sequence = Math.floor(Math.random() * 0x3fffffff) + 1;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(
    private readonly port: SerialPort,
    private readonly said: (line: string) => void,
    private readonly ended: () => void,
  ) {
    this.reader = port.readable.getReader();
    this.writer = port.writable.getWriter();
    void this.read();
  }

  /** Opens a port. `said` gets what the board says besides its replies, line by line; `ended` is called when it is gone. */
  static async open(port: SerialPort, said: (line: string) => void, ended: () => void): Promise<Board> {
    await port.open({ baudRate: 115_200 });
    return new Board(port, said, ended);
  }

  private async read(): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await this.reader.read();
        if (done) break;
        for (const byte of value) this.take(byte);
      }
    } catch {
      // The board was unplugged.
    }
    this.ended();
  }

  private take(byte: number): void {
    if (byte !== 0) {
      if (this.line.length < 65_536) this.line.push(byte);
      return;
    }
    const part = Uint8Array.from(this.line.splice(0));
    if (part.length === 0) return;
    const reply = message(part);
    if (reply) this.waiting?.(reply);
    else this.text(part);
  }

  /** Lines of a log stand between frames. */
  private text(part: Uint8Array): void {
    const lines = new TextDecoder().decode(part).split(/\r?\n/);
    for (const line of lines) if (/[\x20-\x7e]{2}/.test(line)) this.said(line.trim());
  }

  /** Sends a request until its reply comes: after 1, 2, 4 … seconds again, at once where a frame came damaged. */
  private async ask(request: Uint8Array): Promise<{ kind: number; reader: Reader }> {
    this.sequence += 1;
    const { sequence } = this;
    const bytes = frame(sequence, request);
    for (let wait = FIRST_WAIT, k = 0; k < REPEATS; k++, wait *= 2) {
      // Listens before it asks: a board may answer before the last byte is said to be written.
      const replied = this.reply(sequence, wait);
      await this.writer.write(bytes);
      const reply = await replied;
      if (reply && reply.kind !== AGAIN) return reply;
    }
    throw new BoardError("no-answer");
  }

  private reply(sequence: number, wait: number): Promise<{ kind: number; reader: Reader } | null> {
    return new Promise((done) => {
      const timer = setTimeout(() => finish(null), wait);
      const finish = (reply: { kind: number; reader: Reader } | null) => {
        clearTimeout(timer);
        this.waiting = null;
        done(reply);
      };
      this.waiting = ({ sequence: number, reader }) => {
        const kind = reader.number();
        if (number === sequence || (number === 0 && kind === AGAIN)) finish({ kind, reader });
      };
    });
  }

  /** A request that is done, with its outcome; the reader stands after the outcome's number. */
  private async outcome(request: Uint8Array): Promise<{ outcome: number; reader: Reader }> {
    const { kind, reader } = await this.ask(request);
    if (kind === FAILURE) throw new BoardError("failure");
    if (kind !== ANSWER) throw new BoardError("unreadable");
    return { outcome: reader.number(), reader };
  }

  async hello(): Promise<Hello> {
    const { kind, reader } = await this.ask(new Writer().number(HELLO).done());
    if (kind !== HELLO) throw new BoardError("unreadable");
    const version = reader.number();
    const schema = reader.big().toString(16).padStart(16, "0");
    const crc = reader.number();
    for (let k = 0; k < 3; k++) reader.number();
    return { version, schema, crc, frame: reader.number() };
  }

  private async transfer(request: Writer): Promise<Slots> {
    const { outcome, reader } = await this.outcome(request.done());
    if (outcome !== OUTCOME_SLOTS) throw new BoardError("unreadable");
    return slots(reader);
  }

  status(): Promise<Slots> {
    return this.transfer(new Writer().number(SLOTS).number(0));
  }

  /** Sends a sealed model; `progress` is told how many bytes have arrived. */
  async send(header: Uint8Array, blob: Uint8Array, longest: number, progress: (received: number) => void): Promise<Slots> {
    let now = await this.transfer(new Writer().number(SLOTS).number(1).bytes(header));
    const most = Math.max(16, (longest - 64 - Math.floor(longest / 254) - 1) & ~3);
    while (now.receiving && now.receiving.received < blob.length) {
      const at = now.receiving.received;
      now = await this.transfer(new Writer().number(SLOTS).number(2).number(at).bytes(blob.subarray(at, at + most)));
      progress(now.receiving?.received ?? blob.length);
    }
    return this.transfer(new Writer().number(SLOTS).number(3));
  }

  restart(): Promise<Slots> {
    return this.transfer(new Writer().number(SLOTS).number(4));
  }

  /** Begins to listen, states as at the start. */
  async listen(): Promise<void> {
    const { outcome } = await this.outcome(new Writer().number(START).number(TASK_LISTEN).done());
    if (outcome !== OUTCOME_DONE) throw new BoardError("unreadable");
  }

  /** Gives the listener samples, at most a hop; the frame that they complete, if they do. */
  async samples(block: Int16Array): Promise<ListenedFrame | null> {
    const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    const { outcome, reader } = await this.outcome(new Writer().number(SAMPLES).bytes(bytes).done());
    if (outcome === OUTCOME_DONE) return null;
    if (outcome !== OUTCOME_FRAME) throw new BoardError("unreadable");
    for (let k = 0; k < 5; k++) reader.number();
    const [class_, step, score] = [reader.number(), reader.number(), reader.number()];
    const length = reader.number();
    const numbers = reader.bytes();
    if (numbers.length !== length) throw new BoardError("unreadable");
    return { event: class_ === NO_CLASS ? null : { class: class_, step, score }, numbers };
  }

  async close(): Promise<void> {
    await this.reader.cancel().catch(() => {});
    this.writer.releaseLock();
    await this.port.close().catch(() => {});
  }
}
