// Frames and messages of docs/protocol.md: COBS between zeros, postcard inside, CRC-32C at the end.

/** CRC-32C of bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Bytes without a zero, each zero replaced by the distance to the next. */
export function stuff(bytes: Uint8Array): Uint8Array {
  const out = [0];
  let code = 0;
  for (const byte of bytes) {
    if (byte !== 0) out.push(byte);
    if (byte === 0 || out.length - code === 255) {
      out[code] = out.length - code;
      code = out.length;
      out.push(0);
    }
  }
  out[code] = out.length - code;
  return Uint8Array.from(out);
}

/** The bytes that were stuffed; null where they are none. */
export function unstuff(bytes: Uint8Array): Uint8Array | null {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at];
    if (code === 0 || at + code > bytes.length) return null;
    for (let k = 1; k < code; k++) out.push(bytes[at + k]);
    at += code;
    if (code < 255 && at < bytes.length) out.push(0);
  }
  return Uint8Array.from(out);
}

/** Writes postcard. */
export class Writer {
  private readonly out: number[] = [];

  /** An unsigned number, or which variant an enum is. */
  number(value: number): this {
    let rest = value;
    while (rest > 127) {
      this.out.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.out.push(rest);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.number(bytes.length);
    for (const byte of bytes) this.out.push(byte);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.out);
  }
}

/** Reads postcard; an error where the bytes end too soon. */
export class Reader {
  private at = 0;

  constructor(private readonly from: Uint8Array) {}

  byte(): number {
    if (this.at >= this.from.length) throw new Error("a message ends too soon");
    return this.from[this.at++];
  }

  big(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error("a number in a message is too long");
  }

  number(): number {
    return Number(this.big());
  }

  bytes(length = this.number()): Uint8Array {
    if (this.at + length > this.from.length) throw new Error("a message ends too soon");
    this.at += length;
    return this.from.subarray(this.at - length, this.at);
  }

  option<T>(read: () => T): T | null {
    return this.byte() === 0 ? null : read();
  }
}

/** The frame of a message. */
export function frame(sequence: number, message: Uint8Array): Uint8Array {
  const head = new Writer().number(sequence).done();
  const content = new Uint8Array(head.length + message.length + 4);
  content.set(head);
  content.set(message, head.length);
  new DataView(content.buffer).setUint32(content.length - 4, crc32c(content.subarray(0, -4)), true);
  return Uint8Array.from([0, ...stuff(content), 0]);
}

/** What stands between two zeros of a line: a message with its sequence number, or null where it is none. */
export function message(part: Uint8Array): { sequence: number; reader: Reader } | null {
  const content = unstuff(part);
  if (!content || content.length < 6) return null;
  const crc = new DataView(content.buffer).getUint32(content.length - 4, true);
  if (crc32c(content.subarray(0, -4)) !== crc) return null;
  const reader = new Reader(content.subarray(0, -4));
  return { sequence: reader.number(), reader };
}

/** A new model as a board without signatures takes it: header and seal, by SHA-512 of the blob and of the header. */
export async function sealed(blob: ArrayBuffer, counter: number): Promise<Uint8Array> {
  const header = new Uint8Array(160).fill(0xff);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode("ESLT"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 0, true);
  view.setUint32(8, blob.byteLength, true);
  view.setUint32(12, counter, true);
  header.fill(0, 16, 24);
  header.set(new Uint8Array(await crypto.subtle.digest("SHA-512", blob)), 24);
  header.set(new Uint8Array(await crypto.subtle.digest("SHA-512", header.slice(0, 88))), 88);
  return header;
}
