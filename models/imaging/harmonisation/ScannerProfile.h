// A site's own description of its scanners: how a series is recognised, and how sharp it is.
// docs/harmonisation.md has the file format for the physicist who writes it.
#pragma once

#include "clinical/PetSeries.h"
#include "models/imaging/harmonisation/HarmonisationError.h"
#include "models/imaging/harmonisation/Recovery.h"

#include <tl/expected.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging {

// One header fact that must fit; letter case and outer blanks are ignored.
struct FactPattern {
  // "manufacturer", "model", "station", "institution", "software", "reconstruction",
  // "seriesDescription"
  std::string fact;
  std::string pattern;
  bool isExpression = false;  // a regular expression (ECMAScript) of which a match must be found
};

// One scanner with one reconstruction: two reconstructions are two scanners.
struct ScannerProfile {
  std::string name;                // the site's own
  std::vector<FactPattern> match;  // all must fit; never empty
  std::string accreditation;       // "EARL-1", "EARL-2", or empty: none
  // How sharp it is: one of the two, or neither.
  std::vector<MeasuredRecovery> recovery;  // NEMA phantom, contrast 10:1
  std::optional<double> psfFwhmMm;         // effective, in the image
};

// Throws HarmonisationError that names the place and what is wrong.
std::vector<ScannerProfile> scannerProfilesFromJson(std::string_view text);
std::vector<ScannerProfile> readScannerProfiles(const std::filesystem::path&);

bool matches(const ScannerProfile&, const PetSeries&);
// nullptr: none of them. An error when more than one fits, which names them.
tl::expected<const ScannerProfile*, std::string> findScanner(const std::vector<ScannerProfile>&,
                                                             const PetSeries&);

// How a scanner's images come to EARL-1.
struct FilterPlan {
  std::optional<double> fwhmMm;          // of the Gaussian; nullopt: the images stay as they are
  std::string reason;                    // in words: why this filter, or why none
  std::optional<EffectivePsf> psf;       // nullopt: how sharp the scanner is, is not known
  std::optional<double> fitRms;          // of the measured recovery
  std::vector<SphereRecovery> recovery;  // modelled, after the filter; empty without a psf
  bool reachesTarget = false;  // its class is EARL-1, or the recovery lies within the limits
};
FilterPlan planToEarl1(const ScannerProfile&);

}  // namespace fedpet::imaging
