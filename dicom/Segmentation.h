// Segmentations as DICOM objects: ours written, anybody's read.
// Binary Segmentation Storage, PS3.3 A.51 and C.8.20.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/ResponseAssessment.h"

namespace fedpet::dicom {

inline constexpr std::string_view kSegmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4";
inline constexpr std::string_view kLabelMapStorage = "1.2.840.10008.5.1.4.1.1.66.7";

// A complete Part 10 file, identical bytes for identical input; nullopt when there is no region,
// since an SEG without a segment does not exist. BINARY, one segment a region in the order of
// `assessment.regions` (segmentNumberOf), a frame only where a segment has voxels in a slice, each
// frame referring to the PET instance that it lies on. Lesions are (Morphologically Abnormal
// Structure, Neoplasm), organs (Anatomical Structure, the organ).
// `study.regions` must lie on the grid of `assessment.series` and have one label for each region.
// Throws DicomError when they disagree, when a UID is missing or when DCMTK refuses the content.
std::optional<std::vector<std::byte>> writeSegmentation(const AssessedStudy& study);

// One slice of one segment: 0 or 1 for each pixel, i fastest.
struct SegmentFrame {
  int slice = 0;  // k in SegmentationMask::geometry
  std::vector<std::uint8_t> pixels;
};

struct Segment {
  std::uint16_t number = 0;
  std::string label, description, algorithmType, algorithmName;  // UTF-8
  Code category, type;               // scheme and value are empty when the file has none
  std::optional<Code> anatomicRegion;
  std::string trackingId, trackingUid;
  std::vector<SegmentFrame> frames;  // ascending slices, without empty ones
};

struct SegmentationMask {
  std::string sopInstanceUid, studyInstanceUid, seriesInstanceUid, frameOfReferenceUid;
  std::string referencedSeriesUid;   // of the images it was drawn on; empty when not told
  bool fractional = false;           // was FRACTIONAL, now cut at kFractionalThreshold
  // From the lowest to the highest slice that has a frame: an SEG need not span its source.
  VolumeGeometry geometry;
  std::vector<Segment> segments;     // ascending numbers
};

// A FRACTIONAL pixel counts as foreground from half of MaximumFractionalValue (0062,000E) on,
// be it a probability or an occupancy.
inline constexpr double kFractionalThreshold = 0.5;

// Reads BINARY, FRACTIONAL and LABELMAP segmentations, from shared or per-frame functional groups,
// in the transfer syntaxes that DCMTK decodes. A label map's background is no segment, even where
// the file describes it as one. Throws DicomError, saying what is wrong: not an SEG, no geometry,
// frames that do not lie on one regular grid, truncated pixels, sequences nested without end.
SegmentationMask readSegmentation(const std::filesystem::path&);
SegmentationMask readSegmentation(std::span<const std::byte> file);

// Whether a segment's Segmented Property Type says lesion: neoplasm (also primary, secondary,
// malignant), lesion, tumour or mass, as SCT or SRT code.
bool saysLesion(const Segment&);
bool saysLesion(const Code& findingOrPropertyType);

// The union of segments as labels 0 and 1 on the mask's grid. `segmentNumbers` picks segments;
// when it is empty, those that saysLesion(); when there is none of those, all but the ones in the
// category Anatomical Structure, so that the organs of a lesion-free study are no lesions.
// Throws DicomError for a number that the file does not have.
LabelVolume foreground(const SegmentationMask&, const std::vector<std::uint16_t>& segmentNumbers = {});

}  // namespace fedpet::dicom
