#include "dicom/StructureSetReader.h"

#include "dicom/DatasetReader.h"
#include "dicom/DatasetShape.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace fedpet::dicom {
namespace {

// Of a slice: decimal text and the rounding of planning systems stay far below it.
constexpr double kToleranceOfSlice = 0.1;

constexpr const char* kCannot = "cannot use the structure set";

[[noreturn]] void fail(const std::string& why) {
  throw DicomError(std::string(kCannot) + ": " + why);
}

std::vector<DcmItem*> itemsOf(DcmItem& parent, const DcmTagKey& tag) {
  DcmSequenceOfItems* sequence = nullptr;
  std::vector<DcmItem*> items;
  if (parent.findAndGetSequence(tag, sequence).bad()) return items;
  for (DcmObject* next = sequence->nextInContainer(nullptr); next != nullptr;
       next = sequence->nextInContainer(next))
    items.push_back(static_cast<DcmItem*>(next));
  return items;
}

int integer(DcmItem& item, const DcmTagKey& tag) {
  Sint32 value = 0;
  if (item.findAndGetSint32(tag, value).bad())
    fail(std::string(DcmTag(tag).getTagName()) + " is missing");
  return value;
}

std::vector<PointMm> pointsOf(DcmItem& contour, const std::string& region) {
  // As stored: findAndGetOFStringArray looks for each of the thousands of values from the start.
  const char* stored = nullptr;
  (void)contour.findAndGetString(DCM_ContourData, stored);
  const std::string_view text = stored == nullptr ? "" : stored;
  std::vector<double> numbers;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\\', from), text.size());
    const auto number = parseNumber(text.substr(from, to - from));
    if (!number) fail("ContourData of '" + region + "' holds text that is no number");
    numbers.push_back(*number);
    from = to + 1;
  }
  if (numbers.size() % 3 != 0) fail("ContourData of '" + region + "' is not a list of points");
  std::vector<PointMm> points;
  for (std::size_t n = 0; n < numbers.size(); n += 3)
    points.push_back({numbers[n], numbers[n + 1], numbers[n + 2]});
  return points;
}

std::string frameOfReference(DcmDataset& dataset) {
  for (DcmItem* item : itemsOf(dataset, DCM_ReferencedFrameOfReferenceSequence))
    if (std::string uid = writtenText(*item, DCM_FrameOfReferenceUID); !uid.empty()) return uid;
  for (DcmItem* item : itemsOf(dataset, DCM_StructureSetROISequence))
    if (std::string uid = writtenText(*item, DCM_ReferencedFrameOfReferenceUID); !uid.empty())
      return uid;
  return writtenText(dataset, DCM_FrameOfReferenceUID);
}

StructureSet structureSetOf(DcmDataset& dataset) {
  const std::string sopClass = writtenText(dataset, DCM_SOPClassUID);
  if (sopClass != kStructureSetStorage)
    fail("its SOP class is " + (sopClass.empty() ? "missing" : sopClass) +
         ", not RT Structure Set");
  StructureSet set;
  set.sopInstanceUid = writtenText(dataset, DCM_SOPInstanceUID);
  set.frameOfReferenceUid = frameOfReference(dataset);
  TextDecoder decoder(writtenText(dataset, DCM_SpecificCharacterSet));
  std::map<int, std::size_t> byNumber;
  for (DcmItem* item : itemsOf(dataset, DCM_StructureSetROISequence)) {
    DrawnRegion region;
    region.number = integer(*item, DCM_ROINumber);
    region.name = decoder.toUtf8(writtenText(*item, DCM_ROIName));
    if (!byNumber.emplace(region.number, set.regions.size()).second)
      fail("two regions have the number " + std::to_string(region.number));
    set.regions.push_back(std::move(region));
  }
  for (DcmItem* item : itemsOf(dataset, DCM_ROIContourSequence)) {
    const auto found = byNumber.find(integer(*item, DCM_ReferencedROINumber));
    if (found == byNumber.end()) fail("contours belong to a region that is not described");
    DrawnRegion& region = set.regions[found->second];
    for (DcmItem* contour : itemsOf(*item, DCM_ContourSequence))
      region.contours.push_back(
          {writtenText(*contour, DCM_ContourGeometricType), pointsOf(*contour, region.name)});
  }
  return set;
}

