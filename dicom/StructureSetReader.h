// RT Structure Set Storage (PS3.3 A.19, C.8.8.5 and C.8.8.6): contours drawn on the slices of an
// image, as masks on its voxels.
#pragma once

#include "clinical/Geometry.h"
#include "clinical/SuvVolume.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

inline constexpr std::string_view kStructureSetStorage = "1.2.840.10008.5.1.4.1.1.481.3";

struct Contour {
  std::string geometricType;    // (3006,0042): CLOSED_PLANAR, OPEN_PLANAR, POINT, ...
  std::vector<PointMm> points;  // patient coordinates
};

struct DrawnRegion {
  int number = 0;
  std::string name;  // UTF-8
  std::vector<Contour> contours;
};

struct StructureSet {
  std::string sopInstanceUid, frameOfReferenceUid;  // the latter is empty when not told
  std::vector<DrawnRegion> regions;                 // in the order of the file

  // Throws DicomError, listing the names that there are, when none or several have this name.
  const DrawnRegion& named(std::string_view name) const;
};

// Throws DicomError, saying what is wrong: not a structure set, damaged, contours that are no
// numbers.
StructureSet readStructureSet(const std::filesystem::path&);
StructureSet readStructureSet(std::span<const std::byte> file);

struct ContourMask {
  LabelVolume mask;                   // 0 and 1, on the image's grid
  std::vector<std::string> warnings;  // contours that enclose nothing, or are drawn twice
};

// A voxel belongs to the region when its centre lies inside. A contour within another one cuts a
// hole, the next within that is inside again (even-odd; "keyhole" contours come out the same).
// Throws DicomError when the contours do not lie on the grid's slices (no interpolation between
// slices is guessed), leave the grid, are open, or overlap in part, so that inside is ambiguous.
ContourMask maskOf(const DrawnRegion&, const VolumeGeometry& grid);

// SOP Class UID (0008,0016) of a DICOM file; empty when it is none.
std::string sopClassUidOf(const std::filesystem::path&);

}  // namespace fedpet::dicom
