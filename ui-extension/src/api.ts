// What the plugin answers, and how the page asks. The only file that knows addresses and JSON keys.
// The assessment is written by orthanc-plugin/protocol/AssessmentJson.cpp. Addresses are relative to
// <orthanc>/fedpet/app/, so that a reverse proxy may put Orthanc under any prefix.

export interface Refusal {
  code: string;
  detail: string;
  explanation?: string;
}

// Either `value` or `refusal`, never both.
export interface Measurement {
  quantity: string;
  title: string;
  unit: string; // UCUM
  value?: number;
  refusal?: Refusal;
  definition: string;
  observationUid: string;
}

export type Role = "Lesion" | "Physiological" | "Reference";
export type PointMm = [number, number, number]; // LPS

export interface Region {
  label: number;
  role: Role;
  name: string;
  organ?: string;
  trackingId: string;
  trackingUid: string;
  confidence: number;
  centroidMm: PointMm;
  definition: string;
  measurements: Measurement[];
}

export interface Contribution {
  input: string;
  value?: number; // absent: not known, a typical value was used
  unit: string;
  logOdds: number;
}

// Either the four numbers or `refusal`.
export interface Prediction {
  endpoint: string;
  title: string;
  horizonMonths: number;
  event: string;
  probability?: number;
  lower?: number;
  upper?: number;
  intervalLevel?: number;
  refusal?: Refusal;
  contributions: Contribution[];
  calibrationNote: string;
  observationUid: string;
}

export interface MipView {
  name: string;
  width: number;
  height: number;
  pixelWidthMm: number;
  pixelHeightMm: number;
  suvAtWhite: number;
  suv: string; // base64, one byte a pixel, row 0 is the head
  role: string; // base64: 0 none, 1 lesion, 2 physiological, 3 reference
}

export interface VolumeGeometry {
  size: PointMm;
  spacingMm: PointMm;
  originMm: PointMm;
  rowDirection: PointMm;
  columnDirection: PointMm;
  sliceDirection: PointMm;
}

export interface PetSeries {
  patient: {
    patientId: string;
    issuerOfPatientId: string;
    patientName: string; // DICOM PN
    birthDate: string; // DICOM DA
    sex: string;
    identityRemoved: boolean; // the source says that it was de-identified
    ageYears?: number;
  };
  study: {
    studyInstanceUid: string;
    studyId: string;
    studyDate: string;
    studyTime: string;
    studyDescription: string;
    accessionNumber: string;
    referringPhysicianName: string;
  };
  seriesInstanceUid: string;
  seriesDescription: string;
  manufacturer: string;
  manufacturerModel: string;
  stationName: string;
  institutionName: string;
  softwareVersions: string;
  correctedImage: string[];
  attenuationCorrectionMethod: string;
  units: string;
  decayCorrection: string;
  reconstructionMethod: string;
  radiopharmaceutical: {
    name: string;
    agentCode: { value: string; scheme: string; meaning: string } | null;
    startDateTime: string | null;
    injectedActivityBq?: number;
    halfLifeSeconds?: number;
  };
  seriesDateTime: string | null;
  geometry: VolumeGeometry;
  instances: string[];
  warnings: string[];
  patientWeightKg?: number;
  patientHeightM?: number;
}

// ---- more than this one study: orthanc-plugin/protocol/FollowUpJson.h ---------------------------

export interface PercistReading {
  reference: string; // "Liver", "BloodPool"
  definition: string;
  numbers: Measurement[];
  measurable: boolean;
  hottestTrackingUid: string; // empty: no lesion
}

// A study as its own report tells of it; what the report does not hold is absent.
export interface Prior {
  studyInstanceUid: string;
  seriesInstanceUid: string; // of the report
  srSopInstanceUid: string;
  srSopClassUid?: string;
  scannedAt: string; // the scanner's clock, without a zone
  producer: string;
  lesionDefinition: string;
  tmtvMl?: number;
  tlgG?: number;
  suvMax?: number;
  sulPeak?: number;
  lesionCount?: number;
  percist?: string; // "PMR"
  iPercist?: string;
}

export interface LesionChange {
  fate: string; // "Matched", "NewLesion", "Resolved"
  trackingId: string;
  trackingUid: string;
  distanceMm: number; // 0 unless matched
  note: string;
  earlierVolumeMl?: number;
  volumeMl?: number;
  earlierSulPeak?: number;
  sulPeak?: number;
  earlierSuvMax?: number;
  suvMax?: number;
}

// Either the category or `refusal`.
export interface Category {
  category?: string; // "PMR"
  title?: string; // "Partial metabolic response"
  refusal?: Refusal;
}

