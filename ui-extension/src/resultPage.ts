// The result of one PET series.

import {
  ApiError, assessSeries, Assessment, assessmentAddress, explorerAddress, fetchAssessment, fetchJobs, fetchParentStudy, lookUp,
  pdfAddress,
} from "./api";
import { Cine } from "./cine";
import { bullets, el, facts, section } from "./dom";
import { followUpParts } from "./followUp";
import {
  clockText, dicomDate, dicomTime, numberText, personName, refusalElement, sexText,
} from "./format";
import { adjustmentNote, filterNote, harmonisationFacts, harmonisationStatement } from "./harmonisation";
import { actionButton, isEnded, jobCard } from "./jobsPage";
import { MipPanel } from "./mip";
import { percistParts } from "./percist";
import { predictionCards } from "./predictions";
import { LesionTable, measurementTable, organTable } from "./tables";

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
    parts.push(...assessedParts(assessment, notes));
  } else if (notes) {
    parts.push(notes);
  }
  const closing = el("div", { class: "columns even" }, inputQuality(assessment), provenance(assessment, seriesId));
  parts.push(closing);
  return parts;
}

function assessedParts(assessment: Assessment, notes: HTMLElement | null): HTMLElement[] {
  const lesions = new LesionTable(assessment);
  const images = section("images", "Images");
  let select = (label: number | undefined): void => lesions.select(label);
  if (assessment.mips.length > 0) {
    const mips = new MipPanel(assessment);
    select = (label) => { mips.select(label); lesions.select(label); };
    lesions.onSelect = select;
    mips.onSelect = (label) => { mips.select(label); lesions.select(label, true); };
    images.append(mips.element);
  } else {
    images.append(el("p", {}, "The result holds no picture."));
  }
  if (assessment.identity.mipSopInstanceUid) images.append(new Cine(assessment.identity.mipSopInstanceUid).element);
  const mark = (label: number): void => {
    select(label);
    images.scrollIntoView({ block: "nearest" });
  };
  const predictions = section("predictions", "Predictions", predictionCards(assessment), unknowns());
  const followUp = followUpParts(assessment, mark), percist = percistParts(assessment, mark);
  return [
    el("div", { class: "columns" }, el("div", { class: "stack" }, images, notes), predictions),
    ...(followUp ? [section("follow-up", "Follow-up", ...followUp)] : []),
    ...(percist ? [section("percist", "PERCIST", filterNote(assessment), percist)] : []),
    section("whole-body", "Whole body", harmonisationStatement(assessment),
      measurementTable(assessment.wholeBody, "Whole body", (item) => adjustmentNote(assessment, item.quantity, item.unit))),
    section("lesions", "Lesions", filterNote(assessment), lesions.element),
    section("organs", "Organs and physiological uptake", filterNote(assessment), organTable(assessment)),
  ];
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
    ...harmonisationFacts(assessment),
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
  const instance = (id: string, text: string, uid: string | undefined, address: (found: string) => string): void => {
    if (!uid) return;
    const place = el("li", { hidden: true }); // keeps the order, whichever answer comes first
    links.append(place);
    void lookUp("Instance", uid).then((found) => {
      if (found) place.replaceWith(link(id, text, address(found)));
      else place.remove();
    }).catch(() => place.remove());
  };
  const explored = (found: string): string => explorerAddress("instance", found);
  instance("link-pdf", "Report to print (PDF)", identity.pdfSopInstanceUid, pdfAddress);
  instance("link-sr", "Structured report (DICOM SR)", identity.srSopInstanceUid, explored);
  if (assessment.refusals.length === 0) { // else what is stored under these UIDs belongs to an earlier result
    instance("link-seg", "Segmentation (DICOM SEG)", identity.segSopInstanceUid, explored);
    instance("link-mip", "Rotating MIP (DICOM secondary capture)", identity.mipSopInstanceUid, explored);
  }
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
