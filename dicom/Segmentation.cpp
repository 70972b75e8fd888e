// Built from DCMTK's items rather than its dcmseg classes: those draw UIDs and dates of their own,
// which would have to be found and replaced for identical output, and keep each frame at a byte a
// pixel. Their reader is a judge in the tests instead.
#include "dicom/Segmentation.h"

#include <algorithm>
#include <map>
#include <set>

#include "dicom/Codes.h"
#include "dicom/DeterministicUid.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/ResultHeader.h"
#include "dicom/ResultIdentity.h"

namespace fedpet::dicom {
namespace {

using SegmentAndSlice = std::pair<std::uint16_t, int>;
using Pixels = std::vector<std::uint8_t>;

// The non-empty frames, ordered by segment, then slice.
using Frames = std::map<SegmentAndSlice, Pixels>;

void requireAgreement(const AssessedStudy& study) {
  const ResponseAssessment& a = study.assessment;
  const VolumeGeometry& grid = study.regions.geometry;
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw DicomError(std::string("cannot write the segmentation: ") + what);
  };
  require(!a.identity.segSopInstanceUid.empty() && !a.identity.segSeriesUid.empty() &&
              !a.series.study.studyInstanceUid.empty(),
          "the assessment lacks a UID");
  require(!a.series.frameOfReferenceUid.empty(), "the series has no frame of reference");
  require(study.regions.labels.size() == grid.voxelCount(), "labels and their grid differ");
  require(grid.size == a.series.geometry.size, "labels and series have different grids");
  require(a.series.slices.size() == static_cast<std::size_t>(grid.size[2]),
          "the series does not have one instance for each slice");
  require(grid.size[0] > 0 && grid.size[1] > 0 && grid.size[0] <= 65535 && grid.size[1] <= 65535,
          "the matrix size is outside 1 to 65535");
  require(a.regions.size() <= 65535, "there are more than 65535 regions");
  std::set<std::uint16_t> labels;
  for (const Region& region : a.regions)
    require(region.label != 0 && labels.insert(region.label).second,
            "two regions have the same label, or the label 0");
}

Frames framesOf(const AssessedStudy& study) {
  std::vector<std::uint16_t> segmentOfLabel(65536, 0);
  for (std::size_t i = 0; i < study.assessment.regions.size(); ++i)
    segmentOfLabel[study.assessment.regions[i].label] = segmentNumberOf(i);

  Frames frames;
  const auto& size = study.regions.geometry.size;
  const std::size_t pixelsPerSlice =
      static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]);
  for (int k = 0; k < size[2]; ++k) {
    const auto* labels = study.regions.labels.data() + static_cast<std::size_t>(k) * pixelsPerSlice;
    for (std::size_t p = 0; p < pixelsPerSlice; ++p) {
      const std::uint16_t segment = segmentOfLabel[labels[p]];
      if (segment == 0) continue;
      Pixels& pixels = frames[{segment, k}];
      pixels.resize(pixelsPerSlice);
      pixels[p] = 1;
    }
  }
  if (frames.empty())
    throw DicomError("cannot write the segmentation: no region has a voxel");
  return frames;
}

// One bit a pixel, least significant bit first, frames without padding between them (PS3.5 8.1.1).
std::vector<Uint8> packed(const Frames& frames) {
  std::size_t bits = 0;
  for (const auto& [at, pixels] : frames) bits += pixels.size();
  std::vector<Uint8> bytes((bits + 15) / 16 * 2);
  std::size_t bit = 0;
  for (const auto& [at, pixels] : frames)
    for (const std::uint8_t pixel : pixels) {
      bytes[bit / 8] = static_cast<Uint8>(bytes[bit / 8] | pixel << bit % 8);
      ++bit;
    }
  return bytes;
}

struct PropertyCodes {
  Code category, type;
};

PropertyCodes propertiesOf(const Region& region) {
  if (region.role == RegionRole::Lesion) return {codes::morphologicallyAbnormal(), codes::neoplasm()};
  return {codes::anatomicalStructure(), region.organ ? siteOf(*region.organ) : codes::organ()};
}

// CIELab as PS3.3 C.10.7.1.1 scales it: red, yellow and green.
std::array<Uint16, 3> displayColour(RegionRole role) {
  switch (role) {
    case RegionRole::Lesion: return {34734, 53456, 50115};
    case RegionRole::Physiological: return {63655, 27366, 57310};
    case RegionRole::Reference: return {43253, 19275, 43433};
  }
  throw DicomError("role outside its table");
}

