import * as events from "./events";
import { dataView } from "./data/view";
import { deviceView } from "./device/view";
import { evaluateView } from "./evaluate/view";
import { language, setLanguage, t, type Key } from "./i18n/i18n";
import { liveView } from "./live/view";
import { trainView } from "./train/view";
import { project, loadProject } from "./state";
import { undo } from "./undo";
import { button, fill, h, select } from "./ui/dom";
import { showKeys } from "./ui/keys";
import { announce, complain, speakers } from "./ui/say";

/** A view draws into its place, and returns what ends it. */
export type View = (place: HTMLElement) => () => void;

const VIEWS: [name: string, view: View][] = [
  ["data", dataView],
  ["train", trainView],
  ["evaluate", evaluateView],
  ["live", liveView],
  ["device", deviceView],
];

const app = document.getElementById("app")!;
let end = () => {};

function theme(to: string): void {
  localStorage.setItem("theme", to);
  if (to === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = to;
  window.dispatchEvent(new Event("theme"));
}

function current(): string {
  const name = location.hash.slice(1).split("/")[0];
  return VIEWS.some(([v]) => v === name) ? name : "data";
}

function header(): HTMLElement {
  const tabs = VIEWS.map(([name], k) =>
    h("a", { href: `#${name}`, "aria-current": name === current() ? "page" : null, accesskey: String(k + 1) }, t(`view.${name}` as Key)),
  );
  const themes: [string, string][] = [
    ["auto", t("theme.auto")],
    ["light", t("theme.light")],
    ["dark", t("theme.dark")],
  ];
  return h(
    "header",
    { class: "top" },
    h("a", { class: "skip", href: "#main", onclick: skip }, t("skip")),
    h("div", { class: "brand" }, h("img", { src: "./icon.svg", alt: "", width: 22, height: 22 }), h("strong", {}, "elman"), h("span", { class: "dim", title: project().folder }, project().name)),
    h("nav", { "aria-label": t("views") }, tabs),
    h(
      "div",
      { class: "settings" },
      button("?", showKeys, { class: "quiet", "aria-label": t("keys"), title: t("keys") }),
      select([["en", "English"], ["zh", "中文"]], language, (to) => (setLanguage(to as "en" | "zh"), draw()), { "aria-label": t("language") }),
      select(themes, localStorage.getItem("theme") ?? "auto", theme, { "aria-label": t("theme") }),
    ),
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const lost = h("div", { class: "lost", role: "status", hidden: true });

/** Draws the page for the address and the language. */
function draw(): void {
  end();
  const name = current();
  const main = h("main", { id: "main", tabindex: -1, class: `view-${name}` });
  fill(app, header(), lost, main, speakers());
  document.title = `${t(`view.${name}` as Key)} · ${project().name} · elman`;
  end = VIEWS.find(([v]) => v === name)![1](main);
}

function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return target.matches("input, textarea, select, [contenteditable]");
}

function keys(event: KeyboardEvent): void {
  if (typing(event) || document.querySelector("dialog[open]")) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    void undo();
  } else if (plain && event.key === "?") {
    showKeys();
  } else if (plain && event.key >= "1" && event.key <= "5") {
    location.hash = VIEWS[Number(event.key) - 1][0];
  }
}

async function begin(): Promise<void> {
  history.replaceState(null, "", location.pathname + location.hash);
  setLanguage(language);
  theme(localStorage.getItem("theme") ?? "auto");
  try {
    await loadProject();
  } catch (error) {
    complain(app, error, { label: t("again"), run: () => void begin() });
    return;
  }
  draw();
  events.on("connected", (yes: boolean) => {
    lost.hidden = yes;
    lost.textContent = yes ? "" : t("lost");
    if (!yes) announce(t("lost"));
  });
  events.start(project().events);
  window.addEventListener("hashchange", draw);
  window.addEventListener("keydown", keys);
}

void begin();
