// The synthetic patients that the anatomical rules are judged on: a designed grid over what the
// generator can vary, and patients drawn at random.
#pragma once

#include "sample-data/Phantom.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::testing {

// What the field of view leaves of the patient, cut at landmarks of the truth.
enum class Field {
  Whole,          // vertex to mid-thigh, as the spec says
  BrainCut,       // ends in the middle of the brain
  EndsAtNeck,     // ends 20 mm below the brain
  BladderCut,     // begins in the middle of the bladder
  WithoutPelvis,  // begins 20 mm above the bladder
  WithoutLiver,   // head and chest, begins above the liver
  AbdomenOnly,    // dome of the liver to above the bladder
  PelvisOnly,     // ends below the kidneys
};

struct AnatomyCase {
  std::string condition;  // "heart avid"
  sample::PhantomSpec spec;
  Field field = Field::Whole;
};

// Every condition once: the patient of `seed` with usual uptake and the one thing changed.
std::vector<AnatomyCase> designedCases(std::uint64_t seed);
// One of them. Throws std::invalid_argument when there is no such condition.
AnatomyCase designedCase(std::string_view condition, std::uint64_t seed);
// As PhantomSpec::fromSeed draws them.
AnatomyCase randomCase(std::uint64_t seed);

// Painted and cut to its field of view; tables of the phantom keep the whole patient's numbers.
sample::Phantom paint(const AnatomyCase&);

}  // namespace fedpet::testing