void addSegment(DcmItem& dataset, const Region& region, std::uint16_t number) {
  DcmItem& item = addItem(dataset, DCM_SegmentSequence);
  const PropertyCodes properties = propertiesOf(region);
  put(item, DCM_SegmentedPropertyCategoryCodeSequence, properties.category);
  check(item.putAndInsertUint16(DCM_SegmentNumber, number), "the segment number");
  const std::string label = region.name.empty() ? region.trackingId : region.name;
  put(item, DCM_SegmentLabel, label.empty() ? std::to_string(number) : fitted(label));
  if (!region.definition.empty()) put(item, DCM_SegmentDescription, fitted(region.definition, 1024));
  put(item, DCM_SegmentAlgorithmType, "AUTOMATIC");
  put(item, DCM_SegmentAlgorithmName, std::string(kMeasurementAlgorithm));
  put(item, DCM_SegmentedPropertyTypeCodeSequence, properties.type);
  const auto colour = displayColour(region.role);
  check(item.putAndInsertUint16Array(DCM_RecommendedDisplayCIELabValue, colour.data(), 3),
        "the display colour");
  // Both or none (PS3.3 C.8.20.4, type 1C).
  if (region.trackingId.empty() || region.trackingUid.empty()) return;
  put(item, DCM_TrackingID, region.trackingId);
  put(item, DCM_TrackingUID, region.trackingUid);
}

std::string backslashed(std::initializer_list<double> values) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += '\\';
    text += exactDecimalString(value);
  }
  return text;
}

