#include "sample-data/TreatedPatient.h"

#include "sample-data/StableRandom.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace fedpet::sample {
namespace {

struct Change {
  Course course;
  std::string_view name;
  double diameter, suv;  // factors: in the middle of what is drawn for each lesion
  bool smallestGoes, oneIsNew;
};

constexpr std::array kChanges{
    Change{Course::Response, "response", 0.70, 0.45, false, false},
    Change{Course::Progression, "progression", 1.25, 1.25, false, true},
    Change{Course::Mixed, "mixed", 0.80, 0.60, true, true},
};

const Change& changeOf(Course course) {
  for (const Change& change : kChanges)
    if (change.course == course) return change;
  throw std::invalid_argument("course outside its table");
}

// What was placed, where it was placed.
std::vector<LesionPlan> lesionsOf(const Phantom& before) {
  std::vector<LesionPlan> lesions;
  std::size_t plan = 0;
  for (const LesionTruth& truth : before.lesionTable) {
    // A plan that found no place is not in the table: the order is the same.
    while (plan < before.spec.lesions.size() &&
           !(before.spec.lesions[plan].site == truth.site &&
             before.spec.lesions[plan].suv == truth.plannedSuv))
      ++plan;
    if (plan == before.spec.lesions.size()) break;
    lesions.push_back(before.spec.lesions[plan++]);
    lesions.back().centreMm = truth.centroidMm;
  }
  return lesions;
}

}  // namespace

std::string_view toString(Course course) { return changeOf(course).name; }

Course courseFromString(std::string_view name) {
  for (const Change& change : kChanges)
    if (change.name == name) return change.course;
  throw std::invalid_argument("unknown course: " + std::string(name));
}

PhantomSpec afterTreatment(const Phantom& before, Course course) {
  const Change& change = changeOf(course);
  StableRandom random(before.spec.seed, "treatment");
  PhantomSpec after = before.spec;
  ++after.scanNumber;
  after.uptakeMinutes += random.uniform(-4, 4);
  after.uptake.bladder *= random.uniform(0.6, 1.6);
  after.lesions = lesionsOf(before);
  if (change.smallestGoes && after.lesions.size() > 1)
    after.lesions.erase(std::min_element(
        after.lesions.begin(), after.lesions.end(),
        [](const LesionPlan& a, const LesionPlan& b) { return a.diameterMm < b.diameterMm; }));
  for (LesionPlan& lesion : after.lesions) {
    lesion.diameterMm *= change.diameter * random.uniform(0.92, 1.08);
    lesion.suv *= change.suv * random.uniform(0.9, 1.1);
  }
  if (change.oneIsNew) after.lesions.push_back({LesionSite::Bone, 26, 9, 0, std::nullopt});
  return after;
}

}  // namespace fedpet::sample
