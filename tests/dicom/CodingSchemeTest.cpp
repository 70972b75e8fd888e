// The private coding scheme: a promise to everybody who stores our reports.
#include "clinical/Concepts.h"
#include "dicom/DeterministicUid.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace fedpet {
namespace {

TEST(CodingScheme, IsPrintedInTheDocumentationCodeByCode) {
  std::ifstream file(std::string(FEDPET_SOURCE_DIR) + "/docs/coding-scheme.md");
  ASSERT_TRUE(file);
  std::stringstream page;
  page << file.rdbuf();
  for (const PrivateCode& entry : privateCodes()) {
    const std::string row =
        "| " + entry.code.value + " | " + entry.code.meaning + " | " + entry.definition + " |";
    EXPECT_NE(page.str().find(row), std::string::npos) << row;
  }
  EXPECT_NE(page.str().find(kPrivateSchemeUid), std::string::npos);
}

TEST(CodingScheme, GivesNoCodeTwice) {
  std::set<std::string> values;
  for (const PrivateCode& entry : privateCodes())
    EXPECT_TRUE(values.insert(entry.code.value).second) << entry.code.value;
}

TEST(CodingScheme, FitsTheLengthsOfDicom) {
  for (const PrivateCode& entry : privateCodes()) {
    EXPECT_LE(entry.code.value.size(), 64u);
    EXPECT_LE(entry.code.meaning.size(), 64u) << entry.code.meaning;  // VR LO
    EXPECT_FALSE(entry.code.meaning.empty());
  }
}

TEST(CodingScheme, HasAUidThatIsDerivedLikeAllOthers) {
  EXPECT_EQ(dicom::deterministicUid({"coding scheme", kPrivateScheme}), kPrivateSchemeUid);
}

}  // namespace
}  // namespace fedpet
