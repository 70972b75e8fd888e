// Follow-up studies for the tests of the page, in the form of orthanc-plugin/protocol/FollowUpJson.cpp.
// The synthetic patient of fixture.mjs, with a past made up.

import { assessment, kRule, kSul, measured, nextUid, poisoned, refusal, refused } from "./fixture.mjs";

const kBaseline = {
  studyInstanceUid: "2.25.501", seriesInstanceUid: "2.25.502", srSopInstanceUid: "2.25.503",
  srSopClassUid: "1.2.840.10008.5.1.4.1.1.88.34", scannedAt: "2026-08-17T10:40:00.000000",
  producer: "fedpet 0.3.0", lesionDefinition: kRule, tmtvMl: 241.8, tlgG: 1730.4, suvMax: 21.3, sulPeak: 12.4, lesionCount: 9,
};
const kInterim = {
  studyInstanceUid: "2.25.511", seriesInstanceUid: "2.25.512", srSopInstanceUid: "2.25.513",
  srSopClassUid: "1.2.840.10008.5.1.4.1.1.88.34", scannedAt: "2026-10-05T09:55:00.000000",
  producer: "fedpet 0.4.0", lesionDefinition: kRule, tmtvMl: 168.2, suvMax: 17.9, sulPeak: 10.2, lesionCount: 8, percist: "SMD", iPercist: "SMD",
};
// Another program's report: another rule, no SUL.
const kForeign = {
  studyInstanceUid: "2.25.521", seriesInstanceUid: "2.25.522", srSopInstanceUid: "2.25.523",
  srSopClassUid: "1.2.840.10008.5.1.4.1.1.88.34", scannedAt: "2026-06-02T14:05:00.000000",
  producer: "QIICR dcmqi", lesionDefinition: "", tmtvMl: 198.5, suvMax: 19.4, lesionCount: 6,
};

export const kHarmonised = {
  scanner: "PET 2", scannerClass: "EARL-2", targetClass: "EARL-1", filterFwhmMm: 4.6,
  adjusted: [{ input: "TMTV", measured: 98.4, adjusted: 104.9 }, { input: "SLR", measured: 0.8354, adjusted: 0.9125 },
    { input: "BLR", measured: 0.71, adjusted: 0.74 }], // which no prediction uses
  statement: "Images of PET 2 (EARL-2) were filtered by a Gaussian of 4.6 mm to EARL-1 before anything was measured; TMTV and SLR " +
    "were adjusted by ComBat with the site's parameters for the model only",
};

const category = (name, title) => ({ category: name, title });
const change = (quantity, title, value) => measured(quantity, title, "%", value, "(this study - earlier study) / earlier study");

function lesionChanges(whole) {
  const lesions = whole.regions.filter((region) => region.role === "Lesion");
  const value = (region, quantity) => region.measurements.find((item) => item.quantity === quantity)?.value;
  const matched = lesions.map((region, index) => ({
    fate: "Matched", trackingId: region.trackingId, trackingUid: region.trackingUid, distanceMm: 2.4 + index, note: index === 0 ? "two earlier lesions have become one" : "",
    earlierVolumeMl: value(region, "MTV") * 1.9, volumeMl: value(region, "MTV"), earlierSulPeak: value(region, "SULpeak") * 1.53,
    sulPeak: value(region, "SULpeak"), earlierSuvMax: value(region, "SUVmax") * 1.5, suvMax: value(region, "SUVmax"),
  }));
  const resolved = { fate: "Resolved", trackingId: "Lesion 8 of 2026-08-17", trackingUid: nextUid(), distanceMm: 0, note: "", earlierVolumeMl: 3.4, earlierSulPeak: 4.1, earlierSuvMax: 6.6 };
  return [...matched, resolved];
}

