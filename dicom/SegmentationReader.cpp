// Reads with DCMTK's items, not with dcmseg: that one refuses objects for attributes which do not
// matter here, and real segmentations lack some.
#include "dicom/Codes.h"
#include "dicom/DatasetReader.h"
#include "dicom/DatasetShape.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/RetiredCodes.h"
#include "dicom/Segmentation.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <optional>

namespace fedpet::dicom {
namespace {

constexpr double kToleranceMm = 0.01;         // positions are decimal text
constexpr double kToleranceOfSpacing = 0.02;  // of a slice's place on the grid

constexpr const char* kCannot = "cannot read the segmentation";

[[noreturn]] void fail(const std::string& why) {
  throw DicomError(std::string(kCannot) + ": " + why);
}

std::uint16_t unsignedShort(DcmItem& item, const DcmTagKey& tag) {
  Uint16 value = 0;
  if (item.findAndGetUint16(tag, value).bad())
    fail(std::string(DcmTag(tag).getTagName()) + " is missing");
  return value;
}

std::vector<double> numbers(DcmItem& item, const DcmTagKey& tag, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i)
    if (item.findAndGetFloat64(tag, values[i], static_cast<unsigned long>(i)).bad() ||
        !std::isfinite(values[i]))
      fail(std::string(DcmTag(tag).getTagName()) + " is missing or not a number");
  return values;
}

// The first item of a sequence, or null.
DcmItem* firstItem(DcmItem& item, const DcmTagKey& sequence) {
  DcmItem* found = nullptr;
  return item.findAndGetSequenceItem(sequence, found, 0).good() ? found : nullptr;
}

// All items in one pass: asking a DCMTK sequence for its n-th item walks from its start.
std::vector<DcmItem*> itemsOf(DcmItem& parent, const DcmTagKey& tag) {
  DcmSequenceOfItems* sequence = nullptr;
  std::vector<DcmItem*> items;
  if (parent.findAndGetSequence(tag, sequence).bad()) return items;
  for (DcmObject* next = sequence->nextInContainer(nullptr); next != nullptr;
       next = sequence->nextInContainer(next))
    items.push_back(static_cast<DcmItem*>(next));
  return items;
}

Code codeIn(DcmItem& parent, const DcmTagKey& tag, TextDecoder& decoder) {
  DcmItem* item = firstItem(parent, tag);
  if (item == nullptr) return {};
  std::string value = writtenText(*item, DCM_CodeValue);
  if (value.empty()) value = writtenText(*item, DCM_LongCodeValue);
  return {value, writtenText(*item, DCM_CodingSchemeDesignator),
          decoder.toUtf8(writtenText(*item, DCM_CodeMeaning))};
}

// --- what the whole file says -------------------------------------------------------------------

void requireSegmentation(DcmDataset& dataset) {
  const std::string sopClass = writtenText(dataset, DCM_SOPClassUID);
  const std::string type = writtenText(dataset, DCM_SegmentationType);
  if (sopClass != kSegmentationStorage && sopClass != kLabelMapStorage)
    fail("its SOP class is " + (sopClass.empty() ? "missing" : sopClass) + ", not Segmentation");
  if (type != "BINARY" && type != "FRACTIONAL" && type != "LABELMAP")
    fail("SegmentationType is '" + type + "', neither BINARY, FRACTIONAL nor LABELMAP");
  if ((sopClass == kLabelMapStorage) != (type == "LABELMAP"))
    fail("its SOP class does not go with SegmentationType " + type);
}

std::vector<Segment> segmentsOf(DcmDataset& dataset) {
  TextDecoder decoder(writtenText(dataset, DCM_SpecificCharacterSet));
  std::vector<Segment> segments;
  for (DcmItem* item : itemsOf(dataset, DCM_SegmentSequence)) {
    Segment s;
    s.number = unsignedShort(*item, DCM_SegmentNumber);
    s.label = decoder.toUtf8(writtenText(*item, DCM_SegmentLabel));
    s.description = decoder.toUtf8(writtenText(*item, DCM_SegmentDescription));
    s.algorithmType = writtenText(*item, DCM_SegmentAlgorithmType);
    s.algorithmName = decoder.toUtf8(writtenText(*item, DCM_SegmentAlgorithmName));
    s.category = codeIn(*item, DCM_SegmentedPropertyCategoryCodeSequence, decoder);
    s.type = codeIn(*item, DCM_SegmentedPropertyTypeCodeSequence, decoder);
    if (firstItem(*item, DCM_AnatomicRegionSequence) != nullptr)
      s.anatomicRegion = codeIn(*item, DCM_AnatomicRegionSequence, decoder);
    s.trackingId = decoder.toUtf8(writtenText(*item, DCM_TrackingID));
    s.trackingUid = writtenText(*item, DCM_TrackingUID);
    segments.push_back(std::move(s));
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  for (std::size_t i = 1; i < segments.size(); ++i)
    if (segments[i].number == segments[i - 1].number)
      fail("two segments have the number " + std::to_string(segments[i].number));
  return segments;
}

// --- where the frames are -----------------------------------------------------------------------

// Functional groups are shared by all frames or stand with each of them (PS3.3 C.7.6.16).
struct FunctionalGroups {
  DcmItem* shared = nullptr;
  std::vector<DcmItem*> perFrame;

  DcmItem& of(std::size_t frame, const DcmTagKey& group) const {
    if (DcmItem* own = firstItem(*perFrame[frame], group)) return *own;
    if (shared != nullptr)
      if (DcmItem* common = firstItem(*shared, group)) return *common;
    fail(std::string(DcmTag(group).getTagName()) + " is missing for frame " +
         std::to_string(frame + 1));
  }
};

struct FramePlace {
  std::uint16_t segment = 0;  // 0 in a label map, whose pixels name their segments
  PointMm positionMm{};
  double alongNormalMm = 0;
};

double dot(const PointMm& a, const PointMm& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

PointMm unit(const std::vector<double>& v, std::size_t first) {
  const double length = std::hypot(v[first], v[first + 1], v[first + 2]);
  if (std::abs(length - 1) > 0.01) fail("ImageOrientationPatient is not made of unit vectors");
  return {v[first] / length, v[first + 1] / length, v[first + 2] / length};
}

PointMm cross(const PointMm& a, const PointMm& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

void setPlane(VolumeGeometry& g, DcmItem& orientation, DcmItem& measures) {
  const auto directions = numbers(orientation, DCM_ImageOrientationPatient, 6);
  g.rowDirection = unit(directions, 0);
  g.columnDirection = unit(directions, 3);
  if (std::abs(dot(g.rowDirection, g.columnDirection)) > 0.01)
    fail("ImageOrientationPatient is not made of perpendicular vectors");
  g.sliceDirection = cross(g.rowDirection, g.columnDirection);
  const auto spacing = numbers(measures, DCM_PixelSpacing, 2);
  if (spacing[0] <= 0 || spacing[1] <= 0) fail("PixelSpacing is not positive");
  g.spacingMm = {spacing[1], spacing[0], 0};
}

bool samePlane(const VolumeGeometry& a, const VolumeGeometry& b) {
  return distanceMm(a.rowDirection, b.rowDirection) < 1e-4 &&
         distanceMm(a.columnDirection, b.columnDirection) < 1e-4 &&
         std::abs(a.spacingMm[0] - b.spacingMm[0]) < 1e-4 &&
         std::abs(a.spacingMm[1] - b.spacingMm[1]) < 1e-4;
}

double positiveOrZero(DcmItem& item, const DcmTagKey& tag) {
  double value = 0;
  return item.findAndGetFloat64(tag, value).good() && std::isfinite(value) && value > 0 ? value : 0;
}

bool onGrid(const std::vector<double>& sorted, double spacing) {
  return std::all_of(sorted.begin(), sorted.end(), [&](double at) {
    const double steps = (at - sorted.front()) / spacing;
    return std::abs(steps - std::round(steps)) <= kToleranceOfSpacing;
  });
}

// The declared spacing where the slices agree with it, else their smallest distance: files leave
// it out, or give the thickness of a slice that overlaps its neighbour.
double sliceSpacingMm(std::vector<double> along, DcmItem& measures) {
  std::sort(along.begin(), along.end());
  along.erase(std::unique(along.begin(), along.end(),
                          [](double a, double b) { return std::abs(a - b) < kToleranceMm; }),
              along.end());
  std::vector<double> candidates{positiveOrZero(measures, DCM_SpacingBetweenSlices)};
  if (along.size() > 1) {
    double smallest = along[1] - along[0];
    for (std::size_t i = 2; i < along.size(); ++i)
      smallest = std::min(smallest, along[i] - along[i - 1]);
    candidates.push_back(smallest);
  }
  candidates.push_back(positiveOrZero(measures, DCM_SliceThickness));
  for (const double spacing : candidates)
    if (spacing > 0 && onGrid(along, spacing)) return spacing;
  fail("its slices do not lie on a regular grid");
}

std::vector<FramePlace> placesOf(const FunctionalGroups& groups, bool labelMap, VolumeGeometry& g) {
  std::vector<FramePlace> places;
  for (std::size_t f = 0; f < groups.perFrame.size(); ++f) {
    VolumeGeometry plane = g;
    DcmItem& orientation = groups.of(f, DCM_PlaneOrientationSequence);
    setPlane(plane, orientation, groups.of(f, DCM_PixelMeasuresSequence));
    if (f == 0)
      g = plane;
    else if (!samePlane(g, plane))
      fail("its frames have different orientations or pixel spacings");
    FramePlace place;
    if (!labelMap)
      place.segment = unsignedShort(groups.of(f, DCM_SegmentIdentificationSequence),
                                    DCM_ReferencedSegmentNumber);
    const auto p = numbers(groups.of(f, DCM_PlanePositionSequence), DCM_ImagePositionPatient, 3);
    place.positionMm = {p[0], p[1], p[2]};
    place.alongNormalMm = dot(place.positionMm, g.sliceDirection);
    places.push_back(place);
  }
  return places;
}

// Completes the geometry: origin, slice spacing, slice count.
void setGrid(VolumeGeometry& g, const std::vector<FramePlace>& places, DcmItem& measures) {
  std::vector<double> along;
  for (const FramePlace& place : places) along.push_back(place.alongNormalMm);
  g.spacingMm[2] = sliceSpacingMm(along, measures);
  const auto [lowest, highest] = std::minmax_element(along.begin(), along.end());
  const double slices = (*highest - *lowest) / g.spacingMm[2];
  if (slices > 10000) fail("its frames are more than 10000 slices apart");
  g.originMm = places[static_cast<std::size_t>(lowest - along.begin())].positionMm;
  g.size[2] = static_cast<int>(std::lround(slices)) + 1;
  for (const FramePlace& place : places) {
    const double up = place.alongNormalMm - *lowest;
    PointMm expected = g.originMm;
    for (std::size_t a = 0; a < 3; ++a) expected[a] += up * g.sliceDirection[a];
    if (distanceMm(expected, place.positionMm) > 0.1)
      fail("its frames are shifted against each other within their plane");
  }
}

// --- pixels -------------------------------------------------------------------------------------

struct PixelBytes {
  const Uint8* data = nullptr;
  std::size_t length = 0;
};

PixelBytes pixelsOf(DcmDataset& dataset) {
  if (dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad())
    fail("its pixels cannot be decompressed");
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(DCM_PixelData, element).bad()) fail("it has no pixels");
  Uint8* bytes = nullptr;
  Uint16* words = nullptr;
  if (element->getUint8Array(bytes).good() && bytes != nullptr)
    return {bytes, element->getLength()};
  // OW: DCMTK has the words in this machine's order; PS3.5 8.1.1 numbers bits in little endian.
  static_assert(std::endian::native == std::endian::little);
  if (element->getUint16Array(words).good() && words != nullptr)
    return {reinterpret_cast<const Uint8*>(words), element->getLength()};
  fail("it has no pixels");
}

struct PixelReader {
  PixelBytes bytes;
  std::size_t pixelsPerFrame = 0;
  bool fractional = false;
  double threshold = 0;

  std::size_t bytesNeeded(std::size_t frames) const {
    const std::size_t pixels = frames * pixelsPerFrame;
    return fractional ? pixels : (pixels + 7) / 8;
  }
  std::vector<std::uint8_t> frame(std::size_t index) const {
    std::vector<std::uint8_t> pixels(pixelsPerFrame);
    const std::size_t first = index * pixelsPerFrame;
    for (std::size_t p = 0; p < pixelsPerFrame; ++p) {
      const std::size_t at = first + p;
      pixels[p] =
          fractional ? bytes.data[at] >= threshold : (bytes.data[at / 8] >> at % 8 & 1) != 0;
    }
    return pixels;
  }
};

PixelReader pixelReader(DcmDataset& dataset, const VolumeGeometry& g, std::size_t frames) {
  PixelReader reader;
  reader.pixelsPerFrame = static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  reader.fractional = writtenText(dataset, DCM_SegmentationType) == "FRACTIONAL";
  const int bits = unsignedShort(dataset, DCM_BitsAllocated);
  if (bits != (reader.fractional ? 8 : 1))
    fail("BitsAllocated is " + std::to_string(bits) + " for this SegmentationType");
  if (reader.fractional)
    reader.threshold = kFractionalThreshold * unsignedShort(dataset, DCM_MaximumFractionalValue);
  if (reader.fractional && reader.threshold <= 0) fail("MaximumFractionalValue is 0");
  reader.bytes = pixelsOf(dataset);
  if (reader.bytes.length < reader.bytesNeeded(frames)) fail("its pixels end early");
  return reader;
}

// Adds a frame to its segment; a second frame at the same place is joined to the first.
void addFrame(Segment& segment, int slice, std::vector<std::uint8_t> pixels) {
  if (std::find(pixels.begin(), pixels.end(), 1) == pixels.end()) return;
  const auto at = std::lower_bound(segment.frames.begin(), segment.frames.end(), slice,
                                   [](const SegmentFrame& f, int k) { return f.slice < k; });
  if (at == segment.frames.end() || at->slice != slice) {
    segment.frames.insert(at, {slice, std::move(pixels)});
    return;
  }
  for (std::size_t p = 0; p < pixels.size(); ++p) at->pixels[p] |= pixels[p];
}

int sliceOf(const FramePlace& place, const VolumeGeometry& g) {
  const double up = place.alongNormalMm - dot(g.originMm, g.sliceDirection);
  return static_cast<int>(std::lround(up / g.spacingMm[2]));
}

using SegmentsByNumber = std::map<std::uint16_t, Segment*>;

void addFrames(const SegmentsByNumber& byNumber, const std::vector<FramePlace>& places,
               const PixelReader& pixels, const VolumeGeometry& g) {
  for (std::size_t f = 0; f < places.size(); ++f) {
    const auto segment = byNumber.find(places[f].segment);
    if (segment == byNumber.end())
      fail("frame " + std::to_string(f + 1) + " belongs to a segment that is not described");
    addFrame(*segment->second, sliceOf(places[f], g), pixels.frame(f));
  }
}

// --- label maps (PS3.3 C.8.20.2, supplement 243) ------------------------------------------------

// A slice of each segment is held as one byte a pixel: a small file can name 65535 segments.
constexpr std::size_t kMaxMaskBytes = std::size_t{4} << 30;
constexpr const char* kTooManyAtOnce = "its segments are too many and too large to be held at once";

// Pixels are segment numbers. 0 is background unless a segment says otherwise, and so is
// PixelPaddingValue; some writers describe the background as a segment.
class LabelPixels {
 public:
  LabelPixels(DcmDataset& dataset, const VolumeGeometry& g, std::size_t frames)
      : pixelsPerFrame_(static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1])),
        bits_(unsignedShort(dataset, DCM_BitsAllocated)) {
    if (bits_ != 8 && bits_ != 16)
      fail("BitsAllocated is " + std::to_string(bits_) + " for this SegmentationType");
    Uint16 value = 0;
    if (dataset.findAndGetUint16(DCM_PixelPaddingValue, value).good()) padding_ = value;
    bytes_ = pixelsOf(dataset);
    if (bytes_.length < frames * pixelsPerFrame_ * (bits_ / 8)) fail("its pixels end early");
  }

  bool isBackground(std::uint16_t label) const { return label == 0 || label == padding_; }
  std::map<std::uint16_t, std::vector<std::uint8_t>> frame(std::size_t index) const {
    std::map<std::uint16_t, std::vector<std::uint8_t>> masks;
    for (std::size_t p = 0; p < pixelsPerFrame_; ++p) {
      const std::size_t at = index * pixelsPerFrame_ + p;
      const unsigned label =
          bits_ == 8 ? bytes_.data[at] : bytes_.data[2 * at] | bytes_.data[2 * at + 1] << 8;
      auto& mask = masks[static_cast<std::uint16_t>(label)];
      if (mask.empty()) mask.resize(pixelsPerFrame_);
      if (masks.size() * pixelsPerFrame_ > kMaxMaskBytes) fail(kTooManyAtOnce);
      mask[p] = 1;
    }
    return masks;
  }

 private:
  std::size_t pixelsPerFrame_;
  unsigned bits_;
  std::optional<std::uint16_t> padding_;
  PixelBytes bytes_;
};

bool isBackground(const Segment& segment) { return segment.type == codes::background(); }

void addLabelFrames(const SegmentsByNumber& byNumber, const std::vector<FramePlace>& places,
                    const LabelPixels& pixels, const VolumeGeometry& g) {
  std::size_t held = 0;
  for (std::size_t f = 0; f < places.size(); ++f)
    for (auto& [label, mask] : pixels.frame(f)) {
      if ((held += mask.size()) > kMaxMaskBytes) fail(kTooManyAtOnce);
      const auto segment = byNumber.find(label);
      if (segment != byNumber.end())
        addFrame(*segment->second, sliceOf(places[f], g), mask);
      else if (!pixels.isBackground(label))
        fail("pixels of frame " + std::to_string(f + 1) +
             " belong to a segment that is not described");
    }
}

// --- the whole ----------------------------------------------------------------------------------

SegmentationMask headOf(DcmDataset& dataset) {
  SegmentationMask mask;
  mask.sopInstanceUid = writtenText(dataset, DCM_SOPInstanceUID);
  mask.studyInstanceUid = writtenText(dataset, DCM_StudyInstanceUID);
  mask.seriesInstanceUid = writtenText(dataset, DCM_SeriesInstanceUID);
  mask.frameOfReferenceUid = writtenText(dataset, DCM_FrameOfReferenceUID);
  if (DcmItem* series = firstItem(dataset, DCM_ReferencedSeriesSequence))
    mask.referencedSeriesUid = writtenText(*series, DCM_SeriesInstanceUID);
  mask.segments = segmentsOf(dataset);
  mask.geometry.size = {unsignedShort(dataset, DCM_Columns), unsignedShort(dataset, DCM_Rows), 0};
  if (mask.geometry.size[0] == 0 || mask.geometry.size[1] == 0) fail("its matrix is empty");
  return mask;
}

SegmentationMask maskOf(DcmDataset& dataset) {
  requireSegmentation(dataset);
  SegmentationMask mask = headOf(dataset);
  const FunctionalGroups groups{firstItem(dataset, DCM_SharedFunctionalGroupsSequence),
                                itemsOf(dataset, DCM_PerFrameFunctionalGroupsSequence)};
  Sint32 frames = 0;
  if (dataset.findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames < 1 ||
      static_cast<std::size_t>(frames) != groups.perFrame.size())
    fail("NumberOfFrames does not match its functional groups");
  const bool labelMap = writtenText(dataset, DCM_SegmentationType) == "LABELMAP";
  VolumeGeometry& g = mask.geometry;
  const std::vector<FramePlace> places = placesOf(groups, labelMap, g);
  setGrid(g, places, groups.of(0, DCM_PixelMeasuresSequence));

  SegmentsByNumber byNumber;
  for (Segment& segment : mask.segments) byNumber[segment.number] = &segment;
  if (labelMap) {
    addLabelFrames(byNumber, places, LabelPixels(dataset, g, places.size()), g);
    std::erase_if(mask.segments, isBackground);
  } else {
    const PixelReader pixels = pixelReader(dataset, g, places.size());
    mask.fractional = pixels.fractional;
    addFrames(byNumber, places, pixels, g);
  }
  return mask;
}

}  // namespace