// --- from contours to voxels -------------------------------------------------------------------

struct Point {
  double i = 0, j = 0;  // voxel indices within the slice
};

struct Polygon {
  int slice = 0;
  std::vector<Point> points;
};

std::array<double, 3> indexOf(const VolumeGeometry& grid, const PointMm& point) {
  const std::array<const std::array<double, 3>*, 3> axes{&grid.rowDirection, &grid.columnDirection,
                                                         &grid.sliceDirection};
  std::array<double, 3> index{};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t x = 0; x < 3; ++x) index[a] += (point[x] - grid.originMm[x]) * (*axes[a])[x];
    index[a] /= grid.spacingMm[a];
  }
  return index;
}

Polygon polygonOf(const Contour& contour, const VolumeGeometry& grid, const std::string& region) {
  Polygon polygon;
  double lowest = 1e9, highest = -1e9;
  for (const PointMm& p : contour.points) {
    const auto [i, j, k] = indexOf(grid, p);
    polygon.points.push_back({i, j});
    lowest = std::min(lowest, k);
    highest = std::max(highest, k);
  }
  const double slice = std::round((lowest + highest) / 2);
  if (highest - lowest > kToleranceOfSlice || std::abs(lowest - slice) > kToleranceOfSlice)
    fail("the contours of '" + region +
         "' do not lie on the image's slices; they were drawn on another series");
  if (slice < 0 || slice > grid.size[2] - 1)
    fail("a contour of '" + region + "' lies outside the image");
  polygon.slice = static_cast<int>(slice);
  return polygon;
}

// Offsets within the slice of the voxels whose centres lie inside, ascending. Centres on an edge
// belong to one side of it only, so that regions that share an edge share no voxel.
std::vector<std::size_t> voxelsIn(const Polygon& polygon, const VolumeGeometry& grid,
                                  const std::string& region) {
  double low = 1e9, high = -1e9;
  for (const Point& p : polygon.points) {
    if (!(p.i > -0.5 - 1e-6 && p.i < grid.size[0] - 0.5 + 1e-6 && p.j > -0.5 - 1e-6 &&
          p.j < grid.size[1] - 0.5 + 1e-6))
      fail("a contour of '" + region + "' leaves the image");
    low = std::min(low, p.j);
    high = std::max(high, p.j);
  }
  std::vector<std::size_t> voxels;
  for (int j = static_cast<int>(std::ceil(low)); j <= static_cast<int>(std::floor(high)); ++j) {
    std::vector<double> crossings;
    for (std::size_t a = polygon.points.size() - 1, b = 0; b < polygon.points.size(); a = b++) {
      const Point &p = polygon.points[a], &q = polygon.points[b];
      if ((p.j <= j) != (q.j <= j))
        crossings.push_back(p.i + (j - p.j) / (q.j - p.j) * (q.i - p.i));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t c = 0; c + 1 < crossings.size(); c += 2)
      for (int i = static_cast<int>(std::ceil(crossings[c])); i < crossings[c + 1]; ++i)
        voxels.push_back(static_cast<std::size_t>(j) * static_cast<std::size_t>(grid.size[0]) +
                         static_cast<std::size_t>(i));
  }
  return voxels;
}

bool same(const Polygon& a, const Polygon& b) {
  return a.slice == b.slice && a.points.size() == b.points.size() &&
         std::equal(a.points.begin(), a.points.end(), b.points.begin(),
                    [](const Point& p, const Point& q) { return p.i == q.i && p.j == q.j; });
}

