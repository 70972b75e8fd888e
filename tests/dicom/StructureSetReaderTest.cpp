// Contours to voxels. The structure sets are written here by DCMTK; real ones, by a planning
// system, are read in tests/imaging/radiomics/RealLesionsTest.cpp.
#include "dicom/DicomError.h"
#include "dicom/StructureSetReader.h"
#include "tests/dicom/ReportBytes.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fedpet::dicom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Bytes = std::vector<std::byte>;

// 10 x 10 x 4 voxels of 2 x 2 x 3 mm, the first at (-10, 20, 100).
VolumeGeometry grid() {
  VolumeGeometry geometry;
  geometry.size = {10, 10, 4};
  geometry.spacingMm = {2, 2, 3};
  geometry.originMm = {-10, 20, 100};
  return geometry;
}

// A rectangle between voxel indices of slice k.
Contour rectangle(double i0, double j0, double i1, double j1, double k,
                  const VolumeGeometry& g = grid()) {
  return {"CLOSED_PLANAR",
          {g.pointMm(i0, j0, k), g.pointMm(i1, j0, k), g.pointMm(i1, j1, k), g.pointMm(i0, j1, k)}};
}

DrawnRegion region(std::vector<Contour> contours) { return {1, "GTV", std::move(contours)}; }

std::size_t voxels(const ContourMask& mask) {
  return static_cast<std::size_t>(std::count(mask.mask.labels.begin(), mask.mask.labels.end(), 1));
}

std::string errorOf(const DrawnRegion& drawn, const VolumeGeometry& g = grid()) {
  try {
    (void)maskOf(drawn, g);
  } catch (const DicomError& error) {
    return error.what();
  }
  return "";
}

TEST(ContourMask, HoldsTheVoxelsWhoseCentresLieInside) {
  const auto mask = maskOf(region({rectangle(1.6, 2.4, 4.4, 5.6, 2)}), grid());
  EXPECT_EQ(voxels(mask), 3U * 3U);  // i 2..4, j 3..5
  EXPECT_EQ(mask.mask.labels[grid().offset(2, 3, 2)], 1);
  EXPECT_EQ(mask.mask.labels[grid().offset(4, 5, 2)], 1);
  EXPECT_THAT(mask.warnings, IsEmpty());
}

// Two regions that share an edge through voxel centres own each voxel once.
TEST(ContourMask, GivesACentreOnASharedEdgeToOneSide) {
  const auto left = maskOf(region({rectangle(1, 1, 4, 6, 0)}), grid());
  const auto right = maskOf(region({rectangle(4, 1, 7, 6, 0)}), grid());
  for (std::size_t v = 0; v < left.mask.labels.size(); ++v)
    EXPECT_FALSE(left.mask.labels[v] == 1 && right.mask.labels[v] == 1);
  EXPECT_EQ(voxels(left) + voxels(right), 6U * 5U);
}

TEST(ContourMask, CutsHolesAndFillsIslandsInThem) {
  const auto mask =
      maskOf(region({rectangle(0.5, 0.5, 8.5, 8.5, 1), rectangle(2.5, 2.5, 6.5, 6.5, 1),
                     rectangle(3.5, 3.5, 5.5, 5.5, 1)}),
             grid());
  EXPECT_EQ(voxels(mask), 64U - 16U + 4U);
}

// One line around the outside, through a slit, around the hole and back.
TEST(ContourMask, UnderstandsKeyholes) {
  const VolumeGeometry g = grid();
  const auto p = [&](double i, double j) { return g.pointMm(i, j, 0); };
  const Contour keyhole{
      "CLOSED_PLANAR",
      {p(0.5, 0.5), p(8.5, 0.5), p(8.5, 8.5), p(0.5, 8.5), p(0.5, 4.2), p(3.5, 4.2), p(3.5, 5.5),
       p(5.5, 5.5), p(5.5, 3.5), p(3.5, 3.5), p(3.5, 4.2), p(0.5, 4.2)}};
  EXPECT_EQ(voxels(maskOf(region({keyhole}), g)), 64U - 4U);
}

TEST(ContourMask, FollowsTurnedAxes) {
  VolumeGeometry g = grid();  // coronal: rows to the left, columns to the feet, slices to the back
  g.columnDirection = {0, 0, -1};
  g.sliceDirection = {0, 1, 0};
  EXPECT_EQ(voxels(maskOf(region({rectangle(1.6, 2.4, 4.4, 5.6, 3, g)}), g)), 9U);
}

TEST(ContourMask, RefusesWhatEnclosesNothingOrNotClearly) {
  Contour open = rectangle(1, 1, 4, 4, 0);
  open.geometricType = "OPEN_PLANAR";
  EXPECT_THAT(errorOf(region({open})), HasSubstr("OPEN_PLANAR"));
  EXPECT_THAT(errorOf(region({})), HasSubstr("'GTV' has no contours"));
  EXPECT_THAT(errorOf(region({rectangle(1, 1, 5, 5, 0), rectangle(3, 3, 8, 8, 0)})),
              HasSubstr("slice 1 overlap in part"));
}

TEST(ContourMask, RefusesContoursOfAnotherSeries) {
  EXPECT_THAT(errorOf(region({rectangle(1, 1, 4, 4, 0.5)})), HasSubstr("another series"));
  Contour tilted = rectangle(1, 1, 4, 4, 0);
  tilted.points[2][2] += 2;
  EXPECT_THAT(errorOf(region({tilted})), HasSubstr("another series"));
  EXPECT_THAT(errorOf(region({rectangle(1, 1, 4, 4, 4)})), HasSubstr("outside the image"));
  EXPECT_THAT(errorOf(region({rectangle(1, 1, 12, 4, 0)})), HasSubstr("leaves the image"));
}

