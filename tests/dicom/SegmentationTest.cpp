// Our segmentations read back by us, by DCMTK's dcmseg and by hand; other people's read by us.
#include "dicom/DicomError.h"
#include "dicom/PetSeriesReader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/Segmentation.h"
#include "tests/dicom/ReportBytes.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/TestData.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmseg/segdoc.h>
#include <dcmtk/dcmseg/segment.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>

namespace fedpet {
namespace {

using dicom::DicomError;
using dicom::readSegmentation;
using dicom::SegmentationMask;
using dicom::writeSegmentation;
using testing::anAssessment;
using testing::AssessmentBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

AssessedStudy identified(const AssessmentBuilder& builder) {
  AssessedStudy study = builder.study();
  dicom::assignIdentity(study.assessment);
  return study;
}

Bytes written(const AssessmentBuilder& builder) { return *writeSegmentation(identified(builder)); }

std::unique_ptr<DcmFileFormat> parsed(const Bytes& bytes) {
  auto file = std::make_unique<DcmFileFormat>();
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  EXPECT_TRUE(file->read(stream).good());
  return file;
}

// The file with something changed in its data set.
Bytes changed(const Bytes& bytes, const std::function<void(DcmDataset&)>& change) {
  const auto file = parsed(bytes);
  change(*file->getDataset());
  std::vector<char> buffer(bytes.size() + 65536);
  DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  file->transferInit();
  EXPECT_TRUE(file->write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr).good());
  void* data = nullptr;
  offile_off_t length = 0;
  stream.flushBuffer(data, length);
  const auto* first = static_cast<const std::byte*>(data);
  return {first, first + length};
}

std::string refusalOf(const Bytes& bytes) {
  try {
    readSegmentation(bytes);
  } catch (const DicomError& error) {
    return error.what();
  }
  return "read without complaint";
}

std::size_t voxelsOf(const dicom::Segment& segment) {
  std::size_t voxels = 0;
  for (const auto& frame : segment.frames)
    voxels += std::accumulate(frame.pixels.begin(), frame.pixels.end(), std::size_t{0});
  return voxels;
}

SegmentationMask readPeer(const std::string& name) {
  return readSegmentation(testing::testDataFolder() / "peers" / name);
}

// --- writing ------------------------------------------------------------------------------------

TEST(Segmentation, ComesBackAsTheLabelsThatWentIn) {
  const AssessedStudy study = identified(anAssessment());
  const SegmentationMask mask = readSegmentation(*writeSegmentation(study));
  ASSERT_EQ(mask.segments.size(), study.assessment.regions.size());

  const VolumeGeometry& grid = study.regions.geometry;
  LabelVolume back{grid, std::vector<std::uint16_t>(grid.voxelCount())};
  const double below = mask.geometry.originMm[2] - grid.originMm[2];
  const int firstSlice = static_cast<int>(std::lround(below / grid.spacingMm[2]));
  for (const auto& segment : mask.segments)
    for (const auto& frame : segment.frames)
      for (std::size_t p = 0; p < frame.pixels.size(); ++p)
        if (frame.pixels[p] != 0)
          back.labels[grid.offset(0, 0, frame.slice + firstSlice) + p] =
              study.assessment.regions[segment.number - 1u].label;
  EXPECT_EQ(back.labels, study.regions.labels);
}

TEST(Segmentation, SharesTrackingIdentityWithTheAssessment) {
  const AssessedStudy study = identified(anAssessment());
  const SegmentationMask mask = readSegmentation(*writeSegmentation(study));
  for (std::size_t i = 0; i < mask.segments.size(); ++i) {
    EXPECT_EQ(mask.segments[i].trackingUid, study.assessment.regions[i].trackingUid);
    EXPECT_EQ(mask.segments[i].trackingId, study.assessment.regions[i].trackingId);
    EXPECT_EQ(mask.segments[i].number, dicom::segmentNumberOf(i));
  }
}

TEST(Segmentation, CodesLesionsAsNeoplasmAndOrgansAsThemselves) {
  const SegmentationMask mask = readSegmentation(written(anAssessment()));
  EXPECT_EQ(mask.segments[1].type, siteOf(Organ::Liver));
  EXPECT_EQ(mask.segments[1].category, (Code{"123037004", "SCT", ""}));
  EXPECT_EQ(mask.segments[5].type, (Code{"108369006", "SCT", ""}));
  EXPECT_EQ(mask.segments[5].category, (Code{"49755003", "SCT", ""}));
  EXPECT_EQ(mask.segments[5].algorithmType, "AUTOMATIC");
}

TEST(Segmentation, IsReadByDcmtksOwnSegmentationClasses) {
  const auto file = parsed(written(anAssessment()));
  DcmSegmentation* read = nullptr;
  ASSERT_TRUE(DcmSegmentation::loadDataset(*file->getDataset(), read).good());
  const std::unique_ptr<DcmSegmentation> segmentation(read);
  EXPECT_EQ(segmentation->getNumberOfSegments(), 8u);
  OFVector<size_t> frames;
  segmentation->getFramesForSegment(2, frames);  // the liver: a sphere of 3 voxels radius
  EXPECT_EQ(frames.size(), 7u);
  EXPECT_TRUE(segmentation->getFunctionalGroups().check());
}

TEST(Segmentation, RefersEachFrameToThePetInstanceItLiesOn) {
  const AssessedStudy study = identified(anAssessment());
  const auto file = parsed(*writeSegmentation(study));
  DcmDataset& dataset = *file->getDataset();
  for (unsigned long f = 0; f < 3; ++f) {
    DcmItem *frame = nullptr, *plane = nullptr, *derivation = nullptr, *source = nullptr;
    ASSERT_TRUE(dataset
                    .findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame,
                                            static_cast<long>(f))
                    .good());
    ASSERT_TRUE(frame->findAndGetSequenceItem(DCM_PlanePositionSequence, plane).good());
    ASSERT_TRUE(frame->findAndGetSequenceItem(DCM_DerivationImageSequence, derivation).good());
    ASSERT_TRUE(derivation->findAndGetSequenceItem(DCM_SourceImageSequence, source).good());
    OFString instance;
    double z = 0;
    source->findAndGetOFString(DCM_ReferencedSOPInstanceUID, instance);
    plane->findAndGetFloat64(DCM_ImagePositionPatient, z, 2);
    const auto slice =
        std::find_if(study.assessment.series.slices.begin(), study.assessment.series.slices.end(),
                     [&](const PetSlice& s) { return s.sopInstanceUid == instance.c_str(); });
    ASSERT_NE(slice, study.assessment.series.slices.end());
    EXPECT_DOUBLE_EQ(slice->positionMm[2], z);
  }
}

