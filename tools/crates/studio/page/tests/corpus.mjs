// A small project from the bundled recordings: three words, others, and files for the microphone.

import fs from "node:fs";
import path from "node:path";
import { samples, untar, wav } from "./harness.mjs";

export const WORDS = ["yes", "stop", "left"];
export const RATE = 16_000;

/** Lines of a manifest: file, label, speaker. */
function manifest(file) {
  const [head, ...lines] = fs.readFileSync(file, "utf8").trim().split("\n");
  const columns = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((v, k) => [columns[k], v])));
}

/**
 * Writes the clips of the words and of `others` other words per speaker as plain files. Those of the last speakers are kept
 * back: they are what the microphone plays.
 */
export function project(root, folder) {
  const data = path.join(root, "tools/data");
  const lists = ["train", "valid", "test"].map((split) => manifest(path.join(data, `${split}.csv`)));
  const all = lists.flat();
  const tar = untar(path.join(data, "clips.tar"), (name) => name.endsWith(".flac"));
  const kept = new Map(WORDS.map((word) => [word, []]));
  let n = 0;
  for (const clip of all) {
    const label = WORDS.includes(clip.label) ? clip.label : clip.label === "unknown" || clip.label === "go" ? "unknown" : null;
    const bytes = tar.get(clip.file);
    if (!label || !bytes) continue;
    if (clip.file.startsWith("test/") && label !== "unknown") {
      kept.get(label).push({ name: `${clip.speaker}.flac`, bytes });
      continue;
    }
    n += 1;
    const to = path.join(folder, "clips", label);
    fs.mkdirSync(to, { recursive: true });
    fs.writeFileSync(path.join(to, `${clip.speaker}_nohash_${n}.flac`), bytes);
  }
  return kept;
}

/** A recipe that learns three words in seconds. */
export const RECIPE = `# Three words in seconds, for the test of the page.
name = "three-words"

[stream]
seconds = 3.0
streams = 128
words = ["yes", "stop", "left"]
noises = ["white", "pink"]
snr_db = [10.0, 40.0]
gap_s = [0.1, 0.8]
reuse = 6
valid_hours = 0.03
valid_per_hour = 600.0

[network]
layers = [{ layer = "cell", variant = "gru", units = 24 }]

[train]
epochs = 30
batch = 4
rate = 8e-3
schedule = "cosine"
clip = 1.0
watch = "last"
`;

/** The clips as wav samples: the server decodes what it stored. */
export async function decoded(server, clips) {
  const all = [];
  for (const [k, { bytes }] of clips.entries()) {
    const name = `decode-${k}.flac`;
    const put = await server.json("PUT", `clips?kind=clips&class=_background_noise_&name=${name}`, new Uint8Array(bytes));
    const answer = await server.ask("GET", `clip?kind=clips&class=_background_noise_&name=${encodeURIComponent(put.name)}&as=wav`);
    all.push(samples(Buffer.from(await answer.arrayBuffer())));
    await server.json("POST", "undo", {});
  }
  return all;
}

/** A file for the microphone: each clip after the other, with silence of `gap` seconds. */
export function microphoneFile(file, clips, gap) {
  const silence = new Int16Array(Math.round(gap * RATE));
  fs.writeFileSync(file, wav(clips.flatMap((c) => [c, silence]), RATE));
  return file;
}

/** Where the firmware below has slot A, and what of it lies before the blob. */
export const SLOT = { at: 0x10180000, bytes: 256 << 10, blob: 256 };

/** Writes the firmware of a Pico that is only the description of itself, as boards/slots/src/info.rs has it. */
export function firmware(folder) {
  const info = Buffer.alloc(192);
  info.write("elman firmware 1", 0);
  info.write("pico", 16);
  info.write("test", 40);
  [SLOT.at, SLOT.bytes, 40_000, 125_000_000, 0x5a5a1e01].forEach((n, k) => info.writeUInt32LE(n, 88 + 4 * k));
  // A second boot stage of zeros, and its CRC-32.
  const boot = Buffer.alloc(256);
  boot.writeUInt32LE(0x7065399a, 252);
  fs.writeFileSync(path.join(folder, "pico.bin"), Buffer.concat([boot, info]));
  return folder;
}
