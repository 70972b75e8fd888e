// Where the response model that is shipped with the program lies.
#pragma once

#include <filesystem>

namespace fedpet::plugin {

inline constexpr const char* kShippedModel = "pet-response-synthetic-1";

// "models/<name>" beside the running program (build tree), else "../share/fedpet/models/<name>"
// (installed). Names the second when neither exists, so that the error message is useful.
std::filesystem::path defaultModelDirectory();

}  // namespace fedpet::plugin