TEST(Segmentation, IsTheSameBytesForTheSameStudy) {
  EXPECT_EQ(written(anAssessment()), written(anAssessment()));
}

TEST(Segmentation, HoldsThreeHundredLesions) {
  const SegmentationMask mask = readSegmentation(written(anAssessment().withLesions(300)));
  ASSERT_EQ(mask.segments.size(), 305u);
  for (std::size_t i = 5; i < mask.segments.size(); ++i)
    EXPECT_EQ(voxelsOf(mask.segments[i]), 7u) << i;  // the builder's crosses
}

TEST(Segmentation, CutsALongLabelWithinACharacter) {
  AssessedStudy study = identified(anAssessment());
  std::string name;
  for (int i = 0; i < 70; ++i) name += "é";
  study.assessment.regions[0].name = name;
  study.assessment.regions[0].trackingId = name;
  const auto segment = readSegmentation(*writeSegmentation(study)).segments[0];
  EXPECT_EQ(segment.label, name.substr(0, 2 * 63) + "…");  // LO: 64 characters
  EXPECT_EQ(segment.trackingId, name);                     // UT: unlimited
}

TEST(Segmentation, DoesNotExistForARefusedStudy) {
  EXPECT_FALSE(writeSegmentation(identified(anAssessment().refused(RefusalCode::WeightMissing, "")))
                   .has_value());
}

TEST(Segmentation, IsNotWrittenWhenLabelsAndSeriesDisagree) {
  AssessedStudy study = identified(anAssessment());
  study.assessment.series.slices.pop_back();
  EXPECT_THROW(writeSegmentation(study), DicomError);

  study = identified(anAssessment());
  study.regions.labels.pop_back();
  EXPECT_THROW(writeSegmentation(study), DicomError);

  study = identified(anAssessment());
  study.assessment.regions[0].label = study.assessment.regions[1].label;
  EXPECT_THROW(writeSegmentation(study), DicomError);

  study = identified(anAssessment());
  study.assessment.identity.segSopInstanceUid.clear();
  EXPECT_THROW(writeSegmentation(study), DicomError);
}

// --- choosing the foreground --------------------------------------------------------------------

