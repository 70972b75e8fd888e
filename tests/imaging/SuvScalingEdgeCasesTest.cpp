// One test per row of the edge-case table for PET input, from DICOM bytes to the SUV factor.
// The base case is hand arithmetic: 70000 g / (350e6 Bq x 2^(-3600/6586.2)) = 2.9212735e-4; the
// other outcomes follow from it by the rule that the row names.
#include "dicom/PetSeriesReader.h"
#include "models/imaging/SuvScaling.h"
#include "tests/support/PetSeriesBuilder.h"
#include "tests/support/PetSeriesFiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace fedpet::imaging {
namespace {

using fedpet::testing::aPetSeries;
using fedpet::testing::at;
using fedpet::testing::dicomFiles;
using fedpet::testing::PetSeriesBuilder;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace tags = dicom::tags;
constexpr double kF = fedpet::testing::kBaseSuvFactor;

const Code kFdgSct{"35321007", "SCT", "Fluorodeoxyglucose F^18^"};
const Code kF18Sct{"77004003", "SCT", "^18^Fluorine"};
const Code kFdgSrt{"C-B1031", "SRT", "Fluorodeoxyglucose F^18^"};
const Code kF18Srt{"C-111A1", "SRT", "^18^Fluorine"};

tl::expected<SuvScaling, NotAssessable> readAndScale(std::vector<dicom::DicomBytes> files,
                                                     std::vector<std::string>* warnings) {
  const auto series = dicom::readPetSeries(std::move(files));
  if (!series) return tl::unexpected(series.error());
  *warnings = series->warnings;
  const auto scaling = suvScaling(*series);
  if (scaling)
    warnings->insert(warnings->end(), scaling->warnings.begin(), scaling->warnings.end());
  return scaling;
}

struct Row {
  int number;
  const char* name;
  PetSeriesBuilder series;
  double factor;  // 0: refused
  RefusalCode refusal = RefusalCode::UnreadableDicom;
  const char* warning = nullptr;  // part of one warning; null: there is none
};

Row gives(int number, const char* name, PetSeriesBuilder series, double factor,
          const char* warning = nullptr) {
  return {number, name, std::move(series), factor, RefusalCode::UnreadableDicom, warning};
}
Row refuses(int number, const char* name, PetSeriesBuilder series, RefusalCode code) {
  return {number, name, std::move(series), 0, code, nullptr};
}
void PrintTo(const Row& row, std::ostream* out) {
  *out << "row " << row.number << ", " << row.name;
}

class EdgeCase : public ::testing::TestWithParam<Row> {};

TEST_P(EdgeCase, HasItsStatedOutcome) {
  const Row& row = GetParam();
  std::vector<std::string> warnings;
  const auto scaling = readAndScale(dicomFiles(row.series), &warnings);
  if (row.factor == 0) {
    ASSERT_FALSE(scaling) << "factor " << scaling->suvBwPerUnit;
    EXPECT_EQ(toString(scaling.error().code()), toString(row.refusal))
        << scaling.error().reasons.front().detail;
    return;
  }
  ASSERT_TRUE(scaling) << toString(scaling.error().code()) << ": "
                       << scaling.error().reasons.front().detail;
  EXPECT_NEAR(scaling->suvBwPerUnit / row.factor, 1, 1e-6) << scaling->method;
  if (row.warning)
    EXPECT_THAT(warnings, Contains(HasSubstr(row.warning)));
  else
    EXPECT_THAT(warnings, IsEmpty());
}

PetSeriesBuilder lateSeries() { return aPetSeries().withSeriesTime(at(11, 45)); }
PetSeriesBuilder acrossMidnight() {
  return aPetSeries()
      .withInjection(std::nullopt, hours(23) + minutes(30))
      .withSeriesTime(at(0, 30))
      .withAcquisitionTimes({at(0, 30)});
}
PetSeriesBuilder philipsCounts() { return aPetSeries().withUnits("CNTS"); }

std::vector<Row> rows() {
  using enum RefusalCode;
  return {
      gives(1, "CompleteSeriesYieldsTheFormula", aPetSeries(), kF),
      gives(2, "AdminIsNotDecayedAgain", aPetSeries().withDecayCorrection("ADMIN"), 2.0e-4),
      refuses(3, "DecayCorrectionNone", aPetSeries().withDecayCorrection("NONE"),
              NotDecayCorrected),
      refuses(3, "DecyAbsent", aPetSeries().withCorrectedImage({"ATTN"}), NotDecayCorrected),
      refuses(3, "DecayCorrectionMissing", aPetSeries().omitting(tags::kDecayCorrection),
              NotDecayCorrected),
      refuses(4, "AttnAbsent", aPetSeries().withCorrectedImage({"DECY", "SCAT"}),
              NotAttenuationCorrected),
      gives(5, "GmlOfTypeBwIsSuv", aPetSeries().withUnits("GML", "BW"), 1.0),
      gives(5, "GmlWithoutTypeIsSuv", aPetSeries().withUnits("GML"), 1.0, "without SUVType"),
      gives(5, "GmlNeedsNeitherDoseNorWeight",
            aPetSeries().withUnits("GML", "BW").withoutWeight().withActivityBq({}), 1.0),
      refuses(6, "GmlOfTypeLbm", aPetSeries().withUnits("GML", "LBM"), UnitsUnsupported),
      gives(7, "PhilipsSuvFactorAsItStands", philipsCounts().withPhilipsFactors(0.000728, {}),
            0.000728),
      gives(8, "PhilipsZeroSuvFactorLeavesTheActivityFactor",
            philipsCounts().withPhilipsFactors(0.0, 1.602563), 4.6815248e-4),
      gives(8, "PhilipsActivityFactorAlone", philipsCounts().withPhilipsFactors({}, 1.602563),
            4.6815248e-4),
      refuses(9, "PhilipsWithoutFactors", philipsCounts().withPhilipsFactors({}, {}),
              UnitsUnsupported),
      refuses(9, "CountsOfAnotherVendor",
              philipsCounts().withPhilipsFactors(0.000728, {}).with([](PetSeries& series) {
                series.manufacturer = "SIEMENS";
              }),
              UnitsUnsupported),
      gives(10, "BqmlIgnoresPhilipsFactors", aPetSeries().withPhilipsFactors(0.000728, 1.602563),
            kF),
      refuses(11, "Propcnts", aPetSeries().withUnits("PROPCNTS"), UnitsUnsupported),
      refuses(11, "UnitsMissing", aPetSeries().omitting(tags::kUnits), UnitsUnsupported),
      gives(12, "ALateSeriesTimeIsNotTheReference", lateSeries(), kF),
      gives(13, "OneFactorServesAllBeds",
            aPetSeries().withAcquisitionTimes({at(11, 0), at(11, 3), at(11, 6)}), kF),
      gives(14, "GePrivateTimeWinsOverALateSeriesTime",
            lateSeries().withAcquisitionTimes({at(11, 10)}).with([](PetSeries& series) {
              series.manufacturer = "GE MEDICAL SYSTEMS";
              series.gePostInjectionScanDateTime = at(11, 0);
            }),
            kF),
      gives(15, "ATimeOnlyInjectionRollsBackOverMidnight", acrossMidnight(), kF, "day before"),
      gives(16, "AFullInjectionTimeNeedsNoRollBack",
            acrossMidnight().withInjection(at(23, 30, 0, -1), hours(23) + minutes(30)), kF),
      gives(17, "StartDateTimeOutranksStartTime",
            aPetSeries().withInjection(at(10, 0), hours(9) + minutes(40)), kF, "disagree"),
      refuses(17, "InjectionAfterTheScan", aPetSeries().withInjection(at(11, 20), {}),
              TimesImplausible),
      refuses(17, "InjectionSevenHoursBefore", aPetSeries().withInjection(at(4, 0), {}),
              TimesImplausible),
      refuses(18, "AClockErrorIsNotMidnight",
              aPetSeries().withInjection({}, hours(11) + minutes(20)), TimesImplausible),
      refuses(19, "WeightMissing", aPetSeries().withoutWeight(), WeightMissing),
      refuses(19, "WeightZero", aPetSeries().withWeightKg(0), WeightMissing),
      refuses(19, "WeightEmpty", aPetSeries().writing(tags::kPatientWeight, ""), WeightMissing),
      refuses(20, "DoseMissing", aPetSeries().withActivityBq({}), DoseMissing),
      refuses(20, "DoseZero", aPetSeries().withActivityBq(0), DoseMissing),
      refuses(20, "HalfLifeMissingAndNuclideNotCoded",
              aPetSeries().withHalfLifeSeconds({}).withTracer("FDG", kFdgSct, {}), HalfLifeMissing),
      gives(20, "HalfLifeMissingButNuclideIsCodedF18", aPetSeries().withHalfLifeSeconds({}), kF,
            "half-life not given"),
      refuses(21, "DoseInMbq", aPetSeries().withActivityBq(350), DoseImplausible),
      gives(23, "HoursAndMinutes", aPetSeries().writing(tags::kSeriesTime, "1100"), kF),
      gives(23, "HoursOnly", aPetSeries().writing(tags::kSeriesTime, "11"), kF),
      gives(23, "WholeSeconds", aPetSeries().writing(tags::kAcquisitionTime, "110000"), kF),
      gives(23, "ColonsOfAcrNema", aPetSeries().writing(tags::kSeriesTime, "11:00:00"), kF),
      gives(23, "FractionOfSeconds", aPetSeries().writing(tags::kSeriesTime, "110000.000000"), kF),
      gives(23, "TrailingBlank",
            aPetSeries().writing(tags::kRadiopharmaceuticalStartDateTime, "20260131100000.00 "),
            kF),
      gives(23, "DotsInOldDates", aPetSeries().writing(tags::kSeriesDate, "2026.01.31"), kF),
      gives(23, "ZoneOfTheScanner",
            aPetSeries()
                .writing(tags::kTimezoneOffsetFromUtc, "+0100")
                .writing(tags::kRadiopharmaceuticalStartDateTime, "20260131100000.000000+0100"),
            kF),
      gives(23, "AnotherZoneIsConverted",
            aPetSeries()
                .writing(tags::kTimezoneOffsetFromUtc, "+0100")
                .writing(tags::kRadiopharmaceuticalStartDateTime, "20260131090000+0000"),
            kF),
      gives(23, "ZoneWithoutOneOfTheSeriesIsWallClock",
            aPetSeries().writing(tags::kRadiopharmaceuticalStartDateTime, "20260131100000+0100"),
            kF, "does not say its own"),
      refuses(24, "DoseDiffersBetweenSlices",
              aPetSeries().writingInSlice(2, tags::kRadionuclideTotalDose, "351000000"),
              InconsistentSeries),
      refuses(24, "WeightDiffersBetweenSlices",
              aPetSeries().writingInSlice(1, tags::kPatientWeight, "71"), InconsistentSeries),
      refuses(24, "SeriesMixed",
              aPetSeries().writingInSlice(1, tags::kSeriesInstanceUid, "2.25.2002"),
              InconsistentSeries),
      refuses(24, "PatientsMixed", aPetSeries().writingInSlice(3, tags::kPatientId, "P2"),
              InconsistentSeries),
      refuses(25, "Psma",
              aPetSeries().withTracer("Ga68-PSMA", {}, Code{"C-131A3", "SRT", "^68^Gallium"}),
              NotFdg),
      refuses(
          25, "FltCodedOnF18",
          aPetSeries().withTracer("FLT", Code{"C-B1036", "SRT", "Fluorothymidine F^18^"}, kF18Sct),
          NotFdg),
      refuses(25, "NoTracerAtAll", aPetSeries().withTracer("", {}, kF18Sct), NotFdg),
      refuses(25, "FluorodeoxygalactoseIsNotFdg", aPetSeries().withTracer("FDGal", {}, kF18Sct),
              NotFdg),
      gives(25, "FdgByTextOnly", aPetSeries().withTracer("F-18 FDG", {}, kF18Sct), kF,
            "less than certainty"),
      gives(26, "OldCodes", aPetSeries().withTracer("FDG", kFdgSrt, kF18Srt), kF),
      gives(26, "NewCodes", aPetSeries().withTracer("FDG", kFdgSct, kF18Sct), kF),
      gives(26, "OldAndNewCodes", aPetSeries().withTracer("FDG", kFdgSrt, kF18Sct), kF),
      refuses(28, "AMissingSlice", aPetSeries().omittingSlice(2), MissingSlices),
      refuses(28, "AMissingLastSlice", aPetSeries().omittingSlice(3), MissingSlices),
      refuses(28, "TwoSlicesAtOnePosition",
              aPetSeries().writingInSlice(1, tags::kImagePositionPatient, "-32\\-24\\-300"),
              DuplicateSlices),
      refuses(28, "AMaximumIntensityProjection",
              aPetSeries().writing(tags::kImageType, "DERIVED\\SECONDARY\\MIP"), NotOriginalAxial),
  };
}

INSTANTIATE_TEST_SUITE_P(Table, EdgeCase, ::testing::ValuesIn(rows()),
                         [](const ::testing::TestParamInfo<Row>& row) {
                           return "Row" + std::to_string(row.param.number) + row.param.name;
                         });

// Row 22: the rescale is applied per slice; here every voxel of every slice is compared.
TEST(SuvFromBytes, AppliesTheRescaleOfEachSliceToItsOwnVoxels) {
  const auto builder = aPetSeries().withSlopes({0.5, 1.7141, 3.0, 0.001});
  const PetSeries written = builder;
  const auto read = dicom::readPetSeries(dicomFiles(builder));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pixels, written.pixels);
  const auto scaling = suvScaling(*read);
  ASSERT_TRUE(scaling);
  const auto suv = toSuvVolume(*read, *scaling);
  ASSERT_TRUE(suv);
  for (std::size_t i = 0; i < suv->suvBw.size(); ++i)
    ASSERT_FLOAT_EQ(suv->suvBw[i], written.pixels[i] * static_cast<float>(kF)) << "voxel " << i;
}

