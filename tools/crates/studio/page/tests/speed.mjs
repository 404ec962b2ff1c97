// 10,000 clips: time to the first paint, of interactions with the list, and of frames while it scrolls.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { browser, step, studio, temporary, wav } from "./harness.mjs";
import { RATE } from "./corpus.mjs";

const CLIPS = 10_000;
/** Limits of the page, in milliseconds. */
const FIRST_PAINT = 1000;
const INTERACTION = 100;

function manyClips(folder) {
  const to = path.join(folder, "clips/many");
  fs.mkdirSync(to, { recursive: true });
  for (let k = 0; k < CLIPS; k++) {
    const samples = Int16Array.from({ length: RATE / 20 }, (_, n) => ((n * (k + 3)) % 2000) - 1000);
    fs.writeFileSync(path.join(to, `anna_nohash_${k}.wav`), wav([samples], RATE));
  }
}

/** Milliseconds from an input to the frame that shows its effect, for each of several. */
async function interactions(tab) {
  await tab.evaluate(() => {
    window.times = [];
    const watch = () => {
      const start = performance.now();
      requestAnimationFrame(() => requestAnimationFrame(() => window.times.push(performance.now() - start)));
    };
    const list = document.querySelector(".virtual");
    for (const type of ["keydown", "pointerdown", "wheel"]) list.addEventListener(type, watch, { capture: true, passive: true });
  });
  const list = tab.locator(".virtual");
  await list.focus();
  for (const key of ["ArrowDown", "ArrowDown", "PageDown", "PageDown", "End", "Home", "ArrowDown", "x", "x"]) {
    await tab.keyboard.press(key);
    await tab.waitForTimeout(120);
  }
  await list.hover();
  for (const delta of [400, 4000, 40_000, -20_000, 100_000, -300_000]) {
    await tab.mouse.wheel(0, delta);
    await tab.waitForTimeout(120);
  }
  for (const k of [3, 5, 7]) {
    await tab.locator(".clip").nth(k).click();
    await tab.waitForTimeout(120);
  }
  return tab.evaluate(() => window.times);
}

/** Milliseconds of each frame while the list scrolls through all clips in two seconds. */
function scrolling(tab) {
  return tab.evaluate(
    () =>
      new Promise((done) => {
        const list = document.querySelector(".virtual");
        const most = list.scrollHeight - list.clientHeight;
        const frames = [];
        const start = performance.now();
        let last = start;
        const frame = (now) => {
          frames.push(now - last);
          last = now;
          list.scrollTop = (most * (now - start)) / 2000;
          if (now - start < 2000) requestAnimationFrame(frame);
          else done(frames.slice(1));
        };
        requestAnimationFrame(frame);
      }),
  );
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Milliseconds to the first paint, and until the list is there: the median of five loads, since other work delays single ones. */
async function loads(server, tab) {
  const [paints, lists] = [[], []];
  for (let k = 0; k < 5; k++) {
    await tab.goto("about:blank");
    await tab.goto(`${server.origin}/#data`);
    await tab.locator(".clip").first().waitFor();
    lists.push(await tab.evaluate(() => performance.now()));
    paints.push(await tab.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  }
  return [median(paints), median(lists)];
}

export async function speed(t) {
  const folder = temporary();
  let server = null;
  let chrome = null;
  try {
    await step(`${CLIPS} clips`, async () => {
      manyClips(folder);
      server = await studio(t.elman, folder);
      chrome = await browser(t.chromium, server, null);
      const tab = await chrome.page();
      await tab.locator(".clip").first().waitFor({ timeout: 60_000 });
      // What the server measures of clips that it sees for the first time goes on after the list is there.
      const [paint, listed] = await loads(server, tab);
      const times = await interactions(tab);
      const frames = (await scrolling(tab)).sort((a, b) => a - b);
      const rows = await tab.locator(".clip").count();
      assert.ok(rows < 100, `${rows} rows are in the page`);
      assert.ok(times.length >= 15, `only ${times.length} interactions were measured`);
      const worst = Math.max(...times);
      const p95 = frames[Math.floor(frames.length * 0.95)];
      assert.ok(paint <= FIRST_PAINT, `first paint after ${paint} ms`);
      assert.ok(worst <= INTERACTION, `an interaction took ${worst} ms of ${times.map(Math.round)}`);
      assert.deepEqual(chrome.problems, []);
      return `first paint ${paint.toFixed(0)} ms, list there after ${listed.toFixed(0)} ms, slowest of ${times.length} interactions ${worst.toFixed(0)} ms, 95 % of frames within ${p95.toFixed(0)} ms while scrolling`;
    });
  } finally {
    await chrome?.end();
    await server?.end();
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
