// Assessments for the tests of the page, in the form of orthanc-plugin/protocol/AssessmentJson.cpp.
// Everything here is synthetic: a body of ellipsoids, a patient who never lived, numbers made up.

const kSpacingMm = 4;
const kSize = [112, 84, 240]; // x to the left, y to the back, z to the head
const kOriginMm = [-222, -166, -478]; // centre of voxel (0,0,0)
const kSuvAtWhite = 10;

// centre (mm, LPS, 0 = middle of the body), half axes (mm), SUV, role, organ
const kBody = [
  { at: [0, 0, -20], axes: [165, 105, 330], suv: 0.75 },
  { at: [0, 5, 330], axes: [80, 95, 125], suv: 0.9 },
  { at: [-75, 10, -330], axes: [70, 75, 160], suv: 0.6 },
  { at: [75, 10, -330], axes: [70, 75, 160], suv: 0.6 },
  { at: [-75, -5, 130], axes: [62, 70, 110], suv: 0.35 },
  { at: [75, -5, 130], axes: [62, 70, 110], suv: 0.35 },
  { at: [0, -5, 130], axes: [34, 60, 110], suv: 1.5 },
];
export const kOrgans = [
  { organ: "Brain", name: "Brain", role: "Physiological", at: [0, 5, 375], axes: [62, 78, 58], suv: 8.6, confidence: 0.95 },
  { organ: "Heart", name: "Heart", role: "Physiological", at: [28, -25, 85], axes: [42, 38, 42], suv: 4.6, confidence: 0.82 },
  { organ: "LeftKidney", name: "Left kidney", role: "Physiological", at: [70, 45, -65], axes: [26, 24, 48], suv: 5.1, confidence: 0.88 },
  { organ: "RightKidney", name: "Right kidney", role: "Physiological", at: [-70, 45, -75], axes: [26, 24, 48], suv: 4.9, confidence: 0.86 },
  { organ: "Bladder", name: "Bladder", role: "Physiological", at: [0, -30, -290], axes: [38, 34, 34], suv: 14, confidence: 0.97 },
  { organ: "Liver", name: "Liver", shown: [-75, -5, -10], axes: [82, 72, 62], at: [-75, -5, -10], suv: 2.35, confidence: 0.93, role: "Organ" },
  { organ: "Liver", name: "Liver reference region", role: "Reference", at: [-85, -5, -5], axes: [26, 26, 26], suv: 2.37, confidence: 0.93 },
  { organ: "Spleen", name: "Spleen reference region", role: "Reference", at: [110, 30, 5], axes: [26, 28, 40], suv: 1.98, confidence: 0.78 },
];
export const kLesions = [
  { at: [-88, -20, 175], radius: 24, suv: 13.8, touching: false },
  { at: [-18, 0, 140], radius: 13, suv: 9.2, touching: false },
  { at: [14, 12, 165], radius: 9, suv: 6.9, touching: false },
  { at: [-52, 62, 30], radius: 10, suv: 7.4, touching: false },
  { at: [62, 30, -30], radius: 11, suv: 8.1, touching: true },
  { at: [-30, 62, -150], radius: 14, suv: 10.6, touching: false },
  { at: [88, 40, -215], radius: 12, suv: 5.6, touching: false },
];

export const refusal = (code, detail, explanation) => ({ code, detail, explanation });
export const kMarrowRefusal = refusal("RegionNotFound", "lumbar spine: 38 % of it is lesion by the rule in use",
  "A region could not be located with confidence; measure it by hand.");
export const kOutOfDistribution = refusal("OutOfDistribution", "Mahalanobis distance 6.1 is above 4.5; largest share: TMTV",
  "The inputs are unlike those that the model was trained on, so no prediction is given.");

let uid = 0;
export const nextUid = () => `2.25.${300000000000000000000n + BigInt(++uid)}`;
export const measured = (quantity, title, unit, value, definition) =>
  ({ quantity, title, unit, value, definition, observationUid: nextUid() });
