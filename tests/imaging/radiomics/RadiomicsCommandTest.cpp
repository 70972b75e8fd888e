// `fedpet radiomics` as a person calls it: files in, exit code and text out.
#include "orthanc-plugin/cli/RadiomicsCommand.h"
#include "tests/imaging/radiomics/DigitalPhantom.h"
#include "tests/support/TestData.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RadiomicsCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("fedpet-radiomics-" + std::to_string(getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }
  template <typename Values>
  std::string nrrd(const std::string& name, const Values& values,
                   const char* origin = "(0,0,0)") const {
    std::string text =
        std::string("NRRD0004\ntype: float\ndimension: 3\nspace: left-posterior-superior\n") +
        "sizes: 5 4 4\nspace directions: (2,0,0) (0,2,0) (0,0,2)\nkinds: domain domain "
        "domain\nencoding: ascii\nspace origin: " +
        origin + "\n\n";
    for (const auto value : values) text += std::to_string(static_cast<int>(value)) + " ";
    return write(name, text + "\n");
  }

  struct Outcome {
    int code = 0;
    std::string out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
  };
  static Outcome run(std::vector<std::string> arguments) {
    CLI::App app;
    Outcome outcome;
    addRadiomicsCommand(app, outcome.code);
    arguments.insert(arguments.begin(), "radiomics");
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    app.parse(arguments);
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    return outcome;
  }
  std::string image() const { return nrrd("image.nrrd", fedpet::testing::digitalPhantom().image); }
  std::string mask() const { return nrrd("mask.nrrd", fedpet::testing::digitalPhantom().mask); }

  fs::path folder_;
};

TEST_F(RadiomicsCommand, PrintsFeaturesWithTheirWholeConfiguration) {
  const Outcome outcome = run({"--image", image(), "--mask", mask(), "--json", "--config",
                               write("c.json", R"({"discretisation": {"method": "none"}})")});
  ASSERT_EQ(outcome.code, kExitOk) << outcome.err;
  const auto json = outcome.json();
  EXPECT_NEAR(json["features"]["cm_joint_max_3D_avg"], 0.503, 0.0005);  // IBSI manual
  EXPECT_EQ(json["config"]["discretisation"]["method"], "none");
  EXPECT_EQ(json["config"]["texture"]["glcmDistance"], 1);
  EXPECT_EQ(json["configHash"].get<std::string>().size(), 16U);
  EXPECT_EQ(json["notStandardised"].size(), 5U);
  EXPECT_TRUE(json["refused"].empty());
}

TEST_F(RadiomicsCommand, EchoesAConfigurationThatGivesTheSameAgain) {
  const Outcome first = run({"--image", image(), "--mask", mask(), "--json"});
  const Outcome again = run({"--image", image(), "--mask", mask(), "--json", "--config",
                             write("echo.json", first.json()["config"].dump())});
  EXPECT_EQ(first.out, again.out);
}

TEST_F(RadiomicsCommand, PrintsCsv) {
  const Outcome outcome = run({"--image", image(), "--mask", mask(), "--csv"});
  EXPECT_THAT(outcome.out, HasSubstr("\nfeature,value,refused\nmorph_volume,556.3"));
  EXPECT_THAT(outcome.out, HasSubstr("# config {\"convention\":\"ibsi\""));
}

TEST_F(RadiomicsCommand, RefusesWithAReasonAndExitCode3) {
  const std::vector<int> none(80);
  std::vector<int> one(80);
  one[33] = 1;
  const auto refusal = [&](const std::string& maskFile, const char* config = "{}") {
    const Outcome outcome = run({"--image", image(), "--mask", maskFile, "--json", "--config",
                                 write("config.json", config)});
    EXPECT_EQ(outcome.code, kExitRefused);
    return outcome.json()["reasons"][0]["code"].get<std::string>();
  };
  EXPECT_EQ(refusal(nrrd("none.nrrd", none)), "EmptyMask");
  EXPECT_EQ(refusal(nrrd("one.nrrd", one)), "SingleVoxel");
  EXPECT_EQ(refusal(nrrd("off.nrrd", fedpet::testing::digitalPhantom().mask, "(1,0,0)")),
            "GridsDiffer");
  EXPECT_EQ(refusal(mask(), R"({"discretization": {}})"), "ConfigInvalid");
  EXPECT_EQ(refusal(mask(), R"({"resegmentation": {"range": [100, null]}})"), "NothingLeft");
  EXPECT_EQ(refusal(write("text.dcm", "no DICOM")), "MaskUnreadable");
  const Outcome plain = run({"--image", write("text.nrrd", "x"), "--mask", mask()});
  EXPECT_EQ(plain.code, kExitRefused);
  EXPECT_THAT(plain.err, HasSubstr("ImageUnreadable: cannot read text.nrrd"));
}

TEST_F(RadiomicsCommand, MeasuresADicomSeriesInsideItsContours) {
  FEDPET_NEED_TEST_DATA("ibsi-sts-crops");
  const fs::path pet = fedpet::testing::testDataFolder() / "ibsi-sts-crops" / "STS_002" / "PET";
  const std::vector<std::string> arguments{"--image", (pet / "image").string(), "--mask",
                                           (pet / "mask" / "RS.dcm").string(), "--json"};
  const auto json = run(arguments).json();
  EXPECT_EQ(json["intensityUnit"], "SUVbw g/ml");
  EXPECT_EQ(json["roi"], "GTV_Mass_PET");
  EXPECT_NEAR(json["features"]["stat_max"], 21.6757, 1e-4);  // pet-gtv-reference.csv
  auto wrong = arguments;
  wrong.insert(wrong.end(), {"--roi", "Liver"});
  const Outcome refused = run(wrong);
  EXPECT_EQ(refused.code, kExitRefused);
  EXPECT_THAT(refused.out, HasSubstr("its regions are: 'GTV_Mass_PET'"));
}

}  // namespace
}  // namespace fedpet::plugin