// After treatment: less of everything; with an interim study and another program's report in between.
export function partialResponse() {
  const whole = assessment();
  const now = (quantity) => whole.wholeBody.find((item) => item.quantity === quantity).value;
  const peak = whole.percist.numbers.find((item) => item.quantity === "SULpeak").value;
  const percent = (then, value) => 100 * (value / then - 1);
  // The model was given what ComBat had made of the measured inputs.
  const predictions = whole.predictions.map((item) => ({ ...item, contributions: item.contributions.map((share) => {
    const found = kHarmonised.adjusted.find(({ input }) => input === share.input);
    return found ? { ...share, value: found.adjusted } : share;
  }) }));
  return { ...whole, predictions, priors: [kForeign, kBaseline, kInterim], harmonisation: kHarmonised, comparison: {
    earlier: kBaseline, percist: category("PMR", "Partial metabolic response"), iPercist: category("PMR", "Partial metabolic response"),
    reasons: ["SULpeak of the hottest lesion fell by 34.6 %, from 12.40 to 8.11: at least 30 % and at least 0.8", "no new lesion"],
    changes: [change("SULpeakChange", "Change of the hottest lesion's SULpeak", percent(12.4, peak)),
      change("TMTVchange", "Change of total metabolic tumour volume", percent(241.8, now("TMTV"))),
      change("TLGchange", "Change of total lesion glycolysis", percent(1730.4, now("TLG")))],
    lesions: lesionChanges(whole), alignment: "rigid on liver, spleen and brain: 3.1 mm mean distance of the organs' centres",
    warnings: ["the uptake times differ by 12 min (51 and 63 min)"], percistUid: nextUid(), iPercistUid: nextUid(),
  } };
}

// Under immunotherapy: two new lesions. One change could not be computed.
export function unconfirmedProgression() {
  const whole = partialResponse();
  const lesions = whole.comparison.lesions.map((item, index) => {
    if (index < 5) return item;
    const { earlierVolumeMl, earlierSulPeak, earlierSuvMax, ...rest } = item;
    return { ...rest, fate: item.fate === "Resolved" ? "Resolved" : "NewLesion", distanceMm: 0, ...(item.fate === "Resolved" ? { earlierVolumeMl } : {}) };
  });
  return { ...whole, priors: [kBaseline], comparison: { ...whole.comparison, lesions, warnings: [],
    percist: category("PMD", "Progressive metabolic disease"), iPercist: category("UPMD", "Unconfirmed progressive metabolic disease"),
    reasons: ["2 new lesions, the hotter with SULpeak 6.2"],
    changes: [...whole.comparison.changes.slice(0, 2), refused("TLGchange", "Change of total lesion glycolysis", "%", kOtherRule, "")] } };
}

export const kOtherRule = refusal("NotComparable", "the earlier report gives no glycolysis",
  "The two studies were not made or measured alike; compare their images by eye.");
export const kNoSul = refusal("HeightOrSexMissing", "PatientSize (0010,1020) is absent",
  "Height or sex is missing or implausible, so lean body mass is not known.");

// No height: no SUL, so neither a reading nor a category. What is left in must not be shown.
export function withoutReading() {
  const whole = partialResponse();
  const noSul = ({ value, ...rest }) => (rest.unit === kSul ? { ...rest, refusal: kNoSul } : { ...rest, value });
  const regions = whole.regions.map((region) => ({ ...region, measurements: region.measurements.map((item) => (item.refusal ? item : noSul(item))) }));
  return { ...whole, regions, percist: { refusal: kNoSul }, comparison: { ...whole.comparison, reasons: [],
    percist: { refusal: kNoSul }, iPercist: { refusal: kNoSul },
    changes: whole.comparison.changes.map(({ value, ...rest }) => (rest.quantity === "SULpeakChange" ? { ...rest, refusal: kNoSul } : { ...rest, value })) } };
}

export function notMeasurable() {
  const whole = assessment();
  const none = refusal("NoLesion", "no region is counted as tumour", "No lesion was found that this number needs.");
  return { ...whole, regions: whole.regions.filter((region) => region.role !== "Lesion"), percist: { ...whole.percist, measurable: false, hottestTrackingUid: "",
    numbers: whole.percist.numbers.map(({ value, ...rest }) => (rest.quantity === "SULpeak" ? { ...rest, refusal: none } : { ...rest, value })) } };
}

// As releases wrote it that knew nothing of all this.
export function oldAssessment() {
  const { percist, priors, comparison, harmonisation, ...whole } = assessment();
  const { pdfSeriesUid, pdfSopInstanceUid, mipSeriesUid, mipSopInstanceUid, ...identity } = whole.identity;
  return { ...whole, identity };
}

export const hostileFollowUp = () => poisoned(partialResponse());
