// This study beside the patient's earlier ones: the category, why, the trend, and each lesion's fate.

import { Assessment, Category, Comparison, LesionChange, Measurement, Prior, resultAddress } from "./api";
import { bullets, el, facts, hidden, scrollBox } from "./dom";
import {
  clockMs, dayText, dicomDate, figureText, measurementOf, numberText, quantityText, refusalElement,
} from "./format";
import { markButton, measurementTable } from "./tables";
import { trendChart, TrendPoint } from "./trend";

// null: the result comes from a release that did not look for earlier studies.
export function followUpParts(assessment: Assessment, mark: (label: number) => void): HTMLElement[] | null {
  const { priors, comparison } = assessment;
  if (priors === undefined && comparison === undefined) return null;
  const studies = allStudies(assessment);
  if (studies.length === 0)
    return [el("p", {}, "No earlier study of this patient with a report was found, so this study is compared with none.")];
  const links = new ResultLinks();
  if (!comparison)
    return [el("p", {}, "This study was not compared with an earlier one."), trend(assessment, studies), studyTable(assessment, studies, links)];
  const warnings = comparison.warnings.length > 0
    ? el("div", { class: "cautions" }, el("h3", {}, "Please note"), bullets(comparison.warnings)) : null;
  return [
    el("p", { class: "against" }, ...against(assessment, comparison, links)),
    categories(comparison),
    ...(warnings ? [warnings] : []),
    ...(comparison.reasons.length > 0 ? [el("h3", {}, "Why"), bullets(comparison.reasons)] : []),
    el("h3", {}, "Change"),
    measurementTable(comparison.changes, "Change since the earlier study", (item) => fromTo(item, assessment, comparison)),
    el("h3", {}, "Trend"), trend(assessment, studies), studyTable(assessment, studies, links),
    el("h3", {}, "Lesions then and now"), lesionTable(assessment, comparison, mark),
    facts([["Alignment", comparison.alignment || "not stated"]]),
  ];
}

// The study compared with is one of the priors; should it ever be missing there, it is not lost.
function allStudies({ priors = [], comparison }: Assessment): Prior[] {
  if (!comparison || priors.some((prior) => sameStudy(prior, comparison.earlier))) return priors;
  return [comparison.earlier, ...priors];
}

const sameStudy = (a: Prior, b: Prior): boolean =>
  a.studyInstanceUid === b.studyInstanceUid && a.seriesInstanceUid === b.seriesInstanceUid && a.scannedAt === b.scannedAt;

// ---- the category -----------------------------------------------------------------------------

function against(assessment: Assessment, { earlier }: Comparison, links: ResultLinks): (Node | string)[] {
  const then = clockMs(earlier.scannedAt), now = clockMs(scannedAt(assessment));
  const days = then === undefined || now === undefined ? undefined : Math.round((now - then) / 86_400_000);
  const ago = days === undefined ? "" : `, ${numberText(Math.abs(days), 0)} ${Math.abs(days) === 1 ? "day" : "days"} ${days < 0 ? "later" : "earlier"}`;
  return ["Compared with the study of ", el("strong", {}, dayText(earlier.scannedAt)), `${ago}, reported by ${earlier.producer || "an unnamed program"}. `,
    links.place(earlier, "Its result")];
}

function categories({ percist, iPercist }: Comparison): HTMLElement {
  const same = percist.refusal && iPercist.refusal &&
    percist.refusal.code === iPercist.refusal.code && percist.refusal.detail === iPercist.refusal.detail;
  return el("div", { class: "categories" },
    categoryCard(same ? "PERCIST 1.0 and iPERCIST" : "PERCIST 1.0", "percist", percist),
    same ? null : categoryCard("iPERCIST (immunotherapy)", "ipercist", iPercist));
}

function categoryCard(rule: string, key: string, { category, title, refusal }: Category): HTMLElement {
  const card = el("div", { class: "category", "data-rule": key }, el("h3", { class: "rule" }, rule));
  if (refusal || !category) {
    // Nothing of a refused category is shown.
    card.classList.add("refused");
    card.append(el("p", { class: "not-given" }, "No category is given."), refusalElement(refusal ?? { code: "InputMissing", detail: "" }));
    return card;
  }
  card.append(el("p", { class: "answer" }, el("strong", {}, category), " ", title ?? ""));
  if (category === "UPMD")
    card.append(el("p", { class: "note" }, "A study 4 to 8 weeks after this one has to confirm it; until then it may be pseudoprogression."));
  return card;
}

// ---- numbers then and now -----------------------------------------------------------------------

const kSul = "g/ml{SUVlbm(Janma)}";
interface Track { quantity: string; change: string; title: string; unit: string; ofPrior: (prior: Prior) => number | undefined; needsRule: boolean }
const kTracks: Track[] = [
  { quantity: "TMTV", change: "TMTVchange", title: "TMTV", unit: "ml", ofPrior: (prior) => prior.tmtvMl, needsRule: true },
  { quantity: "TLG", change: "TLGchange", title: "TLG", unit: "g", ofPrior: (prior) => prior.tlgG, needsRule: true },
  { quantity: "SULpeak", change: "SULpeakChange", title: "SULpeak, hottest lesion", unit: kSul, ofPrior: (prior) => prior.sulPeak, needsRule: false },
];

