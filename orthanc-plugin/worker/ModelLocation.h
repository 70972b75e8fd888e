// Where the response model that is shipped with the program lies.
#pragma once

#include <filesystem>

namespace fedpet::plugin {

inline constexpr const char* kShippedModel = "pet-response-synthetic-1";

// "models/<name>" beside the running program, in the build tree and when installed.
std::filesystem::path defaultModelDirectory();

}  // namespace fedpet::plugin
