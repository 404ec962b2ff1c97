// Elements without a framework. Text enters the page as text nodes only, so a name with HTML in it stays a name.

export type Child = Node | string | number | null | undefined | false | Child[];
type Handler = (event: any) => void;
export type Props = Record<string, string | number | boolean | null | undefined | Handler>;

function append(node: Node, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (child instanceof Node) node.appendChild(child);
    else if (child !== null && child !== undefined && child !== false) node.appendChild(document.createTextNode(String(child)));
  }
}

/** An element: `on…` functions are listeners, true is an empty attribute, false and null leave it out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    // An attribute `style` is forbidden by the page's content security policy.
    else if (name === "style") node.style.cssText = String(value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  append(node, children);
  return node;
}

/** Replaces what a node contains. */
export function fill(node: Element, ...children: Child[]): void {
  const part = document.createDocumentFragment();
  append(part, children);
  node.replaceChildren(part);
}

/** A button; `kind` is its class: "primary", "quiet", "danger" or nothing. */
export function button(label: Child, onclick: Handler, props: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...props }, label);
}

let ids = 0;

/** An id that no other element has. */
export function unique(prefix: string): string {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** A label over a control, with a line of help that screen readers read with it. */
export function field(label: string, control: HTMLElement, help?: string): HTMLElement {
  const id = control.id || (control.id = unique("field"));
  const hint = help ? h("span", { class: "hint", id: `${id}-help` }, help) : null;
  if (hint) control.setAttribute("aria-describedby", hint.id);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint);
}

/** A choice of a few values. */
export function select(options: [value: string, label: string][], value: string, onchange: (value: string) => void, props: Props = {}): HTMLSelectElement {
  const node = h(
    "select",
    { ...props, onchange: () => onchange(node.value) },
    options.map(([v, label]) => h("option", { value: v, selected: v === value }, label)),
  );
  return node;
}