TEST(ContourMask, CountsAContourThatIsDrawnTwiceOnce) {
  const auto mask = maskOf(region({rectangle(1.5, 1.5, 4.5, 4.5, 0),
                                   rectangle(1.5, 1.5, 4.5, 4.5, 0),
                                   {"CLOSED_PLANAR", {grid().pointMm(1, 1, 1)}}}),
                           grid());
  EXPECT_EQ(voxels(mask), 9U);
  EXPECT_THAT(mask.warnings, ElementsAre(HasSubstr("fewer than three points"), HasSubstr("twice")));
}

// --- files -------------------------------------------------------------------------------------

Bytes written(DcmFileFormat& file) {
  std::vector<char> buffer(1 << 20);
  DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  file.transferInit();
  EXPECT_TRUE(file.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr).good());
  file.transferEnd();
  void* data = nullptr;
  offile_off_t length = 0;
  stream.flushBuffer(data, length);
  const auto* bytes = static_cast<const std::byte*>(data);
  return {bytes, bytes + length};
}

void put(DcmItem& item, const DcmTagKey& tag, const char* value) {
  ASSERT_TRUE(item.putAndInsertString(tag, value).good());
}

DcmItem& newItem(DcmItem& parent, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  EXPECT_TRUE(parent.findOrCreateSequenceItem(sequence, item, -2).good());
  return *item;
}

// Two regions of two names; only the first has a contour.
Bytes structureSet(const char* contourData, const char* secondName = "Liver") {
  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  put(dataset, DCM_SOPClassUID, std::string(kStructureSetStorage).c_str());
  put(dataset, DCM_SOPInstanceUID, "1.2.3");
  put(dataset, DCM_SpecificCharacterSet, "ISO_IR 192");
  put(newItem(dataset, DCM_ReferencedFrameOfReferenceSequence), DCM_FrameOfReferenceUID, "1.2.9");
  for (const auto& [number, name] :
       {std::pair{"7", "Tumeur n\xC2\xB0 1"}, std::pair{"8", secondName}}) {
    DcmItem& roi = newItem(dataset, DCM_StructureSetROISequence);
    put(roi, DCM_ROINumber, number);
    put(roi, DCM_ROIName, name);
  }
  DcmItem& drawn = newItem(dataset, DCM_ROIContourSequence);
  put(drawn, DCM_ReferencedROINumber, "7");
  DcmItem& contour = newItem(drawn, DCM_ContourSequence);
  put(contour, DCM_ContourGeometricType, "CLOSED_PLANAR");
  put(contour, DCM_ContourData, contourData);
  return written(file);
}

std::string readingErrorOf(const Bytes& file) {
  try {
    (void)readStructureSet(file);
  } catch (const DicomError& error) {
    return error.what();
  }
  return "";
}

TEST(StructureSetReader, ReadsNamesAndContours) {
  const auto set = readStructureSet(structureSet("-9\\21\\100\\-1.5\\21\\100\\-1.5\\3e1\\100"));
  EXPECT_EQ(set.frameOfReferenceUid, "1.2.9");
  const DrawnRegion& tumour = set.named("Tumeur n\xC2\xB0 1");
  ASSERT_EQ(tumour.contours.size(), 1U);
  EXPECT_THAT(tumour.contours[0].points,
              ElementsAre(PointMm{-9, 21, 100}, PointMm{-1.5, 21, 100}, PointMm{-1.5, 30, 100}));
  EXPECT_THAT(set.named("Liver").contours, IsEmpty());
}

TEST(StructureSetReader, ListsTheNamesThatThereAre) {
  const auto set = readStructureSet(structureSet("0\\0\\0"));
  try {
    (void)set.named("GTV");
    FAIL();
  } catch (const DicomError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no region 'GTV'"));
    EXPECT_THAT(error.what(), HasSubstr("'Liver'"));
  }
  const auto twins = readStructureSet(structureSet("0\\0\\0", "Tumeur n\xC2\xB0 1"));
  EXPECT_THROW((void)twins.named("Tumeur n\xC2\xB0 1"), DicomError);
}

TEST(StructureSetReader, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(readingErrorOf(structureSet("1\\2\\x")), HasSubstr("no number"));
  EXPECT_THAT(readingErrorOf(structureSet("1\\2")), HasSubstr("not a list of points"));
  EXPECT_NE(readingErrorOf(Bytes(100)), "");
  Bytes cut = structureSet("0\\0\\0\\1\\1\\0\\2\\2\\0");
  cut.resize(cut.size() - 9);
  EXPECT_NE(readingErrorOf(cut), "");
  DcmFileFormat other;
  put(*other.getDataset(), DCM_SOPClassUID, "1.2.840.10008.5.1.4.1.1.128");
  put(*other.getDataset(), DCM_SOPInstanceUID, "1.2.3");
  EXPECT_THAT(readingErrorOf(written(other)), HasSubstr("not RT Structure Set"));
}

TEST(StructureSetReader, RefusesAFileThatNestsToExhaustTheStack) {
  std::string nest;
  for (int i = 0; i < 20000; ++i) nest += testing::openContent();
  for (int i = 0; i < 20000; ++i) nest += testing::closeContent();
  EXPECT_THAT(readingErrorOf(testing::reportFile(nest)), HasSubstr("nested"));
}

}  // namespace
}  // namespace fedpet::dicom
