// The plugin's own report about itself, as it gives it.

import { fetchStatus } from "./api";
import { el } from "./dom";

export async function showStatus(root: HTMLElement, alive: () => boolean): Promise<void> {
  document.title = "Status: fedpet";
  const status = await fetchStatus();
  if (alive()) root.replaceChildren(el("h1", {}, "Status"), el("section", { class: "panel", "aria-label": "Status" }, valueElement(status)));
}

const wordsOf = (key: string): string => {
  const words = key.replace(/([a-z0-9])([A-Z])/g, (_match, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function valueElement(value: unknown): HTMLElement {
  if (Array.isArray(value))
    return value.length === 0 ? el("span", {}, "none") : el("ul", {}, ...value.map((item) => el("li", {}, valueElement(item))));
  if (typeof value === "object" && value !== null)
    return el("dl", { class: "facts" }, ...Object.entries(value).map(([key, inner]) =>
      el("div", {}, el("dt", {}, wordsOf(key)), el("dd", {}, valueElement(inner)))));
  if (typeof value === "boolean") return el("span", {}, value ? "yes" : "no");
  return el("span", {}, value === null || value === "" ? "none" : String(value));
}