std::vector<Polygon> polygonsOf(const DrawnRegion& region, const VolumeGeometry& grid,
                                std::vector<std::string>& warnings) {
  std::vector<Polygon> polygons;
  std::size_t empty = 0, twice = 0;
  for (const Contour& contour : region.contours) {
    if (contour.geometricType != "CLOSED_PLANAR" && contour.geometricType != "CLOSEDPLANAR_XOR")
      fail("'" + region.name + "' has a contour of the type '" + contour.geometricType +
           "'; only closed ones (CLOSED_PLANAR) enclose voxels");
    if (contour.points.size() < 3) {
      ++empty;
      continue;
    }
    Polygon polygon = polygonOf(contour, grid, region.name);
    if (std::any_of(polygons.begin(), polygons.end(),
                    [&](const Polygon& other) { return same(polygon, other); }))
      ++twice;
    else
      polygons.push_back(std::move(polygon));
  }
  if (empty > 0)
    warnings.push_back(std::to_string(empty) + " contours of '" + region.name +
                       "' have fewer than three points and enclose nothing");
  if (twice > 0)
    warnings.push_back(std::to_string(twice) + " contours of '" + region.name +
                       "' are drawn twice and count once");
  return polygons;
}

// Whether they have voxels in common, and each also voxels of its own.
bool overlapInPart(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
  std::vector<std::size_t> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return !common.empty() && common.size() < a.size() && common.size() < b.size();
}

}  // namespace

const DrawnRegion& StructureSet::named(std::string_view name) const {
  const auto isNamed = [&](const DrawnRegion& region) { return region.name == name; };
  const auto count = std::count_if(regions.begin(), regions.end(), isNamed);
  if (count == 1) return *std::find_if(regions.begin(), regions.end(), isNamed);
  std::string names;
  for (const DrawnRegion& region : regions)
    names += (names.empty() ? "'" : ", '") + region.name + "'";
  fail((count == 0 ? "it has no region '" : "it has several regions '") + std::string(name) +
       "'; its regions are: " + (names.empty() ? "none" : names));
}

StructureSet readStructureSet(const std::filesystem::path& path) try {
  const std::vector<std::byte> bytes = readFile(path, path.filename().string());
  return readStructureSet(bytes);
} catch (const Unusable& unusable) {
  fail(unusable.why.reasons.front().detail);
}

StructureSet readStructureSet(std::span<const std::byte> file) {
  requireHarmless(file, kCannot);
  return structureSetOf(*loadDicom(file, "structure set", kCannot)->getDataset());
}

ContourMask maskOf(const DrawnRegion& region, const VolumeGeometry& grid) {
  ContourMask result{{grid, std::vector<std::uint16_t>(grid.voxelCount())}, {}};
  if (region.contours.empty()) fail("'" + region.name + "' has no contours");
  std::map<int, std::vector<std::vector<std::size_t>>> slices;
  for (const Polygon& polygon : polygonsOf(region, grid, result.warnings)) {
    std::vector<std::size_t> voxels = voxelsIn(polygon, grid, region.name);
    for (const auto& other : slices[polygon.slice])
      if (overlapInPart(voxels, other))
        fail("two contours of '" + region.name + "' in slice " + std::to_string(polygon.slice + 1) +
             " overlap in part; what is inside is ambiguous");
    slices[polygon.slice].push_back(std::move(voxels));
  }
  for (const auto& [slice, contours] : slices) {
    const std::size_t first = grid.offset(0, 0, slice);
    for (const auto& voxels : contours)
      for (const std::size_t v : voxels) result.mask.labels[first + v] ^= 1;
  }
  return result;
}

std::string sopClassUidOf(const std::filesystem::path& path) {
  prepareDcmtk();
  try {
    const std::vector<std::byte> bytes = readFile(path, path.filename().string());
    return writtenText(
        *parseDicom(bytes, path.filename().string(), ReadDepth::Header)->getDataset(),
        DCM_SOPClassUID);
  } catch (const Unusable&) {
    return {};
  }
}

}  // namespace fedpet::dicom
