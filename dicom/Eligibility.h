// Is this one attenuation-corrected original axial FDG series? Judged from header facts alone.
#pragma once

#include "clinical/Refusal.h"
#include "dicom/PetSeriesReader.h"
#include "dicom/SliceHeader.h"

#include <optional>
#include <string>
#include <vector>

namespace fedpet::dicom {

bool isEnhancedPet(const std::string& sopClassUid);

// Not PET, or PET of a kind that has no axial slices to read. Needs no further attribute.
std::optional<Refusal> whyNotPetImages(const SeriesKind&);

// The rest. What `options` allow is added to `warnings`.
std::optional<Refusal> whyNotEligible(const SliceHeader&, const PetReadingOptions& options,
                                      std::vector<std::string>& warnings);

}  // namespace fedpet::dicom
