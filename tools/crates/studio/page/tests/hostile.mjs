// What a page must stand: names with HTML, files that are no sound, another origin, many tabs.

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { browser, step, view, wav } from "./harness.mjs";
import { RATE } from "./corpus.mjs";

const NAME = "<img src=x onerror=alert(1)>${x}'";

/** A clip of a person, `times` as loud as it was. */
function louder(clip, times) {
  return wav([clip.map((s) => Math.max(-32768, Math.min(32767, s * times)))], RATE);
}

/** Names are text wherever they are shown, and the gates' sentence too. */
async function names(t, tab) {
  await tab.evaluate(() => (window.alert = () => (document.title = "alert")));
  await t.server.json("POST", "classes", { kind: "clips", name: NAME });
  const query = `clips?kind=clips&class=${encodeURIComponent(NAME)}&name=${encodeURIComponent(`${NAME}.wav`)}&force=true`;
  await t.server.json("PUT", query, new Uint8Array(louder(t.clip, 1)));
  await view(tab, "data");
  const card = tab.locator("[data-class]").filter({ hasText: NAME });
  await card.click();
  await tab.locator(".clip").filter({ hasText: NAME }).first().click();
  await tab.locator(".detail canvas").first().waitFor();
  // What the server says of a name is text as well.
  await tab.getByRole("button", { name: "+ New class" }).click();
  await tab.getByLabel("Name").fill(`${NAME}/`);
  await tab.getByRole("button", { name: "OK" }).click();
  await tab.locator("dialog .error").waitFor();
  await tab.keyboard.press("Escape");
  assert.equal(await tab.locator("main img, dialog img").count(), 0, "a name became an element");
  assert.notEqual(await tab.title(), "alert");
  await t.server.ask("DELETE", `classes?kind=clips&name=${encodeURIComponent(NAME)}`);
}

/** Files of which none is good: each is named with its reason; one is kept all the same, and undone. */
async function badFiles(t, tab) {
  await view(tab, "data");
  await tab.locator('[data-class="yes"]').click();
  const clips = path.join(t.folder, "clips/yes");
  const before = fs.readdirSync(clips).length;
  const file = (name, buffer) => ({ name, mimeType: "audio/wav", buffer });
  await tab.locator('input[type="file"]').setInputFiles([file("loud.wav", louder(t.clip, 40)), file("still.wav", wav([new Int16Array(RATE)], RATE)), file("noise.wav", Buffer.from("no sound at all")), file("empty.wav", Buffer.alloc(0))]);
  await tab.waitForFunction(() => document.querySelectorAll("main .error strong").length === 4);
  const said = await tab.locator("main .error").allTextContents();
  assert.match(said[0], /loud\.wav.*clipped/s);
  assert.match(said[1], /still\.wav.*silent/s);
  assert.match(said[2], /noise\.wav/);
  assert.equal(fs.readdirSync(clips).length, before, "nothing was stored");
  await tab.locator("main .error").first().getByRole("button", { name: "Keep it all the same" }).click();
  await tab.getByRole("searchbox", { name: "Find" }).fill("loud");
  await tab.locator(".clip").filter({ hasText: "loud.wav" }).waitFor();
  await tab.getByRole("searchbox", { name: "Find" }).fill("");
  await tab.locator(".virtual").focus();
  await tab.keyboard.press("Control+z");
  await tab.locator(".note").filter({ hasText: "Undone" }).waitFor();
  assert.equal(fs.readdirSync(clips).length, before, "undo took it back");
}

/** A page of another origin in the same browser, with the cookie there: it reads nothing and changes nothing. */
async function secondOrigin(t, chrome, tab) {
  const other = http.createServer((_, answer) => answer.end("<!doctype html><title>other</title>"));
  await new Promise((done) => other.listen(0, "127.0.0.1", done));
  try {
    const page = await tab.context().newPage();
    await page.goto(`http://127.0.0.1:${other.address().port}/`);
    const tried = await page.evaluate(async (origin) => {
      const attempt = async (url, init) => {
        try {
          const answer = await fetch(url, { credentials: "include", ...init });
          return answer.type === "opaque" ? "opaque" : answer.status;
        } catch {
          return "blocked";
        }
      };
      return [
        await attempt(`${origin}/api/project`),
        await attempt(`${origin}/api/classes`, { method: "POST", mode: "no-cors", body: '{"kind":"clips","name":"stolen"}' }),
        await attempt(`${origin}/api/undo`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }),
      ];
    }, t.server.origin);
    assert.equal(tried[0], "blocked");
    assert.equal(tried[2], "blocked");
    assert.ok(!fs.existsSync(path.join(t.folder, "clips/stolen")), "another origin made a class");
    await page.close();
  } finally {
    other.close();
  }
}

