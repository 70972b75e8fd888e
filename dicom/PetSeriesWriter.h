// A PetSeries as the files that a scanner would send: classic PET Image Storage, one file a slice,
// 16 bits with a rescale slope of its own for each slice (PS3.3 A.21, C.8.9). For synthetic
// patients and tests. What the series says is written as it stands, also where it is odd: NAC,
// CNTS with Philips factors, ADMIN, a weight of 0 are ordinary content. Attributes of type 1 that
// PetSeries does not know get plain values; an absent optional one is written empty or left out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "clinical/PetSeries.h"

namespace fedpet::dicom {

enum class PetEncoding {
  ExplicitLittleEndian, ImplicitLittleEndian, DeflatedLittleEndian, RunLength, JpegLossless,
  JpegLsLossless
};

struct PetWritingOptions {
  PetEncoding encoding = PetEncoding::ExplicitLittleEndian;
  bool signedPixels = false;  // as GE writes; a series with negative pixels is signed in any case
  int seriesNumber = 4;
};

// One complete Part 10 file for slice k; the same input gives the same bytes. The pixels' rounding
// error is at most half of the slice's slope, which is its largest magnitude / 65535 (32767 when
// signed). Throws DicomError for a series that is no volume (slices, size and pixels disagree), for
// a pixel that is not finite, and for what DCMTK refuses.
std::vector<std::byte> petInstance(const PetSeries&, int k, const PetWritingOptions& = {});

// Writes "PT0001.dcm", ... from the first slice on into `directory`, which is created. Throws
// DicomError, also when the disk refuses.
void writePetSeries(const PetSeries&, const std::filesystem::path& directory,
                    const PetWritingOptions& = {});

}  // namespace fedpet::dicom
