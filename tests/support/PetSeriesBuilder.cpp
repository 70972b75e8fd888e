#include "tests/support/PetSeriesBuilder.h"

#include <utility>

namespace fedpet::testing {

WallClock at(int hour, int minute, int second, int dayOffset) {
  using namespace std::chrono;
  return local_days(year(2026) / January / 31) + days(dayOffset) + hours(hour) + minutes(minute) +
         seconds(second);
}

PetSeriesBuilder::PetSeriesBuilder() {
  PetSeries& s = series_;
  s.patient = {"P1", "", "Test^Paulette", "19560102", "F", 70.0};
  s.study.studyInstanceUid = "2.25.1001";
  s.study.studyDate = "20260131";
  s.study.studyTime = "105500";
  s.seriesInstanceUid = "2.25.2001";
  s.frameOfReferenceUid = "2.25.3001";
  s.sopClassUid = dicom::kPetImageStorage;
  s.seriesDescription = "PET AC";
  s.manufacturer = "Synthetic";
  s.imageType = {"ORIGINAL", "PRIMARY"};
  s.seriesType = {"WHOLE BODY", "IMAGE"};
  s.correctedImage = {"ATTN", "DECY", "SCAT"};
  s.attenuationCorrectionMethod = "measured CT";
  s.units = "BQML";
  s.decayCorrection = "START";
  s.radiopharmaceutical.name = "FDG";
  s.radiopharmaceutical.agentCode = Code{"35321007", "SCT", "Fluorodeoxyglucose F^18^"};
  s.radiopharmaceutical.nuclideCode = Code{"77004003", "SCT", "^18^Fluorine"};
  s.radiopharmaceutical.injectedActivityBq = 350e6;
  s.radiopharmaceutical.halfLifeSeconds = 6586.2;
  s.radiopharmaceutical.startDateTime = at(10, 0);
  s.radiopharmaceutical.startTimeOfDay = std::chrono::hours(10);
  s.patientWeightKg = 70;
  s.patientHeightM = 1.7;
  s.seriesDateTime = at(11, 0);
  s.geometry.size = {16, 12, 4};
  s.geometry.spacingMm = {4, 4, 3};
  s.geometry.originMm = {-32, -24, -300};
  withSlices(4);
}

PetSeriesBuilder& PetSeriesBuilder::with(const std::function<void(PetSeries&)>& change) {
  change(series_);
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withoutWeight() {
  series_.patientWeightKg.reset();
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withWeightKg(double weight) {
  series_.patientWeightKg = weight;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withUnits(std::string units, std::string suvType) {
  series_.units = std::move(units);
  series_.suvType = std::move(suvType);
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withDecayCorrection(std::string decay) {
  series_.decayCorrection = std::move(decay);
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withCorrectedImage(std::vector<std::string> values) {
  series_.correctedImage = std::move(values);
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withActivityBq(std::optional<double> activity) {
  series_.radiopharmaceutical.injectedActivityBq = activity;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withHalfLifeSeconds(std::optional<double> halfLife) {
  series_.radiopharmaceutical.halfLifeSeconds = halfLife;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withInjection(
    std::optional<WallClock> dateTime, std::optional<std::chrono::microseconds> timeOfDay) {
  series_.radiopharmaceutical.startDateTime = dateTime;
  series_.radiopharmaceutical.startTimeOfDay = timeOfDay;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withSeriesTime(std::optional<WallClock> time) {
  series_.seriesDateTime = time;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withAcquisitionTimes(std::vector<WallClock> times) {
  for (std::size_t k = 0; k < series_.slices.size(); ++k)
    series_.slices[k].acquisitionDateTime = times[k % times.size()];
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withPhilipsFactors(std::optional<double> suv,
                                                       std::optional<double> activity) {
  series_.manufacturer = "Philips Medical Systems";
  series_.philipsSuvFactor = suv;
  series_.philipsActivityFactor = activity;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withTracer(std::string name, std::optional<Code> agent,
                                               std::optional<Code> nuclide) {
  series_.radiopharmaceutical.name = std::move(name);
  series_.radiopharmaceutical.agentCode = std::move(agent);
  series_.radiopharmaceutical.nuclideCode = std::move(nuclide);
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withSlices(int count) {
  series_.geometry.size[2] = count;
  series_.slices.clear();
  for (int k = 0; k < count; ++k) {
    PetSlice slice;
    slice.sopInstanceUid = "2.25.4" + std::to_string(1000 + k);
    slice.positionMm = series_.geometry.pointMm(0, 0, k);
    slice.rescaleSlope = 2;
    slice.acquisitionDateTime = at(11, 0);
    series_.slices.push_back(slice);
  }
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withSlopes(std::vector<double> slopes) {
  for (std::size_t k = 0; k < series_.slices.size(); ++k)
    series_.slices[k].rescaleSlope = slopes[k % slopes.size()];
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::withPixelFormat(int bitsAllocated, int bitsStored,
                                                    bool isSigned) {
  bitsAllocated_ = bitsAllocated;
  bitsStored_ = bitsStored;
  isSigned_ = isSigned;
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::writing(const dicom::Attribute& attribute, std::string value) {
  edits_.push_back({-1, attribute, std::move(value)});
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::writingInSlice(int slice, const dicom::Attribute& attribute,
                                                   std::string value) {
  edits_.push_back({slice, attribute, std::move(value)});
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::omitting(const dicom::Attribute& attribute) {
  edits_.push_back({-1, attribute, std::nullopt});
  return *this;
}

PetSeriesBuilder& PetSeriesBuilder::omittingSlice(int slice) {
  omittedSlices_.push_back(slice);
  return *this;
}

std::int64_t PetSeriesBuilder::storedValue(int slice, std::size_t pixel) const {
  const std::int64_t range = std::int64_t{1} << bitsStored_;
  const std::int64_t lowest = isSigned_ ? -range / 2 : 0;
  // Odd steps visit the whole range, the largest and the smallest value included.
  const std::int64_t step = (range / 97) | 1;
  const auto n = static_cast<std::int64_t>(pixel) + 13 * slice;
  return lowest + (n * step) % range;
}

PetSeries PetSeriesBuilder::build() const {
  PetSeries series = series_;
  const auto slicePixels = static_cast<std::size_t>(series.geometry.size[0]) *
                           static_cast<std::size_t>(series.geometry.size[1]);
  series.pixels.reserve(series.geometry.voxelCount());
  for (std::size_t k = 0; k < series.slices.size(); ++k)
    for (std::size_t i = 0; i < slicePixels; ++i)
      series.pixels.push_back(static_cast<float>(
          static_cast<double>(storedValue(static_cast<int>(k), i)) * series.slices[k].rescaleSlope +
          series.slices[k].rescaleIntercept));
  return series;
}

}  // namespace fedpet::testing
