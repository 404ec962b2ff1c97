// A question with one line of answer.

import { t } from "../i18n/i18n";
import { button, field, h } from "./dom";
import { complain } from "./say";

/** Asks until `accept` takes the answer; null if the person gave up. */
export function ask(title: string, label: string, value: string, accept: (value: string) => Promise<unknown>): Promise<string | null> {
  return new Promise((done) => {
    const input = h("input", { type: "text", value, required: true, maxlength: 100, autocomplete: "off" });
    const errors = h("div", {});
    let answer: string | null = null;
    const submit = async (event: Event) => {
      event.preventDefault();
      const text = input.value.trim();
      try {
        await accept(text);
        answer = text;
        dialog.close();
      } catch (error) {
        complain(errors, error);
      }
    };
    const form = h("form", { onsubmit: submit }, h("h2", {}, title), field(label, input), errors, h("div", { class: "row end" }, button(t("cancel"), () => dialog.close()), h("button", { class: "primary", type: "submit" }, t("ok"))));
    const dialog = h("dialog", { "aria-label": title, onclose: () => (dialog.remove(), done(answer)) }, form);
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}

/** Asks whether to do what cannot be undone or is large. */
export function confirm(question: string, yes: string): Promise<boolean> {
  return new Promise((done) => {
    let answer = false;
    const dialog = h(
      "dialog",
      { "aria-label": question, onclose: () => (dialog.remove(), done(answer)) },
      h("p", {}, question),
      h("div", { class: "row end" }, button(t("cancel"), () => dialog.close()), button(yes, () => ((answer = true), dialog.close()), { class: "danger" })),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
