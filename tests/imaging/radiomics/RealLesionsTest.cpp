// Soft-tissue sarcomas in FDG-PET whose contours follow the MR: volumes and SUVs as another program
// (MIRP) found them, from its NIfTI masks and from the physicians' RTSTRUCT.
#include "dicom/PetSeriesReader.h"
#include "dicom/StructureSetReader.h"
#include "models/imaging/SuvScaling.h"
#include "models/imaging/radiomics/Radiomics.h"
#include "models/imaging/radiomics/VolumeFile.h"
#include "tests/support/TestData.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>

namespace fedpet::imaging {
namespace {

namespace fs = std::filesystem;

fs::path crops() { return fedpet::testing::testDataFolder() / "ibsi-sts-crops"; }

struct Reference {
  std::string name;
  double voxels, volumeMl, suvMax, suvMean, suvMin, tlg;
};

Reference referenceOf(const std::string& name) {
  std::ifstream file(crops() / "pet-gtv-reference.csv");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ",")) continue;
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    const auto at = [&](std::size_t n) { return std::stod(fields.at(n)); };
    return {name, at(3), at(4), at(5), at(6), at(7), at(8)};
  }
  throw std::runtime_error("no reference for " + name);
}

SuvVolume pet(const std::string& name) {
  auto series = dicom::readPetSeriesFromDirectory(crops() / name / "PET" / "image",
                                                  dicom::PetReadingOptions::anyPet());
  const auto scaling = suvScaling(series.value());
  return toSuvVolume(*series, scaling.value()).value();
}

void expectReference(const RadiomicsResult& result, const Reference& reference) {
  const auto value = [&](const char* name) { return result.find(name)->value.value(); };
  EXPECT_EQ(value("int_mask_vox_count_init_roi"), reference.voxels);
  // The table has two digits of the volume, four of SUV.
  EXPECT_NEAR(value("morph_vol_approx") / 1000, reference.volumeMl, 0.0051);
  EXPECT_NEAR(value("stat_max"), reference.suvMax, 1.1e-4);
  EXPECT_NEAR(value("stat_mean"), reference.suvMean, 1.1e-4);
  EXPECT_NEAR(value("stat_min"), reference.suvMin, 1.1e-4);
  EXPECT_NEAR(value("stat_mean") * value("morph_vol_approx") / 1000, reference.tlg, 0.03);
}

RadiomicsConfig withDiagnostics() {
  RadiomicsConfig config = petRadiomicsConfig();
  config.diagnostics = true;
  return config;
}

class RealLesions : public ::testing::TestWithParam<const char*> {};

TEST_P(RealLesions, HaveTheirVolumeAndSuvByNifti) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const fs::path folder = crops() / GetParam() / "nifti";
  const ScalarVolume image = readScalarVolume(folder / "PET_image.nii.gz");
  const LabelVolume mask = readMaskVolume(folder / "PET_mask.nii.gz");
  const auto placed = maskOnGrid(mask, image.geometry);
  ASSERT_TRUE(placed) << placed.error().detail;
  const auto result = radiomics(image.geometry, image.values, *placed, withDiagnostics());
  ASSERT_TRUE(result);
  expectReference(*result, referenceOf(GetParam()));
}

TEST_P(RealLesions, HaveTheirVolumeAndSuvByContours) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const SuvVolume volume = pet(GetParam());
  const auto set = dicom::readStructureSet(crops() / GetParam() / "PET" / "mask" / "RS.dcm");
  const auto mask = dicom::maskOf(set.regions.front(), volume.geometry);
  const auto placed = maskOnGrid(mask.mask, volume.geometry);
  ASSERT_TRUE(placed) << placed.error().detail;
  const auto result = radiomics(volume.geometry, volume.suvBw, *placed, withDiagnostics());
  ASSERT_TRUE(result);
  expectReference(*result, referenceOf(GetParam()));
}

// A NIfTI mask fits the DICOM image, whatever way round either is stored.
TEST_P(RealLesions, HaveOneMaskInBothForms) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const SuvVolume volume = pet(GetParam());
  const auto nifti = maskOnGrid(readMaskVolume(crops() / GetParam() / "nifti" / "PET_mask.nii.gz"),
                                volume.geometry);
  ASSERT_TRUE(nifti) << nifti.error().detail;
  const auto set = dicom::readStructureSet(crops() / GetParam() / "PET" / "mask" / "RS.dcm");
  const auto contours =
      maskOnGrid(dicom::maskOf(set.regions.front(), volume.geometry).mask, volume.geometry);
  EXPECT_EQ(*nifti, *contours);
}

INSTANTIATE_TEST_SUITE_P(Sts, RealLesions,
                         ::testing::Values("STS_001", "STS_002", "STS_003", "STS_010"),
                         [](const auto& lesion) { return std::string(lesion.param); });

// "Well under a second" for 5000 voxels, in an unoptimised build on a busy machine too.
TEST(RealLesionsSpeed, MeasuresFiveThousandVoxelsInWellUnderASecond) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const fs::path folder = crops() / "STS_001" / "nifti";
  const ScalarVolume image = readScalarVolume(folder / "PET_image.nii.gz");
  const auto mask = maskOnGrid(readMaskVolume(folder / "PET_mask.nii.gz"), image.geometry);
  RadiomicsConfig config = petRadiomicsConfig();
  config.aggregations = allAggregations();
  const auto begin = std::chrono::steady_clock::now();
  const auto result = radiomics(image.geometry, image.values, *mask, config);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(result);
  EXPECT_EQ(result->features.size(), 482U);
  RecordProperty("seconds", std::to_string(took.count()));
  std::cout << "all 482 features of 5095 voxels: " << took.count() * 1000 << " ms\n";
}

}  // namespace
}  // namespace fedpet::imaging
