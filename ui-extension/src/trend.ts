// How a quantity went over the patient's studies: one small chart each, on one scale of time.
// Plain SVG. Of the chart libraries that are small enough, uPlot draws on a canvas, which neither prints
// sharply nor speaks to a screen reader, and Chartist writes style attributes, which the page's policy
// forbids; and the page is built without any registry.

import { svg } from "./dom";
import { numberText } from "./format";

export interface TrendPoint {
  ms: number; // on the scanner's clock
  day: string;
  value: number | undefined;
  now: boolean; // the study of this page
  alike: boolean; // measured by the rule of this study
}

const kWidth = 330, kHeight = 190;
const kLabelWidth = 38;
const kInset = 20; // half a label, so that none lies over the axis
const kLeft = 44, kRight = 18, kTop = 38, kBottom = 30;

// 1, 2 or 5 times a power of ten, so that about four steps reach the largest value.
export function niceStep(largest: number): number {
  if (!(largest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(largest / 4));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power * 4 >= largest * 0.999) ?? 10;
  return factor * power;
}

// Fewer than two values are no trend: undefined.
export function trendChart(title: string, unit: string, points: readonly TrendPoint[]): SVGElement | undefined {
  const sorted = [...points].sort((a, b) => a.ms - b.ms);
  const known = sorted.filter((point): point is TrendPoint & { value: number } => point.value !== undefined && Number.isFinite(point.value));
  if (known.length < 2) return undefined;
  const first = sorted[0]!.ms, last = sorted[sorted.length - 1]!.ms;
  const step = niceStep(Math.max(...known.map((point) => point.value)));
  const top = step * Math.max(1, Math.ceil(Math.max(...known.map((point) => point.value)) / step - 1e-9));
  const x = (ms: number): number =>
    last === first ? (kLeft + kWidth - kRight) / 2 : kLeft + kInset + ((ms - first) / (last - first)) * (kWidth - kLeft - kRight - 2 * kInset);
  const y = (value: number): number => kHeight - kBottom - (value / top) * (kHeight - kTop - kBottom);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const said = sorted.map((point) => `${point.day}: ${point.value === undefined ? "not given" : numberText(point.value, 1)}`);
  const picture = svg("svg", { class: "trend", viewBox: `0 0 ${kWidth} ${kHeight}`, role: "img",
                               "aria-label": `${title}${unit ? ` in ${unit}` : ""} over time. ${said.join("; ")}` },
    svg("text", { class: "trend-title", x: 2, y: 13 }, `${title}${unit ? `, ${unit}` : ""}`));
  for (let tick = 0; tick <= Math.round(top / step); ++tick)
    picture.append(
      svg("line", { class: tick === 0 ? "axis" : "grid", x1: kLeft, x2: kWidth - kRight, y1: y(tick * step), y2: y(tick * step) }),
      svg("text", { class: "tick", x: kLeft - 6, y: y(tick * step) + 4, "text-anchor": "end" }, numberText(tick * step, decimals)));
  drawLines(picture, sorted, x, y);
  let labelled = Infinity; // from the right: the newest keeps its number where two would overlap
  for (const point of [...known].reverse()) {
    const room = labelled - x(point.ms) >= kLabelWidth;
    if (room) labelled = x(point.ms);
    drawPoint(picture, point, x(point.ms), y(point.value), room);
  }
  for (const [point, anchor] of [[sorted[0]!, "start"], [sorted[sorted.length - 1]!, "end"]] as const)
    picture.append(svg("text", { class: "tick", x: x(point.ms) + (anchor === "start" ? -kInset : kInset), y: kHeight - 8, "text-anchor": anchor }, point.day));
  return picture;
}

// A line joins neighbours only: dashed where the two were measured by different rules, and none across
// a study whose value is not given.
function drawLines(picture: SVGElement, points: readonly TrendPoint[], x: (ms: number) => number, y: (value: number) => number): void {
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before?.value === undefined || point.value === undefined) return;
    picture.append(svg("line", { class: before.alike && point.alike ? "join" : "join unlike",
                                 x1: x(before.ms), y1: y(before.value), x2: x(point.ms), y2: y(point.value) }));
  });
}

// This study is a filled disc, an earlier one a ring, one of another rule a square: told apart in grey.
function drawPoint(picture: SVGElement, point: TrendPoint & { value: number }, x: number, y: number, labelled: boolean): void {
  picture.append(
    point.now ? svg("circle", { class: "point now", cx: x, cy: y, r: 5 })
      : point.alike ? svg("circle", { class: "point", cx: x, cy: y, r: 4.5 })
        : svg("rect", { class: "point", x: x - 4.5, y: y - 4.5, width: 9, height: 9 }));
  if (labelled)
    picture.append(svg("text", { class: point.now ? "label now" : "label", x, y: y - 9, "text-anchor": "middle" },
      numberText(point.value, Math.abs(point.value) < 1000 ? 1 : 0)));
}
