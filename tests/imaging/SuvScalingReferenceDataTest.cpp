// SUV against answers that others published or computed: calculate-suv (factors), the IBSI SUV
// reference objects, and one real series of which another team published a crop in SUV.
#include "dicom/DateTimeText.h"
#include "dicom/PetSeriesReader.h"
#include "models/imaging/SuvScaling.h"
#include "tests/support/Nifti.h"
#include "tests/support/PetSeriesBuilder.h"
#include "tests/support/PetSeriesFiles.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/TestData.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

namespace fedpet::imaging {
namespace {

namespace fs = std::filesystem;
using dicom::PetReadingOptions;
using fedpet::testing::NiftiVolume;
using fedpet::testing::readNifti;
using fedpet::testing::testDataFolder;

// --- calculate-suv: header values as JSON ------------------------------------------------------

PetSeries seriesOf(const nlohmann::json& instances) {
  PetSeries series;
  const auto dateTime = [](const nlohmann::json& i, const char* date, const char* time) {
    const auto d = dicom::parseDate(i.value(date, ""));
    const auto t = dicom::parseTimeOfDay(i.value(time, ""));
    return d && t ? std::optional<WallClock>(*d + *t) : std::nullopt;
  };
  const nlohmann::json& i = instances.front();
  series.units = i.at("Units");
  series.decayCorrection = i.at("DecayCorrection");
  series.correctedImage = i.at("CorrectedImage").get<std::vector<std::string>>();
  series.patientWeightKg = i.at("PatientWeight");
  series.patient.sex = i.at("PatientSex");
  if (i.contains("PatientSize")) series.patientHeightM = i.at("PatientSize");
  series.seriesDateTime = dateTime(i, "SeriesDate", "SeriesTime");
  Radiopharmaceutical& drug = series.radiopharmaceutical;
  drug.injectedActivityBq = i.at("RadionuclideTotalDose");
  drug.halfLifeSeconds = i.at("RadionuclideHalfLife");
  drug.startTimeOfDay = dicom::parseTimeOfDay(i.value("RadiopharmaceuticalStartTime", ""));
  if (const auto t = dicom::parseDateTime(i.value("RadiopharmaceuticalStartDateTime", "")))
    drug.startDateTime = t->wallClock;
  const nlohmann::json& philips = i.at("PhilipsPETPrivateGroup");
  if (philips.contains("SUVScaleFactor"))
    series.philipsSuvFactor = std::stod(philips.at("SUVScaleFactor").get<std::string>());
  for (const nlohmann::json& instance : instances) {
    PetSlice slice;
    slice.acquisitionDateTime = dateTime(instance, "AcquisitionDate", "AcquisitionTime");
    slice.frameReferenceTime =
        std::chrono::duration<double, std::milli>(instance.at("FrameReferenceTime").get<double>());
    slice.actualFrameDuration =
        std::chrono::duration<double, std::milli>(instance.at("ActualFrameDuration").get<double>());
    series.slices.push_back(slice);
  }
  return series;
}

struct Golden {
  const char* file;
  double factor;
};
class CalculateSuv : public ::testing::TestWithParam<Golden> {};

TEST_P(CalculateSuv, AgreesOnTheFactor) {
  FEDPET_NEED_TEST_DATA("calculate-suv-metadata");
  std::ifstream file(testDataFolder() / "calculate-suv-metadata" / GetParam().file);
  const auto scaling = suvScaling(seriesOf(nlohmann::json::parse(file)));
  ASSERT_TRUE(scaling) << scaling.error().reasons.front().detail;
  EXPECT_NEAR(scaling->suvBwPerUnit / GetParam().factor, 1, 1e-6) << scaling->method;
}

// Factors: the test expectations of cornerstonejs/calculate-suv at dc72aa1.
INSTANTIATE_TEST_SUITE_P(
    Factors, CalculateSuv,
    ::testing::Values(Golden{"SIEMENS.json", 0.00042748316187197236},
                      Golden{"GE_MEDICAL_AND_BQML.json", 0.0005367387681819742},
                      Golden{"PHILIPS_CNTS_AND_SUV.json", 0.000728},
                      Golden{"CPS_AND_BQML_AC_DT_-_S_DT.json", 0.00026503312764157046}),
    [](const auto& golden) { return std::string(golden.param.file).substr(0, 3); });

// --- The IBSI SUV reference objects ------------------------------------------------------------

struct SuvRange {
  double minimum, median, maximum;
};

SuvRange rangeInside(const SuvVolume& suv, const NiftiVolume& mask) {
  std::vector<float> inside;
  for (std::size_t i = 0; i < suv.suvBw.size(); ++i)
    if (mask.voxels[i] > 0) inside.push_back(suv.suvBw[i]);
  std::sort(inside.begin(), inside.end());
  const std::size_t half = inside.size() / 2;
  const double median =
      inside.size() % 2 == 1
          ? static_cast<double>(inside[half])
          : (static_cast<double>(inside[half - 1]) + static_cast<double>(inside[half])) / 2;
  return {static_cast<double>(inside.front()), median, static_cast<double>(inside.back())};
}

class IbsiSuvObject : public ::testing::TestWithParam<const char*> {};

TEST_P(IbsiSuvObject, HasItsKnownSuv) {
  FEDPET_NEED_TEST_DATA("ibsi-suv-dro");
  const std::string name = GetParam();
  const fedpet::testing::TemporaryDirectory folder;
  const fs::path archive = testDataFolder() / "ibsi-suv-dro" / (name + ".tar.gz");
  ASSERT_EQ(std::system(
                ("tar xzf '" + archive.string() + "' -C '" + folder.path().string() + "'").c_str()),
            0);
  // The whole folder, RTSTRUCT and mask included, as a person would give it.
  const auto series =
      dicom::readPetSeriesFromDirectory(folder.path() / name, PetReadingOptions::anyPet());
  ASSERT_TRUE(series) << series.error().reasons.front().detail;
  ASSERT_EQ(series->slices.size(), 20U);
  const auto scaling = suvScaling(*series);
  ASSERT_TRUE(scaling) << scaling.error().reasons.front().detail;
  const auto suv = toSuvVolume(*series, *scaling);
  ASSERT_TRUE(suv);
  const SuvRange range =
      rangeInside(*suv, readNifti(folder.path() / name / "mask" / "DRO_mask.nii.gz"));
  // DRO_list_open.csv; half a unit of its last digit.
  EXPECT_NEAR(range.minimum, 0.20, 0.005) << scaling->method;
  EXPECT_NEAR(range.median, 1.00, 0.005);
  EXPECT_NEAR(range.maximum, 4.00, 0.005);
}

INSTANTIATE_TEST_SUITE_P(All, IbsiSuvObject,
                         ::testing::Values("DRO_0_0", "DRO_1_0", "DRO_2_0", "DRO_2_4", "DRO_3_1",
                                           "DRO_3_2", "DRO_4_1", "DRO_5_0"),
                         [](const auto& name) { return std::string(name.param); });

// --- Real series -------------------------------------------------------------------------------

TEST(RealSeries, GivesTheSuvThatAnotherTeamPublishedVoxelByVoxel) {
  FEDPET_NEED_TEST_DATA("sts-001-ge-wb");
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  auto series = dicom::readPetSeriesFromDirectory(testDataFolder() / "sts-001-ge-wb");
  ASSERT_TRUE(series) << series.error().reasons.front().detail;
  ASSERT_EQ(series->geometry.size, (std::array{128, 128, 267}));
  EXPECT_NEAR(series->geometry.spacingMm[2], 3.27, 0.001);
  const auto scaling = suvScaling(*series);
  ASSERT_TRUE(scaling);
  EXPECT_NEAR(scaling->suvBwPerUnit, 0.00024290298, 1e-11);
  std::vector<double> slopes;
  for (const PetSlice& slice : series->slices) slopes.push_back(slice.rescaleSlope);
  const auto suv = toSuvVolume(std::move(*series), *scaling);
  ASSERT_TRUE(suv);
  EXPECT_NEAR(*std::max_element(suv->suvBw.begin(), suv->suvBw.end()), 66.521, 0.0005);

  const NiftiVolume crop =
      readNifti(testDataFolder() / "ibsi-sts-crops" / "STS_001" / "nifti" / "PET_image.nii.gz");
  ASSERT_EQ(crop.size, (std::array{41, 43, 59}));
  // The crop keeps the slope of each slice, and its stored values were cut off, not rounded: one
  // stored unit is the rounding.
  double largestInUnits = 0;
  for (int k = 0; k < crop.size[2]; ++k)
    for (int j = 0; j < crop.size[1]; ++j)
      for (int i = 0; i < crop.size[0]; ++i) {
        const double ours =
            static_cast<double>(suv->suvBw[suv->geometry.offset(59 + i, 45 + j, k)]);
        const double unit = slopes[static_cast<std::size_t>(k)] * scaling->suvBwPerUnit;
        largestInUnits = std::max(largestInUnits, std::abs(ours - crop.at(i, j, k)) / unit);
      }
  EXPECT_LT(largestInUnits, 1.01);
}

class IbsiCrop : public ::testing::TestWithParam<const char*> {};

TEST_P(IbsiCrop, InSuvAlreadyIsNotConvertedAgain) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const fs::path folder = testDataFolder() / "ibsi-sts-crops" / GetParam();
  const auto series = dicom::readPetSeriesFromDirectory(folder, PetReadingOptions::anyPet());
  ASSERT_TRUE(series) << series.error().reasons.front().detail;
  const auto scaling = suvScaling(*series);
  ASSERT_TRUE(scaling) << scaling.error().reasons.front().detail;
  EXPECT_EQ(scaling->suvBwPerUnit, 1.0);
  const NiftiVolume image = readNifti(folder / "nifti" / "PET_image.nii.gz");
  ASSERT_EQ(series->geometry.size, image.size);
  for (std::size_t i = 0; i < image.voxels.size(); ++i)
    ASSERT_NEAR(static_cast<double>(series->pixels[i]), image.voxels[i], 1e-3) << "voxel " << i;
}

INSTANTIATE_TEST_SUITE_P(All, IbsiCrop,
                         ::testing::Values("STS_001", "STS_002", "STS_003", "STS_010"),
                         [](const auto& name) { return std::string(name.param); });

TEST(RealSeries, OfFltIsNotTakenForFdg) {
  FEDPET_NEED_TEST_DATA("pet-slices");
  const auto series = dicom::readPetSeriesFromDirectory(testDataFolder() / "pet-slices");
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().code(), RefusalCode::NotFdg);

  const auto anyway = dicom::readPetSeriesFromDirectory(testDataFolder() / "pet-slices",
                                                        PetReadingOptions::anyPet());
  ASSERT_TRUE(anyway) << anyway.error().reasons.front().detail;
  EXPECT_NEAR(suvScaling(*anyway)->suvBwPerUnit, 0.00059425, 5e-9);  // by the header alone
}

}  // namespace
}  // namespace fedpet::imaging