export const refused = (quantity, title, unit, why, definition) =>
  ({ quantity, title, unit, refusal: why, definition, observationUid: nextUid() });

// A small generator of numbers in [0,1) that gives the same picture every time.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

function paint(volume, role, item, roleValue, soft) {
  const axes = item.axes ?? [item.radius, item.radius, item.radius];
  const range = (axis) => {
    const middle = (item.at[axis] - kOriginMm[axis]) / kSpacingMm, reach = (axes[axis] * 1.4) / kSpacingMm;
    return [Math.max(0, Math.floor(middle - reach)), Math.min(kSize[axis] - 1, Math.ceil(middle + reach))];
  };
  const [x0, x1] = range(0), [y0, y1] = range(1), [z0, z1] = range(2);
  for (let z = z0; z <= z1; ++z)
    for (let y = y0; y <= y1; ++y)
      for (let x = x0; x <= x1; ++x) {
        const at = [x, y, z];
        const r = Math.hypot(...axes.map((half, a) => (kOriginMm[a] + at[a] * kSpacingMm - item.at[a]) / half));
        const offset = (z * kSize[1] + y) * kSize[0] + x;
        const share = soft ? Math.min(1, Math.max(0, (1.25 - r) / 0.5)) : Math.min(1, Math.max(0, (1.08 - r) / 0.16));
        if (share > 0) volume[offset] += share * (item.suv - volume[offset]);
        if (roleValue && r <= 1) role[offset] = roleValue;
      }
}

function mips() {
  const [nx, ny, nz] = kSize;
  const volume = new Float32Array(nx * ny * nz), role = new Uint8Array(nx * ny * nz);
  for (const item of kBody) paint(volume, role, item, 0, false);
  for (const item of kOrgans) paint(volume, role, item, { Physiological: 2, Reference: 3 }[item.role] ?? 0, false);
  for (const item of kLesions) paint(volume, role, item, 1, true);
  const noise = random(7);
  const view = (name, width) => ({ name, width, height: nz, pixelWidthMm: kSpacingMm, pixelHeightMm: kSpacingMm,
    suvAtWhite: kSuvAtWhite, suv: Buffer.alloc(width * nz), role: Buffer.alloc(width * nz) });
  const views = [view("coronal", nx), view("sagittal", ny)];
  for (let z = 0; z < nz; ++z)
    for (let y = 0; y < ny; ++y)
      for (let x = 0; x < nx; ++x) {
        const offset = (z * ny + y) * nx + x;
        const suv = volume[offset] * (1 + 0.22 * (noise() - 0.5));
        const value = Math.round(Math.min(1, suv / kSuvAtWhite) * 255);
        [x, y].forEach((column, v) => {
          const at = (nz - 1 - z) * views[v].width + column;
          if (value > views[v].suv[at]) views[v].suv[at] = value;
          if (role[offset] && (!views[v].role[at] || role[offset] < views[v].role[at])) views[v].role[at] = role[offset];
        });
      }
  return views.map((item) => ({ ...item, suv: item.suv.toString("base64"), role: item.role.toString("base64") }));
}

export const kSul = "g/ml{SUVlbm(Janma)}";
const kSulPerSuv = 0.683;
export const kRule = "SUVbw >= 4.0, 18-connected, components of at least 0.5 ml";

