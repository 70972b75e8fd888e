// Coded concepts that DICOM and FHIR share: one table, so that the SR and the EHR say the same.
// Sources: DICOM PS3.16 (DCM), SNOMED CT (SCT), UCUM; 99FEDPET is our private scheme, used only
// where no standard code was found (docs/coding-scheme.md).
#pragma once

#include <string>
#include <string_view>

namespace fedpet {

struct Code {
  std::string value, scheme, meaning;  // scheme: "DCM", "SCT", "UCUM", "99FEDPET", ...
  friend bool operator==(const Code& a, const Code& b) {
    return a.value == b.value && a.scheme == b.scheme;  // the meaning is for people
  }
};

inline constexpr std::string_view kPrivateScheme = "99FEDPET";
inline constexpr std::string_view kPrivateSchemeName = "fedpet private concepts";

enum class Organ { Brain, Heart, Liver, Spleen, LumbarMarrow, LeftKidney, RightKidney, Bladder };
std::string_view toString(Organ);   // "Liver"
Organ organFromString(std::string_view);
Code siteOf(Organ);                 // SCT anatomic site

enum class Quantity {
  SuvMax, SuvMean, SuvPeak, SuvMin,          // g/ml{SUVbw}
  MetabolicVolume, Glycolysis,               // of one lesion: ml, g
  OrganVolume,                               // ml
  Tmtv, TotalLesionGlycolysis,               // whole body: ml, g
  LesionCount,                               // {count}
  Dmax,                                      // mm: largest distance between lesion centroids
  SpleenToLiverRatio, MarrowToLiverRatio,    // {ratio} of SUVmean
  LiverSuvMean, LiverSuvSd,                  // reference region, g/ml{SUVbw}
};
std::string_view toString(Quantity);         // "TMTV", "SUVmax", ...: stable ids of JSON and options
Quantity quantityFromString(std::string_view);
std::string_view ucumUnit(Quantity);         // "g/ml{SUVbw}", "ml", ...
std::string_view title(Quantity);            // "Total metabolic tumour volume"

}  // namespace fedpet
