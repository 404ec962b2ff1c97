// Samples in the page: to a wav file, to a level, to the loudspeaker.

/** A wav file of one channel and 16 bits. */
export function wav(samples: Int16Array, rate: number): Blob {
  const head = new DataView(new ArrayBuffer(44));
  const text = (at: number, s: string) => [...s].forEach((c, k) => head.setUint8(at + k, c.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + samples.byteLength, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, samples.byteLength, true);
  return new Blob([head, samples as BlobPart], { type: "audio/wav" });
}

/** The loudest sample in dB of full scale. */
export function peak(samples: Int16Array): number {
  let most = 1;
  for (const s of samples) most = Math.max(most, Math.abs(s));
  return 20 * Math.log10(most / 32768);
}

const player = new Audio();

/** Plays an address; what played before ends. */
export function play(url: string, ended?: () => void): void {
  player.onended = ended ?? null;
  player.src = url;
  void player.play().catch(() => ended?.());
}

export function stopPlaying(): void {
  player.pause();
}
