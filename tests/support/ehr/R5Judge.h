// Medplum's validator with the R5 definitions, as a command that reads a bundle.
#pragma once

#include <string>

namespace fedpet::testing {

struct R5Judge {
  // Why it cannot be used here, for GTEST_SKIP: no node, or no network for the first time.
  static std::string whyNot();
  // One line per error; empty: every resource is valid R5. Throws std::runtime_error when the
  // validator itself fails.
  static std::string errorsOf(const std::string& bundle);
};

}  // namespace fedpet::testing
