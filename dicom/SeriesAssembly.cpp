#include "dicom/SeriesAssembly.h"

#include "dicom/DatasetReader.h"
#include "dicom/Tags.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fedpet::dicom {
namespace {

double dot(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

std::array<double, 3> unit(std::array<double, 3> v) {
  const double length = std::sqrt(dot(v, v));
  for (double& x : v) x /= length;
  return v;
}

// Towards the head, whatever way the rows and columns run.
std::array<double, 3> sliceDirectionOf(const SliceHeader& header) {
  const auto& r = header.rowDirection;
  const auto& c = header.columnDirection;
  std::array<double, 3> normal{r[1] * c[2] - r[2] * c[1], r[2] * c[0] - r[0] * c[2],
                               r[0] * c[1] - r[1] * c[0]};
  if (normal[2] < 0)
    for (double& x : normal) x = -x;
  return unit(normal);
}

bool close(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

template <typename Array>
bool allClose(const Array& a, const Array& b, double tolerance) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [=](double x, double y) { return close(x, y, tolerance); });
}

[[noreturn]] void inconsistent(const std::string& attribute) {
  throw Unusable(RefusalCode::InconsistentSeries, attribute + " differs between slices");
}

// What a patient, a study, an injection and a reconstruction have only once.
void requireSameFacts(const PetSeries& a, const PetSeries& b) {
  const auto same = [](const auto& x, const auto& y, const Attribute& attribute) {
    if (x != y) inconsistent(describe(attribute));
  };
  same(a.seriesInstanceUid, b.seriesInstanceUid, tags::kSeriesInstanceUid);
  same(a.study.studyInstanceUid, b.study.studyInstanceUid, tags::kStudyInstanceUid);
  same(a.patient.patientId, b.patient.patientId, tags::kPatientId);
  same(a.frameOfReferenceUid, b.frameOfReferenceUid, tags::kFrameOfReferenceUid);
  same(a.patientWeightKg, b.patientWeightKg, tags::kPatientWeight);
  same(a.patientHeightM, b.patientHeightM, tags::kPatientSize);
  same(a.patient.sex, b.patient.sex, tags::kPatientSex);
  same(a.units, b.units, tags::kUnits);
  same(a.suvType, b.suvType, tags::kSuvType);
  same(a.decayCorrection, b.decayCorrection, tags::kDecayCorrection);
  same(a.seriesDateTime, b.seriesDateTime, tags::kSeriesTime);
  const auto& drugA = a.radiopharmaceutical;
  const auto& drugB = b.radiopharmaceutical;
  same(drugA.name, drugB.name, tags::kRadiopharmaceutical);
  same(drugA.agentCode, drugB.agentCode, tags::kRadiopharmaceuticalCodeSequence);
  same(drugA.nuclideCode, drugB.nuclideCode, tags::kRadionuclideCodeSequence);
  same(drugA.injectedActivityBq, drugB.injectedActivityBq, tags::kRadionuclideTotalDose);
  same(drugA.halfLifeSeconds, drugB.halfLifeSeconds, tags::kRadionuclideHalfLife);
  same(drugA.startDateTime, drugB.startDateTime, tags::kRadiopharmaceuticalStartDateTime);
  same(drugA.startTimeOfDay, drugB.startTimeOfDay, tags::kRadiopharmaceuticalStartTime);
  if (a.gePostInjectionScanDateTime != b.gePostInjectionScanDateTime)
    inconsistent(describe(tags::kGePostInjectionDateTime));
  if (a.units == "CNTS" && a.philipsSuvFactor != b.philipsSuvFactor)
    inconsistent(describe(tags::kPhilipsSuvScaleFactor));
  if (a.units == "CNTS" && a.philipsActivityFactor != b.philipsActivityFactor)
    inconsistent(describe(tags::kPhilipsActivityScaleFactor));
  const auto sorted = [](std::vector<std::string> values) {
    std::sort(values.begin(), values.end());
    return values;
  };
  same(sorted(a.correctedImage), sorted(b.correctedImage), tags::kCorrectedImage);
  same(a.attenuationCorrectionMethod.empty(), b.attenuationCorrectionMethod.empty(),
       tags::kAttenuationCorrectionMethod);
}

void requireSamePlane(const SliceHeader& a, const SliceHeader& b) {
  if (a.format.rows != b.format.rows) inconsistent(describe(tags::kRows));
  if (a.format.columns != b.format.columns) inconsistent(describe(tags::kColumns));
  if (!allClose(a.spacingMm, b.spacingMm, 1e-3 * a.spacingMm[0]))
    inconsistent(describe(tags::kPixelSpacing));
  if (!allClose(a.rowDirection, b.rowDirection, 1e-3) ||
      !allClose(a.columnDirection, b.columnDirection, 1e-3))
    inconsistent(describe(tags::kImageOrientationPatient));
}

std::string atMm(double position) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f mm", position);
  return text;
}

