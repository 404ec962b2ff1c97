// The core of the device as wasm: the exports of bindings/wasm, and what a push gave.

interface Exports {
  memory: WebAssembly.Memory;
  elman_blob(bytes: number): number;
  elman_load(bytes: number): number;
  elman_text(): number;
  elman_text_bytes(): number;
  elman_labels(): number;
  elman_labels_bytes(): number;
  elman_sample_rate(): number;
  elman_hop(): number;
  elman_feature_count(): number;
  elman_outputs(): number;
  elman_has_detector(): number;
  elman_samples(): number;
  elman_samples_capacity(): number;
  elman_push(count: number): number;
  elman_features(): number;
  elman_logits(): number;
  elman_probabilities(): number;
  elman_means(): number;
  elman_events(): number;
  elman_reset(): number;
}

/** What the frames of some samples gave: the device's integers. */
export interface Frames {
  frames: number;
  /** frames x features, Q6.9. */
  features: Int16Array;
  /** frames x outputs, in the model's output format. */
  logits: Int16Array;
  /** frames x outputs, 32768 is 1. */
  probabilities: Uint16Array;
  /** The same, smoothed by the detector. */
  means: Uint16Array;
  events: { class: number; score: number; step: number }[];
}

export interface ModelFacts {
  labels: string[];
  rate: number;
  hop: number;
  features: number;
  outputs: number;
  detector: boolean;
}

export class Core {
  private readonly core: Exports;
  readonly facts: ModelFacts;

  /** Loads a blob; an error says what is wrong with it. */
  constructor(module: WebAssembly.Module, blob: ArrayBuffer) {
    this.core = new WebAssembly.Instance(module).exports as unknown as Exports;
    const place = this.core.elman_blob(blob.byteLength);
    if (place === 0) throw new Error(`a blob of ${blob.byteLength} bytes is too large for the page`);
    new Uint8Array(this.core.memory.buffer, place, blob.byteLength).set(new Uint8Array(blob));
    if (this.core.elman_load(blob.byteLength) !== 0) throw new Error(this.text(this.core.elman_text(), this.core.elman_text_bytes()));
    const labels = this.text(this.core.elman_labels(), this.core.elman_labels_bytes());
    this.facts = {
      labels: labels === "" ? [] : labels.replace(/\n$/, "").split("\n"),
      rate: this.core.elman_sample_rate(),
      hop: this.core.elman_hop(),
      features: this.core.elman_feature_count(),
      outputs: this.core.elman_outputs(),
      detector: this.core.elman_has_detector() === 1,
    };
  }

  /** UTF-8 by hand: an AudioWorklet has no TextDecoder. */
  private text(at: number, bytes: number): string {
    const all = new Uint8Array(this.core.memory.buffer, at, bytes);
    let escaped = "";
    for (const byte of all) escaped += `%${byte.toString(16).padStart(2, "0")}`;
    return decodeURIComponent(escaped);
  }

  /** Advances by samples of any number; the answer has the frames that were completed. */
  push(samples: Int16Array): Frames[] {
    const all: Frames[] = [];
    const most = this.core.elman_samples_capacity();
    for (let at = 0; at < samples.length; at += most) {
      const part = samples.subarray(at, at + most);
      new Int16Array(this.core.memory.buffer, this.core.elman_samples(), part.length).set(part);
      const frames = this.core.elman_push(part.length);
      if (frames < 0) throw new Error("no model is loaded");
      if (frames > 0) all.push(this.read(frames));
    }
    return all;
  }

  private read(frames: number): Frames {
    const { buffer } = this.core.memory;
    const { features, outputs } = this.facts;
    const found = new Uint32Array(buffer, this.core.elman_events(), frames * 3);
    const events = [];
    for (let k = 0; k < frames; k++) {
      if (found[k * 3] > 0) events.push({ class: found[k * 3] - 1, score: found[k * 3 + 1], step: found[k * 3 + 2] });
    }
    return {
      frames,
      features: new Int16Array(buffer, this.core.elman_features(), frames * features).slice(),
      logits: new Int16Array(buffer, this.core.elman_logits(), frames * outputs).slice(),
      probabilities: new Uint16Array(buffer, this.core.elman_probabilities(), frames * outputs).slice(),
      means: new Uint16Array(buffer, this.core.elman_means(), frames * outputs).slice(),
      events,
    };
  }

  reset(): void {
    this.core.elman_reset();
  }
}
