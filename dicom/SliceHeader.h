// What one PET file says before its pixels: the facts of its series and of its own slice.
// For use inside this room; free of DCMTK.
#pragma once

#include "clinical/PetSeries.h"

#include <array>
#include <optional>
#include <string>

class DcmFileFormat;

namespace fedpet::dicom {

struct PixelFormat {
  int rows = 0, columns = 0;
  int bitsAllocated = 0, bitsStored = 0, highBit = 0;
  bool isSigned = false;
  std::size_t pixelCount() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

// Enough to tell series apart, for any modality; empty text where an attribute is missing.
struct SeriesKind {
  std::string seriesInstanceUid, sopClassUid, modality, seriesDescription;
};
SeriesKind readSeriesKind(DcmFileFormat&);

struct SliceHeader {
  PetSeries facts;  // the series' facts as this file has them; `slices` holds its one slice
  PixelFormat format;
  std::array<double, 2> spacingMm{};  // along a row, along a column
  std::array<double, 3> rowDirection{}, columnDirection{};
  std::optional<double> sliceThicknessMm;
  std::optional<int> numberOfSlices;  // (0054,0081)
};

// For a file of class PET Image Storage. Throws Unusable: text in a number, an absent identifier,
// a matrix, orientation or rescale that cannot be used.
SliceHeader readSliceHeader(DcmFileFormat&, const std::string& name);

// Smallest and largest matrix that is believed; PET scanners write 128 to 1024.
inline constexpr int kMinMatrix = 8, kMaxMatrix = 2048;

}  // namespace fedpet::dicom