std::size_t foregroundVoxels(const SegmentationMask& mask,
                             const std::vector<std::uint16_t>& segments = {}) {
  const LabelVolume volume = foreground(mask, segments);
  return static_cast<std::size_t>(
      std::count(volume.labels.begin(), volume.labels.end(), std::uint16_t{1}));
}

TEST(SegmentationForeground, IsTheLesionsAndNotTheOrgans) {
  EXPECT_EQ(foregroundVoxels(readSegmentation(written(anAssessment()))), 3 * 7u);
}

TEST(SegmentationForeground, OfALesionFreeStudyIsEmptyAlthoughItHasOrgans) {
  EXPECT_EQ(foregroundVoxels(readSegmentation(written(anAssessment().withLesions(0)))), 0u);
}

TEST(SegmentationForeground, IsTheSegmentsAskedFor) {
  const SegmentationMask mask = readSegmentation(written(anAssessment()));
  EXPECT_EQ(foregroundVoxels(mask, {6, 7}), 2 * 7u);
  EXPECT_THROW(foreground(mask, {99}), DicomError);
}

// --- reading what others wrote ------------------------------------------------------------------

// Expected counts of this section: pydicom 3.0.1 unpacks the pixels, numpy counts those of each
// segment (from half of MaximumFractionalValue on, where fractional); `make interop` asks them
// again.
TEST(SegmentationReader, ReadsTheBinarySegmentationOfDcmqi) {
  FEDPET_NEED_TEST_DATA("peers");
  const SegmentationMask mask = readPeer("dcmqi-seg/liver.dcm");
  ASSERT_EQ(mask.segments.size(), 1u);
  EXPECT_EQ(mask.segments[0].label, "Liver");
  EXPECT_EQ(mask.geometry.size, (std::array<int, 3>{512, 512, 3}));
  EXPECT_EQ(voxelsOf(mask.segments[0]), 107098u);
}

TEST(SegmentationReader, ReadsOverlappingSegmentsOfDcmqi) {
  FEDPET_NEED_TEST_DATA("peers");
  const SegmentationMask mask = readPeer("dcmqi-seg/partial_overlaps.dcm");
  std::vector<std::size_t> voxels;
  for (const auto& segment : mask.segments) voxels.push_back(voxelsOf(segment));
  EXPECT_THAT(voxels, ElementsAre(9602u, 11888u, 10743u, 6693u, 4713u));
}

TEST(SegmentationReader, CutsTheFractionalSegmentationOfHighdicomAtOneHalf) {
  FEDPET_NEED_TEST_DATA("peers");
  const SegmentationMask mask = readPeer("highdicom-seg_ct_fractional.dcm");
  EXPECT_TRUE(mask.fractional);
  ASSERT_EQ(mask.segments.size(), 1u);
  EXPECT_EQ(voxelsOf(mask.segments[0]), 638u);  // of value 128; the 23 of value 64 are out
}

// SOP class 1.2.840.10008.5.1.4.1.1.66.7, newer than DCMTK 3.6.7. Slices 5 mm apart at a declared
// spacing of 2.5 mm: the one between has no frame.
TEST(SegmentationReader, ReadsLabelMapsWithTheirBackgroundLeftOut) {
  FEDPET_NEED_TEST_DATA("peers");
  for (const char* name : {"sparse-labelmap-noppv.dcm", "sparse-labelmap-ppv5.dcm"}) {
    SCOPED_TRACE(name);
    const SegmentationMask mask = readPeer(std::string("dcmqi-seg/") + name);
    ASSERT_EQ(mask.segments.size(), 1u);
    EXPECT_EQ(mask.segments[0].number, 1);
    EXPECT_EQ(mask.segments[0].label, "Liver");
    EXPECT_EQ(voxelsOf(mask.segments[0]), 630u);
    EXPECT_EQ(mask.geometry.size, (std::array<int, 3>{24, 38, 3}));
    ASSERT_EQ(mask.segments[0].frames.size(), 2u);
    EXPECT_EQ(mask.segments[0].frames[1].slice, 2);
  }
}

TEST(SegmentationReader, RefusesALabelThatNoSegmentDescribes) {
  FEDPET_NEED_TEST_DATA("peers");
  const Bytes good =
      testing::fileBytes(testing::testDataFolder() / "peers/dcmqi-seg/sparse-labelmap-noppv.dcm");
  EXPECT_THAT(refusalOf(changed(good,
                                [](DcmDataset& d) {
                                  Uint8* pixels = nullptr;
                                  DcmElement* element = nullptr;
                                  ASSERT_TRUE(d.findAndGetElement(DCM_PixelData, element).good());
                                  ASSERT_TRUE(element->getUint8Array(pixels).good());
                                  pixels[7] = 9;
                                })),
              HasSubstr("belong to a segment that is not described"));
  EXPECT_THAT(
      refusalOf(changed(
          good, [](DcmDataset& d) { d.putAndInsertString(DCM_SegmentationType, "BINARY"); })),
      HasSubstr("does not go with SegmentationType"));
}

