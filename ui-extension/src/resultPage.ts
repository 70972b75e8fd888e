// The result of one PET series.

import {
  ApiError, assessSeries, Assessment, assessmentAddress, explorerAddress, fetchAssessment, fetchJobs, fetchParentStudy,
  lookUpInstance,
} from "./api";
import { bullets, el, facts, section } from "./dom";
import {
  clockText, dicomDate, dicomTime, numberText, personName, refusalElement, sexText,
} from "./format";
import { actionButton, isEnded, jobCard } from "./jobsPage";
import { MipPanel } from "./mip";
import { predictionCards } from "./predictions";
import { LesionTable, organTable, wholeBodyTable } from "./tables";

const kPollMs = 3000;

export async function showResult(root: HTMLElement, seriesId: string, alive: () => boolean): Promise<void> {
  try {
    const assessment = await fetchAssessment(seriesId);
    if (alive()) root.replaceChildren(...resultParts(assessment, seriesId));
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    await waitForResult(root, seriesId, alive);
  }
}

// No result yet: what its job is doing, looked at again until there is one.
async function waitForResult(root: HTMLElement, seriesId: string, alive: () => boolean): Promise<void> {
  const job = (await fetchJobs({ series: seriesId })).jobs[0];
  if (!alive()) return;
  document.title = "fedpet: no result yet";
  const again = (): void => void showResult(root, seriesId, alive).catch(() => undefined);
  const title = job?.state === "skipped" ? "fedpet does not assess this series"
    : job?.state === "failed" ? "The assessment of this series failed" : "No result for this series yet";
  root.replaceChildren(el("h1", {}, title), job ? jobCard(job, again)
    : el("section", { class: "panel", "aria-label": "Job" },
        el("p", {}, "fedpet has no job for this series. It assesses original, attenuation-corrected FDG-PET series ",
          "on its own, once they have arrived completely."),
        actionButton("Assess now", () => assessSeries(seriesId), again)));
  if (!job || isEnded(job)) return;
  window.setTimeout(() => {
    if (alive()) again();
  }, kPollMs);
}

export function resultParts(assessment: Assessment, seriesId: string): HTMLElement[] {
  // No name: the title stays in the history of a browser that others use too.
  document.title = `PET of ${dicomDate(assessment.series.study.studyDate)}: fedpet`;
  const parts = [header(assessment)];
  const refused = assessment.refusals.length > 0;
  if (refused)
    parts.push(section("refusals", "This study could not be assessed",
      el("p", {}, "No number is given for it. The reason:"), ...assessment.refusals.map(refusalElement)));
  const warnings = [...new Set([...assessment.warnings, ...(assessment.suv?.warnings ?? []), ...assessment.series.warnings])];
  const notes = warnings.length > 0
    ? section("warnings", "Please note", bullets(warnings)) : null;
  notes?.classList.add("attention");
  if (!refused) {
    const lesions = new LesionTable(assessment);
    const images = section("images", "Images");
    if (assessment.mips.length > 0) {
      const mips = new MipPanel(assessment);
      lesions.onSelect = (label) => { mips.select(label); lesions.select(label); };
      mips.onSelect = (label) => { mips.select(label); lesions.select(label, true); };
      images.append(mips.element);
    } else {
      images.append(el("p", {}, "The result holds no picture."));
    }
    const predictions = section("predictions", "Predictions", predictionCards(assessment), unknowns());
    parts.push(el("div", { class: "columns" }, el("div", { class: "stack" }, images, notes), predictions));
    parts.push(section("whole-body", "Whole body", wholeBodyTable(assessment)),
      section("lesions", "Lesions", lesions.element), section("organs", "Organs and physiological uptake", organTable(assessment)));
  } else if (notes) {
    parts.push(notes);
  }
  const closing = el("div", { class: "columns even" }, inputQuality(assessment), provenance(assessment, seriesId));
  parts.push(closing);
  return parts;
}

function header(assessment: Assessment): HTMLElement {
  const { patient, study } = assessment.series;
  const age = patient.ageYears === undefined ? "" : `, ${numberText(Math.floor(patient.ageYears), 0)} years at the scan`;
  return el("header", { class: "patient" },
    el("h1", {}, personName(patient.patientName)),
    facts([
      ["Patient ID", patient.patientId + (patient.issuerOfPatientId ? ` (${patient.issuerOfPatientId})` : "")],
      ["Born", patient.birthDate ? dicomDate(patient.birthDate) : "not given"],
      ["Sex and age", sexText(patient.sex) + age],
      ["Identity", patient.identityRemoved ? "removed: the source is marked as de-identified" : null],
      ["Study", [dicomDate(study.studyDate), dicomTime(study.studyTime)].filter(Boolean).join(" ")],
      ["Description", [study.studyDescription, assessment.series.seriesDescription].filter(Boolean).join(" / ")],
      ["Accession number", study.accessionNumber || "not given"],
      ["Referring physician", study.referringPhysicianName ? personName(study.referringPhysicianName) : null],
      ["Institution", assessment.series.institutionName],
    ]));
}

