// Files that are dropped on the page, or chosen.

import type { Kind } from "../types";
import { t } from "../i18n/i18n";
import { button, h } from "../ui/dom";

const ACCEPT: Record<Kind, string> = { clips: ".wav,.flac,.ogg,.mp3,.m4a,audio/*", tables: ".csv,text/csv" };

export interface DropZone {
  button: HTMLElement;
  attach(place: HTMLElement): void;
  detach(): void;
}

export function dropZone(kind: () => Kind, files: (files: File[]) => void): DropZone {
  const input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": t("data.drop"), onchange: () => chosen() });
  function chosen(): void {
    files([...(input.files ?? [])]);
    input.value = "";
  }
  const choose = button(t("data.drop"), () => {
    input.accept = ACCEPT[kind()];
    input.click();
  });
  let ended = () => {};
  return {
    button: h("span", {}, choose, input),
    attach(place) {
      const over = (event: DragEvent) => {
        event.preventDefault();
        place.classList.add("dropping");
      };
      const out = () => place.classList.remove("dropping");
      const drop = (event: DragEvent) => {
        event.preventDefault();
        out();
        files([...(event.dataTransfer?.files ?? [])]);
      };
      place.addEventListener("dragover", over);
      place.addEventListener("dragleave", out);
      place.addEventListener("drop", drop);
      ended = () => {
        place.removeEventListener("dragover", over);
        place.removeEventListener("dragleave", out);
        place.removeEventListener("drop", drop);
      };
    },
    detach: () => ended(),
  };
}
