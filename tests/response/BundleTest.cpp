#include "tests/response/SmallBundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

namespace fedpet::response {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string contentOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

std::string sha256(const std::string& bytes) {
  unsigned char digest[32];
  EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, EVP_sha256(), nullptr);
  std::string text;
  char hex[3];
  for (const unsigned char byte : digest) {
    std::snprintf(hex, sizeof hex, "%02x", byte);
    text += hex;
  }
  return text;
}

class Bundle : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::temp_directory_path() /
                 ("fedpet-bundle-" + std::string(info->name()) + "-" + std::to_string(::getpid()));
    fs::remove_all(directory_);
    written_ = writeBundle(aSmallBundle(), directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  fs::path weights() const { return directory_ / "weights.pt"; }
  fs::path manifest() const { return directory_ / "manifest.json"; }

  void changeManifest(const std::function<void(Json&)>& change) const {
    Json json = Json::parse(contentOf(manifest()));
    change(json);
    write(manifest(), json.dump());
  }
  // A hostile author can of course make the hash fit.
  void replaceWeights(const std::string& bytes) const {
    write(weights(), bytes);
    changeManifest([&](Json& json) { json["weights"]["sha256"] = sha256(bytes); });
  }
  BundleError errorOnRead() const {
    try {
      ResponseModel::load(directory_);
    } catch (const BundleError& error) {
      return error;
    }
    return {BundleProblem::NotWritable, "no error"};
  }
  BundleProblem problemAfter(const std::function<void(Json&)>& change) const {
    const std::string before = contentOf(manifest());
    changeManifest(change);
    const BundleProblem problem = errorOnRead().problem;
    write(manifest(), before);
    return problem;
  }

  fs::path directory_;
  ModelBundle written_;
};

TEST_F(Bundle, PredictsTheSameAfterWritingAndReading) {
  const auto loaded = ResponseModel::load(directory_);
  const ResponseModel original(aSmallBundle());
  ResponseInputs partly = anInput();
  partly.clinical.ecog.reset();
  for (const ResponseInputs& inputs : {anInput(), partly}) {
    const auto a = original.predict(inputs), b = loaded->predict(inputs);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t o = 0; o < a.size(); ++o) {
      EXPECT_EQ(a[o].result->probability, b[o].result->probability);
      EXPECT_EQ(a[o].result->lower, b[o].result->lower);
      EXPECT_EQ(a[o].calibrationNote, b[o].calibrationNote);
    }
  }
}

TEST_F(Bundle, IdentifiesItselfByTheHashOfItsWeights) {
  const ModelIdentity identity = ResponseModel::load(directory_)->identity();
  EXPECT_EQ(identity.sha256, sha256(contentOf(weights())));
  EXPECT_EQ(identity.name, "small");
  EXPECT_EQ(identity.trainingData, "made up");
  EXPECT_TRUE(identity.trainedOnSyntheticData);
}

TEST_F(Bundle, StatesInItsManifestWhatAReaderMustKnow) {
  const Json json = Json::parse(contentOf(manifest()));
  EXPECT_TRUE(json.at("researchUseOnly").get<bool>());
  EXPECT_EQ(json.at("inputs")[0].at("unit"), "ml");
  EXPECT_EQ(json.at("outputs")[0].at("event"),
            "durable clinical benefit: no progression or death within 6 months");
  EXPECT_EQ(json.at("outputs")[0].at("evaluations")[0].at("oracleAuc"), 0.78);
}

TEST_F(Bundle, IgnoresMembersThatLaterVersionsAdd) {
  changeManifest([](Json& json) { json["signature"] = {{"algorithm", "Ed25519"}}; });
  EXPECT_NO_THROW(ResponseModel::load(directory_));
}

TEST_F(Bundle, IsRefusedWhenAFileIsMissing) {
  fs::remove(weights());
  EXPECT_EQ(errorOnRead().problem, BundleProblem::NotFound);
  EXPECT_THAT(errorOnRead().what(), HasSubstr("weights.pt"));
  fs::remove_all(directory_);
  EXPECT_EQ(errorOnRead().problem, BundleProblem::NotFound);
}

TEST_F(Bundle, IsRefusedWhenItsWeightsWereTruncatedOrChanged) {
  const std::string bytes = contentOf(weights());
  write(weights(), bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(errorOnRead().problem, BundleProblem::WrongHash);
  std::string changed = bytes;
  changed[bytes.size() / 2] = static_cast<char>(changed[bytes.size() / 2] ^ 1);
  write(weights(), changed);
  EXPECT_EQ(errorOnRead().problem, BundleProblem::WrongHash);
  EXPECT_THAT(errorOnRead().what(), HasSubstr("obtain the bundle again"));
}

// LibTorch's unpickler runs what it is told to, so it must not see a file that is not the released
// one. Garbage that it had seen would be Unreadable (IsRefusedWhenItsWeightsAreNoTensors...).
TEST_F(Bundle, IsRefusedByItsHashBeforeAnythingIsUnpickled) {
  for (const std::string& bytes :
       {std::string("not a tensor file"), std::string(),
        std::string("\x80\x02" "cos\nsystem\n(S'touch /tmp/owned'\ntR.")}) {
    write(weights(), bytes);
    EXPECT_EQ(errorOnRead().problem, BundleProblem::WrongHash);
  }
}

TEST_F(Bundle, IsRefusedWhenItsManifestIsNotWhole) {
  const std::string text = contentOf(manifest());
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, text.size() / 3, text.size() - 3}) {
    write(manifest(), text.substr(0, length));
    EXPECT_EQ(errorOnRead().problem, BundleProblem::Unreadable) << length;
  }
  write(manifest(), "[1, 2]");
  EXPECT_EQ(errorOnRead().problem, BundleProblem::WrongContent);
}

