// Many slices to one volume: the checks that decide whether they belong together, and in which
// order. Works on headers only, so that nothing large is allocated for a series that is refused.
#pragma once

#include "dicom/PetSeriesReader.h"
#include "dicom/SliceHeader.h"

#include <cstddef>
#include <vector>

namespace fedpet::dicom {

// A slice header, and which of the caller's files it came from.
struct LocatedHeader {
  SliceHeader header;
  std::size_t file = 0;
};

struct AssembledSeries {
  PetSeries series;                  // complete but for the pixels
  std::vector<PixelFormat> formats;  // one per slice, in the order of series.slices
  std::vector<std::size_t> fileOf;   // likewise
};

// Throws Unusable: InconsistentSeries, MissingSlices, DuplicateSlices, UnreadableDicom (too large).
// `headers` hold every SOP instance once.
AssembledSeries assembleSeries(std::vector<LocatedHeader> headers,
                               const PetReadingOptions& options);

}  // namespace fedpet::dicom
