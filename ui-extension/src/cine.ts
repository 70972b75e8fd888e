// The patient turning about the body axis: the stored multi-frame MIP, a picture at a time. Nothing moves
// on its own, and Orthanc draws a frame only when it is looked at.

import { fetchFrameCount, frameAddress, lookUp } from "./api";
import { el } from "./dom";
import { numberText } from "./format";

const kSides = ["the front", "the patient's left", "behind", "the patient's right"];

// Frames are evenly spaced over a full turn from the front on (clinical/RotatingMip.h).
export function viewText(frame: number, frames: number): string {
  const degrees = (frame * 360) / frames;
  const side = degrees % 90 === 0 ? `, from ${kSides[degrees / 90]}` : "";
  return `${numberText(degrees, 0)}°${side}`;
}

export class Cine {
  readonly element = el("div", { class: "cine" }); // stays empty when Orthanc does not have the object
  private readonly pictures = new Map<number, HTMLImageElement>();
  private readonly stage = el("div", { class: "cine-stage" });
  private readonly shown = el("output", { id: "turn-value", for: "turn" });

  constructor(sopInstanceUid: string) {
    void this.find(sopInstanceUid).catch(() => undefined);
  }

  private async find(sopInstanceUid: string): Promise<void> {
    const instance = await lookUp("Instance", sopInstanceUid);
    const frames = instance ? await fetchFrameCount(instance) : 0;
    if (!instance || frames < 1) return;
    const slider = el("input", { id: "turn", type: "range", min: 0, max: frames - 1, step: 1, value: 0 });
    const turn = (): void => {
      const text = viewText(Number(slider.value), frames);
      this.shown.textContent = text;
      slider.setAttribute("aria-valuetext", text);
      if (details.open) this.show(instance, Number(slider.value), frames);
    };
    const details = el("details", {}, el("summary", {}, "Turn the patient"),
      this.stage, el("div", { class: "window" }, el("label", { for: "turn" }, "Seen at"), slider, this.shown));
    slider.addEventListener("input", turn);
    details.addEventListener("toggle", turn);
    turn();
    this.element.append(details);
  }

  private show(instance: string, frame: number, frames: number): void {
    const known = this.pictures.get(frame);
    const picture = known ?? el("img", { src: frameAddress(instance, frame),
                                         alt: `Maximum intensity projection at ${viewText(frame, frames)}` });
    if (!known) {
      this.pictures.set(frame, picture);
      picture.addEventListener("error", () => {
        this.pictures.delete(frame); // asked again the next time
        if (picture.isConnected) picture.replaceWith(el("p", { class: "error" }, "Orthanc does not show this picture."));
      });
    }
    this.stage.replaceChildren(picture);
  }
}