function lesion(item, number) {
  const volume = (4 / 3) * Math.PI * item.radius ** 3 / 1000;
  const mean = item.suv * 0.62;
  const name = `Lesion ${number}`;
  return {
    label: number, role: "Lesion", name, trackingId: name, trackingUid: nextUid(), confidence: item.touching ? 0.5 : 0.7,
    centroidMm: item.at,
    definition: `SUVbw >= 4.00; rule: ${kRule}${item.touching ? "; touches physiological uptake (LeftKidney), the border is a guess" : ""}`,
    measurements: [
      measured("MTV", "Metabolic volume", "ml", volume, "voxels of the lesion x voxel volume"),
      measured("SUVmax", "Maximum SUV (body weight)", "g/ml{SUVbw}", item.suv, "hottest voxel, SUVbw"),
      measured("SUVmean", "Mean SUV (body weight)", "g/ml{SUVbw}", mean, "mean over the lesion's voxels, SUVbw"),
      item.radius < 9.5
        ? refused("SUVpeak", "Peak SUV (1 ml sphere, body weight)", "g/ml{SUVbw}",
            refusal("RegionNotFound", "the lesion is too close to the border of the volume", "A region could not be located with confidence; measure it by hand."), "")
        : measured("SUVpeak", "Peak SUV (1 ml sphere, body weight)", "g/ml{SUVbw}", item.suv * 0.86, "mean of the 1 ml sphere placed where it is highest"),
      measured("SULpeak", "Peak SUL (1 ml sphere, lean body mass)", kSul, item.suv * 0.86 * kSulPerSuv, "mean of the 1 ml sphere placed where it is highest, SUL"),
      measured("LesionGlycolysis", "Lesion glycolysis", "g", volume * mean, "volume x SUVmean"),
    ],
  };
}

function organ(item, label) {
  const volume = (4 / 3) * Math.PI * item.axes[0] * item.axes[1] * item.axes[2] / 1000;
  return {
    label, role: item.role, organ: item.organ, name: item.name, trackingId: item.name, trackingUid: nextUid(),
    confidence: item.confidence, centroidMm: item.at,
    definition: item.role === "Reference" ? "sphere in the most even part of the organ" : "uptake above SUV 4.0 connected to the organ's place",
    measurements: [
      measured("Volume", "Volume", "ml", volume, "voxels x voxel volume"),
      measured("SUVmean", "Mean SUV (body weight)", "g/ml{SUVbw}", item.suv, "mean over the region's voxels, SUVbw"),
      measured("SUVmax", "Maximum SUV (body weight)", "g/ml{SUVbw}", item.suv * 1.21, "hottest voxel, SUVbw"),
    ],
  };
}

function contributions(scale) {
  return [
    { input: "TMTV", unit: "ml", logOdds: -0.61 * scale, value: 98.4 },
    { input: "dNLR", unit: "{ratio}", logOdds: 0 },
    { input: "PD-L1 TPS", unit: "%", logOdds: 0.52 * scale, value: 60 },
    { input: "ECOG performance status", unit: "", logOdds: 0.11 * scale, value: 1 },
    { input: "SLR", unit: "{ratio}", logOdds: 0.18 * scale, value: 0.8354 },
    { input: "Dmax", unit: "mm", logOdds: -0.24 * scale, value: 429.3 },
    { input: "Age", unit: "a", logOdds: -0.04 * scale, value: 64 },
    { input: "LDH over upper limit", unit: "{ratio}", logOdds: -0.02 * scale },
  ];
}

// Wahl 2009, J Nucl Med 50 suppl 1: measurable from 1.5 x mean + 2 SD of the liver's SUL on.
function reading(lesions) {
  const mean = 2.37 * kSulPerSuv, sd = 0.21 * kSulPerSuv;
  const peak = lesions[0].measurements.find((item) => item.quantity === "SULpeak").value;
  return {
    reference: "Liver", definition: "30 mm sphere in the right lobe; measurable from 1.5 x mean + 2 SD on", measurable: true,
    hottestTrackingUid: lesions[0].trackingUid,
    numbers: [
      measured("ReferenceSULmean", "PERCIST reference mean SUL", kSul, mean, "sphere of 30 mm in the right lobe"),
      measured("ReferenceSULsd", "PERCIST reference standard deviation of SUL", kSul, sd, "sphere of 30 mm in the right lobe"),
      measured("PERCISTthreshold", "Least SULpeak that is measurable by PERCIST", kSul, 1.5 * mean + 2 * sd, "1.5 x mean + 2 SD of the liver"),
      measured("SULpeak", "Peak SUL (1 ml sphere, lean body mass)", kSul, peak, "hottest 1 ml sphere of all lesions"),
    ],
  };
}

