// Radiomic features without any data from outside: the digital phantom's values by the manual, and
// regions that some feature is not defined for.
#include "models/imaging/radiomics/Radiomics.h"
#include "tests/imaging/radiomics/DigitalPhantom.h"
#include "tests/imaging/radiomics/PublishedConfigurations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>

namespace fedpet::imaging {
namespace {

using fedpet::testing::digitalPhantom;
using ::testing::HasSubstr;

const RadiomicsConfig& allAggregationsConfig() {
  static const RadiomicsConfig config =
      radiomicsConfigFromJson(fedpet::testing::kDigitalPhantomConfig);
  return config;
}

VolumeGeometry cube(int size) {
  VolumeGeometry geometry;
  geometry.size = {size, size, size};
  geometry.spacingMm = {2, 3, 4};
  return geometry;
}

double valueOf(const RadiomicsResult& result, std::string_view name) {
  const RadiomicFeature* feature = result.find(name);
  if (feature == nullptr) throw std::out_of_range(std::string(name));
  return feature->value.value();
}

// Benchmark tables of the reference manual (arXiv 1612.07003): value to three digits, tolerance.
TEST(Radiomics, HasTheManualsValuesOfTheDigitalPhantom) {
  const auto phantom = digitalPhantom();
  const auto result =
      radiomics(phantom.geometry, phantom.image, phantom.mask, allAggregationsConfig());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->features.size(), 482U);
  const struct {
    const char* name;
    double value, tolerance;
  } expected[]{
      {"morph_volume", 556, 4},
      {"morph_vol_approx", 592, 4},
      {"morph_area_mesh", 388, 3},
      {"morph_sphericity", 0.843, 0.005},
      {"morph_com", 0.672, 0.004},
      {"morph_diam", 13.1, 0.1},
      {"morph_pca_maj_axis", 11.4, 0.1},
      {"morph_vol_dens_aabb", 0.869, 0.005},
      {"morph_area_dens_aee", 1.36, 0.01},
      {"morph_vol_dens_conv_hull", 0.961, 0.006},
      {"morph_moran_i", 0.0397, 0.0003},
      {"morph_geary_c", 0.974, 0.006},
      {"loc_peak_loc", 2.6, 0.05},
      {"loc_peak_glob", 3.1, 0.05},
      {"stat_mean", 2.15, 0.005},
      {"stat_var", 3.05, 0.005},
      {"stat_kurt", -0.355, 0.0005},
      {"stat_p90", 4, 0},
      {"ih_entropy", 1.27, 0.005},
      {"ih_max_grad_g", 3, 0},
      {"ivh_v10", 0.324, 0.0005},
      {"ivh_i90", 2, 0},
      {"cm_joint_max_2D_avg", 0.519, 0.0005},
      {"cm_joint_max_2D_comb", 0.512, 0.0005},
      {"cm_joint_max_2_5D_avg", 0.489, 0.0005},
      {"cm_joint_max_2_5D_comb", 0.492, 0.0005},
      {"cm_joint_max_3D_avg", 0.503, 0.0005},
      {"cm_joint_max_3D_comb", 0.509, 0.0005},
      {"cm_sum_entr_3D_avg", 1.92, 0.005},
      {"cm_contrast_2D_comb", 5.19, 0.005},
  };
  for (const auto& e : expected)
    EXPECT_NEAR(valueOf(*result, e.name), e.value, e.tolerance) << e.name;
}

// The mean of the phantom's 74 levels is 159/74; this needs no table.
TEST(Radiomics, CountsEachVoxelOfTheMaskOnce) {
  const auto phantom = digitalPhantom();
  double sum = 0;
  for (std::size_t v = 0; v < 80; ++v) sum += phantom.mask[v] * phantom.image[v];
  ASSERT_EQ(sum, 159);
  const auto result = radiomics(phantom.geometry, phantom.image, phantom.mask, {});
  EXPECT_DOUBLE_EQ(valueOf(*result, "stat_mean"), 159.0 / 74);
  EXPECT_DOUBLE_EQ(valueOf(*result, "morph_vol_approx"), 74 * 8);
}

// --- regions at the edge of what is defined ----------------------------------------------------

TEST(Radiomics, RefusesAMaskWithoutVoxels) {
  const std::vector<float> image(27, 1);
  const auto result = radiomics(cube(3), image, std::vector<std::uint8_t>(27), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, RadiomicsRefusalCode::EmptyMask);
}

TEST(Radiomics, RefusesASingleVoxel) {
  const std::vector<float> image(27, 1);
  std::vector<std::uint8_t> mask(27);
  mask[13] = 1;
  const auto result = radiomics(cube(3), image, mask, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, RadiomicsRefusalCode::SingleVoxel);
}

TEST(Radiomics, RefusesARegionThatResegmentationEmpties) {
  const std::vector<float> image(27, 1);
  RadiomicsConfig config;
  config.resegmentation.lowest = 2;
  const auto result = radiomics(cube(3), image, std::vector<std::uint8_t>(27, 1), config);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, RadiomicsRefusalCode::NothingLeft);
}

