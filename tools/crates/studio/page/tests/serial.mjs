// A board at the browser's serial port: a simulation of the device's side of docs/protocol.md, which takes a model into its slot.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { browser, step, view } from "./harness.mjs";

const PAYLOAD = 1024;
const ROOM = 100_000;

function crc32c(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function varint(value) {
  const out = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return [...out, Number(rest)];
}

function framed(content) {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32c(content));
  const out = [0];
  // COBS: runs of bytes that are not zero, each with its length in front.
  let run = [];
  const bytes = [...content, ...crc];
  bytes.forEach((byte, k) => {
    if (byte !== 0) run.push(byte);
    const full = run.length === 254;
    if (byte === 0 || full) {
      out.push(run.length + 1, ...run);
      run = [];
      if (full && k + 1 === bytes.length) return;
    }
  });
  return Buffer.from([...out, run.length + 1, ...run, 0]);
}

function unframed(part) {
  const out = [];
  for (let at = 0; at < part.length; at += part[at]) {
    out.push(...part.subarray(at + 1, at + part[at]));
    if (part[at] < 255 && at + part[at] < part.length) out.push(0);
  }
  const content = Buffer.from(out.slice(0, -4));
  assert.equal(Buffer.from(out.slice(-4)).readUInt32LE(), crc32c(content), "the page's CRC");
  return content;
}

/** The device: what it answers to a frame's content. It loses its first reply and damages its second. */
class Device {
  constructor(protocol) {
    Object.assign(this, { protocol, header: null, blob: Buffer.alloc(0), counter: 3, crc: 7, replies: 0 });
  }

  take(content) {
    let at = 0;
    const number = () => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = content[at++];
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return Number(value);
      }
    };
    const bytes = () => {
      const length = number();
      at += length;
      return content.subarray(at - length, at);
    };
    const sequence = number();
    const kind = number();
    const reply = (body) => Buffer.from([...varint(sequence), ...body]);
    if (kind === 0) {
      const { version, schema } = this.protocol;
      return reply([0, ...varint(version), ...varint(BigInt(`0x${schema}`)), ...varint(this.crc), 0, 0, 0, ...varint(PAYLOAD + 80), ...varint(9000), 0]);
    }
    assert.equal(kind, 11, "requests of a transfer");
    const what = number();
    if (what === 1) [this.header, this.blob] = [Buffer.from(bytes()), Buffer.alloc(0)];
    if (what === 2) {
      assert.equal(number(), this.blob.length, "the next bytes");
      this.blob = Buffer.concat([this.blob, bytes()]);
    }
    if (what === 3) {
      assert.equal(Buffer.compare(this.header.subarray(24, 88), createHash("sha512").update(this.blob).digest()), 0, "digest of the blob");
      assert.equal(Buffer.compare(this.header.subarray(88, 152), createHash("sha512").update(this.header.subarray(0, 88)).digest()), 0, "the seal");
      this.counter = this.header.readUInt32LE(12);
    }
    if (what === 4) this.crc = this.blob.readUInt32LE(this.blob.length - 4);
    const receiving = this.header && what < 3 ? [1, ...varint(this.blob.length), ...varint(this.header.readUInt32LE(8))] : [0];
    return reply([3, 7, 0, 1, 0, ...varint(this.counter), ...varint(500), ...Buffer.alloc(8), 1, ...varint(ROOM), ...varint(this.counter), ...receiving, 0, 0]);
  }

  /** What goes over the line for a frame that came. */
  answer(part) {
    const frame = framed(this.take(unframed(part)));
    this.replies += 1;
    if (this.replies === 1) return Buffer.from("elman pico, no model\r\n");
    if (this.replies === 2) frame[4] ^= 0x55;
    return frame;
  }
}

/** Gives the page a serial port whose other end is the device. */
async function port(tab, device) {
  await tab.exposeFunction("deviceAnswers", (part) => [...device.answer(Buffer.from(part))]);
  await tab.addInitScript(() => {
    let control;
    let line = [];
    const readable = new ReadableStream({ start: (c) => (control = c) });
    const writable = new WritableStream({
      async write(chunk) {
        for (const byte of chunk) {
          if (byte !== 0) line.push(byte);
          else if (line.length > 0) control.enqueue(Uint8Array.from(await window.deviceAnswers(line.splice(0))));
        }
      },
    });
    const fake = { open: async () => {}, close: async () => {}, readable, writable };
    Object.defineProperty(navigator, "serial", { value: { requestPort: async () => fake } });
  });
}

async function transfer(t, tab, device) {
  await tab.reload();
  await view(tab, "device");
  await tab.getByLabel("Run", { exact: true }).selectOption("words");
  await tab.getByRole("button", { name: "Connect" }).click();
  await tab.getByText("another than this run's").waitFor();
  await tab.getByRole("button", { name: "Send this model" }).click();
  await tab.getByText(/, this run's\./).waitFor();
  const blob = fs.readFileSync(path.join(t.folder, "runs/words/model.elman"));
  assert.equal(Buffer.compare(device.blob, blob), 0, "the device has the blob");
  assert.equal(device.counter, 4, "the counter is one more than the highest");
  const log = await tab.getByRole("log").textContent();
  assert.match(log, /elman pico, no model/);
  return `${blob.length} bytes in ${device.replies} replies, the first lost and the second damaged`;
}

export async function serial(t) {
  const chrome = await browser(t.chromium, t.server, null);
  try {
    const tab = await chrome.page();
    const { protocol } = await t.server.json("GET", "project");
    await step("a model over the browser's serial port", async () => {
      const device = new Device(protocol);
      // The examples of docs/protocol.md, in bytes.
      assert.equal(framed(Buffer.from([0, 0])).toString("hex"), "0001010" + "5d27761f100");
      await port(tab, device);
      return transfer(t, tab, device);
    });
    await step("no errors in this page", () => {
      assert.deepEqual(chrome.problems, []);
      assert.deepEqual(chrome.foreign, []);
    });
  } finally {
    await chrome.end();
  }
}
