// What results repeat of the source's patient and study, from data set to data set.
#include "dicom/RepeatedHeader.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gtest/gtest.h>

namespace fedpet::dicom {
namespace {

// Reads `source`, whose text is in `characterSet`, and writes it into another data set.
DcmDataset repeated(DcmDataset& source, const char* characterSet = "ISO_IR 192") {
  TextDecoder decoder(characterSet);
  DcmDataset result;
  writeRepeatedHeader(result, readRepeatedHeader(source, decoder));
  return result;
}

std::string textOf(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value, true).bad()) return "(absent)";
  return value.c_str();
}

TEST(RepeatedHeader, KeepsTheDigitsOfADecimalString) {
  DcmDataset source;
  source.putAndInsertString(DCM_PatientWeight, "71.0");
  source.putAndInsertString(DCM_PatientSize, "1.630");
  source.putAndInsertString(DCM_PatientAge, "059Y");
  DcmDataset result = repeated(source);
  EXPECT_EQ(textOf(result, DCM_PatientWeight), "71.0");
  EXPECT_EQ(textOf(result, DCM_PatientSize), "1.630");
  EXPECT_EQ(textOf(result, DCM_PatientAge), "059Y");
}

// PS3.15 annex E: what tells a reader that, and how, the patient was made unknown.
TEST(RepeatedHeader, MarksResultsOfADeidentifiedSource) {
  DcmDataset source;
  source.putAndInsertString(DCM_PatientIdentityRemoved, "YES");
  source.putAndInsertString(DCM_DeidentificationMethod, "by hand\\twice");
  for (const char* code : {"113100", "113107"}) {
    DcmItem* item = nullptr;
    source.findOrCreateSequenceItem(DCM_DeidentificationMethodCodeSequence, item, -2);
    item->putAndInsertString(DCM_CodeValue, code);
    item->putAndInsertString(DCM_CodingSchemeDesignator, "DCM");
  }
  source.putAndInsertString(DCM_LongitudinalTemporalInformationModified, "MODIFIED");
  DcmDataset result = repeated(source);
  EXPECT_EQ(textOf(result, DCM_PatientIdentityRemoved), "YES");
  EXPECT_EQ(textOf(result, DCM_DeidentificationMethod), "by hand\\twice");
  EXPECT_EQ(textOf(result, DCM_LongitudinalTemporalInformationModified), "MODIFIED");
  DcmSequenceOfItems* methods = nullptr;
  ASSERT_TRUE(result.findAndGetSequence(DCM_DeidentificationMethodCodeSequence, methods).good());
  ASSERT_EQ(methods->card(), 2U);
  EXPECT_EQ(textOf(*methods->getItem(1), DCM_CodeValue), "113107");
  EXPECT_EQ(textOf(*methods->getItem(1), DCM_CodingSchemeDesignator), "DCM");
}

TEST(RepeatedHeader, KeepsWhatIsPresentAndEmptyPresentAndEmpty) {
  DcmDataset source;
  source.insertEmptyElement(DCM_AdditionalPatientHistory);
  source.insertEmptyElement(DCM_OtherPatientIDsSequence);
  DcmDataset result = repeated(source);
  EXPECT_EQ(textOf(result, DCM_AdditionalPatientHistory), "");
  EXPECT_TRUE(result.tagExists(DCM_OtherPatientIDsSequence));
  EXPECT_FALSE(result.tagExists(DCM_PatientComments));
}

TEST(RepeatedHeader, TurnsTextIntoUtf8AtEveryDepth) {
  DcmDataset source;
  source.putAndInsertString(DCM_OtherPatientNames, "M\xfcller^J\xf6rg");
  DcmItem* item = nullptr;
  source.findOrCreateSequenceItem(DCM_OtherPatientIDsSequence, item, 0);
  item->putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 100");
  item->putAndInsertString(DCM_IssuerOfPatientID, "H\xf4pital");
  DcmDataset result = repeated(source, "ISO_IR 100");
  EXPECT_EQ(textOf(result, DCM_OtherPatientNames), "Müller^Jörg");
  EXPECT_EQ(textOf(result, DCM_IssuerOfPatientID), "Hôpital");
  EXPECT_FALSE(result.tagExists(DCM_SpecificCharacterSet, true));
}

TEST(RepeatedHeader, RepeatsBinaryNumbers) {
  DcmDataset source;
  source.putAndInsertUint16(DCM_PregnancyStatus, 4);
  Uint16 status = 0;
  DcmDataset result = repeated(source);
  EXPECT_TRUE(result.findAndGetUint16(DCM_PregnancyStatus, status).good());
  EXPECT_EQ(status, 4);
}

TEST(RepeatedHeader, LeavesOutWhatWouldMakeTheResultWrong) {
  DcmDataset source;
  source.putAndInsertString(DCM_PatientSize, "tall");
  source.putAndInsertString(DCM_PatientAge, "old");
  source.insert(new DcmUnlimitedText(DcmTag(DCM_PatientComments, EVR_UT)));  // LT in the dictionary
  source.putAndInsertString(DCM_SeriesDescription, "of the source only");
  DcmDataset result = repeated(source);
  EXPECT_EQ(result.card(), 0U);
}

TEST(RepeatedHeader, LeavesOutASequenceThatIsNestedBeyondReason) {
  DcmDataset source;
  DcmItem* item = &source;
  for (int depth = 0; depth < 2000; ++depth) {
    DcmItem* inner = nullptr;
    ASSERT_TRUE(item->findOrCreateSequenceItem(DCM_OtherPatientIDsSequence, inner, 0).good());
    item = inner;
  }
  EXPECT_EQ(repeated(source).card(), 0U);
}

}  // namespace
}  // namespace fedpet::dicom
