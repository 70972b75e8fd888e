// manifest.json of a model bundle: everything but the weights. Used by BundleFile.cpp only.
#pragma once

#include "models/response/ModelBundle.h"

#include <string>

namespace fedpet::response {

inline constexpr const char* kWeightsFile = "weights.pt";
inline constexpr const char* kManifestFile = "manifest.json";

std::string manifestText(const ModelBundle&);

// The bundle without coefficients, covariances and correlations. Throws BundleError that names the
// member at fault ("inputs[2].mean").
ModelBundle bundleFromManifest(const std::string& text);

}  // namespace fedpet::response