// What a reader of a probability should ask for and this release does not know: named, not left out.
function unknowns(): HTMLElement {
  return el("p", { class: "note" }, "Not available in this release: the number of similar training patients, ",
    "and the calibration at this hospital.");
}

function inputQuality(assessment: Assessment): HTMLElement {
  const { series, suv } = assessment;
  const agent = series.radiopharmaceutical;
  const [, , slices] = series.geometry.size;
  const spacing = series.geometry.spacingMm.map((mm) => numberText(mm, 2)).join(" × ");
  return section("input-quality", "Input quality", facts([
    ["Weight", series.patientWeightKg === undefined ? "not given" : `${numberText(series.patientWeightKg, 1)}\u202fkg`],
    ["Height", series.patientHeightM === undefined ? "not given" : `${numberText(series.patientHeightM, 2)}\u202fm`],
    ["Tracer", agent.agentCode?.meaning || agent.name || "not given"],
    ["Injected activity", agent.injectedActivityBq === undefined ? "not given" : `${numberText(agent.injectedActivityBq / 1e6, 1)}\u202fMBq`],
    ["Uptake time", suv?.uptakeMinutes === undefined ? "not known" : `${numberText(suv.uptakeMinutes, 0)}\u202fmin`],
    ["SUV method", suv ? suv.method : "SUV was not computed"],
    ["Lean body mass (SUL)", !suv ? null : suv.sulRefusal ? refusalElement(suv.sulRefusal)
      : suv.sulPerSuvBw === undefined ? "not known" : `SUL = ${numberText(suv.sulPerSuvBw, 3)} × SUVbw`],
    ["Scanner", [series.manufacturer, series.manufacturerModel, series.stationName].filter(Boolean).join(", ") || "not given"],
    ["Scanner software", series.softwareVersions],
    ["Reconstruction", series.reconstructionMethod || "not given"],
    ["Corrections", series.correctedImage.join(", ") || "not given"],
    ["Attenuation correction", series.attenuationCorrectionMethod],
    ["Decay correction", series.decayCorrection || "not given"],
    ["Voxels", slices > 0 ? `${numberText(slices, 0)} slices, ${spacing}\u202fmm` : null],
  ]));
}

function provenance(assessment: Assessment, seriesId: string): HTMLElement {
  const { model, identity } = assessment;
  const link = (id: string, text: string, href: string): HTMLElement => el("li", {}, el("a", { id, href }, text));
  const links = el("ul", { class: "links" },
    link("link-series", "PET series in Orthanc", explorerAddress("series", seriesId)),
    link("link-json", "This result as JSON", assessmentAddress(seriesId)));
  // Links to what exists only; a missing one is not worth an error on this page.
  void fetchParentStudy(seriesId).then((study) =>
    links.prepend(link("link-study", "Study in Orthanc", explorerAddress("study", study)))).catch(() => undefined);
  const instance = (id: string, text: string, uid: string): void => {
    if (!uid || assessment.refusals.length > 0 && id === "link-seg") return;
    void lookUpInstance(uid).then((found) => {
      if (found) links.append(link(id, text, explorerAddress("instance", found)));
    }).catch(() => undefined);
  };
  instance("link-sr", "Structured report (DICOM SR)", identity.srSopInstanceUid);
  instance("link-seg", "Segmentation (DICOM SEG)", identity.segSopInstanceUid);
  const print = el("button", { type: "button", class: "quiet" }, "Print");
  print.addEventListener("click", () => window.print());
  return section("model", "Model and origin", facts([
    ["Model", `${model.name} ${model.version}`.trim() || "none"],
    ["Trained on", (model.trainingData || "not stated") + (model.trainedOnSyntheticData ? ". Synthetic data: no real patient." : "")],
    ["Weights (SHA-256)", model.sha256 ? el("code", { class: "hash" }, model.sha256) : "none"],
    ["Assessed at", `${clockText(assessment.assessedAt)} UTC`],
    ["fedpet", assessment.softwareVersion],
    ["Series Instance UID", el("code", { class: "hash" }, assessment.series.seriesInstanceUid)],
  ]), el("nav", { "aria-label": "Related documents" }, links), print);
}
