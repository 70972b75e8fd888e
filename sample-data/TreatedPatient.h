// The same synthetic patient some weeks after treatment began: what a follow-up study shows.
#pragma once

#include "sample-data/Phantom.h"

#include <string_view>

namespace fedpet::sample {

enum class Course {
  Response,     // every lesion smaller and colder
  Progression,  // every lesion larger and hotter, and one that was not there
  Mixed,        // most shrink, the smallest is gone, one is new
};
std::string_view toString(Course);          // "response", ...
Course courseFromString(std::string_view);  // throws std::invalid_argument

// The body of `before`, seen by the same scanner at another time (other noise, another uptake time
// within minutes, another bladder); its lesions where they were, changed as the course says. The
// same arguments give the same patient.
PhantomSpec afterTreatment(const Phantom& before, Course);

}  // namespace fedpet::sample
