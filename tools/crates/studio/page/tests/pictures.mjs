// The pictures of docs/studio.md: every view at some width, light and dark.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { browser, step } from "./harness.mjs";

const SHOTS = [
  { name: "data", view: "data", width: 1400, height: 430, scheme: "light" },
  { name: "evaluate", view: "evaluate", width: 1400, height: 620, scheme: "dark" },
  { name: "train", view: "train", width: 900, height: 900, scheme: "dark" },
  { name: "device", view: "device", width: 900, height: 800, scheme: "light" },
  { name: "live", view: "live", width: 360, height: 740, scheme: "light" },
  { name: "data-narrow", view: "data", width: 360, height: 740, scheme: "dark" },
];
const LIMIT = 100 * 1024;

/** Brings a view into the state that its picture shows. */
const POSES = {
  async data(tab) {
    await tab.locator('[data-class="yes"]').click();
    await tab.locator(".clip").nth(2).click();
    await tab.locator(".detail canvas").nth(1).waitFor();
  },
  async train(tab) {
    await tab.locator(".chart canvas").first().waitFor();
  },
  async evaluate(tab) {
    await tab.getByRole("slider").waitFor();
  },
  async live(tab) {
    await tab.getByRole("button", { name: "Start listening" }).click();
    await tab.waitForFunction(() => document.querySelectorAll(".events li").length > 0, null, { timeout: 30_000 });
    await tab.waitForTimeout(600);
  },
  async device(tab) {
    await tab.locator(".board").first().waitFor();
  },
};

export async function pictures(t) {
  const folder = path.join(t.root, "docs/studio");
  fs.mkdirSync(folder, { recursive: true });
  const chrome = await browser(t.chromium, t.server, t.spoken);
  try {
    for (const shot of SHOTS) {
      await step(`picture ${shot.name}`, async () => {
        const tab = await chrome.page({ viewport: { width: shot.width, height: shot.height }, colorScheme: shot.scheme });
        await tab.addInitScript(() => sessionStorage.setItem("run", "words"));
        await tab.goto(`${t.server.origin}/#${shot.view}`);
        await tab.reload();
        await tab.waitForSelector(`main.view-${shot.view}`);
        await POSES[shot.view](tab);
        await tab.waitForTimeout(500);
        const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px wider than the window`);
        const file = path.join(folder, `${shot.name}.png`);
        await tab.screenshot({ path: file });
        const { size } = fs.statSync(file);
        assert.ok(size < LIMIT, `${file} has ${size} bytes`);
        await tab.context().close();
        return `${size} bytes`;
      });
    }
  } finally {
    await chrome.end();
  }
}
