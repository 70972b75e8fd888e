// Answers of Orthanc 1.10.1, shortened, as recorded from a running one.
#include "orthanc-plugin/OrthancArchive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fedpet::plugin {
namespace {

using ::testing::ElementsAre;

class OrthancArchiveTest : public ::testing::Test {
 protected:
  std::map<std::string, CoreReply> answers_{
      {"/changes?last",
       {200,
        R"({"Changes":[{"ChangeType":"StablePatient","Date":"20261124T033059","ID":"p","Path":"/patients/p","ResourceType":"Patient","Seq":11}],"Done":true,"Last":11})"}},
      {"/changes?since=1&limit=2",
       {200,
        R"({"Changes":[{"ChangeType":"NewSeries","ID":"s","ResourceType":"Series","Seq":2},{"ChangeType":"NewInstance","ID":"i1","ResourceType":"Instance","Seq":5}],"Done":false,"Last":5})"}},
      {"/series/s",
       {200,
        R"({"ID":"s","Instances":["i1","i2"],"IsStable":true,"MainDicomTags":{"Modality":"PT","SeriesInstanceUID":"1.2.3"},"ParentStudy":"st"})"}},
      {"/series/s/instances",
       {200,
        R"([{"FileUuid":"u1","ID":"i1","MainDicomTags":{"ImageOrientationPatient":"1.0\\0.0\\0.0\\0.0\\1.0\\-0.0","ImagePositionPatient":"-297.6\\-297.6\\-11.5"}},
                {"FileUuid":"u2","ID":"i2","MainDicomTags":{"ImageOrientationPatient":"1.0\\0.0\\0.0\\0.0\\1.0\\-0.0","ImagePositionPatient":"-297.6\\-297.6\\-14.77"}}])"}},
      {"/instances/i1/tags?simplify",
       {200,
        R"({"SOPClassUID":"1.2.840.10008.5.1.4.1.1.128","SeriesDescription":"PET AC","ImageType":"ORIGINAL\\PRIMARY ","CorrectedImage":"DECY\\ATTN",
                "PixelData":null,"RadiopharmaceuticalInformationSequence":[{"Radiopharmaceutical":"FDG","RadiopharmaceuticalCodeSequence":[{"CodeValue":"Y-X1743","CodingSchemeDesignator":"99SDM","CodeMeaning":"FDG -- fluorodeoxyglucose"}]}]})"}},
      {"/instances/i1/attachments/dicom/md5", {200, "44d1fc2c760e20f413872ae1f597731b"}},
      {"/instances/i2/attachments/dicom/md5", {200, "44d1fc2c760e20f413872ae1f597731c"}}};
  OrthancArchive archive_{{[this](const std::string& uri) {
                             const auto it = answers_.find(uri);
                             return it == answers_.end() ? CoreReply{404, ""} : it->second;
                           },
                           [] { return std::string("id"); }}};
};

TEST_F(OrthancArchiveTest, ReadsTheLogOfChanges) {
  EXPECT_EQ(archive_.lastSequence(), 11);
  const auto page = archive_.changesAfter(1, 2);
  ASSERT_EQ(page.changes.size(), 2u);
  EXPECT_EQ(page.changes[0].kind, ArchiveChange::Kind::NewSeries);
  EXPECT_EQ(page.changes[1].resourceId, "i1");
  EXPECT_EQ(page.last, 5);
  EXPECT_FALSE(page.done);
}

TEST_F(OrthancArchiveTest, GathersTheFactsOfAPetSeries) {
  const auto facts = archive_.seriesFacts("s");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->studyId, "st");
  EXPECT_THAT(facts->imageType, ElementsAre("ORIGINAL", "PRIMARY"));
  EXPECT_EQ(facts->radiopharmaceutical.agentCode->value, "Y-X1743");
  EXPECT_EQ(facts->instances, 2u);
  EXPECT_NEAR(facts->bodyCoverageMm.value(), 6.54,
              1e-9);  // 3.27 between the two, and one step more
  EXPECT_TRUE(facts->stable);
}

TEST_F(OrthancArchiveTest, MeasuresNoBodyWhereAPositionIsMissing) {
  std::string& body = answers_["/series/s/instances"].body;
  body.replace(body.find("-297.6\\\\-297.6\\\\-14.77"), 22, "");
  EXPECT_FALSE(archive_.seriesFacts("s")->bodyCoverageMm);
}

TEST_F(OrthancArchiveTest, SeesThatAFileWasOverwritten) {
  const auto before = archive_.seriesFacts("s")->fingerprint;
  answers_["/series/s/instances"].body.replace(answers_["/series/s/instances"].body.find("u1"), 2,
                                               "u9");
  EXPECT_EQ(archive_.seriesFacts("s")->fingerprint, before) << "stored again, the same content";
  answers_["/instances/i2/attachments/dicom/md5"].body = "00000000000000000000000000000000";
  EXPECT_NE(archive_.seriesFacts("s")->fingerprint, before);
}

TEST_F(OrthancArchiveTest, AsksNothingMoreAboutAnotherModality) {
  answers_["/series/ct"] = {
      200, R"({"MainDicomTags":{"Modality":"CT"},"ParentStudy":"st","IsStable":true})"};
  EXPECT_EQ(archive_.seriesFacts("ct")->modality, "CT");
}

TEST_F(OrthancArchiveTest, TellsADeletedSeriesFromAnArchiveInTrouble) {
  EXPECT_FALSE(archive_.seriesFacts("gone"));
  EXPECT_FALSE(archive_.isStable("gone"));
  answers_["/series/s"] = {500, ""};
  EXPECT_THROW(archive_.seriesFacts("s"), ArchiveError);
  answers_["/series/s"] = {200, "<html>"};
  EXPECT_THROW(archive_.isStable("s"), ArchiveError);
}

}  // namespace
}  // namespace fedpet::plugin
