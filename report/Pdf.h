// The result of one study on paper: A4, read in grey, from a physician's first question (what was
// found, what is predicted, how sure) to the last (with what, and what it does not know).
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"

#include <cstddef>
#include <string>
#include <vector>

namespace fedpet::report {

struct ReportOptions {
  // What the model was not made or tested for, sentence by sentence, as its bundle says.
  std::vector<std::string> modelLimits;
};

// A PDF with the fonts inside. Page 1: who, what was found, views with lesions, probabilities, key
// numbers. Then: course over earlier studies and PERCIST, what moves the probabilities, all lesions
// and organs, input quality, limits, model. A refused study gives the reasons and what to do.
// A number that was refused is never printed; its reason is. Text of any script and length is set;
// a letter that no installed font has shows as a box.
// The same input gives the same bytes (with the same fonts and Cairo): the document's own date is
// `assessedAt`. `mip` without frames: no views. Throws ReportError.
std::vector<std::byte> writePdf(const ResponseAssessment&, const RotatingMip&,
                                const ReportOptions& = {});

}  // namespace fedpet::report