TEST_F(Bundle, IsRefusedWhenItsSchemaIsNotOurs) {
  EXPECT_EQ(problemAfter([](Json& j) { j["schemaVersion"] = 2; }),
            BundleProblem::UnsupportedVersion);
  EXPECT_EQ(problemAfter([](Json& j) { j["schema"] = "another"; }), BundleProblem::WrongContent);
  EXPECT_EQ(problemAfter([](Json& j) { j.erase("schemaVersion"); }), BundleProblem::WrongContent);
}

TEST_F(Bundle, IsRefusedWhenAMemberHasTheWrongTypeOrMeaning) {
  const std::vector<std::function<void(Json&)>> changes{
      [](Json& j) { j["inputs"][0]["mean"] = "4.2"; },
      [](Json& j) { j["inputs"][0]["acceptedRange"] = {1}; },
      [](Json& j) { j["inputs"][0]["unit"] = "l"; },
      [](Json& j) { j["inputs"][0]["name"] = "Shoe size"; },
      [](Json& j) { j["inputs"][0]["sd"] = -1; },
      [](Json& j) { j["inputs"] = nullptr; },
      [](Json& j) { j["inputs"].erase(0); },
      [](Json& j) { j["outputs"][1]["event"] = "dead at 12 months"; },
      [](Json& j) { j["outputs"][1]["endpoint"] = "QOL"; },
      [](Json& j) { j["outputs"][1]["horizonMonths"] = 13; },
      [](Json& j) { j["outputs"][1]["link"] = "probit"; },
      [](Json& j) { j["outputs"][1]["trainingPatients"] = -5; },
      [](Json& j) { j["training"]["synthetic"] = 1; },
      [](Json& j) { j["researchUseOnly"] = false; },
      [](Json& j) { j["weights"]["file"] = "../../etc/passwd"; },
      [](Json& j) { j.erase("limits"); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i)
    EXPECT_EQ(problemAfter(changes[i]), BundleProblem::WrongContent) << "change " << i;
}

TEST_F(Bundle, IsRefusedWhenAWeightIsNotANumberThoughTheHashFits) {
  std::string bytes = contentOf(weights());
  const double coefficient = aSmallBundle().outputs[0].coefficients[1];  // -0.25
  const std::string pattern(reinterpret_cast<const char*>(&coefficient), sizeof coefficient);
  const std::size_t position = bytes.find(pattern);
  ASSERT_NE(position, std::string::npos);
  const double nan = std::nan("");
  std::memcpy(bytes.data() + position, &nan, sizeof nan);
  replaceWeights(bytes);
  EXPECT_EQ(errorOnRead().problem, BundleProblem::NotFinite);
}

TEST_F(Bundle, IsRefusedWhenItsWeightsAreNoTensorsThoughTheHashFits) {
  replaceWeights("not a tensor file");
  EXPECT_EQ(errorOnRead().problem, BundleProblem::Unreadable);
  replaceWeights("");
  EXPECT_EQ(errorOnRead().problem, BundleProblem::Unreadable);
}

TEST_F(Bundle, NeverCrashesOnDamagedWeightsWhoseHashFits) {
  const std::string whole = contentOf(weights());
  std::mt19937_64 random(12);
  int refusedCount = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 3 == 0) bytes.resize(random() % bytes.size());
    replaceWeights(bytes);
    try {
      ResponseModel::load(directory_)->predict(anInput());
    } catch (const BundleError&) {
      ++refusedCount;
    }
  }
  EXPECT_GE(refusedCount, 20);  // all that were cut short, at least
}

TEST_F(Bundle, IsNotWrittenWithoutMetricsOnHeldOutPatients) {
  ModelBundle bundle = aSmallBundle();
  bundle.outputs[1].evaluations.clear();
  try {
    writeBundle(bundle, directory_);
    FAIL();
  } catch (const BundleError& error) {
    EXPECT_EQ(error.problem, BundleProblem::NotEvaluated);
  }
}

TEST_F(Bundle, SaysSoWhenItsPlaceCannotBeWritten) {
  write(directory_ / "file", "");
  try {
    writeBundle(aSmallBundle(), directory_ / "file" / "below");
    FAIL();
  } catch (const BundleError& error) {
    EXPECT_EQ(error.problem, BundleProblem::NotWritable);
  }
}

}  // namespace
}  // namespace fedpet::response
