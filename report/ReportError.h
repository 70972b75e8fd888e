#pragma once

#include <stdexcept>

namespace fedpet::report {

// The drawing library failed, or a picture does not fit its own sizes.
struct ReportError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fedpet::report
