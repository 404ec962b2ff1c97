// A list of which only the rows in sight are in the page: 10,000 clips scroll as 20 do.

import { h } from "./dom";

export interface VirtualList {
  readonly node: HTMLElement;
  /** Shows so many rows from now on; each is drawn again. */
  update(count: number): void;
  /** Makes a row the current one: scrolled into sight, marked, announced. */
  select(row: number): void;
  readonly current: number;
}

export interface VirtualOptions {
  label: string;
  rowHeight: number;
  render(row: number): HTMLElement;
  /** The current row changed, by key or pointer. */
  onselect(row: number): void;
  /** Enter, space or another key on the current row; true if it was used. */
  onkey?(event: KeyboardEvent, row: number): boolean;
}

const EXTRA = 6;

function step(key: string, page: number): number | undefined {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  return steps[key];
}

export function virtualList(options: VirtualOptions): VirtualList {
  const rows = h("div", { class: "rows", role: "presentation" });
  const node = h("div", { class: "virtual", role: "listbox", tabindex: 0, "aria-label": options.label }, rows);
  const id = `list-${Math.random().toString(36).slice(2)}`;
  let count = 0;
  let current = -1;
  let first = -1;
  let last = -1;

  function draw(force: boolean): void {
    const height = node.clientHeight || 400;
    const from = Math.max(0, Math.floor(node.scrollTop / options.rowHeight) - EXTRA);
    const to = Math.min(count, Math.ceil((node.scrollTop + height) / options.rowHeight) + EXTRA);
    if (!force && from === first && to === last) return;
    [first, last] = [from, to];
    const part = document.createDocumentFragment();
    for (let row = from; row < to; row++) {
      const item = options.render(row);
      item.id = `${id}-${row}`;
      item.dataset.row = String(row);
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(row === current));
      item.setAttribute("aria-posinset", String(row + 1));
      item.setAttribute("aria-setsize", String(count));
      item.style.top = `${row * options.rowHeight}px`;
      item.style.height = `${options.rowHeight}px`;
      part.appendChild(item);
    }
    rows.replaceChildren(part);
  }

  function select(row: number): void {
    if (count === 0) return;
    current = Math.min(count - 1, Math.max(0, row));
    const top = current * options.rowHeight;
    if (top < node.scrollTop) node.scrollTop = top;
    if (top + options.rowHeight > node.scrollTop + node.clientHeight) node.scrollTop = top + options.rowHeight - node.clientHeight;
    draw(true);
    node.setAttribute("aria-activedescendant", `${id}-${current}`);
    options.onselect(current);
  }

  node.addEventListener("scroll", () => draw(false), { passive: true });
  node.addEventListener("keydown", (event) => {
    const move = step(event.key, Math.max(1, Math.floor(node.clientHeight / options.rowHeight) - 1));
    if (move !== undefined) {
      event.preventDefault();
      select(current + move);
    } else if (current >= 0 && options.onkey?.(event, current)) {
      event.preventDefault();
    }
  });
  node.addEventListener("click", (event) => {
    const item = (event.target as Element).closest<HTMLElement>("[data-row]");
    if (item) select(Number(item.dataset.row));
  });
  new ResizeObserver(() => draw(false)).observe(node);

  return {
    node,
    update(rowsNow: number) {
      count = rowsNow;
      current = Math.min(current, count - 1);
      rows.style.height = `${count * options.rowHeight}px`;
      draw(true);
    },
    select,
    get current() {
      return current;
    },
  };
}
