// Runs core.wasm as a page does: node core.mjs CORE MODEL SAMPLES BLOCK. Prints what a listener gives as lines of JSON.
import { readFileSync } from "node:fs";

const [core, model, samples, block] = process.argv.slice(2);
const elman = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(core))).exports;
const blob = readFileSync(model);
const text = (at, bytes) => Buffer.from(elman.memory.buffer, at, bytes).toString("utf8");
const place = elman.elman_blob(blob.length);
if (place === 0) throw new Error("the blob is too large");
new Uint8Array(elman.memory.buffer, place, blob.length).set(blob);
if (elman.elman_load(blob.length) !== 0) {
  console.log(JSON.stringify({ error: text(elman.elman_text(), elman.elman_text_bytes()) }));
  process.exit(0);
}
const [features, outputs] = [elman.elman_feature_count(), elman.elman_outputs()];
console.log(JSON.stringify({
  name: text(elman.elman_name(), elman.elman_name_bytes()),
  labels: text(elman.elman_labels(), elman.elman_labels_bytes()),
  rate: elman.elman_sample_rate(), hop: elman.elman_hop(), window: elman.elman_window(),
  features, outputs, frac: elman.elman_out_frac(), detector: elman.elman_has_detector(),
}));
const all = readFileSync(samples);
const input = new Int16Array(all.buffer, all.byteOffset, all.length / 2);
const length = Math.min(Number(block), elman.elman_samples_capacity());
if (elman.elman_push(elman.elman_samples_capacity() + 1) !== -1) throw new Error("too many samples were taken");
for (let round = 0; round < 2; round++) {
  for (let from = 0; from < input.length; from += length) {
    const part = input.subarray(from, from + length);
    new Int16Array(elman.memory.buffer, elman.elman_samples(), part.length).set(part);
    const frames = elman.elman_push(part.length);
    const rows = (type, at, width) => Array.from(new type(elman.memory.buffer, at, frames * width));
    const [f, l] = [rows(Int16Array, elman.elman_features(), features), rows(Int16Array, elman.elman_logits(), outputs)];
    const p = rows(Uint16Array, elman.elman_probabilities(), outputs);
    const m = rows(Uint16Array, elman.elman_means(), outputs);
    const e = rows(Uint32Array, elman.elman_events(), 3);
    for (let k = 0; k < frames; k++) {
      const row = (table, width) => table.slice(k * width, (k + 1) * width);
      console.log(JSON.stringify([row(f, features), row(l, outputs), row(p, outputs), row(m, outputs), row(e, 3)]));
    }
  }
  // From the start again, the same follows.
  if (elman.elman_reset() !== 0 || elman.elman_steps() !== 0) throw new Error("it was not reset");
}