export interface Comparison {
  earlier: Prior;
  percist: Category;
  iPercist: Category;
  reasons: string[];
  changes: Measurement[]; // in %
  lesions: LesionChange[];
  alignment: string;
  warnings: string[];
}

export interface Harmonisation {
  scanner: string;
  scannerClass: string; // empty: unknown
  targetClass: string;
  filterFwhmMm?: number; // absent: not filtered
  adjusted: { input: string; measured: number; adjusted: number }[]; // inputs of the model
  statement: string;
}

export interface Assessment {
  schemaVersion: number;
  status: "assessed" | "refused";
  researchUseOnly: string;
  assessedAt: string; // UTC, without a zone
  softwareVersion: string;
  model: {
    name: string;
    version: string;
    sha256: string;
    trainingData: string;
    trainedOnSyntheticData: boolean;
  };
  series: PetSeries;
  identity: {
    srSopInstanceUid: string;
    segSopInstanceUid: string;
    deviceUid: string;
    pdfSopInstanceUid?: string; // absent or empty: there is none
    mipSopInstanceUid?: string;
  };
  refusals: Refusal[];
  suv: {
    suvBwPerUnit: number;
    method: string;
    warnings: string[];
    sulPerSuvBw?: number;
    uptakeMinutes?: number;
    sulRefusal?: Refusal;
  } | null;
  lesionDefinition: string;
  wholeBody: Measurement[];
  regions: Region[];
  missingRegions: { organ: string; refusal: Refusal }[];
  predictions: Prediction[];
  warnings: string[];
  mips: MipView[];
  // Absent in results of releases that did not know them; null where there is nothing to say.
  percist?: PercistReading | { refusal: Refusal } | null;
  priors?: Prior[];
  comparison?: Comparison | null;
  harmonisation?: Harmonisation | null;
}

// orthanc-plugin/RestApi.cpp; the states are those of orthanc-plugin/Job.h.
export interface Job {
  id: number;
  orthancSeriesId: string;
  orthancStudyId: string;
  state: "waiting" | "running" | "done" | "failed" | "skipped" | "cancelled";
  attempt: number;
  triesLeft: number;
  stage: string;
  percent: number;
  reason: { code: string; text: string } | null; // of a skip, a failure, or the last failed attempt
  createdAt: string; // ISO 8601, UTC
  updatedAt: string;
}

export interface JobPage {
  jobs: Job[]; // newest first
  nextBefore: number | null; // to ask for older ones
}

const kSchemaVersion = 1;

// Text for the reader of the page: what went wrong and, where we know it, what to do.
export class ApiError extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

async function ask(address: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-cache", ...init });
  } catch {
    throw new ApiError("Orthanc does not answer. Check the connection and try again.", 0);
  }
  if (response.ok) return response;
  if (response.status === 401 || response.status === 403)
    throw new ApiError("Orthanc does not allow this user to see the page's data.", response.status);
  if (response.status === 404) throw new ApiError("Orthanc does not know it.", 404);
  throw new ApiError(`Orthanc answered with the error ${response.status}${await detailOf(response)}. Its log says more.`,
    response.status);
}

// {"error": "..."}: what the plugin has to say about its refusal.
async function detailOf(response: Response): Promise<string> {
  try {
    const answer = (await response.json()) as { error?: unknown };
    return typeof answer.error === "string" ? `: ${answer.error}` : "";
  } catch {
    return "";
  }
}

async function askJson(address: string): Promise<unknown> {
  const response = await ask(address, { headers: { Accept: "application/json" } });
  try {
    return await response.json();
  } catch {
    throw new ApiError("The answer of Orthanc is not JSON. A proxy may stand in between.", 0);
  }
}

export const assessmentAddress = (seriesId: string): string =>
  `../assessments/${encodeURIComponent(seriesId)}`;

export async function fetchAssessment(seriesId: string): Promise<Assessment> {
  const answer = (await askJson(assessmentAddress(seriesId))) as Assessment;
  if (answer.schemaVersion !== kSchemaVersion)
    throw new ApiError("The result was written by another release than this page. Reload the page.", 0);
  return answer;
}

export async function fetchJobs(filter: { series?: string; state?: string; before?: number } = {}): Promise<JobPage> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value !== undefined && value !== "") query.set(key, String(value));
  const answer = (await askJson(`../jobs?${query.toString()}`)) as JobPage;
  if (!Array.isArray(answer.jobs)) throw new ApiError("The list of jobs has an unknown form. Reload the page.", 0);
  return answer;
}

export async function retryJob(id: number): Promise<void> {
  await ask(`../jobs/${id}/retry`, { method: "POST", body: "{}" });
}

export async function assessSeries(seriesId: string): Promise<void> {
  await ask(`../series/${encodeURIComponent(seriesId)}/assess`, { method: "POST", body: "{}" });
}

