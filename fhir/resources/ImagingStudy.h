#pragma once

#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// R4 ImagingStudy, as far as we know the study: created only where the EHR has none.
struct ImagingStudy {
  struct Series {
    std::string uid, description;
    std::size_t numberOfInstances = 0;
  };
  std::vector<Identifier> identifier;
  Reference subject;
  std::string started;        // date; empty when unknown
  std::string wadoRoot;       // a contained Endpoint; empty: none
  std::string description;
  std::vector<Series> series;  // PET
};

void to_json(Json&, const ImagingStudy&);

}  // namespace fedpet::fhir