// Of this study; undefined when it was refused.
function valueNow(assessment: Assessment, quantity: string): number | undefined {
  const reading = assessment.percist && !("refusal" in assessment.percist) ? assessment.percist.numbers : [];
  const found = measurementOf([...assessment.wholeBody, ...reading], quantity);
  return found?.refusal ? undefined : found?.value;
}

const scannedAt = ({ series }: Assessment): string =>
  series.seriesDateTime ?? `${dicomDate(series.study.studyDate)}T${series.study.studyTime.slice(0, 6).replace(/(..)(..)(..)/, "$1:$2:$3")}`;

function fromTo(item: Measurement, assessment: Assessment, { earlier }: Comparison): HTMLElement | null {
  const track = kTracks.find((candidate) => candidate.change === item.quantity);
  const then = track?.ofPrior(earlier), now = track && valueNow(assessment, track.quantity);
  if (!track || then === undefined || now === undefined) return null;
  return el("span", { class: "from-to" }, "From ", el("data", { value: then }, quantityText(then, track.unit)), " to ",
    el("data", { value: now }, quantityText(now, track.unit)));
}

function trend(assessment: Assessment, studies: readonly Prior[]): HTMLElement {
  const now = clockMs(scannedAt(assessment));
  const charts = kTracks.flatMap((track) => {
    const points: TrendPoint[] = studies.flatMap((prior) => {
      const ms = clockMs(prior.scannedAt);
      return ms === undefined ? [] : [{ ms, day: dayText(prior.scannedAt), value: track.ofPrior(prior), now: false,
                                        alike: !track.needsRule || prior.lesionDefinition === assessment.lesionDefinition }];
    });
    if (now !== undefined)
      points.push({ ms: now, day: dayText(scannedAt(assessment)), value: valueNow(assessment, track.quantity), now: true, alike: true });
    const chart = trendChart(track.title, track.unit === kSul ? "g/ml" : track.unit, points);
    return chart ? [{ chart, unlike: points.some((point) => !point.alike && point.value !== undefined) }] : [];
  });
  if (charts.length === 0) return el("p", { class: "note" }, "There are too few values for a trend.");
  const unlike = charts.some((item) => item.unlike);
  return el("div", {}, el("div", { class: "trends" }, ...charts.map((item) => item.chart)),
    el("p", { class: "note" }, "Filled: this study; rings: earlier ones. ", unlike
      ? "Squares and dashed lines: measured by another lesion rule, or one that the report does not state; TMTV and TLG are then not alike." : ""));
}

// The same numbers for reading, and who reported them.
function studyTable(assessment: Assessment, studies: readonly Prior[], links: ResultLinks): HTMLElement {
  const heads: [string, string][] = [["TMTV", "ml"], ["TLG", "g"], ["SUVmax", "g/ml"], ["SULpeak", "g/ml"], ["Lesions", ""]];
  const head = el("tr", {}, el("th", { scope: "col" }, "Study"),
    ...heads.map(([title, unit]) => el("th", { scope: "col", class: "figure" }, title, unit ? el("span", { class: "unit" }, ` ${unit}`) : null)),
    el("th", { scope: "col" }, "PERCIST"), el("th", { scope: "col" }, "iPERCIST"), el("th", { scope: "col" }, "Reported by"));
  const { comparison } = assessment;
  const rows = studies.map((prior) => el("tr", {},
    el("th", { scope: "row" }, dayText(prior.scannedAt),
      comparison && sameStudy(prior, comparison.earlier) ? el("span", { class: "short" }, " compared with") : null),
    figure(prior.tmtvMl, "ml"), figure(prior.tlgG, "g"), figure(prior.suvMax, "g/ml"), figure(prior.sulPeak, "g/ml"), figure(prior.lesionCount, "{count}"),
    el("td", {}, prior.percist ?? dash("not reported")), el("td", {}, prior.iPercist ?? dash("not reported")),
    el("td", {}, `${prior.producer || "not stated"} `, links.place(prior, "result"))));
  rows.push(el("tr", { class: "now" }, el("th", { scope: "row" }, dayText(scannedAt(assessment)), el("span", { class: "short" }, " this study")),
    ...(["TMTV ml", "TLG g", "SUVmax g/ml", "SULpeak g/ml", "LesionCount {count}"].map((text) => {
      const [quantity = "", unit = ""] = text.split(" ");
      return figure(valueNow(assessment, quantity), unit);
    })),
    el("td", {}, comparison?.percist.refusal ? "not given" : comparison?.percist.category ?? dash("none")),
    el("td", {}, comparison?.iPercist.refusal ? "not given" : comparison?.iPercist.category ?? dash("none")),
    el("td", {}, `fedpet ${assessment.softwareVersion}`)));
  return scrollBox("Table of the patient's studies", el("table", { class: "studies" },
    el("caption", { class: "visually-hidden" }, "The patient's studies"), el("thead", {}, head), el("tbody", {}, ...rows)));
}

