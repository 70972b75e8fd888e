// Measurements: of any list, of lesions, of organs.

import { Assessment, Measurement, Region } from "./api";
import { bullets, el, hidden, scrollBox } from "./dom";
import {
  changeElement, figureText, measurementOf, numberText, organText, percentText, quantityElement, quantityText, refusalElement, refusalSentence,
} from "./format";

// A reason that several numbers share is told once, at the first of them.
function refusedCell(list: readonly Measurement[], index: number): HTMLElement {
  const refusal = list[index]?.refusal;
  const same = (item: Measurement): boolean =>
    item.refusal?.code === refusal?.code && item.refusal?.detail === refusal?.detail;
  const first = list.findIndex(same);
  const told = refusal && first < index;
  return el("td", { class: "refused", colspan: 2 },
    el("p", { class: "not-given" }, told ? `Not given, for the reason told at ${list[first]!.quantity} ` : "Not given",
      told ? el("code", {}, refusal.code) : null),
    refusal && !told ? refusalElement(refusal) : null);
}

// `beside`: what else has to stand with a number, under its definition.
export function measurementTable(list: readonly Measurement[], title: string,
                                 beside: (item: Measurement) => HTMLElement | null = () => null): HTMLElement {
  return el("table", { class: "numbers" }, el("caption", { class: "visually-hidden" }, title),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Quantity"), el("th", { scope: "col", class: "figure" }, "Value"),
      el("th", { scope: "col" }, "Definition"))),
    el("tbody", {}, ...list.map((item, index) => el("tr", { "data-quantity": item.quantity },
      el("th", { scope: "row" }, item.title, " ", el("span", { class: "short" }, item.quantity)),
      item.refusal || item.value === undefined
        ? refusedCell(list, index)
        : el("td", { class: "figure" }, item.unit === "%" ? changeElement(item.value) : quantityElement(item.value, item.unit)),
      item.refusal || item.value === undefined ? null
        : el("td", { class: "definition" }, el("span", { class: "words" }, item.definition), beside(item))))));
}

// For the places outside the table of lesions that name one.
export function markButton(name: string, act: () => void): HTMLElement {
  const button = el("button", { type: "button", class: "link", title: "Mark in the pictures" }, name);
  button.addEventListener("click", act);
  return button;
}

interface Column { title: string; unit: string; quantities: string[] }
const kLesionColumns: Column[] = [
  { title: "Volume", unit: "ml", quantities: ["MTV", "Volume"] },
  { title: "SUVmax", unit: "g/ml", quantities: ["SUVmax"] },
  { title: "SUVpeak", unit: "g/ml", quantities: ["SUVpeak"] },
  { title: "SULpeak", unit: "g/ml", quantities: ["SULpeak"] },
  { title: "SUVmean", unit: "g/ml", quantities: ["SUVmean"] },
  { title: "Glycolysis", unit: "g", quantities: ["LesionGlycolysis"] },
];

// Sortable by every column; the largest lesion first. A click on a name marks the lesion in the pictures.
export class LesionTable {
  readonly element: HTMLElement;
  onSelect: (label: number | undefined) => void = () => undefined;
  private readonly body = el("tbody");
  private readonly columns: Column[]; // those that this result knows
  private readonly rows: { region: Region; row: HTMLTableRowElement; button: HTMLButtonElement }[];
  private readonly headers: HTMLTableCellElement[] = [];
  private sortedBy = -1; // column of numbers; -2: name
  private descending = true;
  private selected: number | undefined;

  constructor(assessment: Assessment) {
    const lesions = assessment.regions.filter((region) => region.role === "Lesion");
    this.columns = kLesionColumns.filter((column) =>
      lesions.some((region) => measurementOf(region.measurements, ...column.quantities)));
    this.rows = lesions.map((region) => this.rowOf(region));
    const head = el("tr", {}, this.headerOf("Lesion", "", -2),
      ...this.columns.map((column, index) => this.headerOf(column.title, column.unit, index)),
      el("th", { scope: "col", class: "figure" }, "Confidence"));
    const table = el("table", { class: "lesions" }, el("caption", { class: "visually-hidden" }, "Lesions"),
      el("thead", {}, head), this.body);
    this.element = el("div");
    // Without a rule there is no "no lesion": that the tumour is unknown must not read as that it is absent.
    const unknown = measurementOf(assessment.wholeBody, "TMTV")?.refusal;
    if (unknown && lesions.length === 0) {
      this.element.append(el("p", { class: "not-given" }, "Lesions were not looked for."), refusalElement(unknown));
      return;
    }
    this.element.append(el("p", { class: "definition" }, `Lesions are drawn by: ${assessment.lesionDefinition || "not stated"}.`));
    if (lesions.length === 0) this.element.append(el("p", {}, "No lesion was found by this definition."));
    else this.element.append(scrollBox("Table of lesions", table), this.notes(lesions) ?? "", this.definitions(lesions) ?? "");
    this.sort(0, true);
  }

  select(label: number | undefined, scroll = false): void {
    this.selected = label;
    for (const { region, row, button } of this.rows) {
      const chosen = region.label === label;
      row.classList.toggle("selected", chosen);
      button.setAttribute("aria-pressed", String(chosen));
      if (chosen && scroll) row.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }
  }

  private rowOf(region: Region): { region: Region; row: HTMLTableRowElement; button: HTMLButtonElement } {
    const button = el("button", { type: "button", class: "link", "aria-pressed": "false",
                                  title: "Mark in the pictures" }, region.name);
    button.addEventListener("click", () => this.onSelect(this.selected === region.label ? undefined : region.label));
    const row = el("tr", { "data-label": region.label }, el("th", { scope: "row" }, button),
      ...this.columns.map((column) => cellOf(measurementOf(region.measurements, ...column.quantities))),
      el("td", { class: "figure" }, percentText(region.confidence)));
    return { region, row, button };
  }

