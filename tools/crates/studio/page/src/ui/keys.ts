// The list of keys.

import { t, type Key } from "../i18n/i18n";
import { button, h } from "./dom";

const KEYS: [keys: string, what: Key][] = [
  ["1 … 5", "keys.views"],
  ["↑ ↓ PgUp PgDn Home End", "keys.list"],
  ["Space", "keys.play"],
  ["X", "keys.mark"],
  ["E", "keys.exclude"],
  ["M", "keys.move"],
  ["Delete", "keys.delete"],
  ["R", "keys.record"],
  ["Ctrl Z", "keys.undo"],
  ["← → ↑ ↓", "keys.point"],
  ["?", "keys"],
];

/** Shows it. */
export function showKeys(): void {
  const dialog = h(
    "dialog",
    { "aria-label": t("keys"), onclose: () => dialog.remove() },
    h("h2", {}, t("keys")),
    h("dl", { class: "keys" }, KEYS.map(([keys, what]) => [h("dt", {}, keys.split(" ").map((k) => h("kbd", {}, k))), h("dd", {}, t(what))])),
    button(t("close"), () => dialog.close(), { class: "primary", autofocus: true }),
  );
  document.body.append(dialog);
  dialog.showModal();
}
