#include "tests/imaging/RuleBasedAnatomyCases.h"

#include "sample-data/StableRandom.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace fedpet::testing {
namespace {

using sample::LesionPlan;
using sample::LesionSite;
using sample::Phantom;
using sample::PhantomSpec;
using sample::TissueUptake;

PhantomSpec usual(std::uint64_t seed) {
  PhantomSpec spec = sample::fromSeed(seed);
  spec.scanner = sample::scannerOfClass(static_cast<int>(seed % sample::kScannerCount));
  spec.uptake = TissueUptake{};
  spec.armsUp = true;
  spec.withoutHead = spec.brownFat = spec.metforminBowel = false;
  spec.bladderFill = 1;
  sample::drawLesions(spec, 3, 6);
  return spec;
}

void giveBmi(PhantomSpec& spec, double bmi) { spec.weightKg = bmi * spec.heightM * spec.heightM; }

void giveLesions(PhantomSpec& spec, LesionSite site, int count, double leastMm, double mostMm) {
  sample::StableRandom random(spec.seed, "lesions of the grid");
  spec.lesions.clear();
  for (int n = 0; n < count; ++n)
    spec.lesions.push_back(
        {site, random.uniform(leastMm, mostMm), random.uniform(6, 14), 0, std::nullopt});
}

struct Condition {
  const char* name;
  std::function<void(PhantomSpec&)> change;
  Field field = Field::Whole;
};

const std::vector<Condition>& conditions() {
  static const auto same = [](PhantomSpec&) {};
  static const std::vector<Condition> all{
      {"usual, scanner 1", [](PhantomSpec& s) { s.scanner = sample::scannerOfClass(0); }},
      {"usual, scanner 2", [](PhantomSpec& s) { s.scanner = sample::scannerOfClass(1); }},
      {"usual, scanner 3", [](PhantomSpec& s) { s.scanner = sample::scannerOfClass(2); }},
      {"noise doubled", [](PhantomSpec& s) { s.scanner.liverNoiseCov *= 2; }},
      {"thin", [](PhantomSpec& s) { giveBmi(s, 16.5); }},
      {"obese", [](PhantomSpec& s) { giveBmi(s, 42); }},
      {"short", [](PhantomSpec& s) { s.heightM = 1.46, giveBmi(s, 23); }},
      {"tall", [](PhantomSpec& s) { s.heightM = 1.98, giveBmi(s, 24); }},
      {"arms down", [](PhantomSpec& s) { s.armsUp = false; }},
      {"obese, arms down", [](PhantomSpec& s) { s.armsUp = false, giveBmi(s, 38); }},
      {"liver low", [](PhantomSpec& s) { s.uptake.liver = 1.1; }},
      {"liver high", [](PhantomSpec& s) { s.uptake.liver = 3.6; }},
      {"spleen above liver", [](PhantomSpec& s) { s.uptake.spleen = 1.4 * s.uptake.liver; }},
      {"marrow and spleen stimulated",
       [](PhantomSpec& s) { s.uptake.marrow = 3.4, s.uptake.spleen = 2.9; }},
      {"stomach hot", [](PhantomSpec& s) { s.uptake.stomach = 4; }},
      {"after insulin",
       [](PhantomSpec& s) {
         s.uptake.muscle = 1.8, s.uptake.liver = 1.5, s.uptake.spleen = 1.3,
         s.uptake.greyMatter = 5, s.uptake.whiteMatter = 2, s.uptake.cerebellum = 4,
         s.uptake.myocardium = 9;
       }},
      {"brain faint",
       [](PhantomSpec& s) {
         s.uptake.greyMatter = 4, s.uptake.whiteMatter = 1.6, s.uptake.cerebellum = 3.2;
       }},
      {"heart cold", [](PhantomSpec& s) { s.uptake.myocardium = 1.7; }},
      {"heart avid", [](PhantomSpec& s) { s.uptake.myocardium = 14; }},
      {"kidneys faint",
       [](PhantomSpec& s) { s.uptake.kidneyCortex = 2, s.uptake.renalPelvis = 3; }},
      {"kidneys hot", [](PhantomSpec& s) { s.uptake.kidneyCortex = 4, s.uptake.renalPelvis = 25; }},
      {"bladder empty", [](PhantomSpec& s) { s.bladderFill = 0.12, s.uptake.bladder = 5; }},
      {"bladder diluted", [](PhantomSpec& s) { s.bladderFill = 1.5, s.uptake.bladder = 2.2; }},
      {"bladder full and hot", [](PhantomSpec& s) { s.bladderFill = 3, s.uptake.bladder = 90; }},
      {"brown fat", [](PhantomSpec& s) { s.brownFat = true, s.uptake.brownFat = 10; }},
      {"metformin bowel", [](PhantomSpec& s) { s.metforminBowel = true; }},
      {"no lesion", [](PhantomSpec& s) { s.lesions.clear(); }},
      {"many lesions", [](PhantomSpec& s) { sample::drawLesions(s, 30, 40); }},
      {"liver metastases", [](PhantomSpec& s) { giveLesions(s, LesionSite::Liver, 9, 15, 50); }},
      {"bone metastases", [](PhantomSpec& s) { giveLesions(s, LesionSite::Bone, 25, 15, 35); }},
      {"tumour in the lower lungs",
       [](PhantomSpec& s) {
         s.lesions = {{LesionSite::LungPrimary, 80, 14, 0, PointMm{-65, 0, -470}},
                      {LesionSite::LungPrimary, 60, 14, 0, PointMm{65, 20, -470}}};
       }},
      {"without head", [](PhantomSpec& s) { s.withoutHead = true; }},
      {"brain cut", same, Field::BrainCut},
      {"ends at the neck", same, Field::EndsAtNeck},
      {"without thighs", [](PhantomSpec& s) { s.withoutThighs = true; }},
      {"bladder cut", same, Field::BladderCut},
      {"without pelvis", same, Field::WithoutPelvis},
      {"head and chest only", same, Field::WithoutLiver},
      {"abdomen only", same, Field::AbdomenOnly},
      {"pelvis only", same, Field::PelvisOnly},
      {"pelvis only, after insulin", [](PhantomSpec& s) { s.uptake.muscle = 1.8; },
       Field::PelvisOnly},
  };
  return all;
}

// Lowest and highest slice that holds the organ.
std::pair<int, int> slicesOf(const Phantom& phantom, Organ organ) {
  const VolumeGeometry& g = phantom.tissues.geometry;
  const std::size_t slice = g.offset(0, 0, 1);
  int low = g.size[2], high = -1;
  for (std::size_t at = 0; at < phantom.tissues.labels.size(); ++at)
    if (phantom.tissues.labels[at] == sample::labelOf(organ)) {
      low = std::min(low, static_cast<int>(at / slice));
      high = std::max(high, static_cast<int>(at / slice));
    }
  return {low, high};
}

template <typename Voxels>
void keepSlices(Voxels& voxels, std::size_t first, std::size_t last) {
  voxels.erase(voxels.begin() + static_cast<std::ptrdiff_t>(last), voxels.end());
  voxels.erase(voxels.begin(), voxels.begin() + static_cast<std::ptrdiff_t>(first));
}

void cut(Phantom& phantom, int first, int last) {
  VolumeGeometry g = phantom.image.geometry;
  first = std::clamp(first, 0, g.size[2] - 1);
  last = std::clamp(last, first + 1, g.size[2]);
  const std::size_t from = g.offset(0, 0, first), to = g.offset(0, 0, last);
  g.originMm = g.pointMm(0, 0, first);
  g.size[2] = last - first;
  keepSlices(phantom.image.suvBw, from, to);
  keepSlices(phantom.truth.suvBw, from, to);
  keepSlices(phantom.tissues.labels, from, to);
  keepSlices(phantom.lesions.labels, from, to);
  phantom.image.geometry = phantom.truth.geometry = phantom.tissues.geometry =
      phantom.lesions.geometry = g;
}

void frame(Phantom& phantom, Field field) {
  const int all = phantom.image.geometry.size[2];
  const auto slices = [&](double mm) {
    return static_cast<int>(mm / phantom.image.geometry.spacingMm[2]);
  };
  const auto [brainLow, brainHigh] = slicesOf(phantom, Organ::Brain);
  const auto [bladderLow, bladderHigh] = slicesOf(phantom, Organ::Bladder);
  const auto [liverLow, liverHigh] = slicesOf(phantom, Organ::Liver);
  switch (field) {
    case Field::Whole:
      return;
    case Field::BrainCut:
      return cut(phantom, 0, (brainLow + brainHigh) / 2);
    case Field::EndsAtNeck:
      return cut(phantom, 0, brainLow - slices(20));
    case Field::BladderCut:
      return cut(phantom, (bladderLow + bladderHigh) / 2, all);
    case Field::WithoutPelvis:
      return cut(phantom, bladderHigh + slices(20), all);
    case Field::WithoutLiver:
      return cut(phantom, liverHigh + slices(10), all);
    case Field::AbdomenOnly:
      return cut(phantom, bladderHigh + slices(20), liverHigh + slices(30));
    case Field::PelvisOnly: {
      const int kidneys = std::min(slicesOf(phantom, Organ::LeftKidney).first,
                                   slicesOf(phantom, Organ::RightKidney).first);
      return cut(phantom, 0, kidneys - slices(10));
    }
  }
}

}  // namespace

std::vector<AnatomyCase> designedCases(std::uint64_t seed) {
  std::vector<AnatomyCase> cases;
  for (const Condition& condition : conditions()) {
    PhantomSpec spec = usual(seed);
    condition.change(spec);
    cases.push_back({condition.name, std::move(spec), condition.field});
  }
  return cases;
}

AnatomyCase designedCase(std::string_view condition, std::uint64_t seed) {
  for (AnatomyCase& one : designedCases(seed))
    if (one.condition == condition) return std::move(one);
  throw std::invalid_argument("no such condition: " + std::string(condition));
}

AnatomyCase randomCase(std::uint64_t seed) {
  return {"random", sample::fromSeed(seed), Field::Whole};
}

Phantom paint(const AnatomyCase& one) {
  Phantom phantom = makePhantom(one.spec);
  frame(phantom, one.field);
  return phantom;
}

}  // namespace fedpet::testing
