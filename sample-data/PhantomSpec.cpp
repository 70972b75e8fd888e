// Draws a patient, a scanner and a disease. Distributions: sample-data/README.md.
#include <algorithm>
#include <cmath>

#include "sample-data/Phantom.h"
#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

struct SiteHabit {
  LesionSite site;
  double prevalence;   // of patients with more than the primary
  double share;        // of further lesions, where the site is involved
  double diameterMm, diameterSigma, suv, suvSigma;
};

constexpr SiteHabit kHabits[] = {
    {LesionSite::RegionalNode, 0.70, 1.5, 16, 0.35, 8, 0.45},
    {LesionSite::DistantNode, 0.30, 1.2, 16, 0.35, 8, 0.45},
    {LesionSite::LungMetastasis, 0.25, 1.5, 13, 0.35, 5, 0.45},
    {LesionSite::Pleura, 0.25, 0.6, 55, 0.30, 6, 0.35},
    {LesionSite::Bone, 0.35, 2.5, 20, 0.35, 8, 0.45},
    {LesionSite::Brain, 0.21, 0.7, 15, 0.35, 10, 0.25},
    {LesionSite::Adrenal, 0.21, 0.5, 25, 0.35, 9, 0.45},
    {LesionSite::Liver, 0.17, 2.0, 25, 0.40, 8, 0.40},
    {LesionSite::SoftTissue, 0.05, 0.8, 15, 0.35, 7, 0.45},
};

LesionPlan planFrom(const SiteHabit& habit, double avidity, StableRandom& random) {
  LesionPlan plan;
  plan.site = habit.site;
  plan.diameterMm = random.logNormalWithin(habit.diameterMm, habit.diameterSigma, 7, 90);
  plan.suv = random.logNormalWithin(habit.suv * avidity, habit.suvSigma, 2.2, 35);
  if (plan.diameterMm > 35 && plan.site != LesionSite::Pleura && random.happens(0.35))
    plan.necroticFraction = random.uniform(0.3, 0.65);
  return plan;
}

void drawPatient(PhantomSpec& spec, StableRandom& random) {
  spec.sex = random.happens(0.65) ? "M" : "F";
  const bool male = spec.sex == "M";
  spec.ageYears = std::round(random.normalWithin(65, 10, 35, 90));
  spec.heightM = std::round(100 * random.normalWithin(male ? 1.74 : 1.62, 0.07, 1.48, 1.95)) / 100;
  const double bmi = random.logNormalWithin(24.8, 0.16, 18, 38);
  spec.weightKg = std::round(2 * bmi * spec.heightM * spec.heightM) / 2;
  const double perKg = random.normalWithin(3.5e6, 0.4e6, 2.5e6, 5e6);
  spec.injectedActivityBq = std::round(perKg * spec.weightKg / 1e5) * 1e5;
  spec.uptakeMinutes = std::round(random.normalWithin(60, 6, 50, 80));
}

void drawUptake(TissueUptake& u, double uptakeMinutes, StableRandom& random) {
  auto draw = [&](double mean, double sd) {
    return random.normalWithin(mean, sd, mean - 2.2 * sd, mean + 2.2 * sd);
  };
  const double late = uptakeMinutes - 60;
  u.liver = draw(2.1, 0.4) * (1 - 0.002 * late);
  u.spleen = u.liver * draw(0.88, 0.14);   // ratios as in the tabular cohort
  u.marrow = u.liver * draw(0.74, 0.16);
  u.bloodPool = draw(1.6, 0.25) * (1 - 0.003 * late);
  u.lung = draw(0.46, 0.08);
  u.muscle = draw(0.7, 0.08);
  u.fat = draw(0.27, 0.06);
  u.visceralFat = 1.25 * u.fat;
  u.greyMatter = draw(10, 2.2);
  u.whiteMatter = 0.38 * u.greyMatter;
  u.cerebellum = 0.8 * u.greyMatter;
  u.myocardium = random.happens(0.3) ? draw(1.9, 0.2) : random.logNormalWithin(5, 0.5, 2, 15);
  u.kidneyCortex = draw(2.5, 0.5);
  u.renalPelvis = random.logNormalWithin(10, 0.45, 5, 22);
  u.bladder = random.logNormalWithin(20, 0.7, 3, 100);
  u.bowel = draw(1.3, 0.4);
  u.bowelFocus = random.uniform(2.5, 6);
  u.stomach = draw(1.8, 0.4);
  u.tonsil = random.logNormalWithin(3.2, 0.3, 1.5, 6);
  u.salivary = draw(1.9, 0.4);
  u.thyroid = random.happens(0.05) ? 4.5 : draw(1.4, 0.2);
  u.brownFat = random.uniform(4, 10);
}

}  // namespace

