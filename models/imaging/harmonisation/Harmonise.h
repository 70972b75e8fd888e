// What is done so that numbers of different scanners can be compared, in the two places of the
// chain where it is done: the image before anything is measured, the inputs before the model is
// asked.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "models/imaging/harmonisation/Combat.h"
#include "models/imaging/harmonisation/ScannerProfile.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

struct HarmonisationSettings {
  std::vector<ScannerProfile> scanners;
  std::string target;  // "" or "EARL-1"
  std::optional<CombatModel> combat;

  // Then an assessment has no Harmonisation at all.
  bool isEmpty() const { return scanners.empty() && target.empty() && !combat; }
};

// Of the site's options; an empty path is no file. Throws HarmonisationError for a file that cannot
// be read or used, for a target or ComBat without a description of the scanners, and for ComBat
// parameters of images that were filtered otherwise than the target says.
HarmonisationSettings readHarmonisationSettings(const std::filesystem::path& scanners,
                                                const std::string& target,
                                                const std::filesystem::path& combat);

// Filters `volume` in place when the scanner and the target ask for it. Only header facts of
// `series` are read. Whatever was done, or was not done and why, is in the statement.
// Throws ImagingError for a volume that contradicts itself.
Harmonisation harmonise(SuvVolume& volume, const PetSeries& series,
                        const HarmonisationSettings& settings);

// The measurements as the model should see them; the report keeps the measured ones. `done` is that
// of harmonise() for this study; its adjusted inputs and its statement grow.
std::vector<Measurement> adjustInputs(std::vector<Measurement> wholeBody,
                                      const ClinicalCovariates& covariates,
                                      const HarmonisationSettings& settings, Harmonisation& done);

// To be appended to every definition: "; image filtered to EARL-1 (Gaussian FWHM 4.9 mm)". Empty
// when the image is as it was reconstructed.
std::string suffix(const Harmonisation&);
// Appends it to the definition of every number and region of an assessment with harmonisation: the
// last step before identity. `lesionDefinition` stays: it names the rule, by which studies are
// compared whatever their scanners.
void noteBesideNumbers(ResponseAssessment&);

}  // namespace fedpet::imaging
