#include "sample-data/PhantomSeries.h"

#include <cmath>
#include <cstdio>

#include "dicom/DeterministicUid.h"
#include "dicom/Tags.h"

namespace fedpet::sample {
namespace {

using Seconds = std::chrono::duration<double>;

std::string formatted(const char* format, auto... values) {
  char text[160];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// What tells two specs with the same seed apart. Six digits: the last bits of libm differ between
// platforms, and a UID should not.
std::string fingerprint(const PhantomSpec& spec, const PhantomSeriesFacts& facts) {
  const ScannerSpec& s = spec.scanner;
  const TissueUptake& u = spec.uptake;
  std::string text = formatted("%llu|%d|%s|%.6g|%.6g|%.6g|%.6g|%.6g",
                               static_cast<unsigned long long>(spec.seed), facts.patientNumber,
                               spec.sex.c_str(), spec.ageYears, spec.heightM, spec.weightKg,
                               spec.injectedActivityBq, spec.uptakeMinutes);
  text += formatted("|%d|%.6g|%.6g|%.6g|%.6g|%.6g|%.6g|%.6g|%.6g", s.matrix, s.voxelMm[0],
                    s.voxelMm[1], s.voxelMm[2], s.psfFwhmMm, s.edgeEnhancement, s.noiseFwhmMm,
                    s.liverNoiseCov, s.calibrationFactor);
  text += formatted("|%.6g|%.6g|%.6g|%.6g|%.6g|%d%d%d%d|%.6g", u.liver, u.spleen, u.marrow,
                    u.myocardium, u.bladder, spec.armsUp, spec.withoutHead, spec.brownFat,
                    spec.metforminBowel, spec.textureCv);
  if (spec.scanNumber != 1) text += formatted("|scan %d", spec.scanNumber);
  for (const LesionPlan& lesion : spec.lesions)
    text += formatted("|%d %.6g %.6g %.6g", static_cast<int>(lesion.site), lesion.diameterMm,
                      lesion.suv, lesion.necroticFraction);
  return text;
}

// When, from the start of a frame, the count rate equals its average over the frame; the moment
// that FrameReferenceTime (0054,1300) points to.
double averageCountRateSeconds(double duration) {
  const double x = std::log(2.0) / kFluorine18HalfLifeSeconds * duration;
  return std::log(x / -std::expm1(-x)) / x * duration;
}

PatientIdentity patientOf(const PhantomSpec& spec, const PhantomSeriesFacts& facts) {
  PatientIdentity patient;
  patient.patientId = formatted("FEDPET-SYN-%04d", facts.patientNumber);
  patient.patientName = formatted("Synthetic^Phantom %04d", facts.patientNumber);
  patient.sex = spec.sex;
  patient.ageYears = spec.ageYears;
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(facts.scanStart));
  patient.birthDate = formatted("%04d0101", static_cast<int>(day.year()) - static_cast<int>(spec.ageYears));
  return patient;
}

StudyIdentity studyOf(const PhantomSeriesFacts& facts, const std::string& print) {
  StudyIdentity study;
  const auto midnight = std::chrono::floor<std::chrono::days>(facts.scanStart);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(facts.scanStart - midnight));
  study.studyInstanceUid = dicom::deterministicUid({"synthetic phantom", print, "study"});
  study.studyId = formatted("SYN%04d", facts.patientNumber);
  study.studyDate = formatted("%04d%02u%02u", static_cast<int>(day.year()),
                              static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  study.studyTime = formatted("%02d%02d%02d", static_cast<int>(time.hours().count()),
                              static_cast<int>(time.minutes().count()),
                              static_cast<int>(time.seconds().count()));
  study.studyDescription = "Synthetic FDG PET, no real patient";
  study.accessionNumber = formatted("SYN-ACC-%04d", facts.patientNumber);
  study.referringPhysicianName = "Synthetic^Referrer";
  return study;
}

Radiopharmaceutical tracerOf(const PhantomSpec& spec, const PhantomSeriesFacts& facts) {
  Radiopharmaceutical tracer;
  tracer.name = "Fluorodeoxyglucose F-18";
  tracer.agentCode = Code{"35321007", "SCT", "Fluorodeoxyglucose F^18^"};
  tracer.nuclideCode = Code{"77004003", "SCT", "^18^Fluorine"};
  tracer.injectedActivityBq = spec.injectedActivityBq;
  tracer.halfLifeSeconds = kFluorine18HalfLifeSeconds;
  const auto uptake = std::chrono::duration_cast<std::chrono::microseconds>(Seconds(60 * spec.uptakeMinutes));
  tracer.startDateTime = facts.scanStart - uptake;
  tracer.startTimeOfDay = *tracer.startDateTime - std::chrono::floor<std::chrono::days>(*tracer.startDateTime);
  return tracer;
}

std::vector<PetSlice> slicesOf(const Phantom& phantom, const PhantomSeriesFacts& facts,
                               const std::string& print) {
  const VolumeGeometry& g = phantom.image.geometry;
  const Seconds duration(facts.bedDuration);
  const Seconds average(averageCountRateSeconds(duration.count()));
  std::vector<PetSlice> slices;
  for (int k = 0; k < g.size[2]; ++k) {
    const int bed = static_cast<int>(k * g.spacingMm[2] / facts.bedLengthMm);
    const Seconds start = bed * duration;
    PetSlice slice;
    slice.sopInstanceUid = dicom::deterministicUid({"synthetic phantom", print, "slice", std::to_string(k)});
    slice.positionMm = g.pointMm(0, 0, k);
    slice.acquisitionDateTime =
        facts.scanStart + std::chrono::duration_cast<std::chrono::microseconds>(start);
    slice.frameReferenceTime = start + average;
    slice.actualFrameDuration = duration;
    slices.push_back(std::move(slice));
  }
  return slices;
}

}  // namespace

double suvBwPerBqPerMl(const PhantomSpec& spec) {
  const double left =
      spec.injectedActivityBq * std::exp2(-60 * spec.uptakeMinutes / kFluorine18HalfLifeSeconds);
  return 1000 * spec.weightKg / left;
}

PetSeries toPetSeries(const Phantom& phantom, const PhantomSeriesFacts& facts) {
  const PhantomSpec& spec = phantom.spec;
  const std::string print = fingerprint(spec, facts);
  PetSeries series;
  series.patient = patientOf(spec, facts);
  series.study = studyOf(facts, print);
  series.seriesInstanceUid = dicom::deterministicUid({"synthetic phantom", print, "series"});
  series.frameOfReferenceUid = dicom::deterministicUid({"synthetic phantom", print, "frame"});
  series.sopClassUid = dicom::kPetImageStorage;
  series.seriesDescription = "Synthetic FDG whole body AC";
  series.manufacturer = spec.scanner.manufacturer.empty() ? "fedpet synthetic" : spec.scanner.manufacturer;
  series.manufacturerModel = spec.scanner.model;
  series.stationName = spec.scanner.stationName;
  series.institutionName = spec.scanner.institution;
  series.softwareVersions = spec.scanner.softwareVersions;
  series.imageType = {"ORIGINAL", "PRIMARY"};
  series.seriesType = {"WHOLE BODY", "IMAGE"};
  series.correctedImage = {"DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"};
  series.attenuationCorrectionMethod = "synthetic, exact";
  series.units = "BQML";
  series.decayCorrection = "START";
  series.reconstructionMethod = spec.scanner.reconstruction;
  series.radiopharmaceutical = tracerOf(spec, facts);
  series.patientWeightKg = spec.weightKg;
  series.patientHeightM = spec.heightM;
  series.seriesDateTime = facts.scanStart;
  series.slices = slicesOf(phantom, facts, print);
  series.geometry = phantom.image.geometry;
  const auto bqPerMl = static_cast<float>(1 / suvBwPerBqPerMl(spec));
  series.pixels.reserve(phantom.image.suvBw.size());
  for (const float suv : phantom.image.suvBw) series.pixels.push_back(suv * bqPerMl);
  return series;
}

}  // namespace fedpet::sample
