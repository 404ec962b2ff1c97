import { t } from "../i18n/i18n";
import type { Run } from "../types";
import { h } from "../ui/dom";

export function serialPanel(): { node: HTMLElement; use(run: Run | null): void; end(): void } {
  const node = h("section", { class: "panel" }, h("h2", {}, t("serial.title")), h("p", { class: "hint" }, t("serial.none")));
  return { node, use() {}, end() {} };
}
