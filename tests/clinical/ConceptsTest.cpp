#include "clinical/Concepts.h"

#include <gtest/gtest.h>

#include <set>

#include "clinical/Refusal.h"
#include "clinical/ResponseAssessment.h"

namespace fedpet {
namespace {

TEST(Refusal, KeepsItsNameOnTheWayThroughText) {
  // NotPet is the first and NotComparable the last of the enumeration.
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(RefusalCode::NotComparable); ++i) {
    const auto code = static_cast<RefusalCode>(i);
    EXPECT_EQ(refusalCodeFromString(toString(code)), code);
    EXPECT_FALSE(explain(code).empty());
    names.insert(toString(code));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(RefusalCode::NotComparable) + 1);
  EXPECT_THROW(refusalCodeFromString("Sunspots"), std::invalid_argument);
}

TEST(Refusal, TellsWhatIsNotOursFromWhatCannotBeTrusted) {
  EXPECT_TRUE(meansNotOurs(RefusalCode::NotAttenuationCorrected));
  EXPECT_TRUE(meansNotOurs(RefusalCode::NotFdg));
  EXPECT_FALSE(meansNotOurs(RefusalCode::WeightMissing));
  EXPECT_FALSE(meansNotOurs(RefusalCode::MissingSlices));
}

TEST(Quantity, WritesSuvUnitsInTheCurrentUcumForm) {
  // DICOM PS3.16 CID 85: the annotation stands last.
  EXPECT_EQ(ucumUnit(Quantity::SuvMax), "g/ml{SUVbw}");
  EXPECT_EQ(ucumUnit(Quantity::TotalLesionGlycolysis), "g");
}

TEST(Quantity, KeepsItsNameOnTheWayThroughText) {
  for (int i = 0; i <= static_cast<int>(Quantity::TlgChange); ++i) {
    const auto quantity = static_cast<Quantity>(i);
    EXPECT_EQ(quantityFromString(toString(quantity)), quantity);
    EXPECT_FALSE(title(quantity).empty());
  }
  EXPECT_THROW(quantityFromString("tmtv"), std::invalid_argument);
}

TEST(Organ, HasASnomedSiteForEach) {
  std::set<std::string> values;
  for (int i = 0; i <= static_cast<int>(Organ::BloodPool); ++i) {
    const auto organ = static_cast<Organ>(i);
    EXPECT_EQ(organFromString(toString(organ)), organ);
    EXPECT_EQ(siteOf(organ).scheme, "SCT");
    values.insert(siteOf(organ).value);
  }
  EXPECT_EQ(values.size(), 9U);
}

}  // namespace
}  // namespace fedpet