TEST(Radiomics, RefusesNumbersThatAreNone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF, -HUGE_VALF}) {
    std::vector<float> image(27, 1);
    image[20] = bad;
    const auto result = radiomics(cube(3), image, std::vector<std::uint8_t>(27, 1), {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, RadiomicsRefusalCode::NotFinite);
  }
}

// NaN far from the region is the scanner's way to say "outside the field".
TEST(Radiomics, TakesNumbersThatAreNoneFarFromTheRegion) {
  std::vector<float> image(1000, 1);
  image[0] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::uint8_t> mask(1000);
  mask[999] = mask[998] = 1;
  EXPECT_TRUE(radiomics(cube(10), image, mask, {}));
}

TEST(Radiomics, GivesTheManualsValuesOfConstantIntensityAndRefusesTheUndefinedOnes) {
  const std::vector<float> image(64, 7);
  RadiomicsConfig config = allAggregationsConfig();
  const auto result = radiomics(cube(4), image, std::vector<std::uint8_t>(64, 1), config);
  ASSERT_TRUE(result);
  // Manual: skewness and kurtosis are 0, coarseness is at its bound, contrast and busyness are 0.
  EXPECT_EQ(valueOf(*result, "stat_var"), 0);
  EXPECT_EQ(valueOf(*result, "stat_skew"), 0);
  EXPECT_EQ(valueOf(*result, "stat_kurt"), 0);
  EXPECT_EQ(valueOf(*result, "ngt_coarseness_3D"), 1e6);
  EXPECT_EQ(valueOf(*result, "ngt_contrast_3D"), 0);
  EXPECT_EQ(valueOf(*result, "ngt_busyness_3D"), 0);
  EXPECT_EQ(valueOf(*result, "cm_joint_max_3D_avg"), 1);
  EXPECT_THAT(result->find("morph_moran_i")->value.error(), HasSubstr("equal"));
  EXPECT_FALSE(result->find("cm_corr_3D_avg")->value);
  EXPECT_FALSE(result->find("ivh_v10")->value);

  config.discretisation = {DiscretisationMethod::FixedBinNumber, 0, 32};
  const auto binned = radiomics(cube(4), image, std::vector<std::uint8_t>(64, 1), config);
  EXPECT_THAT(binned->find("szm_sze_2D")->value.error(), HasSubstr("fixed number of bins"));
  EXPECT_THAT(binned->find("ih_mean")->value.error(), HasSubstr("fixed number of bins"));
  EXPECT_EQ(binned->features.size(), 482U);
}

TEST(Radiomics, SaysThatADiscretisationHasTooManyLevels) {
  std::vector<float> image(27);
  for (std::size_t v = 0; v < 27; ++v) image[v] = static_cast<float>(v) * 1000;
  RadiomicsConfig config;
  config.discretisation = {DiscretisationMethod::FixedBinSize, 1, 0};
  const auto result = radiomics(cube(3), image, std::vector<std::uint8_t>(27, 1), config);
  ASSERT_TRUE(result);
  EXPECT_THAT(result->find("cm_contrast_3D_avg")->value.error(), HasSubstr("26001 levels"));
}

// Whatever the region's form, each feature is a number or a refusal with a reason.
TEST(Radiomics, NeverGivesANumberThatIsNone) {
  std::mt19937 random(4);
  RadiomicsConfig config = allAggregationsConfig();
  config.discretisation = {DiscretisationMethod::FixedBinSize, 1, 0};
  for (int round = 0; round < 300; ++round) {
    std::vector<float> image(125);
    std::vector<std::uint8_t> mask(125);
    const auto density = random() % 20 + 1, levels = random() % 4 + 1;
    for (std::size_t v = 0; v < 125; ++v) {
      image[v] = static_cast<float>(random() % levels) - 1;
      mask[v] = random() % 20 < density ? 1 : 0;
      // Plates, lines and single slices too.
      if (round % 5 == 1 && v / 25 != 2) mask[v] = 0;
      if (round % 5 == 2 && v % 5 != 0) mask[v] = 0;
      if (round % 5 == 3 && (v / 25 != 2 || v % 5 != 0)) mask[v] = 0;
    }
    const auto result = radiomics(cube(5), image, mask, config);
    if (!result) continue;
    EXPECT_EQ(result->features.size(), 482U);
    for (const RadiomicFeature& feature : result->features) {
      if (feature.value)
        EXPECT_TRUE(std::isfinite(*feature.value)) << feature.name;
      else
        EXPECT_FALSE(feature.value.error().empty()) << feature.name;
    }
  }
}