export const fetchStatus = (): Promise<unknown> => askJson("../status");

// ---- the consortium: orthanc-plugin/FederationApi.cpp -------------------------------------------

export interface TrainingPlan {
  hash: string;
  title: string;
  purpose: string;
  task: string;
  masking: string;
  decision: { approved: boolean; by: string; reason: string; time: string | null } | null;
  policyObjections: string[];
  epsilonSpent: number;
  epsilonPlanned: number; // 0: no noise
  delta: number;
}

export interface Membership {
  configured: boolean;
  enrolled: boolean;
  site?: string;
  consortium?: string;
  coordinatorUrl?: string;
  certificateEnds?: string | null;
  lastContact?: string | null;
  lastProblem?: string;
  epsilonSpent?: number;
  epsilonAllowed?: number;
  working?: string;
  plans?: TrainingPlan[];
  rounds?: string[];
}

export const fetchMembership = async (): Promise<Membership> => (await askJson("../federation")) as Membership;

export const fetchPlanText = async (hash: string): Promise<string> =>
  JSON.stringify(await askJson(`../federation/plans/${encodeURIComponent(hash)}`), null, 2);

export async function decidePlan(hash: string, approve: boolean, by: string, reason: string): Promise<void> {
  await ask(`../federation/plans/${encodeURIComponent(hash)}/${approve ? "approve" : "reject"}`,
    { method: "POST", body: JSON.stringify({ by, reason }) });
}

export async function enrol(invitation: string): Promise<void> {
  await ask("../federation/enrolment", { method: "POST", body: JSON.stringify({ invitation }) });
}

// ---- Orthanc's own REST API -----------------------------------------------------------------

export const explorerAddress = (level: "study" | "series" | "instance", id: string): string =>
  `../../app/explorer.html#${level}?uuid=${encodeURIComponent(id)}`;

export async function fetchParentStudy(seriesId: string): Promise<string> {
  const answer = (await askJson(`../../series/${encodeURIComponent(seriesId)}`)) as { ParentStudy: string };
  return answer.ParentStudy;
}

export async function fetchSeriesOfStudy(studyId: string): Promise<string[]> {
  const answer = (await askJson(`../../studies/${encodeURIComponent(studyId)}`)) as { Series: string[] };
  return answer.Series;
}

export interface StudySummary {
  ID: string;
  MainDicomTags: { StudyDate?: string; StudyDescription?: string };
  PatientMainDicomTags?: { PatientName?: string; PatientID?: string };
}

// Many studies in one question. A study that was deleted since is left out.
export async function fetchStudies(studyIds: readonly string[]): Promise<StudySummary[]> {
  if (studyIds.length === 0) return [];
  const response = await ask("../../tools/bulk-content",
    { method: "POST", body: JSON.stringify({ Resources: studyIds, Level: "Study" }) });
  return (await response.json()) as StudySummary[];
}

// The Orthanc id of what has this UID; undefined when Orthanc has it not (yet).
export async function lookUp(level: "Study" | "Instance", uid: string): Promise<string | undefined> {
  const response = await ask("../../tools/lookup", { method: "POST", body: uid });
  const found = (await response.json()) as { ID: string; Type: string }[];
  return found.find((item) => item.Type === level)?.ID;
}

// The page of an earlier study's result: of its series, where one series was assessed, else of the
// study. undefined when Orthanc no longer has the study, or fedpet here never assessed it.
export async function resultAddress(studyInstanceUid: string): Promise<string | undefined> {
  const study = await lookUp("Study", studyInstanceUid);
  if (!study) return undefined;
  const all = (await askJson(`../../studies/${encodeURIComponent(study)}/series`)) as
    { ID: string; MainDicomTags?: { Modality?: string } }[];
  const series = all.filter((item) => item.MainDicomTags?.Modality === "PT").map((item) => item.ID);
  const pages = await Promise.all(series.map((id) => fetchJobs({ series: id, state: "done" })));
  const [first, second] = series.filter((_, index) => pages[index]!.jobs.length > 0);
  if (!first) return undefined;
  return second ? `#/study/${encodeURIComponent(study)}` : `#/series/${encodeURIComponent(first)}`;
}

export const pdfAddress = (instanceId: string): string => `../../instances/${encodeURIComponent(instanceId)}/pdf`;

export const frameAddress = (instanceId: string, frame: number): string =>
  `../../instances/${encodeURIComponent(instanceId)}/frames/${frame}/preview`;

export async function fetchFrameCount(instanceId: string): Promise<number> {
  const answer = await askJson(`../../instances/${encodeURIComponent(instanceId)}/frames`);
  return Array.isArray(answer) ? answer.length : 0;
}
