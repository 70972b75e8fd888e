// What was done to make scanners comparable, beside the numbers that it concerns.

import { Assessment, Harmonisation } from "./api";
import { el } from "./dom";
import { inputText, numberText } from "./format";

const classText = ({ scannerClass, targetClass }: Harmonisation): string =>
  `${scannerClass || "class not known"} to ${targetClass || "no common class"}`;

// The whole in the result's own words. null: the result says nothing of it.
export function harmonisationStatement(assessment: Assessment): HTMLElement | null {
  if (assessment.harmonisation === undefined) return null;
  const words = assessment.harmonisation?.statement ||
    "not done. This site has stated nothing about its scanners: compare these numbers with care with those of another scanner.";
  return el("p", { class: "note harmonisation" }, el("strong", {}, "Harmonisation: "), words);
}

// For the tables after the first: short, since all are measured on one image.
export function filterNote({ harmonisation }: Assessment): HTMLElement | null {
  if (harmonisation?.filterFwhmMm === undefined) return null;
  return el("p", { class: "note harmonisation" },
    `Measured after a Gaussian filter of ${numberText(harmonisation.filterFwhmMm, 1)}\u202fmm (${classText(harmonisation)}).`);
}

// Beside one input of the model, or the number that it comes from.
export function adjustmentNote({ harmonisation }: Assessment, input: string, unit: string): HTMLElement | null {
  const found = harmonisation?.adjusted.find((item) => item.input === input);
  if (!found) return null;
  return el("span", { class: "adjusted", "data-input": input }, "For the model: measured ",
    el("data", { value: found.measured }, inputText(found.measured, unit)), ", adjusted for the scanner ",
    el("data", { value: found.adjusted }, inputText(found.adjusted, unit)));
}

export function harmonisationFacts({ harmonisation }: Assessment): (readonly [string, HTMLElement | string] | null)[] {
  if (harmonisation === undefined) return [];
  if (harmonisation === null) return [["Harmonisation", "none: nothing is stated about the site's scanners"]];
  return [
    ["Scanner class", `${harmonisation.scanner ? `${harmonisation.scanner}: ` : ""}${harmonisation.scannerClass || "not known"}`],
    ["Harmonised to", harmonisation.targetClass || "no common class"],
    ["Filter", harmonisation.filterFwhmMm === undefined ? "none" : `Gaussian, ${numberText(harmonisation.filterFwhmMm, 1)}\u202fmm FWHM`],
  ];
}
