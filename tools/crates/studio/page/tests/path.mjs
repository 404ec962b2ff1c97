// The whole path: record three words, train, see curves move, evaluate, set the point, detect the word live, take the file.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { SLOT } from "./corpus.mjs";
import { browser, step, view } from "./harness.mjs";

/** Records clips of a word that the microphone plays; the names they got. */
async function record(t, word, file, count) {
  const chrome = await browser(t.chromium, t.server, file);
  try {
    const tab = await chrome.page();
    await view(tab, "data");
    await tab.locator(`[data-class="${word}"]`).click();
    await tab.getByRole("button", { name: "Record", exact: true }).first().click();
    const names = [];
    for (let k = 0; k < count; k++) {
      if (k > 0) await tab.locator(".recorder button.record").click();
      const before = names.at(-1) ?? "";
      await tab.waitForFunction((last) => {
        const said = document.querySelector(".recorder .good strong")?.textContent ?? "";
        return document.querySelector(".recorder .error") !== null || (said !== "" && said !== `✓ ${last}`);
      }, before);
      const error = await tab.locator(".recorder .error").allTextContents();
      assert.deepEqual(error, [], `${word} was rejected`);
      names.push((await tab.locator(".recorder .good strong").textContent()).replace("✓ ", ""));
    }
    const given = await tab.locator(".recorder .facts-table td").allTextContents();
    assert.deepEqual(given.slice(1, 4), ["off", "off", "off"], "gain control, noise suppression and echo cancelling are off");
    assert.deepEqual(chrome.problems, []);
    assert.deepEqual(chrome.foreign, []);
    return names;
  } finally {
    await chrome.end();
  }
}

async function recordAll(t) {
  const each = t.short ? 1 : 3;
  for (const [word, file] of t.short ? t.words.slice(0, 1) : t.words) {
    const names = await record(t, word, file, each);
    for (const name of names) assert.ok(fs.existsSync(path.join(t.folder, "clips", word, name)), `${name} is no file`);
  }
  return `${each} of each word`;
}

/** Starts a run and follows its curves; the numbers that the charts say. */
async function train(t, tab) {
  await view(tab, "train");
  const preset = tab.getByLabel("Preset");
  await preset.selectOption("three-words");
  await tab.getByLabel("Name", { exact: true }).fill("words");
  await tab.locator('[data-key="train.epochs"] input').first().fill("24");
  await tab.getByRole("button", { name: "Start training" }).click();
  const loss = tab.locator(".chart").first();
  const seen = new Set();
  const end = Date.now() + 120_000;
  let state = "";
  while (Date.now() < end && state !== "ready" && state !== "failed") {
    const label = await loss.getAttribute("aria-label");
    if (/words/.test(label)) seen.add(label);
    state = (await tab.locator('[data-run="words"]').getAttribute("data-state").catch(() => "")) ?? "";
    await tab.waitForTimeout(150);
  }
  const error = await tab.locator(".run .error, main > .columns .error").allTextContents();
  assert.equal(state, "ready", `the run is ${state}: ${error}`);
  assert.ok(seen.size >= 4, `the curves moved ${seen.size} times`);
  return `the curves moved ${seen.size} times`;
}

/** The cells of a run's matrix; it is evaluated first where it was not. */
async function matrix(tab, run) {
  await view(tab, "evaluate");
  await tab.getByLabel("Run", { exact: true }).selectOption(run);
  const cells = tab.locator(".confusion td button");
  const now = tab.getByRole("button", { name: "Evaluate now" });
  await cells.first().or(now).waitFor();
  if (await now.isVisible()) await now.click();
  await cells.first().waitFor({ timeout: 60_000 });
  return cells;
}

/** A network on single clips: the clips of a cell, and what one of them gives. */
async function evaluateClips(t, tab) {
  await t.server.json("POST", "runs", { name: "clips", preset: "quick" });
  await view(tab, "train");
  await tab.locator('[data-run="clips"][data-state="ready"]').waitFor({ timeout: 60_000 });
  const cells = await matrix(tab, "clips");
  await tab.locator(".confusion .right").filter({ hasNotText: "·" }).first().click();
  await tab.locator(".evaluate .clip").first().click();
  await tab.getByRole("img", { name: /^Probabilities over time/ }).first().waitFor();
  await tab.getByRole("img", { name: /^Spectrogram/ }).first().waitFor();
  await tab.getByRole("button", { name: "Float", exact: true }).click();
  await tab.locator(".confusion .right").first().waitFor();
  return `${await cells.count()} cells, ${await tab.locator(".figures").first().textContent()}`;
}

async function evaluate(t, tab) {
  if (!t.short) await evaluateClips(t, tab);
  const cells = await matrix(tab, "words");
  return `${await cells.count()} cells`;
}

