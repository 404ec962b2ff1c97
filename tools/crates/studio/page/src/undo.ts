import { address, post } from "./api";
import { t } from "./i18n/i18n";
import type { Operation } from "./types";
import { note, sentence } from "./ui/say";

/** Takes back the last operation on the data, or the one named. */
export async function undo(op?: number): Promise<void> {
  try {
    const { undone } = await post<{ undone: Operation }>(address("undo"), op === undefined ? {} : { op });
    note(t("undone", { what: undone.text }));
  } catch (error) {
    note(sentence(error));
  }
}