void addSharedGroups(DcmItem& dataset, const VolumeGeometry& g) {
  DcmItem& shared = addItem(dataset, DCM_SharedFunctionalGroupsSequence);
  const auto& r = g.rowDirection;
  const auto& c = g.columnDirection;
  put(addItem(shared, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient,
      backslashed({r[0], r[1], r[2], c[0], c[1], c[2]}));
  DcmItem& measures = addItem(shared, DCM_PixelMeasuresSequence);
  put(measures, DCM_SliceThickness, exactDecimalString(g.spacingMm[2]));
  put(measures, DCM_SpacingBetweenSlices, exactDecimalString(g.spacingMm[2]));
  put(measures, DCM_PixelSpacing, backslashed({g.spacingMm[1], g.spacingMm[0]}));
}

void addDimensions(DcmItem& dataset, const std::string& organizationUid) {
  put(addItem(dataset, DCM_DimensionOrganizationSequence), DCM_DimensionOrganizationUID,
      organizationUid);
  struct Dimension {
    DcmTagKey attribute, group;
    const char* label;
  };
  for (const Dimension& dimension :
       {Dimension{DCM_ReferencedSegmentNumber, DCM_SegmentIdentificationSequence, "Segment"},
        Dimension{DCM_ImagePositionPatient, DCM_PlanePositionSequence, "Position"}}) {
    DcmItem& item = addItem(dataset, DCM_DimensionIndexSequence);
    put(item, DCM_DimensionOrganizationUID, organizationUid);
    check(item.putAndInsertTagKey(DCM_DimensionIndexPointer, dimension.attribute), "a dimension");
    check(item.putAndInsertTagKey(DCM_FunctionalGroupPointer, dimension.group), "a dimension");
    put(item, DCM_DimensionDescriptionLabel, dimension.label);
  }
}

void putReference(DcmItem& item, const std::string& sopClassUid, const std::string& instanceUid) {
  put(item, DCM_ReferencedSOPClassUID, sopClassUid);
  put(item, DCM_ReferencedSOPInstanceUID, instanceUid);
}

void addFrameGroups(DcmItem& dataset, const PetSeries& series, const SegmentAndSlice& at,
                    std::uint32_t positionIndex) {
  const PetSlice& slice = series.slices[static_cast<std::size_t>(at.second)];
  DcmItem& frame = addItem(dataset, DCM_PerFrameFunctionalGroupsSequence);

  DcmItem& derivation = addItem(frame, DCM_DerivationImageSequence);
  DcmItem& source = addItem(derivation, DCM_SourceImageSequence);
  putReference(source, series.sopClassUid, slice.sopInstanceUid);
  put(source, DCM_SpatialLocationsPreserved, "YES");
  put(source, DCM_PurposeOfReferenceCodeSequence, codes::sourceForProcessing());
  put(derivation, DCM_DerivationCodeSequence, codes::segmentation());

  const Uint32 index[] = {at.first, positionIndex};
  check(addItem(frame, DCM_FrameContentSequence)
            .putAndInsertUint32Array(DCM_DimensionIndexValues, index, 2),
        "the dimension index");
  const PointMm& p = slice.positionMm;
  put(addItem(frame, DCM_PlanePositionSequence), DCM_ImagePositionPatient,
      backslashed({p[0], p[1], p[2]}));
  check(addItem(frame, DCM_SegmentIdentificationSequence)
            .putAndInsertUint16(DCM_ReferencedSegmentNumber, at.first),
        "the segment of a frame");
}

void addFrames(DcmItem& dataset, const PetSeries& series, const Frames& frames) {
  std::map<int, std::uint32_t> positionIndex;  // ordinals of the slices that have a frame
  for (const auto& [at, pixels] : frames) positionIndex[at.second] = 0;
  std::uint32_t next = 0;
  for (auto& [slice, index] : positionIndex) index = ++next;
  for (const auto& [at, pixels] : frames)
    addFrameGroups(dataset, series, at, positionIndex[at.second]);

  put(dataset, DCM_NumberOfFrames, std::to_string(frames.size()));
  const std::vector<Uint8> bytes = packed(frames);
  check(dataset.putAndInsertUint8Array(DCM_PixelData, bytes.data(),
                                       static_cast<unsigned long>(bytes.size())),
        "the pixels");
}

void addReferencedSeries(DcmItem& dataset, const PetSeries& series, const Frames& frames) {
  DcmItem& item = addItem(dataset, DCM_ReferencedSeriesSequence);
  put(item, DCM_SeriesInstanceUID, series.seriesInstanceUid);
  std::set<int> used;
  for (const auto& [at, pixels] : frames) used.insert(at.second);
  for (const int k : used)
    putReference(addItem(item, DCM_ReferencedInstanceSequence), series.sopClassUid,
                 series.slices[static_cast<std::size_t>(k)].sopInstanceUid);
}

void putImageAttributes(DcmItem& dataset, const ResponseAssessment& a) {
  put(dataset, DCM_ImageType, "DERIVED\\PRIMARY");
  put(dataset, DCM_FrameOfReferenceUID, a.series.frameOfReferenceUid);
  put(dataset, DCM_PositionReferenceIndicator, a.series.positionReferenceIndicator);
  put(dataset, DCM_PhotometricInterpretation, "MONOCHROME2");
  put(dataset, DCM_LossyImageCompression, "00");
  put(dataset, DCM_SegmentationType, "BINARY");
  put(dataset, DCM_ContentLabel, "FEDPET");
  put(dataset, DCM_ContentDescription, "Lesions and organs on FDG PET (research use only)");
  put(dataset, DCM_ContentCreatorName, "fedpet^software");
  const std::pair<DcmTagKey, int> numbers[] = {
      {DCM_Rows, a.series.geometry.size[1]}, {DCM_Columns, a.series.geometry.size[0]},
      {DCM_SamplesPerPixel, 1},              {DCM_BitsAllocated, 1},
      {DCM_BitsStored, 1},                   {DCM_HighBit, 0},
      {DCM_PixelRepresentation, 0}};
  for (const auto& [tag, value] : numbers)
    check(dataset.putAndInsertUint16(tag, static_cast<Uint16>(value)), DcmTag(tag).getTagName());
}

}  // namespace

std::optional<std::vector<std::byte>> writeSegmentation(const AssessedStudy& study) {
  const ResponseAssessment& a = study.assessment;
  if (a.regions.empty()) return std::nullopt;
  prepareDcmtk();
  requireAgreement(study);
  const Frames frames = framesOf(study);

  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  setResultHeader(dataset, a,
                  {.sopClassUid = std::string(kSegmentationStorage),
                   .sopInstanceUid = a.identity.segSopInstanceUid,
                   .seriesUid = a.identity.segSeriesUid,
                   .modality = "SEG",
                   .description = "fedpet PET regions (research use only)",
                   .seriesNumber = 9002});
  putImageAttributes(dataset, a);
  for (std::size_t i = 0; i < a.regions.size(); ++i)
    addSegment(dataset, a.regions[i], segmentNumberOf(i));
  addDimensions(dataset, deterministicUid({"dimensions", a.identity.segSopInstanceUid}));
  addSharedGroups(dataset, a.series.geometry);
  addFrames(dataset, a.series, frames);
  addReferencedSeries(dataset, a.series, frames);
  return partTen(file);
}

}  // namespace fedpet::dicom