TEST(SegmentationReader, ReadsEverySegmentOfAPatientOfDcmqi) {
  FEDPET_NEED_TEST_DATA("peers");
  const SegmentationMask mask = readPeer("dcmqi-iowa-qin-hn-0003/seg.dcm");
  ASSERT_EQ(mask.segments.size(), 1u);
  EXPECT_EQ(voxelsOf(mask.segments[0]), 795u);
  EXPECT_TRUE(saysLesion(mask.segments[0]));  // (M-80003, SRT, "Neoplasm, Primary")
}

TEST(SegmentationReader, RefusesWhatIsNoSegmentation) {
  EXPECT_THAT(refusalOf(Bytes(10)), HasSubstr("cannot read the segmentation"));
  EXPECT_THAT(refusalOf(changed(written(anAssessment()),
                                [](DcmDataset& d) {
                                  d.putAndInsertString(DCM_SOPClassUID,
                                                       "1.2.840.10008.5.1.4.1.1.128");
                                })),
              HasSubstr("not Segmentation"));
}

TEST(SegmentationReader, SaysWhatIsWrongWithABrokenSegmentation) {
  const Bytes good = written(anAssessment());
  EXPECT_EQ(refusalOf(good), "read without complaint");
  EXPECT_EQ(refusalOf(changed(good, [](DcmDataset&) {})), "read without complaint");
  EXPECT_THAT(
      refusalOf(changed(
          good, [](DcmDataset& d) { delete d.remove(DCM_SharedFunctionalGroupsSequence); })),
      HasSubstr("PlaneOrientationSequence is missing for frame 1"));
  EXPECT_THAT(refusalOf(changed(
                  good, [](DcmDataset& d) { d.putAndInsertString(DCM_NumberOfFrames, "7"); })),
              HasSubstr("NumberOfFrames"));
  EXPECT_THAT(refusalOf(changed(good,
                                [](DcmDataset& d) {
                                  const Uint8 few[] = {0, 0};
                                  d.putAndInsertUint8Array(DCM_PixelData, few, 2);
                                })),
              HasSubstr("pixels end early"));
  EXPECT_THAT(refusalOf(changed(good,
                                [](DcmDataset& d) {
                                  d.putAndInsertUint16(DCM_Columns, 60000);
                                  d.putAndInsertUint16(DCM_Rows, 60000);
                                })),
              HasSubstr("pixels end early"));
  EXPECT_THAT(
      refusalOf(changed(good,
                        [](DcmDataset& d) {
                          DcmItem *frame = nullptr, *plane = nullptr;
                          d.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, 3);
                          frame->findAndGetSequenceItem(DCM_PlanePositionSequence, plane);
                          plane->putAndInsertString(DCM_ImagePositionPatient, "-70\\-77.5\\-500");
                        })),
      HasSubstr("shifted"));
  EXPECT_THAT(
      refusalOf(changed(good,
                        [](DcmDataset& d) {
                          DcmItem *frame = nullptr, *segment = nullptr;
                          d.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, 0);
                          frame->findAndGetSequenceItem(DCM_SegmentIdentificationSequence, segment);
                          segment->putAndInsertUint16(DCM_ReferencedSegmentNumber, 77);
                        })),
      HasSubstr("segment that is not described"));
}

// A few hundred kilobytes that would exhaust the stack of a reader that recurses.
TEST(SegmentationReader, RefusesSequencesNestedWithoutEnd) {
  std::string nest;
  for (int i = 0; i < 20000; ++i) nest += testing::openContent();
  for (int i = 0; i < 20000; ++i) nest += testing::closeContent();
  EXPECT_THAT(refusalOf(testing::reportFile(nest)), HasSubstr("nested"));
}

TEST(SegmentationReader, SurvivesAFileCutAnywhere) {
  const Bytes good = written(anAssessment());
  for (std::size_t length = 0; length < good.size(); length += 977) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_NE(refusalOf(cut), "read without complaint") << length;
  }
}

}  // namespace
}  // namespace fedpet