// A study without a prior, as this release writes it.
export function assessment() {
  uid = 0;
  const lesions = kLesions.map((item, index) => lesion(item, index + 1));
  const organs = kOrgans.filter((item) => item.role !== "Organ").map((item, index) => organ(item, lesions.length + index + 1));
  const sum = (quantity) => lesions.reduce((total, item) =>
    total + item.measurements.find((m) => m.quantity === quantity).value, 0);
  const bw = "g/ml{SUVbw}";
  return {
    schemaVersion: 1,
    status: "assessed",
    researchUseOnly: "Research use only. Not a medical device; not for treatment decisions.",
    assessedAt: "2026-11-24T09:31:07.000000",
    softwareVersion: "0.1.0",
    model: { name: "fedpet-response-linear", version: "0.1.0", sha256: "9c1d".repeat(16),
             trainingData: "synthetic cohort, 4000 patients, seed 20261124", trainedOnSyntheticData: true },
    series: {
      patient: { patientId: "SYN-0001", issuerOfPatientId: "FEDPET-DEMO", patientName: "Synthetic^Anna^Marie", birthDate: "19620314",
                 sex: "F", ageYears: 64.7, identityRemoved: false },
      study: { studyInstanceUid: "2.25.1", studyId: "1", studyDate: "20261123", studyTime: "101500", studyDescription: "FDG PET/CT whole body",
               accessionNumber: "A-20261123-07", referringPhysicianName: "Example^Referrer" },
      seriesInstanceUid: "2.25.217735921118235690452331945634291", frameOfReferenceUid: "2.25.3", sopClassUid: "1.2.840.10008.5.1.4.1.1.128",
      seriesDescription: "PET AC 4 mm", manufacturer: "fedpet", manufacturerModel: "Synthetic phantom", stationName: "PHANTOM1",
      institutionName: "Synthetic Hospital", softwareVersions: "phantom 0.1.0", imageType: ["ORIGINAL", "PRIMARY"],
      seriesType: ["WHOLE BODY", "IMAGE"], correctedImage: ["ATTN", "DECY", "SCAT", "RAN", "NORM"],
      attenuationCorrectionMethod: "CT, measured", units: "BQML", suvType: "", decayCorrection: "START", reconstructionMethod: "OSEM 3i21s, 5 mm Gaussian",
      radiopharmaceutical: { name: "FDG", agentCode: { value: "C-B1031", scheme: "SRT", meaning: "Fluorodeoxyglucose F^18^" }, nuclideCode: null,
                             startDateTime: "2026-11-23T09:12:00.000000", injectedActivityBq: 241300000, halfLifeSeconds: 6586.2 },
      seriesDateTime: "2026-11-23T10:15:00.000000",
      geometry: { size: kSize, spacingMm: [kSpacingMm, kSpacingMm, kSpacingMm], originMm: kOriginMm, rowDirection: [1, 0, 0],
                  columnDirection: [0, 1, 0], sliceDirection: [0, 0, 1] },
      instances: [], warnings: [], patientWeightKg: 68.5, patientHeightM: 1.67,
    },
    identity: { srSeriesUid: "2.25.10", srSopInstanceUid: "2.25.11", segSeriesUid: "2.25.12", segSopInstanceUid: "2.25.13", deviceUid: "2.25.14",
                pdfSeriesUid: "2.25.15", pdfSopInstanceUid: "2.25.16", mipSeriesUid: "2.25.17", mipSopInstanceUid: "2.25.18" },
    refusals: [],
    suv: { suvBwPerUnit: 0.000284, method: "BQML, decay from injection to the series time (DecayCorrection START)", warnings: [],
           sulPerSuvBw: kSulPerSuv, uptakeMinutes: 63 },
    lesionDefinition: kRule,
    wholeBody: [
      measured("TMTV", "Total metabolic tumour volume", "ml", sum("MTV"), `volume of all lesions together; lesions: ${kRule}`),
      measured("TLG", "Total lesion glycolysis", "g", sum("LesionGlycolysis"), `sum over the lesions of volume x SUVmean; lesions: ${kRule}`),
      measured("LesionCount", "Number of lesions", "{count}", lesions.length, `number of lesions; lesions: ${kRule}`),
      measured("SUVmax", "Maximum SUV (body weight)", bw, 13.8, "hottest voxel of all lesions, SUVbw"),
      measured("Dmax", "Largest distance between two lesions", "mm", 429.3, "largest distance between the centroids of two lesions"),
      measured("SLR", "Spleen-to-liver SUVmean ratio", "{ratio}", 0.8354, "SUVmean of the spleen over SUVmean of the liver reference region"),
      refused("BLR", "Bone-marrow-to-liver SUVmean ratio", "{ratio}", kMarrowRefusal, "SUVmean of the lumbar marrow over SUVmean of the liver reference region"),
      measured("LiverSUVmean", "Liver reference mean SUV (body weight)", bw, 2.37, "sphere of 30 mm in the right lobe"),
      measured("LiverSUVsd", "Liver reference standard deviation of SUV (body weight)", bw, 0.21, "sphere of 30 mm in the right lobe"),
    ],
    regions: [...lesions, ...organs],
    missingRegions: [{ organ: "LumbarMarrow", refusal: kMarrowRefusal }],
    predictions: [
      { endpoint: "DCB", title: "Durable clinical benefit", horizonMonths: 6, event: "durable clinical benefit: no progression or death within 6 months", probability: 0.4234,
        lower: 0.29, upper: 0.5651, intervalLevel: 0.9, contributions: contributions(1), observationUid: nextUid(),
        calibrationNote: "slope 0.98, intercept 0.02 on 1000 held-out synthetic patients" },
      { endpoint: "PFS", title: "Progression-free survival", horizonMonths: 12, event: "alive without progression at 12 months", probability: 0.2861,
        lower: 0.17, upper: 0.42, intervalLevel: 0.9, contributions: contributions(-0.7), observationUid: nextUid(),
        calibrationNote: "integrated Brier score 0.17 on 1000 held-out synthetic patients" },
      { endpoint: "OS", title: "Overall survival", horizonMonths: 12, event: "alive at 12 months", refusal: kOutOfDistribution,
        contributions: [], calibrationNote: "", observationUid: nextUid() },
    ],
    warnings: ["Lesion 5 touches physiological uptake (LeftKidney): check the border",
               "3 components below the smallest lesion volume (0.8 ml together) were not counted"],
    mips: mips(),
    percist: reading(lesions),
    priors: [],
    comparison: null,
    harmonisation: null,
  };
}

