// What the REST API answers, as JSON Schemas: components of the OpenAPI document. They name every
// key, so that the test that holds real answers against them finds one that is missing here.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace fedpet::plugin {

// By name: "Job", "JobPage", "Assessment", ... A route names the one that it answers with.
nlohmann::json restSchemas();

}  // namespace fedpet::plugin