ScannerSpec scannerOfClass(int index) {
  ScannerSpec s;
  s.institution = "Synthetic Hospital";
  switch (index % kScannerCount) {
    case 0:
      s.manufacturer = "fedpet synthetic";
      s.model = "Class 1 (EARL-1)";
      s.reconstruction = "OSEM 3i24s, synthetic";
      s.matrix = 168;
      s.voxelMm = {4.07, 4.07, 3.0};
      s.psfFwhmMm = 8.0;
      s.liverNoiseCov = 0.11;
      break;
    case 1:
      s.manufacturer = "fedpet synthetic";
      s.model = "Class 2 (EARL-1)";
      s.reconstruction = "VPFX, synthetic";
      s.matrix = 192;
      s.voxelMm = {3.65, 3.65, 3.27};
      s.psfFwhmMm = 7.8;
      s.liverNoiseCov = 0.12;
      break;
    default:
      s.manufacturer = "fedpet synthetic";
      s.model = "Class 3 (EARL-2 like)";
      s.reconstruction = "TOF PSF 4i5s, synthetic";
      s.matrix = 168;
      s.voxelMm = {4.0, 4.0, 4.0};
      s.psfFwhmMm = 6.6;
      s.edgeEnhancement = 0.6;
      s.liverNoiseCov = 0.09;
      break;
  }
  s.softwareVersions = "synthetic 1";
  s.stationName = "SYNPET" + std::to_string(index % kScannerCount + 1);
  return s;
}

void drawLesions(PhantomSpec& spec, int minimum, int maximum) {
  StableRandom random(spec.seed, "disease");
  spec.lesions.clear();
  const int wanted = std::clamp(1 + random.negativeBinomial(8, 0.7), minimum, maximum);
  if (wanted <= 0) return;
  const bool squamous = random.happens(0.3);
  // Uptake rises after the first hour where cells trap FDG.
  const double avidity = (squamous ? 1.3 : 1.0) * (1 + 0.005 * (spec.uptakeMinutes - 60));
  spec.lesions.push_back(planFrom({LesionSite::LungPrimary, 1, 1, 45, 0.45, 12, 0.5}, avidity, random));
  std::vector<SiteHabit> involved;
  double shares = 0;
  for (const SiteHabit& habit : kHabits)
    if (random.happens(habit.prevalence)) {
      involved.push_back(habit);
      shares += habit.share;
    }
  if (involved.empty()) {
    involved.push_back(kHabits[0]);
    shares = involved[0].share;
  }
  for (int n = 1; n < wanted; ++n) {
    // Each involved site has one lesion before any has two.
    const SiteHabit* chosen = nullptr;
    if (n <= static_cast<int>(involved.size())) {
      chosen = &involved[static_cast<std::size_t>(n - 1)];
    } else {
      double pick = random.uniform(0, shares);
      for (const SiteHabit& habit : involved) {
        chosen = &habit;
        if ((pick -= habit.share) < 0) break;
      }
    }
    // There are two adrenal glands; what would be a third lesion is one more node.
    const auto adrenals = std::count_if(spec.lesions.begin(), spec.lesions.end(), [](const LesionPlan& l) {
      return l.site == LesionSite::Adrenal;
    });
    if (chosen->site == LesionSite::Adrenal && adrenals >= 2) chosen = &kHabits[0];
    spec.lesions.push_back(planFrom(*chosen, avidity, random));
  }
}

PhantomSpec fromSeed(std::uint64_t seed) {
  PhantomSpec spec;
  spec.seed = seed;
  StableRandom random(seed, "patient");
  drawPatient(spec, random);
  drawUptake(spec.uptake, spec.uptakeMinutes, random);
  spec.armsUp = random.happens(0.85);
  spec.withoutHead = random.happens(0.25);
  spec.brownFat = random.happens(0.04);
  spec.metforminBowel = random.happens(0.10);
  spec.textureCv = random.uniform(0.08, 0.12);
  spec.scanner = scannerOfClass(random.below(kScannerCount));
  spec.scanner.liverNoiseCov *= random.logNormalWithin(1, 0.15, 0.72, 1.35);
  spec.scanner.calibrationFactor = random.normalWithin(1, 0.05, 0.9, 1.1);
  drawLesions(spec, 1, 40);
  return spec;
}

}  // namespace fedpet::sample
