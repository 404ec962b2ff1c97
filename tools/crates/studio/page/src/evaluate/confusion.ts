// The confusion matrix as a table of buttons; arrow keys move between the cells.

import { number, t } from "../i18n/i18n";
import type { Evaluation } from "../types";
import { button, fill, h } from "../ui/dom";

type Which = "float" | "integer";

export function confusion(e: Evaluation, open: (said: number, told: number, which: Which) => void): HTMLElement {
  let which: Which = "integer";
  const place = h("div", { class: "scroll" });

  function draw(): void {
    const counts = (which === "float" ? e.float_confusion : e.integer_confusion)?.counts ?? [];
    const cells: HTMLButtonElement[][] = [];
    const body = counts.map((row, said) => {
      const total = row.reduce((a, b) => a + b, 0);
      cells[said] = row.map((n, told) => cell(n, total, said, told));
      return h("tr", {}, h("th", { scope: "row", title: e.labels[said] }, e.labels[said]), cells[said].map((c) => h("td", {}, c)), h("td", { class: "num dim" }, number(total)));
    });
    const head = h("tr", {}, h("th", { scope: "col" }, t("evaluate.said")), e.labels.map((l) => h("th", { scope: "col", title: l }, h("span", {}, l))), h("th", { scope: "col" }, t("evaluate.sum")));
    const table = h("table", { class: "confusion", "aria-label": t("evaluate.confusion") }, h("thead", {}, head), h("tbody", {}, body));
    table.addEventListener("keydown", (event) => move(event, cells));
    fill(place, table);
  }

  function cell(n: number, total: number, said: number, told: number): HTMLButtonElement {
    const share = total > 0 ? n / total : 0;
    const label = t(e.answers.length > 0 ? "evaluate.cell" : "evaluate.steps", { n, said: e.labels[said], told: e.labels[told] });
    const node = button(n === 0 ? "·" : number(n), () => e.answers.length > 0 && open(said, told, which), { class: said === told ? "right" : n > 0 ? "wrong" : "none", "aria-label": label, title: label, tabindex: said === 0 && told === 0 ? 0 : -1, "aria-disabled": e.answers.length === 0 });
    // Small shares are seen too: few mistakes are what one looks for.
    node.style.setProperty("--share", String(n === 0 ? 0 : 0.15 + 0.85 * share));
    node.dataset.at = `${said} ${told}`;
    return node;
  }

  function move(event: KeyboardEvent, cells: HTMLButtonElement[][]): void {
    const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    const at = (event.target as HTMLElement).dataset.at?.split(" ").map(Number);
    if (!step || !at) return;
    const next = cells[at[0] + step[0]]?.[at[1] + step[1]];
    if (!next) return;
    event.preventDefault();
    cells[at[0]][at[1]].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  const kinds = (["integer", "float"] as Which[])
    .filter((k) => k === "integer" || e.float_confusion)
    .map((k) =>
      button(
        t(`evaluate.${k}`),
        () => {
          which = k;
          kinds.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.which === k)));
          draw();
        },
        { "aria-pressed": String(k === "integer"), "data-which": k },
      ),
    );
  draw();
  return h("div", { class: "stack" }, h("div", { class: "segment", role: "group", "aria-label": t("evaluate.which") }, kinds), place);
}