TEST(Radiomics, ThrowsWhenTheVoxelsDoNotFillTheGeometry) {
  const std::vector<float> image(26, 1);
  EXPECT_THROW(radiomics(cube(3), image, std::vector<std::uint8_t>(27, 1), {}), ImagingError);
}

// --- image processing --------------------------------------------------------------------------

// 4 voxels of 3 mm give 6 of 2 mm around the same centre (manual, "Interpolation grid dimensions"):
// voxel m lies at 0 mm + (9 - 10) / 2 + 2 m = 2 m - 0.5 mm. A ramp of 1 per mm shows it: the first
// voxel, half a mm outside the first centre, takes the border's value.
TEST(Radiomics, AlignsTheCentresOfBothGrids) {
  VolumeGeometry geometry;
  geometry.size = {4, 2, 2};
  geometry.spacingMm = {3, 2, 2};
  std::vector<float> image;
  for (int row = 0; row < 4; ++row)
    for (int i = 0; i < 4; ++i) image.push_back(static_cast<float>(3 * i));
  RadiomicsConfig config;
  config.interpolation.spacingMm = {{2, 2, 2}};
  config.discretisation = {DiscretisationMethod::FixedBinSize, 1, 0};
  const auto result = radiomics(geometry, image, std::vector<std::uint8_t>(16, 1), config);
  ASSERT_TRUE(result);
  EXPECT_DOUBLE_EQ(valueOf(*result, "morph_vol_approx"), 6 * 2 * 2 * 8);
  EXPECT_NEAR(valueOf(*result, "stat_mean"), (0 + 1.5 + 3.5 + 5.5 + 7.5 + 9) / 6, 1e-12);
}

// 4 voxels of 3 mm and 5 of 2.5 mm: around one centre, the first of the new ones lies half a mm
// before the first of the old; from one corner, a quarter.
TEST(Radiomics, AlignsTheCornersOfBothGridsAsPyRadiomicsDoes) {
  VolumeGeometry geometry;
  geometry.size = {4, 2, 2};
  geometry.spacingMm = {3, 2, 2};
  std::vector<float> image;
  for (int row = 0; row < 4; ++row)
    for (int i = 0; i < 4; ++i) image.push_back(static_cast<float>(3 * i));
  RadiomicsConfig config;
  config.interpolation.spacingMm = {{2.5, 2, 2}};
  const auto meanWith = [&](GridAlignment grid) {
    config.interpolation.grid = grid;
    return valueOf(*radiomics(geometry, image, std::vector<std::uint8_t>(16, 1), config),
                   "stat_mean");
  };
  EXPECT_NEAR(meanWith(GridAlignment::Centre), (0 + 2 + 4.5 + 7 + 9) / 5, 1e-12);
  EXPECT_NEAR(meanWith(GridAlignment::Corner), (0 + 2.25 + 4.75 + 7.25 + 9) / 5, 1e-12);
}

TEST(Radiomics, KeepsTheSpacingAlongAnAxisOfZero) {
  const auto phantom = digitalPhantom();
  RadiomicsConfig config;
  config.interpolation.spacingMm = {{1, 1, 0}};
  config.diagnostics = true;
  const auto result = radiomics(phantom.geometry, phantom.image, phantom.mask, config);
  EXPECT_EQ(valueOf(*result, "img_dim_x_interp_img"), 10);
  EXPECT_EQ(valueOf(*result, "img_dim_z_interp_img"), 4);
  EXPECT_EQ(valueOf(*result, "vox_dim_z_interp_img"), 2);
}

