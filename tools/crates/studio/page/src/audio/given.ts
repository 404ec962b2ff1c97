// What the browser really does to the microphone's sound, and what to do where it gives none.

import { number, t } from "../i18n/i18n";
import { h } from "../ui/dom";
import type { Given } from "./microphone";

/** A table of the microphone's settings; what should be off and is on is marked. */
export function settingsTable(given: Given): HTMLElement {
  const off = (value: boolean | undefined) => (value === undefined ? t("mic.unknown") : value ? h("strong", { class: "bad" }, t("mic.on")) : t("mic.off"));
  const rows: [string, Node | string][] = [
    [t("mic.name"), given.label || "–"],
    [t("mic.gain"), off(given.gain)],
    [t("mic.noise"), off(given.noise)],
    [t("mic.echo"), off(given.echo)],
    [t("mic.rate"), given.deviceRate && given.deviceRate !== given.rate ? t("mic.converted", { from: number(given.deviceRate), to: number(given.rate) }) : t("mic.hz", { rate: number(given.rate) })],
  ];
  return h("table", { class: "facts-table" }, h("caption", {}, t("mic.title")), h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))));
}

/** Why there is no microphone, and the way out. */
export function microphoneProblem(error: unknown): string {
  const name = (error as Error)?.name;
  if ((error as Error)?.message === "insecure") return t("mic.error.insecure");
  if (name === "NotAllowedError") return t("mic.error.denied");
  if (name === "NotFoundError") return t("mic.error.none");
  if (name === "NotReadableError") return t("mic.error.busy");
  return t("mic.error.other", { error: String((error as Error)?.message ?? error) });
}
