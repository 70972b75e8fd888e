// From header facts to SUV: the vendor-neutral rules, in one place.
// Sources: DICOM PS3.3 C.8.9.1 (PET series module: Units, DecayCorrection, SUVType); the QIBA
// vendor-neutral pseudo-code for the decay reference time; Philips' and GE's conformance
// statements for their private attributes; Janmahasatian et al., Clin Pharmacokinet 2005;44:1051.
#pragma once

#include "clinical/PetSeries.h"
#include "clinical/Refusal.h"
#include "clinical/SuvVolume.h"

#include <tl/expected.hpp>

#include <chrono>

namespace fedpet::imaging {

struct BodyWeightSuv {
  double patientWeightKg = 0, injectedActivityBq = 0;
  // Decay from injection to the moment that the pixels are corrected to; zero for ADMIN.
  std::chrono::duration<double> halfLife{}, decay{};
};
// SUVbw in g/ml of 1 Bq/ml: weight in grams over the activity left after `decay`.
double suvBwPerBqPerMl(const BodyWeightSuv&);

enum class Sex { Female, Male };
struct LeanBodyMass {
  Sex sex = Sex::Female;
  double patientWeightKg = 0, patientHeightM = 0;
};
// Janmahasatian 2005: 9270 W / (6680 + 216 BMI) for men, 9270 W / (8780 + 244 BMI) for women.
double leanBodyMassKg(const LeanBodyMass&);

// One factor for the whole series, all bed positions included. Refuses with every reason found,
// the decisive one first. Oddities that do not stop it are in SuvScaling::warnings; height and
// sex only decide whether there is a SUL.
tl::expected<SuvScaling, NotAssessable> suvScaling(const PetSeries&);

// Takes the pixels and scales them in place, so that a series is never held twice. Refuses with
// UnreadableDicom when the pixels do not fill the geometry, or one of them is not finite.
tl::expected<SuvVolume, NotAssessable> toSuvVolume(PetSeries&&, const SuvScaling&);
tl::expected<SuvVolume, NotAssessable> toSuvVolume(const PetSeries&, const SuvScaling&);

}  // namespace fedpet::imaging
