// What the rules made of a synthetic patient, judged by the truth.
#pragma once

#include "models/imaging/CompareMasks.h"
#include "models/imaging/StudyMeasurement.h"
#include "tests/imaging/RuleBasedAnatomyCases.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::testing {

inline constexpr std::array kJudgedOrgans{
    Organ::Brain,        Organ::Heart,      Organ::Liver,       Organ::Spleen,
    Organ::LumbarMarrow, Organ::LeftKidney, Organ::RightKidney, Organ::Bladder};

enum class Verdict {
  Right,     // found where it is
  Wrong,     // claimed, and partly in the field, but drawn elsewhere or leaving much of it out
  Invented,  // claimed, and not in the field
  Missed,    // not claimed, though whole in the field; a hot organ: though it shows
  Refused,   // rightly not claimed: not in the field, too little of it, or not hot
};
std::string_view toString(Verdict);

// A region is right when
//   liver, spleen:   95 % (spleen 90 %) of it lies in the organ, its mean is within 15 % (25 %);
//   lumbar marrow:   60 % of it lies in vertebrae (no CT: the level is known to about one of them,
//                    and discs are between them), its mean is within 25 %;
//   hot organs:      80 % of it lies within 15 mm of the organ, it covers 80 % of the organ's
//                    voxels of at least SUV 4, and it takes no more than 2 ml of a tumour (brain
//                    metastases excepted, which no rule tells from the brain), or 5 % of itself.
struct OrganScore {
  Organ organ = Organ::Liver;
  Verdict verdict = Verdict::Refused;
  std::optional<double> confidence;  // of the region, when there is one
  std::optional<double> dice;        // hot organs: against its voxels of true SUV >= 2.5
  std::optional<double> purity;      // references: share inside the organ, or in vertebrae
  std::optional<double> suvError;    // references: mean / true mean - 1
  double uncoveredMl = 0;            // hot organs: voxels of at least SUV 4 left to the lesions
  double swallowedMl = 0;            // hot organs: voxels of tumours of at least SUV 4 taken
  std::string why;                   // of the refusal, when there is no region
};

struct CaseScore {
  std::vector<OrganScore> organs;  // in the order of kJudgedOrgans
  imaging::MaskComparison lesions;
  // Where the false components lie: ml by the name of the tissue.
  std::map<std::string, double> falsePositiveMlByTissue;
  std::vector<std::string> warnings;
};

CaseScore judge(const sample::Phantom&, const imaging::ImagingFindings&);

}  // namespace fedpet::testing
