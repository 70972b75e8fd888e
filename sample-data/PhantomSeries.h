// The synthetic patient as a PET series with the header that a scanner writes.
#pragma once

#include <chrono>

#include "clinical/PetSeries.h"
#include "sample-data/Phantom.h"

namespace fedpet::sample {

inline constexpr double kFluorine18HalfLifeSeconds = 6586.2;  // 109.77 min, as scanners write it

struct PhantomSeriesFacts {
  int patientNumber = 1;  // "FEDPET-SYN-0001", "Synthetic^Phantom 0001"
  WallClock scanStart{std::chrono::local_days{std::chrono::year{2024} / 3 / 5} +
                      std::chrono::hours{10}};
  double bedLengthMm = 160;                         // advance from bed to bed, feet first
  std::chrono::seconds bedDuration{150};
};

// BQML, decay corrected to the start of the scan (DecayCorrection START), attenuation corrected.
// UIDs follow from the spec and the facts, so that the same patient is the same study again.
PetSeries toPetSeries(const Phantom&, const PhantomSeriesFacts& = {});

// SUVbw of one Bq/ml in the series above: weight in g / activity left at scan start.
double suvBwPerBqPerMl(const PhantomSpec&);

}  // namespace fedpet::sample
