// The page's language: English or Chinese, the browser's unless the user chose.

import { en } from "./en";
import { zh } from "./zh";

export type Key = keyof typeof en;
export type Language = "en" | "zh";

const dictionaries: Record<Language, Record<Key, string>> = { en, zh };

function first(): Language {
  const stored = localStorage.getItem("language");
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export let language: Language = first();

export function setLanguage(to: Language): void {
  language = to;
  localStorage.setItem("language", to);
  document.documentElement.lang = to === "zh" ? "zh-CN" : "en";
}

/** A sentence in the page's language, `{name}` replaced by values; the key itself if there is none. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = dictionaries[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** A number with separators, as the language writes it. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share as a percentage. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? "–" : `${number(share * 100, digits)} %`;
}

/** Seconds as a person reads them. */
export function duration(seconds: number): string {
  if (seconds < 60) return t("seconds", { n: number(seconds, seconds < 10 ? 1 : 0) });
  if (seconds < 3600) return t("minutes", { n: Math.floor(seconds / 60), s: Math.round(seconds % 60) });
  return t("hours", { n: Math.floor(seconds / 3600), m: Math.round((seconds % 3600) / 60) });
}

/** A level in dB of full scale. */
export function level(db: number | null | undefined): string {
  return db === null || db === undefined ? "–" : `${number(db, 1)} dB`;
}

/** Bytes as kB. */
export function kilobytes(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? "–" : `${number(bytes / 1024, 1)} KiB`;
}
