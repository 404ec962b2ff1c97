/** Samples of 16 bits: x · 32768, rounded to the nearest integer (halves upwards), saturated. */
export function toSamples(channel: Float32Array): Int16Array {
  const samples = new Int16Array(channel.length);
  for (let k = 0; k < channel.length; k++) {
    samples[k] = Math.max(-32768, Math.min(32767, Math.round(channel[k] * 32768)));
  }
  return samples;
}