const dash = (meaning: string): HTMLElement => el("span", {}, el("span", { "aria-hidden": "true" }, "–"), hidden(meaning));

function figure(value: number | undefined, unit: string, absent = "not given"): HTMLElement {
  return el("td", { class: "figure" }, value === undefined ? dash(absent) : el("data", { value, title: `${value} ${unit}` }, figureText(value, unit)));
}

// ---- lesions ------------------------------------------------------------------------------------

const kFates: Record<string, string> = { Matched: "matched", NewLesion: "new", Resolved: "resolved" };

function lesionTable(assessment: Assessment, comparison: Comparison, mark: (label: number) => void): HTMLElement {
  if (comparison.lesions.length === 0) // which is no proof that there are none
    return el("p", {}, valueNow(assessment, "LesionCount") === 0 && comparison.earlier.lesionCount === 0
      ? "Neither study has a lesion." : "The result compares no lesion one by one.");
  const pair = (title: string, unit: string): HTMLElement =>
    el("th", { scope: "colgroup", colspan: 2, class: "pair" }, title, el("span", { class: "unit" }, ` ${unit}`));
  const ends = [0, 1, 2].flatMap(() => [el("th", { scope: "col", class: "figure" }, "then"), el("th", { scope: "col", class: "figure" }, "now")]);
  const table = el("table", { class: "changes" }, el("caption", { class: "visually-hidden" }, "Lesions then and now"),
    el("thead", {},
      el("tr", {}, el("th", { scope: "col", rowspan: 2 }, "Lesion"), el("th", { scope: "col", rowspan: 2 }, "Fate"),
        pair("Volume", "ml"), pair("SULpeak", "g/ml"), pair("SUVmax", "g/ml"),
        el("th", { scope: "col", rowspan: 2, class: "figure" }, "Distance", el("span", { class: "unit" }, " mm")), el("th", { scope: "col", rowspan: 2 }, "Note")),
      el("tr", {}, ...ends)),
    el("tbody", {}, ...comparison.lesions.map((change) => lesionRow(change, assessment, mark))));
  const count = (fate: string): number => comparison.lesions.filter((change) => change.fate === fate).length;
  return el("div", {},
    el("p", {}, `${count("Matched")} matched, ${count("NewLesion")} new, ${count("Resolved")} resolved.`),
    scrollBox("Table of lesions then and now", table));
}

function lesionRow(change: LesionChange, assessment: Assessment, mark: (label: number) => void): HTMLElement {
  const region = change.fate === "Resolved" ? undefined : assessment.regions.find((item) => item.trackingUid === change.trackingUid);
  const fate = kFates[change.fate] ?? change.fate;
  const then = change.fate === "NewLesion" ? "not there yet" : "not given", now = change.fate === "Resolved" ? "no longer there" : "not given";
  // Refused for this study's lesion: then it is not shown here either.
  const known = (quantity: string, value: number | undefined): number | undefined =>
    region && measurementOf(region.measurements, quantity)?.refusal ? undefined : value;
  return el("tr", { "data-fate": change.fate },
    el("th", { scope: "row" }, region ? markButton(region.name, () => mark(region.label)) : change.trackingId || "not named"),
    el("td", { class: "fate" }, change.fate === "Matched" ? fate : el("strong", {}, fate)),
    figure(change.earlierVolumeMl, "ml", then), figure(known("MTV", change.volumeMl), "ml", now),
    figure(change.earlierSulPeak, "g/ml", then), figure(known("SULpeak", change.sulPeak), "g/ml", now),
    figure(change.earlierSuvMax, "g/ml", then), figure(known("SUVmax", change.suvMax), "g/ml", now),
    figure(change.fate === "Matched" ? change.distanceMm : undefined, "mm", "does not apply"),
    el("td", {}, change.note));
}

// ---- links to earlier results -------------------------------------------------------------------

// One question a study, however often the page names it; no link where there is nothing to see.
class ResultLinks {
  private readonly asked = new Map<string, Promise<string | undefined>>();

  place(prior: Prior, text: string): HTMLElement {
    const spot = el("span", { class: "result-link" });
    if (!prior.studyInstanceUid) return spot;
    const answer = this.asked.get(prior.studyInstanceUid) ?? resultAddress(prior.studyInstanceUid).catch(() => undefined);
    this.asked.set(prior.studyInstanceUid, answer);
    void answer.then((href) => {
      if (href) spot.append(el("a", { href }, text, hidden(` of the study of ${dayText(prior.scannedAt)}`)));
    });
    return spot;
  }
}
