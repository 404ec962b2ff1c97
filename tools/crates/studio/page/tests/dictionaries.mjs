// Both languages have the same keys, and the same values in their sentences.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

/** Keys and sentences of a dictionary. */
function read(file) {
  const text = fs.readFileSync(file, "utf8");
  return new Map([...text.matchAll(/^ {2}"([^"]+)": ("(?:[^"\\]|\\.)*"),$/gm)].map((m) => [m[1], JSON.parse(m[2])]));
}

const values = (sentence) => [...sentence.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

export function dictionaries(folder) {
  const [en, zh] = ["en.ts", "zh.ts"].map((name) => read(path.join(folder, name)));
  assert.ok(en.size > 100, `only ${en.size} sentences were read`);
  assert.deepEqual([...en.keys()].sort(), [...zh.keys()].sort());
  for (const [key, sentence] of en) assert.deepEqual(values(zh.get(key)), values(sentence), key);
  for (const [key, sentence] of zh) {
    const words = sentence.replace(/\{\w+\}|Hz|MHz|dB/g, "");
    assert.ok(/[\u4e00-\u9fff]/.test(words) || !/[a-z]/i.test(words), `${key} is not Chinese: ${sentence}`);
  }
  return `${en.size} sentences in each`;
}
