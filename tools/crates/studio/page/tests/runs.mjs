// Runs: paused, resumed and stopped in the page, and one that the command line started. Tables: a plot for each channel.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { browser, step, view } from "./harness.mjs";

const state = (run, ...states) => states.map((s) => `[data-run="${run}"][data-state="${s}"]`).join(", ");

async function pauseResumeStop(tab) {
  await view(tab, "train");
  await tab.getByLabel("Preset").selectOption("three-words");
  await tab.locator('[data-key="train.epochs"] input').first().fill("5000");
  await tab.getByLabel("Name", { exact: true }).fill("long");
  await tab.getByRole("button", { name: "Start training" }).click();
  const run = tab.locator('[data-run="long"]');
  const epochs = async () => Number(/epoch (\d+)/.exec(await run.textContent())?.[1] ?? 0);
  const reach = (n) => tab.waitForFunction((least) => Number(/epoch (\d+)/.exec(document.querySelector('[data-run="long"]')?.textContent ?? "")?.[1] ?? 0) >= least, n, { timeout: 40_000 });
  await reach(1);
  await run.getByRole("button", { name: "Pause" }).click();
  await tab.locator(state("long", "paused")).waitFor({ timeout: 40_000 });
  const before = await epochs();
  await run.getByRole("button", { name: "Resume" }).click();
  await reach(before + 1);
  await run.getByRole("button", { name: "Stop" }).click();
  await tab.locator(state("long", "trained", "quantizing", "evaluating", "calibrating", "ready")).waitFor({ timeout: 40_000 });
  await tab.locator(state("long", "ready")).waitFor({ timeout: 60_000 });
  return `paused at epoch ${before}, stopped at ${await epochs()}`;
}

/** A value that cannot be is said at once, next to the field's form. */
async function wrongValue(tab) {
  await view(tab, "train");
  await tab.getByLabel("Preset").selectOption("three-words");
  await tab.locator('[data-key="train.rate"] input').first().fill("-1");
  const error = tab.locator("form .error");
  await error.waitFor();
  const said = await error.textContent();
  assert.match(said, /rate/);
  await tab.locator("summary").filter({ hasText: "All values" }).click();
  await tab.getByRole("searchbox", { name: "Find a value" }).fill("hop_ms");
  await tab.locator('[data-key="features.hop_ms"] .hint').waitFor();
  await tab.getByRole("button", { name: "Reset all" }).click();
  await error.waitFor({ state: "detached" });
  return said;
}

async function commandLine(t, tab) {
  await view(tab, "train");
  const words = ["train", "recipes/three-words.toml", "--data", "clips", "--out", "runs/typed", "--set", "train.epochs=400"];
  const child = spawn(t.elman, words, { cwd: t.folder, stdio: "ignore" });
  const ended = new Promise((done) => child.on("exit", done));
  try {
    const run = tab.locator('[data-run="typed"]');
    await run.getByText("command line").waitFor({ timeout: 40_000 });
    await tab.locator(state("typed", "training")).waitFor({ timeout: 40_000 });
  } finally {
    child.kill("SIGINT");
    await ended;
  }
  await tab.locator(state("typed", "paused")).waitFor({ timeout: 40_000 });
}

async function tables(t, tab) {
  await view(tab, "data");
  await tab.getByRole("button", { name: "Tables" }).click();
  await tab.getByRole("button", { name: "+ New class" }).click();
  await tab.getByLabel("Name", { exact: true }).fill("circle");
  await tab.getByRole("button", { name: "OK" }).click();
  await tab.locator('[data-class="circle"]').waitFor();
  const rows = Array.from({ length: 80 }, (_, k) => `${Math.cos(k / 9).toFixed(4)},${Math.sin(k / 9).toFixed(4)},1`);
  await tab.locator('input[type="file"]').setInputFiles([{ name: "one.csv", mimeType: "text/csv", buffer: Buffer.from(["ax,ay,az", ...rows].join("\n")) }]);
  await tab.locator(".clip").filter({ hasText: "one.csv" }).click();
  await tab.locator(".detail .chart canvas").nth(2).waitFor();
  assert.equal(await tab.locator(".detail .chart").count(), 3);
  assert.ok(fs.existsSync(path.join(t.folder, "tables/circle/one.csv")));
  await tab.getByRole("button", { name: "Sound" }).click();
  await tab.locator('[data-class="yes"]').waitFor();
}

export async function runs(t) {
  const chrome = await browser(t.chromium, t.server, null);
  try {
    const tab = await chrome.page();
    await step("tables have a plot for each channel", () => tables(t, tab));
    await step("a wrong value is reported at once", () => wrongValue(tab));
    await step("pause, resume, stop", () => pauseResumeStop(tab));
    await step("a run of the command line shows", () => commandLine(t, tab));
    await step("no errors in this page", () => {
      assert.deepEqual(chrome.problems, []);
      assert.deepEqual(chrome.foreign, []);
    });
  } finally {
    await chrome.end();
  }
}
