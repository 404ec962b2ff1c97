// Every value of a recipe, with its help; what differs from the preset is marked and sent.

import { t } from "../i18n/i18n";
import type { RecipeKey } from "../types";
import { field, fill, h, select, button } from "../ui/dom";

export interface RecipeValues {
  node: HTMLElement;
  /** A field for a key that is bound to the same value as the one in the list; null if there is no such key. */
  control(key: string): HTMLElement | null;
  /** The keys that were changed and their values. */
  changed(): Record<string, unknown>;
}

/** A list or table is typed as JSON, everything else as itself. */
function parse(key: RecipeKey, text: string): unknown {
  if (key.type === "int" || key.type === "float") return text.trim() === "" ? key.value : Number(text);
  if (key.type === "list" || key.type === "table") {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

/** A value as it is typed. The server's numbers of 32 bits have digits that nobody typed. */
function written(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  if (Array.isArray(value)) return `[${value.map((v) => (typeof v === "number" ? written(v) : JSON.stringify(v))).join(", ")}]`;
  return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function recipeValues(keys: RecipeKey[], change: () => void): RecipeValues {
  const values = new Map<string, unknown>();
  const shown = new Map<string, Set<HTMLElement>>();
  const list = h("div", { class: "stack" });
  const find = h("input", { type: "search", placeholder: t("train.find"), "aria-label": t("train.find"), oninput: () => draw() });

  const differs = (key: RecipeKey) => values.has(key.key) && written(values.get(key.key)) !== written(key.value);

  function set(key: RecipeKey, value: unknown, from: HTMLElement): void {
    values.set(key.key, value);
    for (const control of shown.get(key.key) ?? []) {
      control.closest(".field")?.classList.toggle("changed", differs(key));
      if (control === from) continue;
      if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = Boolean(value);
      else (control as HTMLInputElement).value = written(value);
    }
    change();
  }

  function input(key: RecipeKey): HTMLElement {
    const value = values.has(key.key) ? values.get(key.key) : key.value;
    if (key.type === "bool") {
      const box = h("input", { type: "checkbox", onchange: () => set(key, box.checked, box) });
      box.checked = Boolean(value);
      return box;
    }
    if (key.type === "choice" && key.choices) {
      const box: HTMLSelectElement = select(key.choices.map((c) => [c, c]), written(value), (v) => set(key, v, box));
      return box;
    }
    const number = key.type === "int" || key.type === "float";
    const box = h("input", { type: "text", inputmode: number ? "decimal" : "text", value: written(value), spellcheck: "false", autocomplete: "off", oninput: () => set(key, parse(key, box.value), box) });
    return box;
  }

  function control(name: string, whole = false): HTMLElement | null {
    const key = keys.find((k) => k.key === name);
    if (!key) return null;
    const box = input(key);
    const set = shown.get(name) ?? shown.set(name, new Set()).get(name)!;
    set.add(box);
    const help = [key.help, whole && key.default !== undefined && key.default !== null ? t("train.default", { value: written(key.default) }) : ""].filter(Boolean).join(" ");
    const node = field(whole ? name : name.split(".").at(-1)!, box, help || undefined);
    node.classList.toggle("changed", differs(key));
    node.dataset.key = name;
    return node;
  }

  function draw(): void {
    const text = find.value.trim().toLowerCase();
    const fits = keys.filter((k) => !text || k.key.toLowerCase().includes(text) || k.help.toLowerCase().includes(text));
    const sections = new Map<string, RecipeKey[]>();
    for (const key of fits) {
      const section = key.key.includes(".") ? key.key.split(".")[0] : t("train.general");
      sections.set(section, [...(sections.get(section) ?? []), key]);
    }
    fill(
      list,
      fits.length === 0 && h("p", { class: "empty" }, t("train.find.none")),
      [...sections].map(([section, group]) => h("details", { open: text !== "" || sections.size < 3 }, h("summary", {}, section, h("span", { class: "dim" }, ` ${group.length}`)), h("div", { class: "stack" }, group.map((k) => control(k.key, true))))),
    );
  }
  draw();

  const reset = button(t("train.reset"), () => {
    for (const key of keys) {
      if (!differs(key)) continue;
      values.delete(key.key);
      for (const c of shown.get(key.key) ?? []) {
        c.closest(".field")?.classList.remove("changed");
        if (c instanceof HTMLInputElement && c.type === "checkbox") c.checked = Boolean(key.value);
        else (c as HTMLInputElement).value = written(key.value);
      }
    }
    change();
  }, { class: "quiet" });

  return {
    node: h("div", { class: "stack" }, h("div", { class: "row" }, find, reset), list),
    control,
    changed: () => Object.fromEntries(keys.filter(differs).map((k) => [k.key, values.get(k.key)])),
  };
}