// Row 27.
TEST(SuvFromBytes, LosesOnlySulToABadHeightOrSex) {
  for (const auto& series : {aPetSeries().with([](PetSeries& s) { s.patientHeightM = 170; }),
                             aPetSeries().with([](PetSeries& s) { s.patient.sex = "O"; }),
                             aPetSeries().with([](PetSeries& s) { s.patientHeightM.reset(); }),
                             aPetSeries().writing(tags::kPatientSize, "tall")}) {
    std::vector<std::string> warnings;
    const auto scaling = readAndScale(dicomFiles(series), &warnings);
    ASSERT_TRUE(scaling);
    EXPECT_NEAR(scaling->suvBwPerUnit / kF, 1, 1e-6);
    EXPECT_FALSE(scaling->sulPerSuvBw);
    ASSERT_TRUE(scaling->sulRefusal);
    EXPECT_EQ(scaling->sulRefusal->code, RefusalCode::HeightOrSexMissing);
  }
}

// Row 29. Janmahasatian of 75 kg, 1.85 m, male is 60.91533589 kg (calculate-suv, its unit test).
TEST(SuvFromBytes, KeepsThePhilipsFactorInSul) {
  const auto series = philipsCounts().withPhilipsFactors(0.000728, {}).with([](PetSeries& s) {
    s.patientWeightKg = 75;
    s.patientHeightM = 1.85;
    s.patient.sex = "M";
  });
  std::vector<std::string> warnings;
  const auto scaling = readAndScale(dicomFiles(series), &warnings);
  ASSERT_TRUE(scaling);
  ASSERT_TRUE(scaling->sulPerSuvBw);
  EXPECT_NEAR(scaling->suvBwPerUnit * *scaling->sulPerSuvBw, 0.000728 * 60.91533589 / 75, 1e-12);
}

}  // namespace
}  // namespace fedpet::imaging