/** Many tabs of one browser: each is alive, and a change in one shows in all. */
async function manyTabs(t, chrome, tab) {
  const count = t.short ? 8 : 50;
  const context = tab.context();
  const tabs = [];
  for (let k = 0; k < count; k++) {
    const next = await context.newPage();
    await next.goto(`${t.server.origin}/#data`);
    tabs.push(next);
  }
  await Promise.all(tabs.map((p) => p.locator("[data-class]").first().waitFor({ timeout: 30_000 })));
  const start = performance.now();
  await t.server.json("POST", "classes", { kind: "clips", name: "everywhere" });
  await Promise.all(tabs.map((p) => p.locator('[data-class="everywhere"]').waitFor({ timeout: 30_000 })));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  await t.server.ask("DELETE", "classes?kind=clips&name=everywhere");
  await Promise.all(tabs.map((p) => p.close()));
  return `${count} tabs show a change within ${seconds} s`;
}

/** By keys alone, and in Chinese. */
async function keyboard(t, tab) {
  await tab.goto(`${t.server.origin}/#data`);
  await tab.locator("[data-class]").first().waitFor();
  for (const [key, name] of [["2", "train"], ["3", "evaluate"], ["4", "live"], ["5", "device"], ["1", "data"]]) {
    await tab.keyboard.press(key);
    await tab.waitForSelector(`main.view-${name}`);
  }
  await tab.locator('[data-class="yes"]').focus();
  await tab.keyboard.press("Enter");
  await tab.locator(".virtual").focus();
  await tab.keyboard.press("ArrowDown");
  await tab.keyboard.press("ArrowDown");
  const chosen = tab.locator('.clip[aria-selected="true"]');
  const name = await chosen.locator(".clip-name").textContent();
  const gone = () => !fs.existsSync(path.join(t.folder, "clips/yes", name));
  await tab.keyboard.press("e");
  await tab.locator(".note").filter({ hasText: "excluded" }).waitFor();
  assert.ok(gone(), `${name} is excluded`);
  await tab.locator(".virtual").focus();
  await tab.keyboard.press("Control+z");
  await tab.locator(".note").filter({ hasText: "Undone" }).waitFor();
  assert.ok(!gone(), `${name} is back`);
  await tab.getByLabel("Language").selectOption("zh");
  assert.equal(await tab.locator("nav a").first().textContent(), "数据");
  assert.equal(await tab.evaluate(() => document.documentElement.lang), "zh-CN");
  await tab.getByLabel("语言").selectOption("en");
  // Everything that can be operated has a name.
  for (const view of ["data", "train", "evaluate", "live", "device"]) {
    await tab.goto(`${t.server.origin}/#${view}`);
    await tab.waitForTimeout(300);
    const nameless = await tab.evaluate(() => [...document.querySelectorAll("button, a, select, input:not([type=file]), [role=slider], [role=listbox], [role=img]")].filter((n) => n.checkVisibility() && !(n.getAttribute("aria-label") || n.textContent.trim() || n.labels?.length)).map((n) => n.outerHTML));
    assert.deepEqual(nameless, [], view);
  }
}

export async function hostile(t) {
  const chrome = await browser(t.chromium, t.server, null);
  try {
    const tab = await chrome.page();
    await step("names with HTML are text", () => names(t, tab));
    await step("bad files are rejected in place", () => badFiles(t, tab));
    await step("a second origin gets nothing", () => secondOrigin(t, chrome, tab));
    await step("keys, names for screen readers, Chinese", () => keyboard(t, tab));
    await step("many tabs", () => manyTabs(t, chrome, tab));
    await step("no errors in these pages, no request to another host", () => {
      assert.deepEqual(chrome.problems, []);
      assert.deepEqual(chrome.foreign, []);
    });
  } finally {
    await chrome.end();
  }
}
