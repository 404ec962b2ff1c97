// What the tests share: elman studio in a project of its own, Chromium with a microphone that plays a file, and a watcher that
// keeps every request to another host.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

/** Flags of the command line: `--name value`, or `--name` alone. */
export function flags(words) {
  const found = {};
  for (let k = 0; k < words.length; k++) {
    const next = words[k + 1];
    const alone = next === undefined || next.startsWith("--");
    found[words[k].replace(/^--/, "")] = alone ? true : next;
    if (!alone) k += 1;
  }
  return found;
}

let failed = 0;

/** Runs a test, prints its time, and goes on where it fails. */
export async function step(name, run) {
  const start = performance.now();
  try {
    const said = await run();
    console.log(`ok   ${name}${said ? `: ${said}` : ""} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.stack ?? error}`);
    return false;
  }
}

export const failures = () => failed;

/** A folder that is removed at the end. */
export function temporary() {
  return fs.mkdtempSync(path.join(os.tmpdir(), "elman-studio-"));
}

/** Starts `elman studio` and waits for its address. */
export async function studio(elman, folder, more = []) {
  const child = spawn(elman, ["studio", folder, "--no-open", "--port", "0", ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const address = await new Promise((done, fail) => {
    const limit = setTimeout(() => fail(new Error(`elman studio prints no address:\n${said}`)), 20_000);
    const read = (chunk) => {
      said += chunk;
      const found = /http:\/\/127\.0\.0\.1:(\d+)\/\?token=([\w-]+)/.exec(said);
      if (!found) return;
      clearTimeout(limit);
      done({ url: found[0], port: Number(found[1]), token: found[2] });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => fail(new Error(`elman studio ended with ${code}:\n${said}`)));
  });
  const origin = `http://127.0.0.1:${address.port}`;
  const ask = async (method, route, body) => {
    const json = body !== undefined && !(body instanceof Uint8Array);
    const headers = { "x-elman-token": address.token, ...(json ? { "content-type": "application/json" } : {}) };
    const answer = await fetch(`${origin}/api/${route}`, { method, headers, body: json ? JSON.stringify(body) : body });
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const end = () => new Promise((done) => (child.exitCode !== null ? done() : (child.on("exit", done), child.kill("SIGINT"))));
  return { ...address, origin, folder, ask, json: async (...all) => (await ask(...all)).json(), end, child };
}

/** Chromium whose microphone plays a wav file over and over. `foreign` collects requests to other hosts. */
export async function browser(program, server, wav) {
  const sound = wav ? [`--use-file-for-fake-audio-capture=${wav}`] : [];
  const chrome = await chromium.launch({
    executablePath: program,
    args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required", ...sound],
  });
  const foreign = [];
  const problems = [];
  async function page(options = {}) {
    const context = options.context ?? (await chrome.newContext({ viewport: { width: 1400, height: 900 }, permissions: ["microphone"], acceptDownloads: true, locale: "en-GB", ...options }));
    const tab = await context.newPage();
    tab.on("request", (request) => {
      const url = new URL(request.url());
      if (!["data:", "blob:"].includes(url.protocol) && url.origin !== server.origin) foreign.push(request.url());
    });
    tab.on("pageerror", (error) => problems.push(error.stack ?? error.message));
    tab.setDefaultTimeout(15_000);
    await tab.goto(server.url);
    await tab.waitForSelector("main");
    return tab;
  }
  return { page, foreign, problems, chrome, end: () => chrome.close() };
}

/** Goes to a view by its tab. */
export async function view(tab, name) {
  await tab.locator(`nav a[href="#${name}"]`).click();
  await tab.waitForSelector(`main.view-${name}`);
}

/** Files of a tar archive by name, those that `wanted` accepts. */
export function untar(file, wanted) {
  const bytes = fs.readFileSync(file);
  const found = new Map();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const text = (from, length) => bytes.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = parseInt(text(124, 12).trim(), 8) || 0;
    const name = text(0, 100);
    if (wanted(name)) found.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

/** Samples of a wav file with a header of any length. */
export function samples(bytes) {
  const at = bytes.indexOf("data", 12, "latin1");
  const size = Math.min(bytes.readUInt32LE(at + 4), bytes.length - at - 8);
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + at + 8, bytes.byteOffset + at + 8 + (size & ~1)));
}

/** A wav file of 16 bits and one channel. */
export function wav(parts, rate) {
  const length = parts.reduce((sum, p) => sum + p.length, 0);
  const bytes = Buffer.alloc(44 + length * 2);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(36 + length * 2, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(length * 2, 40);
  let at = 44;
  for (const part of parts) for (const sample of part) at = bytes.writeInt16LE(sample, at);
  return bytes;
}