  private headerOf(title: string, unit: string, column: number): HTMLElement {
    const button = el("button", { type: "button", class: "sort" }, title, unit ? el("span", { class: "unit" }, ` ${unit}`) : null);
    const header = el("th", { scope: "col", class: column >= 0 ? "figure" : undefined, "data-column": column }, button);
    button.addEventListener("click", () => this.sort(column, this.sortedBy === column ? !this.descending : column >= 0));
    this.headers.push(header);
    return header;
  }

  private sort(column: number, descending: boolean): void {
    this.sortedBy = column;
    this.descending = descending;
    const quantities = this.columns[column]?.quantities ?? [];
    const sign = descending ? -1 : 1;
    this.rows.sort((a, b) => {
      if (column === -2) return sign * a.region.name.localeCompare(b.region.name, "en", { numeric: true });
      const left = measurementOf(a.region.measurements, ...quantities)?.value;
      const right = measurementOf(b.region.measurements, ...quantities)?.value;
      if (left === undefined || right === undefined) // refused ones stay at the end, whichever way
        return (left === undefined ? 1 : 0) - (right === undefined ? 1 : 0);
      return sign * (left - right);
    });
    this.body.append(...this.rows.map((item) => item.row));
    for (const header of this.headers) {
      if (Number(header.dataset["column"]) === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
  }

  private notes(lesions: Region[]): HTMLElement | null {
    const texts = lesions.flatMap((region) => region.measurements.flatMap((item) => item.refusal
      ? [`${region.name}, ${item.quantity}: ${refusalSentence(item.refusal)} ${item.refusal.detail} (${item.refusal.code})`] : []));
    return texts.length > 0 ? el("div", { class: "refusal" }, el("p", {}, "Not given:"), bullets(texts)) : null;
  }

  private definitions(lesions: Region[]): HTMLElement | null {
    const texts = new Set<string>();
    for (const region of lesions)
      for (const item of region.measurements)
        if (item.definition) texts.add(`${item.title}: ${item.definition}`);
    if (texts.size === 0) return null;
    return el("details", { class: "definitions" }, el("summary", {}, "How these are defined"), bullets([...texts]),
      el("p", { class: "note" }, "Each lesion:"), bullets(lesions.map((region) => `${region.name}: ${region.definition}`)));
  }
}

function cellOf(item: Measurement | undefined): HTMLElement {
  if (!item) return el("td", { class: "figure" }, el("span", { "aria-hidden": "true" }, "–"), hidden("not measured"));
  if (item.refusal || item.value === undefined) return el("td", { class: "figure not-given" }, "not given");
  return el("td", { class: "figure", "data-quantity": item.quantity },
    el("data", { value: item.value, title: `${item.value} ${item.unit}` }, figureText(item.value, item.unit)));
}

// Uptake that is not tumour: reference regions, and what was taken out of the tumour mask.
export function organTable(assessment: Assessment): HTMLElement {
  const organs = assessment.regions.filter((region) => region.role !== "Lesion")
    .sort((a, b) => (a.role === b.role ? 0 : a.role === "Reference" ? -1 : 1));
  const body = el("tbody", {}, ...organs.map((region) => el("tr", {},
    el("th", { scope: "row" }, region.name),
    el("td", {}, el("span", { class: `key key-${region.role === "Reference" ? "reference" : "physiological"}`, "aria-hidden": "true" }),
      region.role === "Reference" ? "reference" : "physiological, not counted as tumour"),
    cellOf(measurementOf(region.measurements, "Volume", "MTV")),
    cellOf(measurementOf(region.measurements, "SUVmean")),
    cellOf(measurementOf(region.measurements, "SUVmax")),
    el("td", { class: "figure" }, percentText(region.confidence)))));
  const figure = (title: string, unit: string): HTMLElement =>
    el("th", { scope: "col", class: "figure" }, title, el("span", { class: "unit" }, ` ${unit}`));
  const table = el("table", { class: "organs" }, el("caption", { class: "visually-hidden" }, "Organs and reference regions"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Region"), el("th", { scope: "col" }, "Role"),
      figure("Volume", "ml"), figure("SUVmean", "g/ml"), figure("SUVmax", "g/ml"),
      el("th", { scope: "col", class: "figure" }, "Confidence"))), body);
  const definitions = [...new Set(organs.filter((region) => region.definition).map((region) => `${region.name}: ${region.definition}`))];
  return el("div", {},
    organs.length > 0 ? scrollBox("Table of organs", table) : el("p", {}, "No organ region is part of this result."),
    removedVolume(organs),
    ...assessment.missingRegions.map((missing) => el("div", { class: "missing" },
      el("p", { class: "not-given" }, `${organText(missing.organ)}: looked for and not found`), refusalElement(missing.refusal))),
    definitions.length > 0
      ? el("details", { class: "definitions" }, el("summary", {}, "How these are drawn"), bullets(definitions)) : null);
}

function removedVolume(organs: Region[]): HTMLElement | null {
  const physiological = organs.filter((region) => region.role === "Physiological");
  if (physiological.length === 0) return null;
  const volumes = physiological.map((region) => measurementOf(region.measurements, "Volume", "MTV")?.value);
  const sum = volumes.reduce<number>((total, value) => total + (value ?? 0), 0);
  const atLeast = volumes.includes(undefined) ? "at least " : "";
  return el("p", { class: "note" }, `Physiological uptake removed from the tumour mask: ${atLeast}`,
    el("data", { value: sum, id: "removed-volume" }, quantityText(sum, "ml")),
    `, in ${numberText(physiological.length, 0)} ${physiological.length === 1 ? "region" : "regions"}.`);
}
