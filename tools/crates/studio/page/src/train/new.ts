// A new run: a preset, the few values that most people change, and all others with their help.

import { address, get, post } from "../api";
import { on } from "../events";
import { duration, t } from "../i18n/i18n";
import type { Job, Preset, RecipeInfo, Run } from "../types";
import { field, fill, h, select } from "../ui/dom";
import { announce, attempt, complain, sentence } from "../ui/say";
import { recipeValues, type RecipeValues } from "./recipe";

/** Values that are shown without opening the list of all. */
const COMMON = ["train.epochs", "train.rate", "train.batch", "train.seed"];

/** A name like the preset's that no run has. */
function freeName(base: string, runs: Run[]): string {
  const taken = new Set(runs.map((r) => r.name));
  for (let k = 1; ; k++) {
    const name = k === 1 ? base : `${base}-${k}`;
    if (!taken.has(name)) return name;
  }
}

export function newRun(started: (name: string) => void): HTMLElement {
  const errors = h("div", {});
  const problem = h("div", {});
  const help = h("p", { class: "hint" });
  const choice = h("div", {});
  const common = h("div", { class: "fields" });
  const all = h("div", { class: "stack" });
  const name = h("input", { type: "text", required: true, maxlength: 100, autocomplete: "off", oninput: () => (named = true) });
  const go = h("button", { type: "submit", class: "primary" }, t("train.start"));
  let presets: Preset[] = [];
  let preset = "";
  let named = false;
  let values: RecipeValues | null = null;

  async function choose(to: string): Promise<void> {
    preset = to;
    // The fields of the preset before are gone at once: nothing is typed into them.
    values = null;
    fill(common);
    fill(all);
    const info = presets.find((p) => p.name === to);
    help.textContent = info ? [info.help, info.seconds ? t("train.guess", { time: duration(info.seconds) }) : ""].filter(Boolean).join(" ") : "";
    await attempt(errors, async () => {
      const [recipe, runs] = await Promise.all([get<RecipeInfo>(address("recipe", { preset: to })), get<Run[]>(address("runs"))]);
      if (preset !== to) return;
      if (!named) name.value = freeName(to, runs);
      values = recipeValues(recipe.keys, check);
      fill(common, COMMON.map((key) => values!.control(key)).filter(Boolean) as HTMLElement[]);
      fill(all, values.node);
      fill(problem);
    });
  }

  let timer = 0;
  function check(): void {
    clearTimeout(timer);
    timer = window.setTimeout(async () => {
      try {
        const answer = await post<{ ok: boolean; error: string | null }>(address("recipe/check"), { preset, set: values?.changed() ?? {} });
        if (answer.ok) fill(problem);
        else complain(problem, new Error(answer.error ?? ""));
      } catch (error) {
        complain(problem, error);
      }
    }, 250);
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    go.disabled = true;
    try {
      fill(errors);
      const info = presets.find((p) => p.name === preset);
      await post<Job>(address("runs"), { name: name.value.trim(), preset, set: values?.changed() ?? {}, data: info?.kind ?? "clips" });
      announce(t("train.started", { name: name.value }));
      started(name.value.trim());
      named = false;
      const runs = await get<Run[]>(address("runs"));
      name.value = freeName(preset, [...runs, { name: name.value.trim() } as Run]);
    } catch (error) {
      complain(errors, new Error(sentence(error)));
    } finally {
      go.disabled = false;
    }
  }

  async function begin(): Promise<void> {
    await attempt(errors, async () => {
      presets = await get<Preset[]>(address("presets"));
      const options = presets.map((p) => [p.name, p.own ? `${p.title} (recipes/)` : p.title] as [string, string]);
      fill(choice, field(t("train.preset"), select(options, preset, (to) => void choose(to)), undefined));
      if (presets.length > 0) await choose(presets.some((p) => p.name === preset) ? preset : presets[0].name);
    });
  }
  const end = on("recipes", () => (form.isConnected ? void begin() : end()));

  const form = h(
    "form",
    { class: "stack", onsubmit: submit },
    choice,
    help,
    field(t("train.name"), name),
    common,
    problem,
    h("div", { class: "row" }, go),
    errors,
    h("details", {}, h("summary", {}, t("train.all")), all),
  );
  void begin();
  return form;
}