// Distances along the normal, ascending, to the one spacing; or what is wrong with them.
double uniformSpacing(const std::vector<double>& along) {
  std::vector<double> steps(along.size() - 1);
  for (std::size_t k = 0; k + 1 < along.size(); ++k) steps[k] = along[k + 1] - along[k];
  for (std::size_t k = 0; k < steps.size(); ++k)
    if (steps[k] < 0.01)
      throw Unusable(RefusalCode::DuplicateSlices, "two different slices at " + atMm(along[k]));
  std::vector<double> sorted = steps;
  // The lower median: of few steps, a gap must not become the rule.
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double median = *middle;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (steps[k] > 1.5 * median)
      throw Unusable(RefusalCode::MissingSlices,
                     "a gap of " + atMm(steps[k]) + " at " + atMm(along[k]) +
                         " in a series with slices every " + atMm(median));
    // Positions are written with few digits; 5 % is far above that and far below a slice.
    if (!close(steps[k], median, 0.05 * median))
      throw Unusable(RefusalCode::InconsistentSeries, "the slice spacing changes from " +
                                                          atMm(median) + " to " + atMm(steps[k]) +
                                                          " at " + atMm(along[k]));
  }
  return (along.back() - along.front()) / static_cast<double>(steps.size());
}

double thicknessOfTheOnlySlice(const SliceHeader& header) {
  if (!header.sliceThicknessMm || *header.sliceThicknessMm <= 0 || *header.sliceThicknessMm > 100)
    throw Unusable(RefusalCode::MissingSlices, "the series has a single slice");
  return *header.sliceThicknessMm;
}

// Sheared stacks (gantry tilt, a table that moved sideways) are no box.
void requireStraightStack(const std::vector<LocatedHeader>& slices,
                          const std::array<double, 3>& direction) {
  const PointMm& first = slices.front().header.facts.slices.front().positionMm;
  const double tolerance = 0.05 * slices.front().header.spacingMm[0];
  for (const LocatedHeader& slice : slices) {
    const PointMm& at = slice.header.facts.slices.front().positionMm;
    std::array<double, 3> offset{at[0] - first[0], at[1] - first[1], at[2] - first[2]};
    const double along = dot(offset, direction);
    for (std::size_t a = 0; a < 3; ++a) offset[a] -= along * direction[a];
    if (std::sqrt(dot(offset, offset)) > tolerance)
      throw Unusable(RefusalCode::InconsistentSeries,
                     "the slices are shifted sideways against each other");
  }
}

void requireAllSlices(const std::vector<LocatedHeader>& slices, const PetReadingOptions& options,
                      std::vector<std::string>& warnings) {
  const auto declared = slices.front().header.numberOfSlices;
  if (!declared || slices.size() >= static_cast<std::size_t>(std::max(*declared, 0))) return;
  std::string finding = std::to_string(slices.size()) + " slices of the " +
                        std::to_string(*declared) + " that " + describe(tags::kNumberOfSlices) +
                        " announces";
  if (options.requireAllSlices) throw Unusable(RefusalCode::MissingSlices, std::move(finding));
  warnings.push_back(std::move(finding));
}

void requireReasonableSize(const SliceHeader& header, std::size_t sliceCount,
                           const PetReadingOptions& options) {
  if (header.format.pixelCount() * sliceCount > options.maxVolumeBytes / sizeof(float))
    throw Unusable(RefusalCode::UnreadableDicom,
                   "the volume of " + std::to_string(header.format.columns) + " x " +
                       std::to_string(header.format.rows) + " x " + std::to_string(sliceCount) +
                       " voxels is larger than the limit");
}

VolumeGeometry geometryOf(const std::vector<LocatedHeader>& slices,
                          const std::array<double, 3>& direction, double sliceSpacingMm) {
  const SliceHeader& first = slices.front().header;
  VolumeGeometry geometry;
  geometry.size = {first.format.columns, first.format.rows, static_cast<int>(slices.size())};
  geometry.spacingMm = {first.spacingMm[0], first.spacingMm[1], sliceSpacingMm};
  geometry.originMm = first.facts.slices.front().positionMm;
  geometry.rowDirection = unit(first.rowDirection);
  geometry.columnDirection = unit(first.columnDirection);
  geometry.sliceDirection = direction;
  return geometry;
}

}  // namespace

AssembledSeries assembleSeries(std::vector<LocatedHeader> slices,
                               const PetReadingOptions& options) {
  for (const LocatedHeader& slice : slices) {
    requireSameFacts(slices.front().header.facts, slice.header.facts);
    requireSamePlane(slices.front().header, slice.header);
  }
  requireReasonableSize(slices.front().header, slices.size(), options);

  const auto direction = sliceDirectionOf(slices.front().header);
  const auto along = [&](const LocatedHeader& slice) {
    return dot(slice.header.facts.slices.front().positionMm, direction);
  };
  std::sort(slices.begin(), slices.end(),
            [&](const LocatedHeader& a, const LocatedHeader& b) { return along(a) < along(b); });
  requireStraightStack(slices, direction);
  std::vector<double> positions;
  for (const LocatedHeader& slice : slices) positions.push_back(along(slice));
  const double spacing = slices.size() == 1 ? thicknessOfTheOnlySlice(slices.front().header)
                                            : uniformSpacing(positions);

  AssembledSeries result;
  std::vector<std::string> warnings;
  requireAllSlices(slices, options, warnings);
  result.series = slices.front().header.facts;
  result.series.geometry = geometryOf(slices, direction, spacing);
  result.series.slices.clear();
  for (const LocatedHeader& slice : slices) {
    const PetSeries& facts = slice.header.facts;
    result.series.slices.push_back(facts.slices.front());
    result.formats.push_back(slice.header.format);
    result.fileOf.push_back(slice.file);
    for (const std::string& warning : facts.warnings)
      if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end())
        warnings.push_back(warning);
  }
  result.series.warnings = std::move(warnings);
  return result;
}

}  // namespace fedpet::dicom
