// Device: what the model costs on each core, the boards that it fits, its files, and a board at the serial port.

import { get, ofRun } from "../api";
import { kilobytes, number, t } from "../i18n/i18n";
import { project, runPicker } from "../state";
import type { Board, Device, Run } from "../types";
import { fill, h } from "../ui/dom";
import { attempt } from "../ui/say";
import { serialPanel } from "./serial-panel";

/** Steps of the network a second, where the model listens to sound. */
function stepsPerSecond(inspect: Record<string, any>): number | null {
  const audio = inspect.audio;
  const rate = audio?.sample_rate ?? audio?.rate;
  const hop = audio?.hop;
  return rate && hop ? rate / hop : null;
}

function costs(inspect: Record<string, any>): HTMLElement {
  const steps = stepsPerSecond(inspect);
  const estimates = (inspect.estimates ?? []) as { name: string; instructions: number; most: number; cycles: number | null }[];
  const columns = [t("device.core"), t("device.instructions"), t("device.most"), t("device.cycles"), ...(steps ? [t("device.second")] : [])];
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": t("device.costs") },
    h(
      "table",
      { class: "figures" },
      h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, estimates.map((e) => h("tr", {}, h("th", { scope: "row" }, e.name), [e.instructions, e.most, e.cycles].map((v) => h("td", {}, v === null ? "–" : number(v))), steps && h("td", {}, t("device.millions", { n: number((e.instructions * steps) / 1e6, 2) }))))),
    ),
  );
}

function tiles(inspect: Record<string, any>): HTMLElement {
  const facts: [string, string][] = [
    [t("device.flash"), kilobytes(inspect.blob_bytes)],
    [t("device.ram"), kilobytes((inspect.ram_bytes ?? 0) + (inspect.audio_ram_bytes ?? 0))],
    [t("device.macs"), number(inspect.macs ?? 0)],
    [t("device.layers"), number((inspect.layers ?? []).length)],
  ];
  return h("div", { class: "tiles" }, facts.map(([name, value]) => h("div", { class: "tile" }, h("span", { class: "dim" }, name), h("strong", {}, value))));
}

/** How much of a room is taken, as a bar with its numbers. */
function room(name: string, bytes: number | null | undefined, of: number | null | undefined): HTMLElement | null {
  if (!bytes || !of) return null;
  return h("div", { class: "room" }, h("span", {}, name), h("meter", { value: Math.min(bytes, of), max: of, low: of * 0.8, high: of * 0.95, "aria-label": name }), h("span", { class: "num dim" }, `${kilobytes(bytes)} / ${kilobytes(of)}`));
}

/** The boards that the model fits first. */
function sorted(boards: Board[]): Board[] {
  return [...boards].sort((a, b) => Number(b.fits) - Number(a.fits));
}

function board(run: Run, b: Board): HTMLElement {
  const load = b.instructions_per_second && b.clock ? t("device.load", { n: number(b.instructions_per_second / 1e6, 1), mhz: number(b.clock / 1e6) }) : null;
  const verdict = b.fits ? "device.fits" : project().firmware.includes(b.name) ? "device.unfit" : "device.nofirmware";
  const link = h("a", { class: "button", href: ofRun(run.name, "download", { board: b.name }), download: `${run.name}-${b.name}.${b.format}` }, t("device.download", { format: `.${b.format}` }));
  return h(
    "article",
    { class: `board ${b.fits ? "" : "unfit"}`, "data-board": b.name },
    h("div", { class: "row spread" }, h("h3", {}, b.name), h("span", { class: `badge ${b.fits ? "ready" : verdict === "device.unfit" ? "failed" : ""}` }, t(verdict))),
    h("p", { class: "dim" }, b.core.replace(/^m(\d+)$/, "Cortex-M$1")),
    room(t("device.flash"), b.flash_bytes, b.flash_room),
    room(t("device.ram"), b.ram_bytes, b.ram_room),
    load && h("p", { class: "hint" }, load),
    b.reason && verdict === "device.unfit" && h("p", { class: "hint" }, b.reason),
    b.fits && [h("p", { class: "hint" }, b.hint), link],
  );
}

export function deviceView(place: HTMLElement): () => void {
  const errors = h("div", {});
  const body = h("div", { class: "stack" });
  const serial = serialPanel();
  let asked = 0;

  async function show(run: Run | null): Promise<void> {
    const mine = ++asked;
    serial.use(run);
    if (!run) {
      fill(body, h("p", { class: "empty" }, t("device.none")));
      return;
    }
    await attempt(errors, async () => {
      const device = await get<Device>(ofRun(run.name, "device"));
      if (mine !== asked) return;
      const help = project().firmware_help;
      const blob = h("a", { class: "button", href: ofRun(run.name, "download", { board: "blob" }), download: `${run.name}.elman` }, t("device.blob"));
      fill(
        body,
        h("section", { class: "panel" }, h("div", { class: "row spread wrap" }, h("h2", {}, t("device.costs")), blob), tiles(device.inspect), costs(device.inspect), h("p", { class: "hint" }, t("device.estimates"))),
        h("section", { class: "panel" }, h("h2", {}, t("device.boards")), help && h("p", { class: "hint" }, help), h("div", { class: "boards" }, sorted(device.boards).map((b) => board(run, b)))),
      );
    });
  }

  const picker = runPicker((r) => r.model, (r) => void show(r));
  fill(place, h("div", { class: "row bar-row" }, h("h1", {}, t("view.device")), picker.node), errors, body, serial.node);
  return () => {
    picker.end();
    serial.end();
  };
}
