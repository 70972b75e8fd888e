// The inputs that a response model may use: one table, by which cohort records (training) and
// assessments (prediction) become the same numbers. No lesion count: no published effect beyond
// TMTV and Dmax was found, and it hangs most on the lesion rule.
#pragma once

#include "clinical/CohortRecord.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::response {

enum class Transform {
  Identity,
  Log,         // natural logarithm; the value must be above 0
  AtLeastTwo,  // 1 when the value is 2 or more, else 0
};
std::string_view toString(Transform);

struct InputSpec {
  std::string_view name, unit;  // unit: UCUM
  std::string_view meaning;
  bool fromPet;
  bool required;  // no prediction without it
  bool measured;  // on a continuous scale: takes part in the Mahalanobis distance
  Transform transform;
  double plausibleLow,
      plausibleHigh;  // outside: a typing or unit error, whatever the training data
  std::optional<double> (*value)(const PetMeasures&, const ClinicalCovariates&);

  double transformed(double raw) const;
  double untransformed(double z) const;  // Identity and Log only
};

std::span<const InputSpec> modelInputs();
// nullptr for a name that this software does not know.
const InputSpec* findInput(std::string_view name);

// What a prediction starts from.
struct ResponseInputs {
  std::vector<Measurement> wholeBody;  // as in ResponseAssessment::wholeBody; others are ignored
  ClinicalCovariates clinical;
};

ResponseInputs responseInputsOf(const CohortRecord&);

// The numbers among the measurements. A refused or absent one is nullopt, with one exception: Dmax
// of a single lesion is 0 by definition.
PetMeasures petMeasuresOf(std::span<const Measurement>);

}  // namespace fedpet::response
