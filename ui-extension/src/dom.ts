// Elements without HTML strings: text only ever enters the page as text.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
}

function append(element: Element, children: Child[]): void {
  for (const child of children) if (child) element.append(child);
}

export const hidden = (text: string): HTMLElement => el("span", { class: "visually-hidden" }, text);

// A titled part of the page.
export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  return el("section", { id, "aria-labelledby": `${id}-title`, class: "panel" },
    el("h2", { id: `${id}-title` }, title), ...children);
}

export function facts(rows: (readonly [string, Child] | null)[]): HTMLElement {
  const list = el("dl", { class: "facts" });
  for (const row of rows)
    if (row && row[1]) list.append(el("div", {}, el("dt", {}, row[0]), el("dd", {}, row[1])));
  return list;
}

// Wide tables scroll inside their own box, which the keyboard can reach; the page never does.
export function scrollBox(label: string, table: HTMLElement): HTMLElement {
  return el("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, table);
}

export function bullets(texts: readonly string[]): HTMLElement {
  return el("ul", {}, ...texts.map((text) => el("li", {}, text)));
}
