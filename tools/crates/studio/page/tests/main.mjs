// The tests of the page, in Chromium. `--short` is what CI runs; `--pictures` writes those of docs/studio.md.

import fs from "node:fs";
import path from "node:path";
import { failures, flags, step, studio, temporary } from "./harness.mjs";
import { decoded, firmware, microphoneFile, project, RECIPE, WORDS } from "./corpus.mjs";
import { dictionaries } from "./dictionaries.mjs";
import { hostile } from "./hostile.mjs";
import { wholePath } from "./path.mjs";
import { pictures } from "./pictures.mjs";
import { runs } from "./runs.mjs";
import { serial } from "./serial.mjs";
import { speed } from "./speed.mjs";

const given = flags(process.argv.slice(2));
const { elman, chromium, root } = given;
const start = performance.now();
const folder = path.join(temporary(), "lamp");
const boards = firmware(temporary());
let server = null;
try {
  await step("dictionaries", () => dictionaries("src/i18n"));
  const kept = project(root, folder);
  fs.mkdirSync(path.join(folder, "recipes"), { recursive: true });
  fs.writeFileSync(path.join(folder, "recipes/three-words.toml"), RECIPE);
  server = await studio(elman, folder, ["--firmware", boards]);
  const sounds = new Map();
  for (const word of WORDS) sounds.set(word, await decoded(server, kept.get(word).slice(0, 8)));
  const words = WORDS.map((word) => [word, microphoneFile(path.join(folder, `${word}.wav`), sounds.get(word), 0)]);
  const spoken = microphoneFile(path.join(folder, "spoken.wav"), sounds.get("yes"), 1.2);
  const tests = { elman, chromium, root, folder, server, words, spoken, clip: sounds.get("yes")[0], short: Boolean(given.short) };
  await wholePath(tests);
  await hostile(tests);
  if (!given.short) {
    await serial(tests);
    await runs(tests);
    await speed(tests);
  }
  if (given.pictures) await pictures(tests);
} catch (error) {
  await step("the tests themselves", () => Promise.reject(error));
} finally {
  await server?.end();
  for (const old of [path.dirname(folder), boards]) fs.rmSync(old, { recursive: true, force: true, maxRetries: 3 });
}
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(failures() === 0 ? `the page: all passed in ${seconds} s` : `the page: ${failures()} failed, ${seconds} s`);
process.exit(failures() === 0 ? 0 : 1);