// Every number of the study refused. Numbers are left in on purpose, where no number may be: a page
// that shows them would be wrong.
export function refusedAssessment() {
  const whole = assessment();
  return { ...whole, status: "refused", suv: null, mips: [],
    refusals: [refusal("WeightMissing", "PatientWeight (0010,1030) is 0",
      "The patient's weight is missing; enter it at the scanner and send the series again.")],
    series: { ...whole.series, patientWeightKg: 0 } };
}

// The lesion rule itself could not be applied.
export function withoutLesionRule() {
  const whole = assessment();
  const why = refusal("RegionNotFound", "liver: too little even uptake", "A region could not be located with confidence; measure it by hand.");
  return { ...whole, regions: whole.regions.filter((region) => region.role !== "Lesion"),
    wholeBody: whole.wholeBody.map(({ value, ...rest }) => ({ ...rest, refusal: why })) };
}

// What an enemy, or a careless clerk, may put into a DICOM attribute.
export const kHostile = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>";
export function poisoned(whole) {
  const poison = (value) => {
    if (Array.isArray(value)) return value.map(poison);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key,
        ["status", "role", "quantity", "endpoint", "suv", "sopClassUid"].includes(key) && typeof inner === "string" ? inner
          : key === "mips" ? inner : poison(inner)]));
    return typeof value === "string" ? kHostile : value;
  };
  return poison(whole);
}
export const hostileAssessment = () => poisoned(assessment());
