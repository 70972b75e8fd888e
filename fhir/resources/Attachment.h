#pragma once

#include "fhir/resources/Json.h"

#include <cstddef>
#include <span>
#include <string>

namespace fedpet::fhir {

// R4 Attachment with its content inside, or with the address of it.
struct Attachment {
  std::string contentType, title;
  std::string creation;             // dateTime; empty: unknown
  std::span<const std::byte> data;  // borrowed; empty: see url
  std::string url;
};

// With data: base64, its size in bytes and its SHA-1 (base64), as the element's definition asks.
void to_json(Json&, const Attachment&);

}  // namespace fedpet::fhir
