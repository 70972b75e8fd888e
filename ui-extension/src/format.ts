// Numbers, units, names and dates as a clinician reads them.

import { Measurement, Refusal } from "./api";
import { el } from "./dom";

const kNarrowSpace = "\u202f"; // between thousands, and between a number and its unit
const kMinus = "\u2212";

// Thousands in groups by a space: a comma reads as a decimal sign in half of Europe.
export function numberText(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return "not a number";
  const text = Math.abs(value).toFixed(decimals);
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, kNarrowSpace) : whole;
  const sign = value < 0 && Number(text) !== 0 ? kMinus : "";
  return sign + grouped + (fraction === undefined ? "" : `.${fraction}`);
}

export function signedText(value: number, decimals: number): string {
  const text = numberText(value, decimals);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

// UCUM annotations in braces are for programs: "g/ml{SUVbw}" is g/ml, "{ratio}" has no unit; "a" is a year.
export const unitText = (ucum: string): string =>
  ucum.replace(/\{[^}]*\}/g, "").replace(/^1$/, "").replace(/^a$/, "years");

function decimalsOf(ucum: string, value: number): number {
  if (ucum === "{count}" || ucum === "mm") return 0;
  if (ucum === "%") return 1; // one more than a rule's threshold has: 29.6 % is not 30 %
  if (ucum === "ml" || ucum === "g") return Math.abs(value) < 1000 ? 1 : 0;
  return 2;
}

export function quantityText(value: number, ucum: string): string {
  const unit = unitText(ucum);
  return numberText(value, decimalsOf(ucum, value)) + (unit ? kNarrowSpace + unit : "");
}

// The rounded number for the eye, the exact one for copying and for programs.
export function quantityElement(value: number, ucum: string): HTMLElement {
  return el("data", { value, title: `${value} ${ucum}` }, quantityText(value, ucum));
}

// The number alone, where its unit stands in the column's head.
export const figureText = (value: number, ucum: string): string => numberText(value, decimalsOf(ucum, value));

// A change: always with its sign.
export function changeElement(percent: number): HTMLElement {
  return el("data", { value: percent, title: `${percent} %` }, `${signedText(percent, 1)}${kNarrowSpace}%`);
}

// Inputs of the model come in any unit: three significant digits, whole numbers stay whole.
export function inputText(value: number, ucum: string): string {
  const magnitude = Math.abs(value);
  const decimals = Number.isInteger(value) || magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  const unit = unitText(ucum);
  return numberText(value, decimals) + (unit ? kNarrowSpace + unit : "");
}

// A model is never certain: no 0 % and no 100 %.
export function percentText(probability: number): string {
  const percent = probability * 100;
  if (percent < 0.5) return `<${kNarrowSpace}1${kNarrowSpace}%`;
  if (percent >= 99.5) return `>${kNarrowSpace}99${kNarrowSpace}%`;
  return `${Math.round(percent)}${kNarrowSpace}%`;
}

export const refusalSentence = (refusal: Refusal): string =>
  refusal.explanation || "This number is not given.";

// Why a number is not given: the general sentence with what to do, the finding, the code.
export function refusalElement(refusal: Refusal): HTMLElement {
  return el("div", { class: "refusal" },
    el("p", {}, refusalSentence(refusal)),
    refusal.detail ? el("p", { class: "finding" }, `Finding: ${refusal.detail}`) : null,
    el("p", { class: "code" }, "Reason code ", el("code", {}, refusal.code)));
}

export function measurementOf(list: readonly Measurement[], ...quantities: string[]): Measurement | undefined {
  return list.find((item) => quantities.includes(item.quantity));
}

// "Family^Given^Middle^Prefix^Suffix", perhaps followed by "=ideographic=phonetic".
export function personName(pn: string): string {
  const groups = pn.split("=").map((group) => {
    const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group.split("^").map((part) => part.trim());
    const rest = [prefix, given, middle, suffix].filter(Boolean).join(" ");
    return [family, rest].filter(Boolean).join(", ");
  }).filter(Boolean);
  const [first, ...others] = groups;
  if (!first) return "Name not given";
  return others[0] ? `${first} (${others[0]})` : first;
}

// ISO dates cannot be misread; anything else is shown as it came.
export function dicomDate(da: string): string {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(da);
  return match ? `${match[1]}-${match[2]}-${match[3]}` : da;
}

export function dicomTime(tm: string): string {
  const match = /^(\d{2})(\d{2})/.exec(tm);
  return match ? `${match[1]}:${match[2]}` : tm;
}

// "2000-09-07T11:20:11.000000" -> "2000-09-07 11:20"
export const clockText = (iso: string): string => iso.replace("T", " ").replace(/(\d\d:\d\d).*$/, "$1");

// Milliseconds on the scanner's own clock, for distances between studies; undefined for a text that is
// no time, and for 1970, which stands for "not known".
export function clockMs(iso: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/.exec(iso)?.slice(1).map(Number);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number];
  return year <= 1970 ? undefined : Date.UTC(year, month - 1, day, hour, minute, second);
}

export const dayText = (iso: string): string => clockMs(iso) === undefined ? "date not known" : iso.slice(0, 10);

export function sexText(sex: string): string {
  return { M: "male", F: "female", O: "other" }[sex] ?? (sex || "not given");
}

export const organText = (organ: string): string => {
  const words = organ.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};
