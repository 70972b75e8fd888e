// Maximum intensity projections with outlines, on canvas 2D.

import { Assessment, MipView, PointMm, Region, VolumeGeometry } from "./api";
import { el, hidden } from "./dom";
import { numberText } from "./format";

// Okabe and Ito's colours, told apart by people with any colour vision; the dash tells them apart too.
const kOutlines = [
  { role: 3, key: "reference", title: "Reference regions", colour: "#009e73", dash: [1.5, 2.5] },
  { role: 2, key: "physiological", title: "Physiological uptake", colour: "#0072b2", dash: [5, 3] },
  { role: 1, key: "lesions", title: "Lesions", colour: "#d55e00", dash: [] as number[] },
] as const; // drawn in this order: lesions stay on top
const kMarginMm = 12;
const kBodySuv = 0.3; // above it a column or row belongs to the body, and is kept when cropping
const kSides: Record<string, [string, string]> = { coronal: ["R", "L"], sagittal: ["A", "P"] };

type OutlineKey = (typeof kOutlines)[number]["key"];
interface Display {
  suvAtBlack: number;
  outlines: Record<OutlineKey, boolean>;
  numbers: boolean;
  selected: number | undefined; // label of a region
}

function bytesOf(base64: string, expected: number): Uint8Array {
  const text = atob(base64);
  if (text.length !== expected) throw new Error("a picture does not have the size it claims");
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// Where a point falls on a view, in its pixels from the upper left corner; undefined when the volume
// is oblique or the view was not made from the whole of it. Columns run to the patient's left
// (coronal) or back (sagittal), rows to the feet.
export function projectToView(point: PointMm, geometry: VolumeGeometry, view: MipView): [number, number] | undefined {
  const across = view.name === "coronal" ? 0 : view.name === "sagittal" ? 1 : undefined;
  if (across === undefined) return undefined;
  const axes = [geometry.rowDirection, geometry.columnDirection, geometry.sliceDirection];
  const extent = (axis: 0 | 1 | 2): [number, number] | undefined => {
    const along = ([0, 1, 2] as const).find((candidate) => Math.abs(axes[candidate]![axis]) > 0.999);
    if (along === undefined) return undefined;
    const spacing = geometry.spacingMm[along];
    const first = geometry.originMm[axis];
    const last = first + (geometry.size[along] - 1) * spacing * Math.sign(axes[along]![axis]);
    return [Math.min(first, last) - spacing / 2, Math.max(first, last) + spacing / 2];
  };
  const horizontal = extent(across), vertical = extent(2);
  if (!horizontal || !vertical) return undefined;
  const fits = (range: [number, number], pixels: number, pixelMm: number): boolean =>
    Math.abs(range[1] - range[0] - pixels * pixelMm) <= 1.5 * pixelMm;
  if (!fits(horizontal, view.width, view.pixelWidthMm) || !fits(vertical, view.height, view.pixelHeightMm))
    return undefined;
  return [(point[across] - horizontal[0]) / view.pixelWidthMm, (vertical[1] - point[2]) / view.pixelHeightMm];
}

// Closed outlines of the pixels with this role, in pixel coordinates. Each edge between inside and
// outside is walked with the inside on its right, and its middle becomes a point of the outline.
function outlinesOf(role: Uint8Array, width: number, height: number, wanted: number): [number, number][][] {
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && role[y * width + x] === wanted;
  const steps: [number, number][] = [[1, 0], [0, 1], [-1, 0], [0, -1]]; // right, down, left, up
  const insideOf = (x: number, y: number, d: number): boolean => // the pixel to the right of the edge
    d === 0 ? inside(x, y) : d === 1 ? inside(x - 1, y) : d === 2 ? inside(x - 1, y - 1) : inside(x, y - 1);
  const outsideOf = (x: number, y: number, d: number): boolean =>
    d === 0 ? inside(x, y - 1) : d === 1 ? inside(x, y) : d === 2 ? inside(x - 1, y) : inside(x - 1, y - 1);
  const isEdge = (x: number, y: number, d: number): boolean => insideOf(x, y, d) && !outsideOf(x, y, d);
  const seen = new Set<number>();
  const key = (x: number, y: number, d: number): number => (y * (width + 1) + x) * 4 + d;
  const loops: [number, number][][] = [];
  for (let startY = 0; startY <= height; ++startY)
    for (let startX = 0; startX <= width; ++startX) {
      if (!isEdge(startX, startY, 0) || seen.has(key(startX, startY, 0))) continue;
      const loop: [number, number][] = [];
      let x = startX, y = startY, d = 0;
      while (!seen.has(key(x, y, d))) {
        seen.add(key(x, y, d));
        const [dx, dy] = steps[d]!;
        loop.push([x + dx / 2, y + dy / 2]);
        x += dx;
        y += dy;
        // Turn towards the inside first, so that pixels that touch at a corner stay apart.
        d = [(d + 1) % 4, d, (d + 3) % 4].find((turn) => isEdge(x, y, turn)) ?? d;
      }
      loops.push(loop);
    }
  return loops;
}

interface Crop { x: number; y: number; width: number; height: number }

function bodyOf(view: MipView, suv: Uint8Array): Crop {
  const threshold = Math.max(1, (kBodySuv / view.suvAtWhite) * 255);
  let left = view.width, right = -1, top = view.height, bottom = -1;
  for (let y = 0; y < view.height; ++y)
    for (let x = 0; x < view.width; ++x)
      if (suv[y * view.width + x]! >= threshold) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
  if (right < 0) return { x: 0, y: 0, width: view.width, height: view.height };
  const marginX = Math.ceil(kMarginMm / view.pixelWidthMm), marginY = Math.ceil(kMarginMm / view.pixelHeightMm);
  left = Math.max(0, left - marginX);
  top = Math.max(0, top - marginY);
  return { x: left, y: top, width: Math.min(view.width, right + 1 + marginX) - left,
           height: Math.min(view.height, bottom + 1 + marginY) - top };
}

// One projection; draws itself into its canvas at a given scale.
class View {
  readonly canvas: HTMLCanvasElement;
  readonly crop: Crop;
  private readonly suv: Uint8Array;
  private readonly loops: Map<number, [number, number][][]>;
  private readonly grey = document.createElement("canvas");
  private readonly lesions: { label: number; text: string; at: [number, number] }[];
  private pixelsPerMm = 1;

  constructor(readonly view: MipView, regions: readonly Region[], geometry: VolumeGeometry) {
    this.suv = bytesOf(view.suv, view.width * view.height);
    const role = bytesOf(view.role, view.width * view.height);
    this.crop = bodyOf(view, this.suv);
    this.loops = new Map(kOutlines.map((outline) =>
      [outline.role, outlinesOf(role, view.width, view.height, outline.role)]));
    this.lesions = regions.filter((region) => region.role === "Lesion").flatMap((region) => {
      const at = projectToView(region.centroidMm, geometry, view);
      return at ? [{ label: region.label, text: /\d+$/.exec(region.name)?.[0] ?? region.name, at }] : [];
    });
    const count = this.lesions.length;
    this.canvas = el("canvas", { class: "mip", role: "img", id: `mip-${view.name}`, "aria-label":
      `${view.name} maximum intensity projection, head up, with ${count === 1 ? "1 lesion" : `${count} lesions`}` });
  }

  get widthMm(): number { return this.crop.width * this.view.pixelWidthMm; }
  get heightMm(): number { return this.crop.height * this.view.pixelHeightMm; }

  resize(pixelsPerMm: number): void {
    const dense = Math.max(2, window.devicePixelRatio || 1); // 2: a print is finer than a screen
    this.pixelsPerMm = pixelsPerMm * dense;
    this.canvas.width = Math.round(this.widthMm * this.pixelsPerMm);
    this.canvas.height = Math.round(this.heightMm * this.pixelsPerMm);
    this.canvas.style.width = `${this.canvas.width / dense}px`;
    this.canvas.style.height = `${this.canvas.height / dense}px`;
  }

  draw(display: Display): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const unit = this.canvas.width / (parseFloat(this.canvas.style.width) || this.canvas.width); // a CSS pixel
    this.paintGrey(display.suvAtBlack);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.grey, 0, 0, this.canvas.width, this.canvas.height);
    for (const outline of kOutlines)
      if (display.outlines[outline.key])
        this.strokeOutline(context, this.loops.get(outline.role) ?? [], outline.colour, outline.dash, unit);
    this.drawLesions(context, display, unit);
    this.drawFrame(context, unit);
  }

  // The uptake under the pointer: the largest along the line of sight.
  suvAt(event: MouseEvent): { suv: number; saturated: boolean } | undefined {
    const [x, y] = this.pixelAt(event);
    const value = this.suv[Math.floor(y) * this.view.width + Math.floor(x)];
    if (value === undefined || x < 0 || x >= this.view.width) return undefined;
    return { suv: (value / 255) * this.view.suvAtWhite, saturated: value === 255 };
  }

  lesionNear(event: MouseEvent): number | undefined {
    const [x, y] = this.pixelAt(event);
    let best: number | undefined, bestMm = 25;
    for (const lesion of this.lesions) {
      const mm = Math.hypot((lesion.at[0] - x) * this.view.pixelWidthMm, (lesion.at[1] - y) * this.view.pixelHeightMm);
      if (mm < bestMm) [best, bestMm] = [lesion.label, mm];
    }
    return best;
  }

  private pixelAt(event: MouseEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    return [this.crop.x + ((event.clientX - box.left) / box.width) * this.crop.width,
            this.crop.y + ((event.clientY - box.top) / box.height) * this.crop.height];
  }

  private toCanvas([x, y]: readonly [number, number]): [number, number] {
    return [(x - this.crop.x) * this.view.pixelWidthMm * this.pixelsPerMm,
            (y - this.crop.y) * this.view.pixelHeightMm * this.pixelsPerMm];
  }

  private paintGrey(suvAtBlack: number): void {
    const { x, y, width, height } = this.crop;
    this.grey.width = width;
    this.grey.height = height;
    const context = this.grey.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    const scale = this.view.suvAtWhite / suvAtBlack;
    for (let row = 0; row < height; ++row)
      for (let column = 0; column < width; ++column) {
        const value = 255 - Math.min(255, this.suv[(row + y) * this.view.width + column + x]! * scale);
        const at = (row * width + column) * 4;
        image.data[at] = image.data[at + 1] = image.data[at + 2] = value;
        image.data[at + 3] = 255;
      }
    context.putImageData(image, 0, 0);
  }

  private strokeOutline(context: CanvasRenderingContext2D, loops: [number, number][][], colour: string,
                        dash: readonly number[], unit: number): void {
    context.save();
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = colour;
    context.setLineDash(dash.map((length) => length * unit));
    context.beginPath();
    for (const loop of loops) {
      loop.forEach((point, index) => {
        const [x, y] = this.toCanvas(point);
        if (index === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
      context.closePath();
    }
    context.stroke();
    context.restore();
  }

  private drawLesions(context: CanvasRenderingContext2D, display: Display, unit: number): void {
    for (const lesion of this.lesions) {
      const [x, y] = this.toCanvas(lesion.at);
      const selected = lesion.label === display.selected;
      if (selected) {
        for (const [colour, width] of [["#ffffff", 4.5], ["#111111", 2]] as const) {
          context.strokeStyle = colour;
          context.lineWidth = width * unit;
          context.beginPath();
          context.arc(x, y, 13 * unit, 0, 2 * Math.PI);
          context.stroke();
        }
      }
      if (selected || display.numbers)
        this.write(context, lesion.text, x + 15 * unit, y - 9 * unit, unit, "left", selected ? "700" : "600");
    }
  }

  // Sides of the patient and a scale bar.
  private drawFrame(context: CanvasRenderingContext2D, unit: number): void {
    const sides = kSides[this.view.name];
    if (sides) {
      this.write(context, sides[0], 7 * unit, 14 * unit, unit, "left", "600");
      this.write(context, sides[1], this.canvas.width - 7 * unit, 14 * unit, unit, "right", "600");
    }
    const length = 100 * this.pixelsPerMm, y = this.canvas.height - 8 * unit, x = 8 * unit;
    context.strokeStyle = "#111111";
    context.lineWidth = 2 * unit;
    context.beginPath();
    context.moveTo(x, y - 4 * unit);
    context.lineTo(x, y);
    context.lineTo(x + length, y);
    context.lineTo(x + length, y - 4 * unit);
    context.stroke();
    this.write(context, "10 cm", x + length / 2, y - 9 * unit, unit, "center", "400");
  }

  private write(context: CanvasRenderingContext2D, text: string, x: number, y: number, unit: number,
                align: CanvasTextAlign, weight: string): void {
    context.font = `${weight} ${12 * unit}px sans-serif`;
    context.textAlign = align;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3.5 * unit;
    context.strokeStyle = "#ffffff";
    context.strokeText(text, x, y);
    context.fillStyle = "#111111";
    context.fillText(text, x, y);
  }
}

// The projections with their controls. `select` marks a lesion; `onSelect` tells of a click on one.
export class MipPanel {
  readonly element: HTMLElement;
  onSelect: (label: number | undefined) => void = () => undefined;
  private readonly views: View[];
  private readonly stage = el("div", { class: "mips" });
  private readonly readout = el("output", { class: "readout" });
  private readonly display: Display;

  constructor(assessment: Assessment) {
    this.views = assessment.mips.map((mip) => new View(mip, assessment.regions, assessment.series.geometry));
    const suvAtWhite = Math.max(...assessment.mips.map((mip) => mip.suvAtWhite), 1);
    this.display = { suvAtBlack: suvAtWhite, outlines: { lesions: true, physiological: true, reference: true },
                     numbers: false, selected: undefined };
    for (const view of this.views) {
      const title = view.view.name.charAt(0).toUpperCase() + view.view.name.slice(1);
      this.stage.append(el("figure", {}, view.canvas, el("figcaption", {}, title)));
      view.canvas.addEventListener("mousemove", (event) => this.showReadout(view, event));
      view.canvas.addEventListener("mouseleave", () => this.showReadout(undefined));
      view.canvas.addEventListener("click", (event) => {
        const label = view.lesionNear(event);
        this.onSelect(label === this.display.selected ? undefined : label);
      });
    }
    this.element = el("div", {}, this.stage, this.controls(suvAtWhite));
    this.showReadout(undefined);
    new ResizeObserver(() => this.layOut()).observe(this.stage);
  }

  select(label: number | undefined): void {
    this.display.selected = label;
    this.draw();
  }

  private controls(suvAtWhite: number): HTMLElement {
    const toggles = [...kOutlines].reverse().map((outline) =>
      this.toggle(`outline-${outline.key}`, outline.title, true,
                  (on) => { this.display.outlines[outline.key] = on; }, `key key-${outline.key}`));
    const numbers = this.toggle("lesion-numbers", "Lesion numbers", false, (on) => { this.display.numbers = on; });
    const shown = el("output", { id: "window-value", for: "window" });
    const slider = el("input", { id: "window", type: "range", min: 1, max: suvAtWhite, step: 0.5, value: suvAtWhite });
    const update = (): void => {
      this.display.suvAtBlack = Number(slider.value);
      const text = `SUV 0 to ${numberText(this.display.suvAtBlack, 1)}`;
      shown.textContent = text;
      slider.setAttribute("aria-valuetext", text);
      this.draw();
    };
    slider.addEventListener("input", update);
    update();
    return el("div", { class: "mip-controls" },
      el("fieldset", {}, el("legend", {}, "Outlines"), ...toggles, numbers),
      el("div", { class: "window" }, el("label", { for: "window" }, "Grey window"), slider, shown,
        el("div", { class: "ramp", "aria-hidden": "true" }), hidden("White is no uptake, black the upper end.")),
      this.readout);
  }

  private toggle(id: string, title: string, on: boolean, apply: (on: boolean) => void, keyClass?: string): HTMLElement {
    const box = el("input", { type: "checkbox", id, checked: on });
    box.addEventListener("change", () => {
      apply(box.checked);
      this.draw();
    });
    return el("label", { class: "toggle", for: id }, box,
      keyClass ? el("span", { class: keyClass, "aria-hidden": "true" }) : null, title);
  }

  private showReadout(view: View | undefined, event?: MouseEvent): void {
    const found = view && event ? view.suvAt(event) : undefined;
    this.readout.textContent = found
      ? `SUV ${found.saturated ? "≥ " : ""}${numberText(found.suv, 1)} (largest along the line of sight)`
      : "Point at a picture to read its SUV; click a lesion to find it in the table.";
  }

  // Both views in one scale, as large as the width and a comfortable height allow.
  private layOut(): void {
    const available = this.stage.clientWidth, gap = 16;
    if (available === 0 || this.views.length === 0) return;
    const widthMm = this.views.reduce((sum, view) => sum + view.widthMm, 0);
    const heightMm = Math.max(...this.views.map((view) => view.heightMm));
    const pixelsPerMm = Math.min((available - gap * (this.views.length - 1)) / widthMm, 620 / heightMm);
    for (const view of this.views) view.resize(pixelsPerMm);
    this.draw();
  }

  private draw(): void {
    for (const view of this.views) view.draw(this.display);
  }
}