TEST(Radiomics, FollowsPyRadiomicsWhereItDiffers) {
  // Intensities 3 to 12: bins of 5 start at 3 (IBSI: 3-8, 8-13) or at 0 (PyRadiomics: 0-5, 5-10,
  // 10-15).
  std::vector<float> image{3, 4, 7, 8, 9, 10, 11, 12};
  VolumeGeometry geometry;
  geometry.size = {2, 2, 2};
  geometry.spacingMm = {1, 1, 1};
  const std::vector<std::uint8_t> mask(8, 1);
  RadiomicsConfig config;
  config.discretisation = {DiscretisationMethod::FixedBinSize, 5, 0};
  const auto ibsi = radiomics(geometry, image, mask, config);
  config.convention = RadiomicsConvention::PyRadiomics;
  const auto theirs = radiomics(geometry, image, mask, config);
  EXPECT_DOUBLE_EQ(valueOf(*ibsi, "ih_mean"), (3 * 1 + 5 * 2) / 8.0);
  EXPECT_DOUBLE_EQ(valueOf(*theirs, "ih_mean"), (2 * 1 + 3 * 2 + 3 * 3) / 8.0);
  EXPECT_DOUBLE_EQ(valueOf(*theirs, "stat_kurt"), valueOf(*ibsi, "stat_kurt") + 3);
  EXPECT_LT(valueOf(*theirs, "morph_pca_maj_axis"), valueOf(*ibsi, "morph_pca_maj_axis"));
}

TEST(Radiomics, MeasuresALesionOfASuvVolume) {
  const auto phantom = digitalPhantom();
  const SuvVolume volume{phantom.geometry, phantom.image};
  std::vector<std::size_t> voxels;
  for (std::size_t v = 0; v < phantom.mask.size(); ++v)
    if (phantom.mask[v] != 0) voxels.push_back(v);
  const auto lesion = radiomics(volume, voxels, petRadiomicsConfig());
  const auto mask = radiomics(phantom.geometry, phantom.image, phantom.mask, petRadiomicsConfig());
  ASSERT_TRUE(lesion);
  ASSERT_EQ(lesion->features.size(), mask->features.size());
  for (std::size_t f = 0; f < lesion->features.size(); ++f)
    EXPECT_EQ(lesion->features[f].value, mask->features[f].value) << lesion->features[f].name;
  EXPECT_EQ(lesion->configHash, configHash(petRadiomicsConfig()));
}

// --- masks on other grids ----------------------------------------------------------------------

TEST(MaskOnGrid, TurnsAMaskThatIsStoredTheOtherWayRound) {
  const VolumeGeometry grid = cube(3);
  LabelVolume mask{grid, std::vector<std::uint16_t>(27)};
  mask.geometry.originMm = grid.pointMm(2, 0, 2);
  mask.geometry.rowDirection = {-1, 0, 0};
  mask.geometry.sliceDirection = {0, 0, -1};
  mask.labels[mask.geometry.offset(0, 1, 0)] = 5;
  const auto placed = maskOnGrid(mask, grid);
  ASSERT_TRUE(placed);
  EXPECT_EQ((*placed)[grid.offset(2, 1, 2)], 1);
  EXPECT_EQ(std::count(placed->begin(), placed->end(), 1), 1);
}

TEST(MaskOnGrid, TakesAMaskOfAPartOfTheImage) {
  const VolumeGeometry grid = cube(5);
  LabelVolume mask{cube(2), std::vector<std::uint16_t>(8, 1)};
  mask.geometry.originMm = grid.pointMm(3, 2, 1);
  const auto placed = maskOnGrid(mask, grid);
  ASSERT_TRUE(placed);
  EXPECT_EQ((*placed)[grid.offset(4, 3, 2)], 1);
  EXPECT_EQ(std::count(placed->begin(), placed->end(), 1), 8);
}

TEST(MaskOnGrid, RefusesWhatWouldHaveToBeResampledOrLost) {
  const VolumeGeometry grid = cube(5);
  const LabelVolume mask{grid, std::vector<std::uint16_t>(125, 1)};
  const auto refusal = [&](auto change) {
    LabelVolume changed = mask;
    change(changed.geometry);
    const auto placed = maskOnGrid(changed, grid);
    EXPECT_FALSE(placed);
    return placed ? "" : placed.error().detail;
  };
  EXPECT_THAT(refusal([](VolumeGeometry& g) { g.originMm[0] += 0.5; }),
              HasSubstr("part of a voxel"));
  EXPECT_THAT(refusal([](VolumeGeometry& g) { g.originMm[2] += 4; }),
              HasSubstr("outside the image"));
  EXPECT_THAT(refusal([](VolumeGeometry& g) { g.spacingMm[1] = 3.1; }), HasSubstr("3.1"));
  EXPECT_THAT(refusal([](VolumeGeometry& g) {
                g.rowDirection = {std::cos(0.1), std::sin(0.1), 0};
                g.columnDirection = {-std::sin(0.1), std::cos(0.1), 0};
              }),
              HasSubstr("turned"));
}

}  // namespace
}  // namespace fedpet::imaging
