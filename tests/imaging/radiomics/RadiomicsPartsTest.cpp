// The parts that whole features could hide a fault of: surface, hull, convolution, configuration,
// volume files.
#include "models/imaging/radiomics/RadiomicsConfig.h"
#include "models/imaging/radiomics/Resampling.h"
#include "models/imaging/radiomics/SurfaceMesh.h"
#include "models/imaging/radiomics/VolumeFile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <random>

namespace fedpet::imaging {
namespace {

using ibsi::Box;
using ibsi::HalfIndex;
using ibsi::Triangle;
using ::testing::HasSubstr;

std::vector<std::uint8_t> randomMask(const Box& box, unsigned seed, unsigned percent) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> mask(box.count());
  for (auto& m : mask) m = random() % 100 < percent ? 1 : 0;
  return mask;
}

// Every directed edge of a closed, consistently turned surface is met by its reverse. Random masks
// hold all 256 cases of a cube.
TEST(SurfaceMesh, IsClosedWhateverTheMask) {
  const Box box{{12, 12, 12}};
  for (unsigned seed = 0; seed < 5; ++seed) {
    std::map<std::pair<HalfIndex, HalfIndex>, int> edges;
    for (const Triangle& t : surfaceOf(randomMask(box, seed, 20 + 15 * seed), box))
      for (std::size_t e = 0; e < 3; ++e) ++edges[{t[e], t[(e + 1) % 3]}];
    ASSERT_GT(edges.size(), 1000U);
    for (const auto& [edge, count] : edges) {
      const auto reverse = edges.find({edge.second, edge.first});
      ASSERT_TRUE(reverse != edges.end() && reverse->second == count);
    }
  }
}

// One voxel: an octahedron with its corners at half a voxel: (2a 2b 2c) / 6 for semi-axes a, b, c.
TEST(SurfaceMesh, MakesAnOctahedronOfOneVoxel) {
  const auto surface = ibsi::surfaceOf({1}, {{1, 1, 1}});
  EXPECT_EQ(surface.size(), 8U);
  EXPECT_NEAR(ibsi::sizeOf(surface, {2, 4, 6}).volumeMm3, 4.0 / 3 * 1 * 2 * 3, 1e-12);
  EXPECT_DOUBLE_EQ(ibsi::diameterMm(ibsi::convexHullOf(surface), {2, 4, 6}), 6);
}

TEST(ConvexHull, HoldsEveryVertexAndBulgesNowhere) {
  const Box box{{9, 7, 8}};
  for (unsigned seed = 0; seed < 20; ++seed) {
    auto mask = randomMask(box, seed, seed < 10 ? 3 : 90);
    mask[0] = 1;
    const auto surface = ibsi::surfaceOf(mask, box);
    const auto hull = ibsi::convexHullOf(surface);
    double lowest = 0;
    for (const Triangle& t : hull) {
      const auto side = [&](const HalfIndex& p) {
        HalfIndex u, v, w;
        for (std::size_t a = 0; a < 3; ++a) {
          u[a] = t[1][a] - t[0][a];
          v[a] = t[2][a] - t[0][a];
          w[a] = p[a] - t[0][a];
        }
        return w[0] * (u[1] * v[2] - u[2] * v[1]) + w[1] * (u[2] * v[0] - u[0] * v[2]) +
               w[2] * (u[0] * v[1] - u[1] * v[0]);
      };
      for (const Triangle& s : surface)
        for (const HalfIndex& p : s) lowest = std::max(lowest, static_cast<double>(side(p)));
    }
    EXPECT_EQ(lowest, 0) << "a vertex lies outside, seed " << seed;
    EXPECT_GE(ibsi::sizeOf(hull, {1, 1, 1}).volumeMm3,
              ibsi::sizeOf(surface, {1, 1, 1}).volumeMm3 - 1e-9);
  }
}

// By the sum over all pairs, as it is defined.
TEST(Convolution, EqualsTheSumOverAllPairs) {
  const Box box{{5, 4, 7}};
  const std::array<double, 3> spacing{1, 2, 1.5};
  const auto kernel = [](const std::array<double, 3>& d) {
    const double r = std::hypot(d[0], d[1], d[2]);
    return r == 0 ? 0 : 1 / r;
  };
  std::mt19937 random(1);
  ibsi::TwoVolumes volumes{std::vector<double>(box.count()), std::vector<double>(box.count())};
  for (std::size_t v = 0; v < box.count(); ++v) {
    volumes.first[v] = static_cast<double>(random() % 100);
    volumes.second[v] = static_cast<double>(random() % 100) - 50;
  }
  const auto result = ibsi::convolved(volumes, box, +kernel, spacing);
  const auto at = [&](std::size_t v) {
    return std::array<int, 3>{static_cast<int>(v % 5), static_cast<int>(v / 5 % 4),
                              static_cast<int>(v / 20)};
  };
  for (std::size_t a = 0; a < box.count(); ++a) {
    double first = 0, second = 0;
    for (std::size_t b = 0; b < box.count(); ++b) {
      const auto p = at(a), q = at(b);
      const double w = kernel(
          {(p[0] - q[0]) * spacing[0], (p[1] - q[1]) * spacing[1], (p[2] - q[2]) * spacing[2]});
      first += w * volumes.first[b];
      second += w * volumes.second[b];
    }
    EXPECT_NEAR(result.first[a], first, 1e-9);
    EXPECT_NEAR(result.second[a], second, 1e-9);
  }
}

// --- configuration -----------------------------------------------------------------------------

std::string errorOf(std::string_view json) {
  try {
    (void)radiomicsConfigFromJson(json);
  } catch (const RadiomicsConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(RadiomicsConfiguration, ReadsBackWhatItWrites) {
  for (const RadiomicsConfig& config : {RadiomicsConfig{}, petRadiomicsConfig()}) {
    const std::string text = toJson(config);
    EXPECT_EQ(toJson(radiomicsConfigFromJson(text)), text);
    EXPECT_EQ(configHash(radiomicsConfigFromJson(text)), configHash(config));
  }
  EXPECT_NE(configHash(RadiomicsConfig{}), configHash(petRadiomicsConfig()));
}

TEST(RadiomicsConfiguration, NamesWhatIsWrongByItsFullPath) {
  EXPECT_THAT(errorOf(R"({"discretization": {}})"), HasSubstr("discretization is not known"));
  EXPECT_THAT(errorOf(R"({"interpolation": {"spacing": 2}})"),
              HasSubstr("interpolation.spacing is not known; known here: grid, image"));
  EXPECT_THAT(errorOf(R"({"interpolation": {"image": "spline"}})"),
              HasSubstr("interpolation.image is \"spline\"; it must be one of: nearest"));
  EXPECT_THAT(errorOf(R"({"interpolation": {"mask": "cubic"}})"), HasSubstr("interpolation.mask"));
  EXPECT_THAT(errorOf(R"({"interpolation": {"spacingMm": [2, 2]}})"), HasSubstr("three numbers"));
  EXPECT_THAT(errorOf(R"({"interpolation": {"spacingMm": -1}})"), HasSubstr("spacingMm"));
  EXPECT_THAT(errorOf(R"({"resegmentation": {"range": [5, 1]}})"), HasSubstr("begin below"));
  EXPECT_THAT(errorOf(R"({"discretisation": {"method": "fixedBinSize"}})"),
              HasSubstr("discretisation.binSize must be above 0"));
  EXPECT_THAT(errorOf(R"({"discretisation": {"method": "fixedBinNumber", "binSize": 3}})"),
              HasSubstr("binSize only goes with"));
  EXPECT_THAT(errorOf(R"({"discretisation": {"binCount": 8.5}})"), HasSubstr("whole number"));
  EXPECT_THAT(errorOf(R"({"texture": {"glcmDistance": 0}})"), HasSubstr("texture.glcmDistance"));
  EXPECT_THAT(errorOf(R"({"aggregations": ["4D"]})"), HasSubstr("2_5D_comb"));
  EXPECT_THAT(errorOf(R"({"aggregations": []})"), HasSubstr("not empty"));
  EXPECT_THAT(errorOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(errorOf("{"), HasSubstr("not JSON"));
}

TEST(RadiomicsConfiguration, GivesPyRadiomicsItsGridUnlessToldOtherwise) {
  const auto config = radiomicsConfigFromJson(R"({"convention": "pyradiomics"})");
  EXPECT_EQ(config.interpolation.grid, GridAlignment::Corner);
  EXPECT_EQ(config.interpolation.mask, InterpolationMethod::Nearest);
  const auto told = radiomicsConfigFromJson(
      R"({"convention": "pyradiomics", "interpolation": {"grid": "centre"}})");
  EXPECT_EQ(told.interpolation.grid, GridAlignment::Centre);
}

// --- files -------------------------------------------------------------------------------------

class VolumeFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() /
        ("fedpet-volume-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  // 2 x 1 x 2 voxels of bytes; RAS or LPS.
  static std::string nrrd(const std::string& space, const std::string& voxels) {
    return "NRRD0004\ntype: uchar\ndimension: 3\nspace: " + space +
           "\nsizes: 2 1 2\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nkinds: domain domain "
           "domain\n"
           "encoding: ascii\nspace origin: (10,20,30)\n\n" +
           voxels + "\n";
  }
  std::string errorOf(const std::filesystem::path& file, std::optional<int> label = {}) const {
    try {
      (void)readMaskVolume(file, label);
    } catch (const ImagingError& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(VolumeFile, GivesPositionsInLps) {
  const auto lps = readScalarVolume(write("lps.nrrd", nrrd("left-posterior-superior", "1 2 3 4")));
  EXPECT_EQ(lps.geometry.size, (std::array<int, 3>{2, 1, 2}));
  EXPECT_EQ(lps.geometry.spacingMm, (std::array<double, 3>{2, 3, 4}));
  EXPECT_EQ(lps.geometry.originMm, (PointMm{10, 20, 30}));
  EXPECT_EQ(lps.values, (std::vector<float>{1, 2, 3, 4}));
  const auto ras = readScalarVolume(write("ras.nrrd", nrrd("right-anterior-superior", "1 2 3 4")));
  EXPECT_EQ(ras.geometry.originMm, (PointMm{-10, -20, 30}));
  EXPECT_EQ(ras.geometry.rowDirection, (std::array<double, 3>{-1, 0, 0}));
}

TEST_F(VolumeFile, ReadsOneLabelOrAll) {
  const auto file = write("labels.nrrd", nrrd("left-posterior-superior", "0 2 3 3"));
  EXPECT_EQ(readMaskVolume(file).labels, (std::vector<std::uint16_t>{0, 1, 1, 1}));
  EXPECT_EQ(readMaskVolume(file, 3).labels, (std::vector<std::uint16_t>{0, 0, 1, 1}));
  EXPECT_THAT(errorOf(file, 7), HasSubstr("no label 7; its labels are: 2, 3"));
}

TEST_F(VolumeFile, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(errorOf(write("image.png", "x")), HasSubstr("neither NIfTI"));
  EXPECT_THAT(errorOf(write("text.nrrd", "hello")), HasSubstr("not what its name says"));
  EXPECT_THAT(errorOf(write("text.nii.gz", "hello")), HasSubstr("not what its name says"));
  EXPECT_NE(errorOf(write("short.nrrd", nrrd("left-posterior-superior", "1 2"))), "");
  EXPECT_THAT(errorOf(write("negative.nrrd",
                            "NRRD0004\ntype: short\ndimension: 3\nsizes: 2 1 1\nspace: "
                            "left-posterior-superior\nspace directions: (1,0,0) (0,1,0) "
                            "(0,0,1)\nspace origin: (0,0,0)\nencoding: ascii\n\n-1 2\n")),
              HasSubstr("whole numbers from 0"));
}

}  // namespace
}  // namespace fedpet::imaging
