// PET instances to one PetSeries: sorted, complete, rescaled; or the reason why not.
// Reads classic PET Image Storage in every uncompressed transfer syntax, deflated, RLE, JPEG
// (baseline, extended, lossless), JPEG-LS and JPEG 2000. Enhanced PET is refused: it keeps
// rescale, units and times per frame in functional groups, and no file of that kind was at hand
// to test a reading of it against.
// Sources: DICOM PS3.3 C.7.6.2 (image plane), C.8.9 (PET modules), PS3.5 (encodings).
#pragma once

#include "clinical/PetSeries.h"
#include "clinical/Refusal.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace fedpet::dicom {

// One DICOM file in memory; the name only serves messages.
struct DicomBytes {
  std::string name;
  std::vector<std::byte> bytes;
};

// The defaults are what an assessment needs. Each one that is off turns its refusal into a
// warning; attenuation correction, projections and a sound geometry are asked for in any case.
struct PetReadingOptions {
  bool requireFdg = true;        // another tracer or none: NotFdg
  bool requireOriginal = true;   // ImageType DERIVED or SECONDARY: NotOriginalAxial
  bool requireAllSlices = true;  // fewer images than NumberOfSlices (0054,0081): MissingSlices
  std::size_t maxVolumeBytes = std::size_t{2} << 30;  // of the float volume, checked first

  // To look at the SUV of anything that is PET: `fedpet suv`.
  static PetReadingOptions anyPet() { return {false, false, false, std::size_t{2} << 30}; }
};

// Exactly one series is expected; mixed ones are InconsistentSeries. Each file is freed as soon
// as its pixels are decoded, so the peak is the files plus the float volume, not twice that.
tl::expected<PetSeries, NotAssessable> readPetSeries(std::vector<DicomBytes> files,
                                                     const PetReadingOptions& = {});

// A folder, subfolders included, that may hold a whole study: other modalities, uncorrected and
// projected PET, captures, files that are no DICOM. Picks the one series that fits, or refuses
// and says of each PET series why it is not that. A DICOMDIR is ignored.
tl::expected<PetSeries, NotAssessable> readPetSeriesFromDirectory(
    const std::filesystem::path& directory, const PetReadingOptions& = {});

}  // namespace fedpet::dicom