/** Plays streams, moves the point by keys, and writes it into the model. */
async function operatingPoint(t, tab) {
  const handle = tab.getByRole("slider", { name: "Operating point" });
  const play = tab.getByRole("button", { name: "Play the streams" });
  await handle.or(play).first().waitFor();
  if (await play.isVisible()) {
    await tab.getByLabel("Hours of stream").fill("0.3");
    await tab.getByLabel("Words an hour").fill("900");
    await tab.getByLabel("Words above noise, dB").fill("8");
    await play.click();
  }
  await handle.waitFor({ timeout: 60_000 });
  const tiles = tab.locator(".tradeoff .tile strong");
  await tiles.first().waitFor();
  const before = await handle.getAttribute("aria-valuetext");
  assert.ok(Number(await handle.getAttribute("aria-valuemax")) > 1, "the curve has points to move along");
  await handle.focus();
  await tab.keyboard.press("Home");
  await tab.waitForTimeout(400);
  const low = await tiles.allTextContents();
  await tab.keyboard.press("End");
  await tab.waitForFunction((old) => [...document.querySelectorAll(".tradeoff .tile strong")].map((n) => n.textContent).join() !== old, low.join());
  const high = await tiles.allTextContents();
  assert.ok(Number(high[1].replace(",", "")) > Number(low[1]), `false accepts an hour follow: ${low} then ${high}`);
  // As few false accepts as leave half of the words, and not so many that everything is a word.
  await tab.keyboard.press("Home");
  const numbers = async () => (await handle.getAttribute("aria-valuetext")).replace(",", "").match(/[\d.]+/g).map(Number);
  for (let k = 0; k < 50; k++) {
    const [accepts, missed] = await numbers();
    if (missed <= 45 || accepts > 60) break;
    await tab.keyboard.press("ArrowRight");
  }
  await tab.waitForTimeout(500);
  const blob = path.join(t.folder, "runs/words/model.elman");
  const old = fs.readFileSync(blob);
  await tab.getByRole("button", { name: "Use this point" }).click();
  await tab.locator(".note").filter({ hasText: "has this point now" }).waitFor();
  assert.notEqual(Buffer.compare(old, fs.readFileSync(blob)), 0, "the point is in the blob");
  return `${before} at first, ${await handle.getAttribute("aria-valuetext")} in the end`;
}

