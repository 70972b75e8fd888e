// How PERCIST reads this one study: its reference, the threshold, and the hottest lesion.

import { Assessment, PercistReading } from "./api";
import { el } from "./dom";
import { measurementOf, organText, quantityText, refusalElement } from "./format";
import { markButton, measurementTable } from "./tables";

// null: the result comes from a release that did not read studies by PERCIST.
export function percistParts(assessment: Assessment, mark: (label: number) => void): HTMLElement | null {
  const { percist } = assessment;
  if (!percist) return null;
  if ("refusal" in percist) // nothing else of it is shown, whatever it holds
    return el("div", { class: "reading refused" }, el("p", { class: "not-given" }, "No PERCIST reading is given."), refusalElement(percist.refusal));
  return el("div", { class: "reading" }, verdict(percist, assessment, mark),
    el("p", { class: "definition" }, `Reference: ${organText(percist.reference).toLowerCase()}. ${percist.definition}`),
    measurementTable(percist.numbers, "PERCIST reading"));
}

// Whether the study can be a baseline, in one sentence with its two numbers.
function verdict(reading: PercistReading, assessment: Assessment, mark: (label: number) => void): HTMLElement {
  const peak = measurementOf(reading.numbers, "SULpeak"), threshold = measurementOf(reading.numbers, "PERCISTthreshold");
  const line = el("p", { class: "verdict" }, el("strong", {}, reading.measurable ? "Measurable by PERCIST." : "Not measurable by PERCIST."));
  if (peak?.value === undefined || peak.refusal) {
    line.append(peak?.refusal?.code === "NoLesion" ? " No lesion was found." : " The hottest lesion has no SULpeak.");
    return line;
  }
  line.append(" The hottest lesion");
  const region = assessment.regions.find((item) => item.trackingUid === reading.hottestTrackingUid);
  if (region) line.append(", ", markButton(region.name, () => mark(region.label)), ",");
  line.append(` has SULpeak ${quantityText(peak.value, peak.unit)}`);
  if (threshold?.value !== undefined && !threshold.refusal)
    line.append(`, ${reading.measurable ? "at least" : "below"} the threshold of ${quantityText(threshold.value, threshold.unit)}`);
  line.append(".");
  return line;
}
