// A small PET series to order: aPetSeries().withoutWeight(). The base case is the one whose SUV
// factor is known by hand: 70 kg, 350 MBq FDG at 10:00, scanned at 11:00, half-life 6586.2 s,
// BQML, decay corrected to START, so SUVbw = 2.9212735e-4 per Bq/ml. 4 slices of 16 x 12 pixels,
// 4 x 4 x 3 mm. PetSeriesFiles.h writes the same series as DICOM.
#pragma once

#include "clinical/PetSeries.h"
#include "dicom/Tags.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::testing {

inline constexpr double kBaseSuvFactor = 2.9212735e-4;

// 2026-01-31, at the given time of day.
WallClock at(int hour, int minute, int second = 0, int dayOffset = 0);

class PetSeriesBuilder {
 public:
  PetSeriesBuilder();

  // Any change of the facts; the named ones below are those that many tests need.
  PetSeriesBuilder& with(const std::function<void(PetSeries&)>& change);
  PetSeriesBuilder& withoutWeight();
  PetSeriesBuilder& withWeightKg(double);
  PetSeriesBuilder& withUnits(std::string units, std::string suvType = "");
  PetSeriesBuilder& withDecayCorrection(std::string);
  PetSeriesBuilder& withCorrectedImage(std::vector<std::string>);
  PetSeriesBuilder& withActivityBq(std::optional<double>);
  PetSeriesBuilder& withHalfLifeSeconds(std::optional<double>);
  PetSeriesBuilder& withInjection(std::optional<WallClock> dateTime,
                                  std::optional<std::chrono::microseconds> timeOfDay);
  PetSeriesBuilder& withSeriesTime(std::optional<WallClock>);
  PetSeriesBuilder& withAcquisitionTimes(std::vector<WallClock>);  // in turn, bed after bed
  PetSeriesBuilder& withPhilipsFactors(std::optional<double> suv, std::optional<double> activity);
  PetSeriesBuilder& withTracer(std::string name, std::optional<Code> agent,
                               std::optional<Code> nuclide);
  PetSeriesBuilder& withSlices(int count);
  PetSeriesBuilder& withSlopes(std::vector<double>);  // in turn

  // How the stored values look in a file.
  PetSeriesBuilder& withPixelFormat(int bitsAllocated, int bitsStored, bool isSigned);

  // Edits of the files only, after everything above: text as it stands in the file. Attributes of
  // the injection go into its sequence.
  PetSeriesBuilder& writing(const dicom::Attribute&, std::string value);
  PetSeriesBuilder& writingInSlice(int slice, const dicom::Attribute&, std::string value);
  PetSeriesBuilder& omitting(const dicom::Attribute&);
  PetSeriesBuilder& omittingSlice(int slice);

  PetSeries build() const;
  operator PetSeries() const { return build(); }  // NOLINT: reads as the series it makes

  struct Edit {
    int slice = -1;  // -1: every slice
    dicom::Attribute attribute;
    std::optional<std::string> value;
  };
  const std::vector<Edit>& edits() const { return edits_; }
  const std::vector<int>& omittedSlices() const { return omittedSlices_; }
  int bitsAllocated() const { return bitsAllocated_; }
  int bitsStored() const { return bitsStored_; }
  bool isSigned() const { return isSigned_; }
  // Within the stored range, both signs where there are two, and different everywhere.
  std::int64_t storedValue(int slice, std::size_t pixel) const;

 private:
  PetSeries series_;
  std::vector<Edit> edits_;
  std::vector<int> omittedSlices_;
  int bitsAllocated_ = 16, bitsStored_ = 16;
  bool isSigned_ = true;
};

inline PetSeriesBuilder aPetSeries() { return PetSeriesBuilder(); }

}  // namespace fedpet::testing
