// The worklet that hands over samples of 16 bits, rounded as every capture of this page is.

import { toSamples } from "./samples";

class Capture extends AudioWorkletProcessor {
  process(inputs: Float32Array[][]): boolean {
    const channel = inputs[0]?.[0];
    if (channel) {
      const samples = toSamples(channel);
      this.port.postMessage(samples, [samples.buffer]);
    }
    return true;
  }
}

registerProcessor("capture", Capture);