SegmentationMask readSegmentation(const std::filesystem::path& path) try {
  return readSegmentation(readFile(path, path.filename().string()));
} catch (const Unusable& unusable) {
  fail(unusable.why.reasons.front().detail);
}

SegmentationMask readSegmentation(std::span<const std::byte> file) {
  requireHarmless(file, kCannot);
  return maskOf(*loadDicom(file, "segmentation", kCannot)->getDataset());
}

bool saysLesion(const Code& type) {
  static const std::vector<Code> lesions{
      codes::neoplasm(),
      codes::lesion(),
      {"86049000", "SCT", "Neoplasm, Primary"},
      {"14799000", "SCT", "Neoplasm, Secondary"},
      {"1240414004", "SCT", "Malignant neoplasm"},
      {"4147007", "SCT", "Mass"},
  };
  return std::find(lesions.begin(), lesions.end(), currentCode(type)) != lesions.end();
}

bool saysLesion(const Segment& segment) { return saysLesion(segment.type); }

namespace {

bool isAnatomy(const Segment& segment) {
  return meansTheSame(segment.category, codes::anatomicalStructure());
}

}  // namespace

LabelVolume foreground(const SegmentationMask& mask,
                       const std::vector<std::uint16_t>& segmentNumbers) {
  for (const std::uint16_t number : segmentNumbers)
    if (std::none_of(mask.segments.begin(), mask.segments.end(),
                     [&](const Segment& s) { return s.number == number; }))
      throw DicomError("the segmentation has no segment " + std::to_string(number));
  const bool anyLesion = std::any_of(mask.segments.begin(), mask.segments.end(),
                                     [](const Segment& s) { return saysLesion(s); });
  const auto chosen = [&](const Segment& s) {
    if (segmentNumbers.empty()) return anyLesion ? saysLesion(s) : !isAnatomy(s);
    return std::find(segmentNumbers.begin(), segmentNumbers.end(), s.number) !=
           segmentNumbers.end();
  };

  LabelVolume volume{mask.geometry, std::vector<std::uint16_t>(mask.geometry.voxelCount())};
  for (const Segment& segment : mask.segments) {
    if (!chosen(segment)) continue;
    for (const SegmentFrame& frame : segment.frames) {
      const std::size_t first = mask.geometry.offset(0, 0, frame.slice);
      for (std::size_t p = 0; p < frame.pixels.size(); ++p)
        if (frame.pixels[p] != 0) volume.labels[first + p] = 1;
    }
  }
  return volume;
}

}  // namespace fedpet::dicom
