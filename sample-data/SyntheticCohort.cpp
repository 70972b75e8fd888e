#include "sample-data/SyntheticCohort.h"

#include "sample-data/StableRandom.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <stdexcept>

namespace fedpet::sample {
namespace {

// ------------------------------------------------------------------------------------------------
// Dependence: one standard normal per variable, correlated (a Gaussian copula).
// ------------------------------------------------------------------------------------------------

enum Latent : std::size_t {
  kTmtv,
  kDnlr,
  kLdh,
  kAlbumin,
  kPdl1,
  kEcog,
  kSteroids,
  kSpleen,
  kMarrow,
  kLesions,
  kSuvMax,
  kSuvMean,
  kAge,
  kMale,
  kSmoker,
  kBone,
  kBrain,
  kAdrenal,
  kLiver,
  kPleura,
  kLung,
  kNodes,
  kLatentCount
};
using Latents = std::array<double, kLatentCount>;
using LatentMatrix = std::array<Latents, kLatentCount>;

struct Correlation {
  Latent a, b;
  double rho;
};

// Published or asked for: metastatic sites 0.4 with TMTV; organ ratios 0.3 with dNLR and 0.2 with
// TMTV; SUVmax higher in PD-L1 positive tumours (Wu 2020, EJNMMI Res). The rest is our choice: a
// sick patient has much tumour, inflammation, high LDH, low albumin and a poor performance status
// at once, and without that the risk would spread less than in real cohorts.
constexpr std::array kCorrelations{
    Correlation{kTmtv, kBone, 0.4},      Correlation{kTmtv, kBrain, 0.4},
    Correlation{kTmtv, kAdrenal, 0.4},   Correlation{kTmtv, kLiver, 0.4},
    Correlation{kTmtv, kPleura, 0.4},    Correlation{kTmtv, kLung, 0.4},
    Correlation{kTmtv, kNodes, 0.4},     Correlation{kSpleen, kDnlr, 0.3},
    Correlation{kSpleen, kTmtv, 0.2},    Correlation{kMarrow, kDnlr, 0.3},
    Correlation{kMarrow, kTmtv, 0.2},    Correlation{kSpleen, kMarrow, 0.4},
    Correlation{kSuvMax, kPdl1, 0.2},    Correlation{kSuvMax, kTmtv, 0.3},
    Correlation{kSuvMean, kSuvMax, 0.7}, Correlation{kSuvMean, kTmtv, 0.2},
    Correlation{kLesions, kTmtv, 0.5},   Correlation{kTmtv, kDnlr, 0.3},
    Correlation{kTmtv, kLdh, 0.4},       Correlation{kTmtv, kAlbumin, -0.3},
    Correlation{kDnlr, kLdh, 0.3},       Correlation{kDnlr, kAlbumin, -0.4},
    Correlation{kLdh, kAlbumin, -0.3},   Correlation{kEcog, kTmtv, 0.3},
    Correlation{kEcog, kDnlr, 0.3},      Correlation{kEcog, kLdh, 0.2},
    Correlation{kEcog, kAlbumin, -0.35}, Correlation{kEcog, kAge, 0.15},
    Correlation{kSteroids, kEcog, 0.25}, Correlation{kSteroids, kDnlr, 0.25},
    Correlation{kSteroids, kBrain, 0.3}, Correlation{kSmoker, kMale, 0.2},
};

LatentMatrix choleskyOfCorrelations() {
  LatentMatrix m{};  // lower triangle only
  for (const Correlation& c : kCorrelations) m[std::max(c.a, c.b)][std::min(c.a, c.b)] = c.rho;
  // Pairs that the table does not name are independent given TMTV, not independent: seven sites
  // that each follow TMTV at 0.4 must follow one another a little.
  for (std::size_t i = 0; i < kLatentCount; ++i)
    for (std::size_t j = kTmtv + 1; j < i; ++j)
      if (m[i][j] == 0) m[i][j] = m[i][kTmtv] * m[j][kTmtv];
  for (std::size_t i = 0; i < kLatentCount; ++i) m[i][i] = 1;
  for (std::size_t i = 0; i < kLatentCount; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = m[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= m[i][k] * m[j][k];
      if (i != j) {
        m[i][j] = sum / m[j][j];
      } else if (sum > 0) {
        m[i][i] = std::sqrt(sum);
      } else {
        throw std::logic_error("the correlation table is not positive definite");
      }
    }
  return m;
}

Latents drawLatents(StableRandom& random, const LatentMatrix& factor) {
  Latents independent{}, z{};
  for (double& value : independent) value = random.normal(0, 1);
  for (std::size_t i = 0; i < kLatentCount; ++i)
    for (std::size_t j = 0; j <= i; ++j) z[i] += factor[i][j] * independent[j];
  return z;
}

double normalCdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
double normalQuantile(double p) { return boost::math::quantile(boost::math::normal(), p); }
bool holds(double z, double prevalence) { return normalCdf(z) > 1 - prevalence; }

// ------------------------------------------------------------------------------------------------
// Marginals. [V]: published; [M]: from memory of the field; [D]: our choice.
// ------------------------------------------------------------------------------------------------

// Reporting steps of the tumour proportion score in pathology. [D]
double reportedTps(double percent) {
  if (percent < 0.5) return 0;
  if (percent < 5) return std::max(1.0, std::round(percent));
  return 5 * std::round(percent / 5);
}

double pdl1TpsPercent(double z) {  // 0 in 35 %, otherwise 100 Beta(0.55, 0.65) [D]
  constexpr double kNegativeShare = 0.35;
  const double u = normalCdf(z);
  if (u <= kNegativeShare) return 0;
  const double within = std::min((u - kNegativeShare) / (1 - kNegativeShare), 1 - 1e-12);
  return reportedTps(100 *
                     boost::math::quantile(boost::math::beta_distribution<>(0.55, 0.65), within));
}

double ageYears(double z) {  // N(65, 10) cut to 35-90 [D]
  const double low = normalCdf(-3.0), high = normalCdf(2.5);
  return std::round(65 + 10 * normalQuantile(low + normalCdf(z) * (high - low)));
}

int lesionCountBeyondOne(double z) {  // negative binomial, mean 8, k 0.7 [M], by inversion
  constexpr double kMean = 8, kDispersion = 0.7;
  const double target = normalCdf(z), p = kDispersion / (kDispersion + kMean);
  double mass = std::pow(p, kDispersion), sum = mass;
  int n = 0;
  for (; sum < target && n < 200; ++n) {
    mass *= (n + kDispersion) / (n + 1) * (1 - p);
    sum += mass;
  }
  return n;
}

struct Sites {
  bool bone, brain, adrenal, liver, pleura, lung, nodes;
};

// Prevalences 35, 21, 21, 17 % [V 10.1080/21645515.2020.1823779]; 25, 25, 30 % [M].
Sites sitesOf(const Latents& z) {
  return {holds(z[kBone], 0.35),  holds(z[kBrain], 0.21),  holds(z[kAdrenal], 0.21),
          holds(z[kLiver], 0.17), holds(z[kPleura], 0.25), holds(z[kLung], 0.25),
          holds(z[kNodes], 0.30)};
}

ClinicalCovariates clinicalOf(const Latents& z, const Sites& sites, StableRandom& random) {
  ClinicalCovariates c;
  c.ageYears = ageYears(z[kAge]);
  c.male = holds(z[kMale], 0.65);
  c.smoker = holds(z[kSmoker], 0.88);
  c.steroids = holds(z[kSteroids], 0.14);  // >= 10 mg prednisone equivalent [V JCO.18.00149]
  c.ecog = holds(z[kEcog], 0.15) ? 2 : holds(z[kEcog], 0.75) ? 1 : 0;
  c.pdl1TpsPercent = pdl1TpsPercent(z[kPdl1]);
  c.dNlr = 2.2 * std::exp(0.55 * z[kDnlr]);
  c.nlr = 1.9 * *c.dNlr * std::exp(random.normal(0, 0.2));
  c.ldhPerUln = 0.95 * std::exp(0.35 * z[kLdh]);
  c.albuminGPerDl = std::clamp(3.85 + 0.40 * z[kAlbumin], 1.5, 5.6);
  c.liverMetastases = sites.liver;
  return c;
}

// Where a lesion of each site may lie: centre and half size, mm, DICOM LPS, z = 0 at the carina.
// [D]
struct Box {
  PointMm centre, halfSize;
  PointMm draw(StableRandom& random) const {
    PointMm p{};
    for (std::size_t a = 0; a < 3; ++a) p[a] = centre[a] + halfSize[a] * random.uniform(-1, 1);
    return p;
  }
};
constexpr Box kPrimarySide{{75, 0, 0}, {50, 50, 70}}, kOtherLung{{-75, 0, 0}, {50, 50, 70}};
constexpr Box kMediastinum{{0, 0, 0}, {35, 30, 70}}, kPleuralSheet{{85, 20, -60}, {40, 60, 90}};
constexpr Box kNeck{{0, 0, 210}, {60, 30, 40}}, kRetroperitoneum{{0, 30, -300}, {40, 30, 100}};
constexpr Box kAxialSkeleton{{0, 50, -250}, {60, 30, 330}},
    kPelvisAndFemora{{0, 0, -560}, {140, 50, 130}};
constexpr Box kAdrenals{{0, 30, -220}, {50, 15, 15}}, kLiverBox{{-80, 0, -190}, {60, 60, 50}};
constexpr Box kElsewhere{{0, 20, -210}, {150, 80, 460}};  // soft tissue, rare nodes and organs
constexpr double kShareElsewhere = 0.25;

// Brain metastases are usually invisible beside cortex and are not counted as PET lesions. [D]
std::vector<Box> visibleBoxes(const Sites& sites, StableRandom& random) {
  std::vector<Box> boxes;
  if (sites.bone) boxes.push_back(random.happens(0.6) ? kAxialSkeleton : kPelvisAndFemora);
  if (sites.adrenal) boxes.push_back(kAdrenals);
  if (sites.liver) boxes.push_back(kLiverBox);
  if (sites.pleura) boxes.push_back(kPleuralSheet);
  if (sites.lung) boxes.push_back(kOtherLung);
  if (sites.nodes) boxes.push_back(random.happens(0.5) ? kNeck : kRetroperitoneum);
  return boxes;
}

double largestDistanceMm(std::span<const PointMm> points) {
  double largest = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      largest = std::max(largest, distanceMm(points[i], points[j]));
  return largest;
}

// The primary, one lesion in each affected site, and the others spread over all of these.
double dmaxOfPlacedLesionsMm(std::span<const Box> boxes, int lesions, StableRandom& random) {
  std::vector<PointMm> points{kPrimarySide.draw(random)};
  for (const Box& box : boxes) points.push_back(box.draw(random));
  while (static_cast<int>(points.size()) < lesions) {
    const bool elsewhere = random.happens(kShareElsewhere);
    const int pick = random.below(static_cast<int>(boxes.size()) + 2);
    const Box& box = elsewhere   ? kElsewhere
                     : pick == 0 ? kPrimarySide
                     : pick == 1 ? kMediastinum
                                 : boxes[static_cast<std::size_t>(pick - 2)];
    points.push_back(box.draw(random));
  }
  return largestDistanceMm(points);
}

PetMeasures petOf(const Latents& z, const Sites& sites, StableRandom& random) {
  PetMeasures pet;
  pet.tmtvMl = 65 * std::exp(1.25 * z[kTmtv]);    // IQR 28-151 ml [D], cut-offs 54-226 [V]
  pet.suvMax = 13 * std::exp(0.45 * z[kSuvMax]);  // hottest lesion [M]
  pet.suvMean = std::min(6 * std::exp(0.3 * z[kSuvMean]), 0.8 * *pet.suvMax);
  pet.tlgG = *pet.tmtvMl * *pet.suvMean;
  pet.spleenToLiverRatio = std::max(0.3, 0.88 + 0.14 * z[kSpleen]);  // [M]
  pet.marrowToLiverRatio = std::max(0.2, 0.78 + 0.17 * z[kMarrow]);  // [M]
  const std::vector<Box> boxes = visibleBoxes(sites, random);
  pet.lesionCount = 1 + std::max(lesionCountBeyondOne(z[kLesions]), static_cast<int>(boxes.size()));
  pet.dmaxMm = dmaxOfPlacedLesionsMm(boxes, *pet.lesionCount, random);
  return pet;
}

// ------------------------------------------------------------------------------------------------
// Outcomes.
// ------------------------------------------------------------------------------------------------

// Log-hazard per SD of a variable or for its presence: published hazard ratios of median splits,
// ln(HR) / 1.6 (the half means of a normal lie 1.6 SD apart). Seban 2020, Ling 2022 and others.
struct Slopes {
  double logTmtv, logDnlr, logLdh, ecog2, pdl1;
  double liver = 0.35, steroids = 0.45, albumin = -0.30, dmax = 0.20;
};
constexpr Slopes kOsSlopes{
    .logTmtv = 0.46, .logDnlr = 0.40, .logLdh = 0.25, .ecog2 = 1.0, .pdl1 = -0.25};
constexpr Slopes kPfsSlopes{
    .logTmtv = 0.25, .logDnlr = 0.25, .logLdh = 0, .ecog2 = 0.87, .pdl1 = -0.35};

// Mean and SD of two variables without a closed form, from 200,000 draws of this generator.
constexpr double kTpsMean = 29.8, kTpsSd = 34.8, kDmaxMeanMm = 441, kDmaxSdMm = 256;

double logHazard(const Slopes& s, const Latents& z, const SyntheticTruth& t,
                 const CohortPlan& plan) {
  const ClinicalCovariates& c = t.clinical;
  const double sum =
      s.logTmtv * z[kTmtv] + s.logDnlr * z[kDnlr] + s.logLdh * z[kLdh] + s.albumin * z[kAlbumin] +
      s.ecog2 * ((*c.ecog >= 2 ? 1 : 0) - 0.15) + s.steroids * ((*c.steroids ? 1 : 0) - 0.14) +
      s.liver * ((*c.liverMetastases ? 1 : 0) - 0.17) +
      s.pdl1 * (*c.pdl1TpsPercent - kTpsMean) / kTpsSd +
      s.dmax * (*t.pet.dmaxMm - kDmaxMeanMm) / kDmaxSdMm + plan.marrowToLiverLogHazard * z[kMarrow];
  return plan.slopeShrinkage * sum;
}

// Weibull shape, scale (months) of the not cured, and the cured share at log-hazard 0.
struct CureModel {
  double shape, scaleMonths, curedShare, curedSlope;
  double curedAt(double logHazard) const {
    return 1 / (1 + std::exp(-std::log(curedShare / (1 - curedShare)) + curedSlope * logHazard));
  }
  double survival(double months, double logHazard) const {
    const double cured = curedAt(logHazard);
    return cured +
           (1 - cured) * std::exp(-std::pow(months / scaleMonths, shape) * std::exp(logHazard));
  }
  double monthsAtSurvival(double s, double logHazard) const {
    const double cured = curedAt(logHazard);
    if (s <= cured) return std::numeric_limits<double>::infinity();
    return scaleMonths *
           std::pow(-std::log((s - cured) / (1 - cured)) / std::exp(logHazard), 1 / shape);
  }
};
// Scales set so that median PFS and OS lie amid published first and later lines (KEYNOTE-042: 5.4
// and 16.5 months, KEYNOTE-001: OS 10.5-22.3).
constexpr CureModel kPfsModel{
    .shape = 0.85, .scaleMonths = 5.3, .curedShare = 0.17, .curedSlope = 1.3};
constexpr CureModel kOsModel{
    .shape = 0.9, .scaleMonths = 18, .curedShare = 0.16, .curedSlope = 0.4};

// PFS and OS of one patient share most of their luck. [D]
constexpr double kPfsOsLuckCorrelation = 0.8, kResponseLuckCorrelation = 0.6;
// Share of responders at log-hazard 0 and average luck, on the probit scale. [D]
constexpr double kResponseThreshold = 0.45, kResponseSlope = 0.8;
constexpr double kFirstAssessmentMonths = 1.5;

struct Centre {
  std::string name;
  double logHazard, calibration;
};

struct Outcome {
  double pfsMonths, osMonths;
  bool response;
};

Outcome drawOutcome(const SyntheticTruth& t, StableRandom& random) {
  const double luck = random.normal(0, 1);
  const auto correlated = [&](double rho) {
    return rho * luck + std::sqrt(1 - rho * rho) * random.normal(0, 1);
  };
  const double osLuck = correlated(kPfsOsLuckCorrelation);
  const double responseLuck = correlated(kResponseLuckCorrelation);
  Outcome o{};
  o.osMonths = kOsModel.monthsAtSurvival(normalCdf(-osLuck), t.logHazardOs);
  // Death ends progression-free survival too.
  o.pfsMonths = std::min(o.osMonths, kPfsModel.monthsAtSurvival(normalCdf(-luck), t.logHazardPfs));
  o.response = responseLuck - kResponseSlope * t.logHazardPfs > kResponseThreshold &&
               o.pfsMonths > kFirstAssessmentMonths;
  return o;
}

FollowedTime observe(double eventMonths, double followUpMonths) {
  // Records hold dates: whole days, at least one.
  const auto days = [](double months) {
    return std::max(1.0, std::ceil(months * kDaysPerMonth)) / kDaysPerMonth;
  };
  if (eventMonths <= followUpMonths) return {days(eventMonths), true};
  return {days(followUpMonths), false};
}

void addOutcome(CohortRecord& record, const Outcome& o, const CohortPlan& plan,
                StableRandom& random) {
  const double entry = random.uniform(0, plan.accrualMonths);
  const double cut =
      plan.accrualMonths + plan.minimumFollowUpMonths - plan.labelDelayMonths - entry;
  const double dropOut = plan.dropOutPerMonth > 0
                             ? -std::log(1 - random.uniform()) / plan.dropOutPerMonth
                             : std::numeric_limits<double>::infinity();
  const double followUp = std::min(cut, dropOut);
  if (followUp <= 0) return;  // treated, but nothing has reached the records yet
  record.progressionFreeSurvival = observe(o.pfsMonths, followUp);
  record.overallSurvival = observe(o.osMonths, followUp);
  if (followUp > kFirstAssessmentMonths) record.objectiveResponse = o.response;
}

// Usual share of unknown values, completely at random. [D]
void hideSome(CohortRecord& record, double scale, StableRandom& random) {
  const auto hide = [&](auto& value, double share) {
    if (random.happens(std::min(1.0, share * scale))) value.reset();
  };
  hide(record.pet.spleenToLiverRatio, 0.04);
  hide(record.pet.marrowToLiverRatio, 0.04);
  hide(record.clinical.pdl1TpsPercent, 0.12);
  hide(record.clinical.dNlr, 0.10);
  hide(record.clinical.nlr, 0.06);
  hide(record.clinical.ldhPerUln, 0.20);
  hide(record.clinical.albuminGPerDl, 0.25);
  hide(record.clinical.ecog, 0.05);
  hide(record.clinical.smoker, 0.05);
  hide(record.clinical.steroids, 0.10);
  hide(record.clinical.liverMetastases, 0.02);
}

// What a scanner with a wrong calibration reports: intensities scale, and so does a volume drawn at
// a fixed SUV (to first order [D]); ratios cancel it.
PetMeasures measuredAt(const Centre& centre, PetMeasures pet) {
  pet.tmtvMl = *pet.tmtvMl * centre.calibration;
  pet.suvMax = *pet.suvMax * centre.calibration;
  pet.suvMean = *pet.suvMean * centre.calibration;
  pet.tlgG = *pet.tmtvMl * *pet.suvMean;
  return pet;
}

std::vector<Centre> drawCentres(const CohortPlan& plan) {
  std::vector<Centre> centres;
  for (int i = 0; i < plan.centres; ++i) {
    const std::string name = "centre-" + std::to_string(i + 1);
    StableRandom random(plan.seed, name);
    const double logHazard = random.normal(0, plan.centreInterceptSd);
    const double calibration = random.normalWithin(1, plan.centreCalibrationSd, 0.9, 1.1);
    centres.push_back({name, logHazard, calibration});
  }
  // Centred on the consortium, so that its event rates do not hang on the draw of a few centres.
  double mean = 0;
  for (const Centre& centre : centres) mean += centre.logHazard / plan.centres;
  for (Centre& centre : centres) centre.logHazard -= mean;
  return centres;
}

void check(const CohortPlan& plan) {
  if (plan.patients < 1 || plan.centres < 1)
    throw std::invalid_argument("a cohort needs at least one patient and one centre");
  if (plan.missingness < 0 || plan.accrualMonths < 0 || plan.minimumFollowUpMonths < 0 ||
      plan.labelDelayMonths < 0 || plan.dropOutPerMonth < 0 || plan.centreInterceptSd < 0 ||
      plan.centreCalibrationSd < 0)
    throw std::invalid_argument("a rate, a duration or a spread of the cohort plan is negative");
}

}  // namespace

std::string SyntheticCohort::description() const {
  return "synthetic cohort, " + std::to_string(plan.patients) + " patients, " +
         std::to_string(plan.centres) + " centres, seed " + std::to_string(plan.seed);
}

SyntheticCohort makeSyntheticCohort(const CohortPlan& plan) {
  check(plan);
  static const LatentMatrix factor = choleskyOfCorrelations();
  const std::vector<Centre> centres = drawCentres(plan);
  SyntheticCohort cohort{plan, {}, {}};
  for (int i = 0; i < plan.patients; ++i) {
    // One stream each: a longer cohort starts with the patients of a shorter one.
    const std::string id = "synthetic-" + std::to_string(plan.seed) + "-" + std::to_string(i + 1);
    StableRandom random(plan.seed, id);
    const Centre& centre = centres[static_cast<std::size_t>(random.below(plan.centres))];
    const Latents z = drawLatents(random, factor);
    const Sites sites = sitesOf(z);
    SyntheticTruth truth;
    truth.clinical = clinicalOf(z, sites, random);
    truth.pet = petOf(z, sites, random);
    truth.logHazardPfs = logHazard(kPfsSlopes, z, truth, plan) + centre.logHazard;
    truth.logHazardOs = logHazard(kOsSlopes, z, truth, plan) + centre.logHazard;
    const Outcome outcome = drawOutcome(truth, random);
    truth.pfsMonths = outcome.pfsMonths;
    truth.osMonths = outcome.osMonths;
    CohortRecord record{id, centre.name, measuredAt(centre, truth.pet), truth.clinical, {}, {}, {}};
    addOutcome(record, outcome, plan, random);
    hideSome(record, plan.missingness, random);
    cohort.records.push_back(std::move(record));
    cohort.truth.push_back(std::move(truth));
  }
  return cohort;
}

// Free of progression and alive: both latent lucks above their thresholds, a bivariate normal
// probability, integrated over the luck in progression by the midpoint rule.
double truePfsProbability(const SyntheticTruth& truth, double months) {
  const double progressionFree = kPfsModel.survival(months, truth.logHazardPfs);
  const double alive = kOsModel.survival(months, truth.logHazardOs);
  const double luckNeeded = -normalQuantile(progressionFree), osLuckNeeded = -normalQuantile(alive);
  const double rest = std::sqrt(1 - kPfsOsLuckCorrelation * kPfsOsLuckCorrelation);
  constexpr int kSteps = 200;
  constexpr double kMostLuck = 8;
  const double step = (kMostLuck - luckNeeded) / kSteps;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double luck = luckNeeded + (i + 0.5) * step;
    sum += std::exp(-0.5 * luck * luck) *
           normalCdf((kPfsOsLuckCorrelation * luck - osLuckNeeded) / rest);
  }
  return sum * step / std::sqrt(2 * std::numbers::pi);
}

double trueOsProbability(const SyntheticTruth& truth, double months) {
  return kOsModel.survival(months, truth.logHazardOs);
}

}  // namespace fedpet::sample
