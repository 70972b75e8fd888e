// The failed world of models/imaging: a volume that contradicts itself. A clinically normal "no"
// is a Refusal, never this.
#pragma once

#include <stdexcept>

namespace fedpet::imaging {

class ImagingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fedpet::imaging
