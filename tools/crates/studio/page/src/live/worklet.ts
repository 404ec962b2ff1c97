// The listener in the audio thread: samples of the microphone in, the device's integers out.

import { toSamples } from "../audio/samples";
import { Core } from "./core";

class Listener extends AudioWorkletProcessor {
  private core: Core | null = null;

  constructor(options: AudioWorkletNodeOptions) {
    super(options);
    const { module, blob } = options.processorOptions as { module: WebAssembly.Module; blob: ArrayBuffer };
    try {
      this.core = new Core(module, blob);
      this.port.postMessage({ facts: this.core.facts });
    } catch (error) {
      this.port.postMessage({ error: String((error as Error).message ?? error) });
    }
    this.port.onmessage = (event) => event.data === "reset" && this.core?.reset();
  }

  process(inputs: Float32Array[][]): boolean {
    const channel = inputs[0]?.[0];
    if (!this.core || !channel) return this.core !== null;
    for (const frames of this.core.push(toSamples(channel))) this.port.postMessage({ frames });
    return true;
  }
}

registerProcessor("listener", Listener);
