// Tumours in the painted patient.
#pragma once

#include "sample-data/Anatomy.h"
#include "sample-data/Canvas.h"
#include "sample-data/Phantom.h"

namespace fedpet::sample {

struct PaintedLesions {
  LabelVolume labels;
  std::vector<LesionTruth> table;  // trueSuvMean is left to the caller, who knows the final truth
};

// Paints spec.lesions in order; the host tissue bounds each of them. Labels in `canvas` under a
// lesion become Air's (0), so that tissues and lesions are disjoint.
PaintedLesions paintLesions(Canvas&, const PhantomSpec&, const BodyFrame&);

}  // namespace fedpet::sample
