// Words that are typed, and spoken by the voices of `elman synth`.

import { address, post } from "../api";
import { on } from "../events";
import { t } from "../i18n/i18n";
import { project } from "../state";
import type { Job, Progress } from "../types";
import { field, fill, h, select } from "../ui/dom";
import { attempt, complain, note } from "../ui/say";

export function typedWords(): HTMLElement {
  const { synth } = project();
  const errors = h("div", {});
  const progress = h("div", { class: "hint", role: "status" });
  const words = h("input", { type: "text", required: true, placeholder: "hey lamp, stop", autocomplete: "off" });
  const count = h("input", { type: "number", min: 1, max: 500, value: 40 });
  const voices: [string, string][] = [];
  if (synth.kokoro) voices.push(["kokoro", t("words.kokoro")]);
  if (synth.espeak) voices.push(["espeak-ng", t("words.espeak")]);
  let voice = voices[0]?.[0];
  let mine: Job["id"] | null = null;

  async function speak(event: Event): Promise<void> {
    event.preventDefault();
    await attempt(errors, async () => {
      const list = words.value.split(/[,，、]/).map((w) => w.trim()).filter(Boolean);
      const job = await post<Job>(address("synth"), { words: list, count: Number(count.value), voice });
      mine = job.id;
      progress.textContent = t("words.started");
    });
  }

  const ends = [
    on("progress", (p: Progress & { job: Job["id"] }) => {
      if (!progress.isConnected) ends.forEach((e) => e());
      else if (p.job === mine) progress.textContent = `${p.text} ${p.total > 0 ? `${p.done} / ${p.total}` : ""}`;
    }),
    on("job", (job: Job) => {
      if (job.id !== mine) return;
      if (job.state === "done") {
        note(t("words.done"));
        fill(progress);
      }
      if (job.state === "failed") {
        fill(progress);
        complain(errors, new Error(job.error ?? ""));
      }
    }),
  ];

  const form = h(
    "form",
    { class: "stack", onsubmit: speak },
    field(t("words.words"), words, t("words.help")),
    h("div", { class: "fields" }, field(t("words.count"), count), voices.length > 0 && field(t("words.voice"), select(voices, voice, (v) => (voice = v)))),
    voices.length === 0 && h("p", { class: "hint" }, t("words.setup"), " ", h("code", {}, synth.setup)),
    h("button", { type: "submit" }, t("words.speak")),
    errors,
    progress,
  );
  return h("details", { class: "only-clips" }, h("summary", {}, t("words.title")), form);
}
