// Our R4 resources as FHIR R5 (5.0.0). Only what we write is converted; docs/fhir.md lists the
// differences.
#pragma once

#include "fhir/resources/Json.h"

#include <string>

namespace fedpet::fhir {

Json resourceInR5(Json r4);
std::string bundleInR5(const std::string& r4Bundle);

}  // namespace fedpet::fhir
