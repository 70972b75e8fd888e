// A description of scanners or of ComBat that cannot be used: what is wrong, where, and what to do.
#pragma once

#include "models/imaging/ImagingError.h"

namespace fedpet::imaging {

class HarmonisationError : public ImagingError {
 public:
  using ImagingError::ImagingError;
};

}  // namespace fedpet::imaging
