// A folder as an archive exports it: the one series that can be measured lies among others.
#include "dicom/PetSeriesReader.h"
#include "tests/support/PetSeriesFiles.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fedpet::dicom {
namespace {

using fedpet::testing::aPetSeries;
using fedpet::testing::dicomFiles;
using fedpet::testing::PetSeriesBuilder;
using fedpet::testing::TemporaryDirectory;
using fedpet::testing::writeTo;
using ::testing::AllOf;
using ::testing::HasSubstr;

class StudyFolder : public ::testing::Test {
 protected:
  // `uid` tells the series apart; their instances get UIDs of their own.
  void addSeries(const std::string& folder, const std::string& uid, PetSeriesBuilder builder) {
    builder.with([&](PetSeries& series) {
      series.seriesInstanceUid = uid;
      for (PetSlice& slice : series.slices)
        slice.sopInstanceUid = uid + slice.sopInstanceUid.substr(4);
    });
    writeTo(folder_.path() / folder, dicomFiles(builder));
  }
  void addFile(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  tl::expected<PetSeries, NotAssessable> read() {
    return readPetSeriesFromDirectory(folder_.path());
  }

  TemporaryDirectory folder_;
};

PetSeriesBuilder ct() {
  return aPetSeries()
      .writing(tags::kSopClassUid, "1.2.840.10008.5.1.4.1.1.2")
      .writing(tags::kModality, "CT");
}
PetSeriesBuilder uncorrected() {
  return aPetSeries().withCorrectedImage({"DECY"}).writing(tags::kSeriesDescription, "PET NAC");
}
PetSeriesBuilder projection() {
  return aPetSeries().writing(tags::kImageType, "DERIVED\\SECONDARY\\MIP");
}
PetSeriesBuilder capture() {
  return aPetSeries().writing(tags::kSopClassUid, std::string(kSecondaryCaptureImageStorage));
}

TEST_F(StudyFolder, YieldsItsOneCorrectedOriginalAxialFdgSeries) {
  addSeries("CT", "2.25.1", ct());
  addSeries("PT/NAC", "2.25.2", uncorrected());
  addSeries("PT/AC", "2.25.3", aPetSeries());
  addSeries("PT/MIP", "2.25.4", projection());
  addSeries("SC", "2.25.5", capture());
  addFile("README.txt", "not DICOM");
  addFile("empty", "");
  addFile("DICOMDIR", "ignored even where it is damaged");
  const auto series = read();
  ASSERT_TRUE(series) << series.error().reasons.front().detail;
  EXPECT_EQ(series->seriesInstanceUid, "2.25.3");
  EXPECT_EQ(series->pixels, aPetSeries().build().pixels);
}

TEST_F(StudyFolder, WithoutOneNamesEachSeriesAndItsReason) {
  addSeries("CT", "2.25.1", ct());
  addSeries("PT/NAC", "2.25.2", uncorrected());
  addSeries("PT/MIP", "2.25.4", projection());
  const auto series = read();
  ASSERT_FALSE(series);
  const auto& reasons = series.error().reasons;
  ASSERT_EQ(reasons.size(), 3U);
  EXPECT_EQ(reasons.back().code, RefusalCode::NotPet);
  std::string all;
  for (const Refusal& reason : reasons)
    all += std::string(toString(reason.code)) + " " + reason.detail + "\n";
  EXPECT_THAT(all, AllOf(HasSubstr("NotAttenuationCorrected series 2.25.2 'PET NAC'"),
                         HasSubstr("NotOriginalAxial series 2.25.4"),
                         HasSubstr("NotPet files of CTImageStorage")));
}

TEST_F(StudyFolder, WithOurSeriesInBadOrderIsDecidedByThatSeries) {
  addSeries("NAC", "2.25.2", uncorrected());
  addSeries("AC", "2.25.3", aPetSeries().writing(tags::kPatientWeight, "seventy"));
  EXPECT_EQ(read().error().code(), RefusalCode::WeightMissing);
}

TEST_F(StudyFolder, WithTwoThatFitIsRefused) {
  addSeries("AC", "2.25.3", aPetSeries());
  addSeries("AC sharp", "2.25.6", aPetSeries());
  const auto series = read();
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().code(), RefusalCode::InconsistentSeries);
  EXPECT_THAT(series.error().reasons.front().detail,
              AllOf(HasSubstr("2.25.3"), HasSubstr("2.25.6")));
}

TEST_F(StudyFolder, WithAMissingSliceIsRefused) {
  addSeries("AC", "2.25.3", aPetSeries().withSlices(10).omittingSlice(4));
  EXPECT_EQ(read().error().code(), RefusalCode::MissingSlices);
}

TEST_F(StudyFolder, WithADamagedFileIsRefusedByItsName) {
  addSeries("AC", "2.25.3", aPetSeries());
  std::filesystem::resize_file(folder_.path() / "AC" / "slice3.dcm", 700);
  const auto series = read();
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().code(), RefusalCode::UnreadableDicom);
  EXPECT_THAT(series.error().reasons.front().detail, HasSubstr("slice3.dcm"));
}

TEST_F(StudyFolder, WithoutDicomIsNotPet) {
  addFile("notes.txt", "nothing here");
  EXPECT_EQ(read().error().code(), RefusalCode::NotPet);
}

TEST(Folder, ThatDoesNotExistIsRefused) {
  EXPECT_EQ(readPetSeriesFromDirectory("/no/such/folder").error().code(),
            RefusalCode::UnreadableDicom);
}

}  // namespace
}  // namespace fedpet::dicom
