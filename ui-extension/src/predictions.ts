// Predictions: number, interval, what it rests on; or the reason why there is none.

import { Assessment, Contribution, Prediction } from "./api";
import { el, hidden, svg } from "./dom";
import { inputText, numberText, percentText, refusalElement, signedText } from "./format";

const kShownInputs = 5; // the others are one click away

export function predictionCards(assessment: Assessment): HTMLElement {
  const list = el("div", { class: "predictions" });
  assessment.predictions.forEach((prediction, index) => list.append(card(prediction, index, assessment)));
  if (assessment.predictions.length === 0) list.append(el("p", {}, "The result holds no prediction."));
  return list;
}

function card(prediction: Prediction, index: number, assessment: Assessment): HTMLElement {
  const id = `prediction-${index}`;
  const element = el("article", { class: "prediction", id, "aria-labelledby": `${id}-title` },
    el("h3", { id: `${id}-title` }, prediction.title, " ",
      el("span", { class: "endpoint" }, `${prediction.endpoint}, ${numberText(prediction.horizonMonths, 0)} months`)));
  const { probability, lower, upper, intervalLevel = 0.9 } = prediction;
  if (prediction.refusal || probability === undefined || lower === undefined || upper === undefined) {
    // The number does not exist for the reader: nothing of it is shown, in no colour.
    element.classList.add("refused");
    element.append(el("p", { class: "not-given" }, "No probability is given."),
      refusalElement(prediction.refusal ?? { code: "InputMissing", detail: "" }));
    return element;
  }
  const interval = `${percentText(lower)} to ${percentText(upper)}`;
  element.append(
    el("p", { class: "event" }, "Probability of ", el("strong", {}, eventPhrase(prediction))),
    el("p", { class: "number" },
      el("data", { value: probability, class: "probability" }, percentText(probability)), " ",
      el("span", { class: "interval" }, `${percentText(intervalLevel)} interval ${interval}`)),
    intervalBar(probability, lower, upper),
    el("p", { class: "caution" }, assessment.model.trainedOnSyntheticData
      ? "Trained on synthetic data. Research use only." : "Research use only."),
    el("p", { class: "note" }, el("strong", {}, "Calibration: "), prediction.calibrationNote || "not stated by the model."),
    contributions(prediction) ?? "", adjustedInputs(assessment, prediction) ?? "");
  return element;
}

// The event as the end of "Probability of ...". Bundles name an event "term: what it means" or by
// what it means alone.
function eventPhrase({ event }: Prediction): string {
  const colon = event.indexOf(": ");
  if (colon > 0) return `${event.slice(0, colon)} (${event.slice(colon + 2)})`;
  return event.replace(/^alive /, "being alive ");
}

// One ink, no traffic lights: whether a probability is good news is for the reader to say.
function intervalBar(probability: number, lower: number, upper: number): Element {
  const percent = (value: number): string => `${(Math.min(1, Math.max(0, value)) * 100).toFixed(2)}%`;
  const picture = svg("svg", { class: "interval-bar", width: "100%", height: 34, "aria-hidden": "true" },
    svg("rect", { class: "track", x: 0, y: 5, width: "100%", height: 8, rx: 2 }),
    svg("rect", { class: "range", x: percent(lower), y: 5, width: percent(upper - lower), height: 8 }),
    svg("rect", { class: "point", x: percent(probability), y: 1, width: 4, height: 16, rx: 1, transform: "translate(-2 0)" }));
  for (const tick of [0, 25, 50, 75, 100]) {
    const anchor = tick === 0 ? "start" : tick === 100 ? "end" : "middle";
    picture.append(svg("text", { class: "tick", x: `${tick}%`, y: 31, "text-anchor": anchor }, tick === 100 ? "100 %" : `${tick}`));
  }
  return picture;
}

function contributions(prediction: Prediction): HTMLElement | null {
  const sorted = [...prediction.contributions].sort((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds));
  if (sorted.length === 0) return null;
  const largest = Math.max(...sorted.map((share) => Math.abs(share.logOdds)), 1e-9);
  // Every output of a bundle is a good outcome, of logistic and of Cox models alike: a share to
  // the right always raises the probability above (models/response/ModelBundle.h).
  const caption = "What moves this number: share in the model's sum; to the right raises the probability, to the left lowers it";
  const table = (rows: Contribution[], visible: boolean): HTMLElement =>
    el("table", { class: "contributions" },
      el("caption", visible ? {} : { class: "visually-hidden" }, caption),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Input"), el("th", { scope: "col" }, "Value"),
        el("th", { scope: "col", class: "direction" }, el("span", {}, "lowers"), " ", el("span", {}, "raises")),
        el("th", { scope: "col", class: "figure" }, hidden("Share"), ""))),
      el("tbody", {}, ...rows.map((share) => shareRow(share, largest))));
  const rest = sorted.slice(kShownInputs);
  const unknown = sorted.filter((share) => share.value === undefined).length;
  return el("div", { class: "shares" }, table(sorted.slice(0, kShownInputs), true),
    rest.length > 0
      ? el("details", {}, el("summary", {}, rest.length === 1 ? "1 more input" : `${rest.length} more inputs`), table(rest, false))
      : null,
    unknown > 0
      ? el("p", { class: "note" }, `${unknown} of ${sorted.length} inputs ${unknown === 1 ? "is" : "are"} not known; a typical value was used.`)
      : null);
}

function adjustedInputs(assessment: Assessment, { contributions: shares }: Prediction): HTMLElement | null {
  const adjusted = (assessment.harmonisation?.adjusted ?? []).filter((item) => shares.some((share) => share.input === item.input));
  if (adjusted.length === 0) return null;
  return el("p", { class: "note adjusted-inputs" }, "Adjusted for the scanner, from measured to used: ",
    ...adjusted.flatMap((item, index) => {
      const unit = shares.find((share) => share.input === item.input)?.unit ?? "";
      return [index > 0 ? "; " : "", `${item.input} `, el("data", { value: item.measured }, inputText(item.measured, unit)), " to ",
        el("data", { value: item.adjusted }, inputText(item.adjusted, unit))];
    }), ".");
}

function shareRow(share: Contribution, largest: number): HTMLElement {
  const length = (Math.abs(share.logOdds) / largest) * 50;
  const start = share.logOdds < 0 ? 50 - length : 50;
  return el("tr", {},
    el("th", { scope: "row" }, share.input),
    el("td", {}, share.value === undefined
      ? el("span", { class: "unknown" }, "not known")
      : el("data", { value: share.value }, inputText(share.value, share.unit))),
    el("td", { class: "bar" }, svg("svg", { width: "100%", height: 14, "aria-hidden": "true" },
      svg("rect", { class: share.logOdds < 0 ? "down" : "up", x: `${start.toFixed(2)}%`, y: 2, width: `${length.toFixed(2)}%`, height: 10 }),
      svg("line", { class: "zero", x1: "50%", x2: "50%", y1: 0, y2: 14 }))),
    el("td", { class: "figure" }, el("data", { value: share.logOdds }, signedText(share.logOdds, 2))));
}