/** A miss or a false accept becomes a clip in two clicks. */
async function hardExample(t, tab) {
  const rows = tab.locator(".moments .clip");
  if ((await rows.count()) === 0) await tab.getByRole("button", { name: /^(Misses|False accepts) \([1-9]/ }).first().click();
  await rows.first().click();
  const unknown = () => fs.readdirSync(path.join(t.folder, "clips/unknown")).length;
  const before = unknown();
  await tab.getByLabel("Hard example of …").selectOption("unknown");
  await tab.locator(".note").filter({ hasText: "is a clip of" }).waitFor();
  assert.equal(unknown(), before + 1);
  await tab.locator(".note button").first().click();
  await tab.locator(".note").filter({ hasText: "Undone" }).waitFor();
  assert.equal(unknown(), before);
}

/** The core in the page, through the same clip as the server's: every probability is the same integer. */
async function sameBits(t, tab) {
  const clip = fs.readdirSync(path.join(t.folder, "clips/yes")).find((name) => name.endsWith(".flac"));
  const compared = await tab.evaluate(async (name) => {
    const load = async (url) => (await fetch(url)).arrayBuffer();
    const query = `class=yes&name=${encodeURIComponent(name)}`;
    const [code, blob, wav, track] = await Promise.all([load("/core.wasm"), load("/api/runs/words/model"), load(`/api/clip?kind=clips&${query}&as=wav`), fetch(`/api/clip/track?${query}&run=words`).then((r) => r.json())]);
    const core = (await WebAssembly.instantiate(code, {})).instance.exports;
    new Uint8Array(core.memory.buffer, core.elman_blob(blob.byteLength), blob.byteLength).set(new Uint8Array(blob));
    if (core.elman_load(blob.byteLength) !== 0) throw new Error("the core does not load the blob");
    const at = new TextDecoder("latin1").decode(wav).indexOf("data") + 8;
    const samples = new Int16Array(wav.slice(at, at + ((wav.byteLength - at) & ~1)));
    const probabilities = [];
    // Blocks of a length that divides nothing.
    for (let from = 0; from < samples.length; from += 117) {
      const part = samples.subarray(from, from + 117);
      new Int16Array(core.memory.buffer, core.elman_samples(), part.length).set(part);
      const frames = core.elman_push(part.length);
      probabilities.push(...new Uint16Array(core.memory.buffer, core.elman_probabilities(), frames * core.elman_outputs()));
    }
    const same = probabilities.every((p, k) => p === track.probabilities[k]);
    return { same, ours: probabilities.length, theirs: track.probabilities.length };
  }, clip);
  assert.ok(compared.ours > 50, `only ${compared.ours} probabilities`);
  assert.equal(compared.ours, compared.theirs);
  assert.ok(compared.same, "an integer differs");
  return `${compared.ours} integers`;
}

/** Listens to the word that the microphone plays. */
async function live(t, tab) {
  await view(tab, "live");
  await tab.getByRole("button", { name: "Start listening" }).click();
  const events = tab.locator(".events li");
  const wanted = t.short ? 2 : 5;
  await tab.waitForFunction((n) => document.querySelectorAll(".events li").length >= n || document.querySelector("main .error"), wanted, { timeout: 40_000 });
  const labels = await events.evaluateAll((list) => list.map((e) => e.dataset.label));
  const right = labels.filter((l) => l === "yes").length;
  assert.ok(right >= wanted / 2 && right > labels.length / 2, `the microphone says yes, and the events are ${labels}`);
  assert.deepEqual(await tab.locator(".facts-table td").evaluateAll((cells) => cells.slice(1, 4).map((c) => c.textContent)), ["off", "off", "off"]);
  await tab.getByRole("button", { name: "Stop listening" }).click();
  return labels.join(", ");
}

/** `length` bytes of a UF2 file from an address on. */
function flashed(uf2, address, length) {
  const found = Buffer.alloc(length, 0xff);
  for (let at = 0; at + 512 <= uf2.length; at += 512) {
    assert.equal(uf2.readUInt32LE(at), 0x0a324655, "a block of UF2");
    const from = uf2.readUInt32LE(at + 12) - address;
    const bytes = uf2.subarray(at + 32, at + 32 + uf2.readUInt32LE(at + 16));
    bytes.forEach((byte, k) => from + k >= 0 && from + k < length && (found[from + k] = byte));
  }
  return found;
}

async function taken(tab, link) {
  const [file] = await Promise.all([tab.waitForEvent("download"), link.click()]);
  return { name: file.suggestedFilename(), bytes: fs.readFileSync(await file.path()) };
}

async function download(t, tab) {
  await view(tab, "device");
  await tab.getByLabel("Run", { exact: true }).selectOption("words");
  await tab.locator(".figures").first().waitFor();
  const blob = await taken(tab, tab.getByRole("link", { name: "Download the blob" }));
  assert.equal(Buffer.compare(blob.bytes, fs.readFileSync(path.join(t.folder, "runs/words/model.elman"))), 0, "the blob is the run's");
  const file = await taken(tab, tab.locator('[data-board="pico"]').getByRole("link", { name: "Download .uf2" }));
  // The weights in the order of the board's core, as the command line writes them.
  const exported = path.join(t.folder, ".studio/exported");
  execFileSync(t.elman, ["export", path.join(t.folder, "runs/words"), "--to", exported, "--core", "m0"], { stdio: "ignore" });
  const wanted = fs.readFileSync(path.join(exported, fs.readdirSync(exported).find((name) => name.endsWith(".elman"))));
  const slot = flashed(file.bytes, SLOT.at, SLOT.blob + wanted.length);
  assert.equal(slot.toString("latin1", 0, 4), "ESLT");
  assert.equal(slot.readUInt32LE(8), wanted.length);
  const inSlot = slot.subarray(SLOT.blob);
  assert.equal(Buffer.compare(inSlot, wanted), 0, "the model slot has the blob");
  assert.equal(Buffer.compare(slot.subarray(24, 88), createHash("sha512").update(inSlot).digest()), 0, "the slot's digest");
  return `${file.name}, ${file.bytes.length} bytes, its slot has the blob of ${wanted.length}`;
}

export async function wholePath(t) {
  await step("record three words", () => recordAll(t));
  const chrome = await browser(t.chromium, t.server, t.spoken);
  try {
    const tab = await chrome.page();
    await step("train, and the curves move", () => train(t, tab));
    await step("evaluate: confusion, clips, posterior track", () => evaluate(t, tab));
    await step("operating point by keys", () => operatingPoint(t, tab));
    await step("a hard example in two clicks", () => hardExample(t, tab));
    await step("the core in the page gives the server's integers", () => sameBits(t, tab));
    await step("the word is detected live", () => live(t, tab));
    await step("download", () => download(t, tab));
    await step("no errors in the page, no request to another host", () => {
      assert.deepEqual(chrome.problems, []);
      assert.deepEqual(chrome.foreign, []);
    });
  } finally {
    await chrome.end();
  }
}
