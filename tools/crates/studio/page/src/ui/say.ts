// What the page says: errors in their place, short notes, and both to screen readers.

import { ApiError } from "../api";
import { t, type Key } from "../i18n/i18n";
import { button, fill, h } from "./dom";

const live = h("div", { class: "sr", "aria-live": "polite" });
const notes = h("div", { class: "notes" });

/** The parts of the page that announce; put once into the page. */
export function speakers(): HTMLElement[] {
  return [live, notes];
}

/** Says a sentence to screen readers. */
export function announce(text: string): void {
  live.textContent = text;
}

/** Shows a sentence for some seconds, with an action if there is one. */
export function note(text: string, action?: { label: string; run: () => void }): void {
  const close = () => node.remove();
  const act = action && button(action.label, () => (close(), action.run()), { class: "quiet" });
  const node = h("div", { class: "note" }, text, act, button("×", close, { class: "quiet", "aria-label": t("close") }));
  notes.replaceChildren(node);
  announce(text);
  setTimeout(close, 8000);
}

/** The sentence of an error. Codes with a translation are said in the page's language first. */
export function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return (error as Error)?.message ?? String(error);
  const key = `reason.${error.reason}` as Key;
  const own = t(key);
  if (own === key) return error.message;
  return error.message && !own.includes(error.message) ? `${own} (${error.message})` : own;
}

/** Puts an error into a place, with a button that tries again if there is a way to. */
export function complain(place: Element, error: unknown, ...actions: { label: string; run: () => void }[]): void {
  if ((error as Error)?.name === "AbortError") return;
  fill(
    place,
    h(
      "div",
      { class: "error", role: "alert" },
      h("span", {}, sentence(error)),
      actions.map((a) => button(a.label, () => (fill(place), a.run()))),
    ),
  );
}

/** Runs something and puts its error, if it has one, into a place. */
export async function attempt(place: Element, run: () => Promise<void>): Promise<void> {
  try {
    fill(place);
    await run();
  } catch (error) {
    complain(place, error, { label: t("again"), run: () => void attempt(place, run) });
  }
}
