#include "models/response/Training.h"

#include "models/response/InputDistribution.h"
#include "models/response/ModelInputs.h"
#include "models/response/Recalibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace fedpet::response {
namespace {

// One patient in the trainer's terms.
struct Patient {
  const CohortRecord* record;
  std::vector<std::optional<double>> raw;  // per model input; implausible values are unknown
  StandardisedInputs z;
};

bool isPlausible(const InputSpec& spec, double value) {
  return value >= spec.plausibleLow && value <= spec.plausibleHigh;
}

std::vector<Patient> usablePatients(std::span<const CohortRecord> records,
                                    TrainingRecord& training) {
  std::vector<Patient> patients;
  std::set<std::string> centres;
  for (const CohortRecord& record : records) {
    Patient patient{&record, {}, {}};
    bool usable = true;
    for (const InputSpec& spec : modelInputs()) {
      auto value = spec.value(record.pet, record.clinical);
      if (value && !isPlausible(spec, *value)) {
        value.reset();
        ++training.implausibleValues;
      }
      usable = usable && (value || !spec.required);
      patient.raw.push_back(value);
    }
    if (usable) {
      patients.push_back(std::move(patient));
      centres.insert(record.centre);
    } else {
      ++training.excludedWithoutTmtv;
    }
  }
  training.patients = static_cast<int>(patients.size());
  training.centres = static_cast<int>(centres.size());
  return patients;
}

// Range accepted later: that of the training data, wider by this share of it at both ends.
constexpr double kRangeMargin = 0.05;

BundleInput describeInput(std::size_t index, std::span<const Patient> patients) {
  const InputSpec& spec = modelInputs()[index];
  double n = 0, sum = 0, squares = 0, low = INFINITY, high = -INFINITY, rawLow = INFINITY,
         rawHigh = -INFINITY;
  for (const Patient& patient : patients) {
    if (!patient.raw[index]) continue;
    const double raw = *patient.raw[index], t = spec.transformed(raw);
    n += 1, sum += t, squares += t * t;
    low = std::min(low, t), high = std::max(high, t);
    rawLow = std::min(rawLow, raw), rawHigh = std::max(rawHigh, raw);
  }
  const double variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0;
  if (!(variance > 1e-12))
    throw TrainingError("input " + std::string(spec.name) +
                        " is unknown or the same for all patients");
  BundleInput input;
  input.name = spec.name;
  input.mean = sum / n;
  input.sd = std::sqrt(variance);
  input.trainingLow = rawLow, input.trainingHigh = rawHigh;
  input.acceptedLow = spec.plausibleLow, input.acceptedHigh = spec.plausibleHigh;
  if (spec.measured) {
    const double margin = kRangeMargin * (high - low);
    input.acceptedLow = std::max(input.acceptedLow, spec.untransformed(low - margin));
    input.acceptedHigh = std::min(input.acceptedHigh, spec.untransformed(high + margin));
  }
  input.knownShare = n / static_cast<double>(patients.size());
  input.hasIndicator = !spec.required;
  return input;
}

void standardise(std::vector<Patient>& patients, std::span<const BundleInput> inputs) {
  for (Patient& patient : patients) {
    patient.z.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (patient.raw[i])
        patient.z[i] =
            (modelInputs()[i].transformed(*patient.raw[i]) - inputs[i].mean) / inputs[i].sd;
  }
}

// Chi-square quantiles, stretched until the wanted share of the training patients lies inside: real
// inputs are not quite normal.
std::vector<double> mahalanobisThresholds(std::span<const Patient> patients,
                                          const InputDistribution& distribution, double level) {
  std::vector<std::size_t> measured;
  for (std::size_t i = 0; i < modelInputs().size(); ++i)
    if (modelInputs()[i].measured) measured.push_back(i);
  std::vector<double> thresholds;
  for (std::size_t k = 1; k <= measured.size(); ++k)
    thresholds.push_back(chiSquareQuantile(level, static_cast<int>(k)));
  std::vector<double> ratios;
  for (const Patient& patient : patients) {
    const auto known = static_cast<std::size_t>(std::count_if(
        measured.begin(), measured.end(), [&](std::size_t i) { return patient.z[i].has_value(); }));
    ratios.push_back(distribution.mahalanobisSquared(patient.z, measured) / thresholds[known - 1]);
  }
  std::sort(ratios.begin(), ratios.end());
  const auto rank =
      static_cast<std::size_t>(std::ceil(level * static_cast<double>(ratios.size()))) - 1;
  const double stretch = std::max(1.0, ratios[rank]);
  for (double& threshold : thresholds) threshold *= stretch;
  return thresholds;
}

// Which optional inputs each patient shows in one view.
using Mask = std::vector<bool>;  // true: hidden

std::vector<std::vector<Mask>> drawViews(std::size_t patients, const TrainingPlan& plan) {
  const std::span<const InputSpec> specs = modelInputs();
  Mask nothing(specs.size(), false), clinical(specs.size(), false);
  for (std::size_t i = 0; i < specs.size(); ++i) clinical[i] = !specs[i].fromPet;
  std::vector<std::vector<Mask>> views{std::vector<Mask>(patients, nothing),
                                       std::vector<Mask>(patients, clinical)};
  std::mt19937_64 random(plan.seed);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1.0p-53; };
  for (int v = 0; v < plan.randomViews; ++v) {
    views.emplace_back(patients, nothing);
    for (Mask& mask : views.back()) {
      const double share = uniform();
      for (std::size_t i = 0; i < specs.size(); ++i)
        mask[i] = uniform() < share && !specs[i].required;
    }
  }
  return views;
}

std::vector<double> designRow(const StandardisedInputs& z, std::span<const BundleInput> inputs,
                              const InputDistribution& distribution) {
  std::vector<double> row = distribution.complete(z).z;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].hasIndicator) row.push_back(z[i] ? 0 : 1);
  return row;
}

std::vector<Matrix> designsOf(std::span<const Patient> patients, const ModelBundle& bundle,
                              const InputDistribution& distribution, const TrainingPlan& plan) {
  std::vector<Matrix> designs;
  for (const std::vector<Mask>& view : drawViews(patients.size(), plan)) {
    Matrix& design = designs.emplace_back(patients.size(), bundle.coefficientCount());
    for (std::size_t r = 0; r < patients.size(); ++r) {
      StandardisedInputs z = patients[r].z;
      for (std::size_t i = 0; i < z.size(); ++i)
        if (view[r][i]) z[i].reset();
      const std::vector<double> row = designRow(z, bundle.inputs, distribution);
      std::copy(row.begin(), row.end(),
                design.values.begin() + static_cast<std::ptrdiff_t>(r * design.columns));
    }
  }
  return designs;
}

std::vector<Matrix> rowsOf(std::span<const Matrix> designs, std::span<const std::size_t> rows) {
  std::vector<Matrix> chosen;
  for (const Matrix& design : designs) {
    Matrix& m = chosen.emplace_back(rows.size(), design.columns);
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t c = 0; c < design.columns; ++c) m(r, c) = design(rows[r], c);
  }
  return chosen;
}

double linear(std::span<const double> row, std::span<const double> coefficients) {
  double sum = 0;
  for (std::size_t c = 0; c < coefficients.size(); ++c) sum += row[c] * coefficients[c];
  return sum;
}

// Departure of each centre from the common model, on the scale of the linear predictor.
struct CentreShift {
  double shift = 0, information = 0;  // information: one over its sampling variance
};

constexpr std::size_t kFewestCentres = 4;  // to say anything about their spread

// 95 % quantile of Student's t: Abramowitz and Stegun 26.7.5, within 0.2 % from 3 degrees of
// freedom.
double studentQuantile95(double degreesOfFreedom) {
  const double z = 1.6448536269514722, v = degreesOfFreedom;
  const double z3 = std::pow(z, 3), z5 = std::pow(z, 5), z7 = std::pow(z, 7);
  return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

// DerSimonian and Laird 1986, Control Clin Trials 7:177.
std::optional<double> betweenCentreSd(const std::map<std::string, CentreShift>& centres) {
  double w = 0, ww = 0, mean = 0;
  for (const auto& [name, c] : centres)
    w += c.information, ww += c.information * c.information, mean += c.information * c.shift;
  if (centres.size() < kFewestCentres || w <= 0) return std::nullopt;
  mean /= w;
  double q = 0;
  for (const auto& [name, c] : centres) q += c.information * std::pow(c.shift - mean, 2);
  const double excess = q - static_cast<double>(centres.size() - 1);
  return std::sqrt(std::max(0.0, excess / (w - ww / w)));
}

struct Observed {  // events and their expectation at one centre
  double events = 0, expected = 0, variance = 0;
};

std::optional<double> spreadOf(const std::map<std::string, Observed>& centres) {
  std::map<std::string, CentreShift> shifts;
  for (const auto& [name, o] : centres)
    if (o.variance > 0) shifts[name] = {(o.events - o.expected) / o.variance, o.variance};
  return betweenCentreSd(shifts);
}

class Trainer {
 public:
  Trainer(std::span<const CohortRecord> records, const TrainingPlan& plan,
          TrainingObserver& observer)
      : plan_(plan), observer_(observer) {
    if (plan.dataDescription.empty())
      throw TrainingError("the plan does not describe its training data");
    setComputeThreads(plan.threads);
    describe(records);
  }

  ModelBundle train() {
    const std::vector<Matrix> designs = designsOf(patients_, bundle_, distribution_, plan_);
    trainBenefit(designs);
    trainSurvival(Endpoint::ProgressionFreeSurvival, &CohortRecord::progressionFreeSurvival,
                  plan_.pfsHorizonsMonths, designs);
    trainSurvival(Endpoint::OverallSurvival, &CohortRecord::overallSurvival, plan_.osHorizonsMonths,
                  designs);
    for (BundleOutput& output : bundle_.outputs)
      if (output.betweenCentreSd)
        output.intervalQuantile = studentQuantile95(bundle_.training.centres - 2);
    return std::move(bundle_);
  }

 private:
  void describe(std::span<const CohortRecord> records) {
    bundle_.name = plan_.modelName;
    bundle_.version = plan_.modelVersion;
    bundle_.softwareVersion = "fedpet " FEDPET_VERSION;
    bundle_.licence = "GPL-3.0-or-later";
    bundle_.intendedUse =
        "Research and software testing: response to immunotherapy of metastatic non-small-cell "
        "lung "
        "cancer from a baseline FDG-PET. " +
        std::string(kResearchUseOnly);
    bundle_.limits = {
        "Not validated for chemo-immunotherapy, EGFR- or ALK-driven tumours, or other tracers.",
        "Durable clinical benefit leaves out patients censored before its horizon.",
        "The Cox outputs assume proportional hazards, which immunotherapy violates; shift and "
        "slope "
        "are refitted at each horizon.",
        "TMTV depends on the lesion rule; compare the rule printed beside the measurement.",
        "The interval covers parameters, unknown inputs and the spread between the training "
        "centres, "
        "not a wrong model or wrong measurements."};
    if (plan_.syntheticData)
      bundle_.limits.insert(bundle_.limits.begin(),
                            "Trained on synthetic patients: says nothing about a real patient.");
    TrainingRecord& training = bundle_.training;
    training.data = plan_.dataDescription;
    training.synthetic = plan_.syntheticData;
    training.seed = plan_.seed;
    training.l2 = plan_.l2;
    training.maskedViews = plan_.randomViews + 2;
    patients_ = usablePatients(records, training);
    if (static_cast<int>(patients_.size()) < 2 * plan_.minimumEvents)
      throw TrainingError("only " + std::to_string(patients_.size()) +
                          " patients have a TMTV; at least " +
                          std::to_string(2 * plan_.minimumEvents) + " are needed");
    for (std::size_t i = 0; i < modelInputs().size(); ++i)
      bundle_.inputs.push_back(describeInput(i, patients_));
    standardise(patients_, bundle_.inputs);
    std::vector<StandardisedInputs> all;
    for (const Patient& patient : patients_) all.push_back(patient.z);
    distribution_ = InputDistribution::estimate(all);
    bundle_.inputCorrelation = distribution_.correlation();
    bundle_.outOfDistributionLevel = plan_.outOfDistributionLevel;
    bundle_.mahalanobisThresholds =
        mahalanobisThresholds(patients_, distribution_, plan_.outOfDistributionLevel);
  }

  FitControl control(std::string stage) const {
    return {plan_.l2, plan_.maxIterations, plan_.gradientTolerance,
            [this, stage = std::move(stage)](const FitStep& step) {
              return observer_.onStep(stage, step);
            }};
  }

  void requireEvents(Endpoint endpoint, int events, int others) const {
    if (std::min(events, others) < plan_.minimumEvents)
      throw TrainingError(std::string(toString(endpoint)) + ": " + std::to_string(events) +
                          " patients with and " + std::to_string(others) +
                          " without the event; at least " + std::to_string(plan_.minimumEvents) +
                          " of each are needed");
  }

  void trainBenefit(std::span<const Matrix> designs) {
    std::vector<std::size_t> rows;
    std::vector<bool> benefit;
    for (std::size_t r = 0; r < patients_.size(); ++r)
      if (const auto free =
              eventFreeAt(patients_[r].record->progressionFreeSurvival, plan_.benefitMonths)) {
        rows.push_back(r);
        benefit.push_back(*free);
      }
    const auto good = static_cast<int>(std::count(benefit.begin(), benefit.end(), true));
    const int events = static_cast<int>(rows.size()) - good;
    requireEvents(Endpoint::DurableClinicalBenefit, events, good);
    const std::vector<Matrix> views = rowsOf(designs, rows);
    const LogisticFit fit = fitLogistic(views, benefit, control("DCB"));
    BundleOutput output;
    output.endpoint = Endpoint::DurableClinicalBenefit;
    output.horizonMonths = plan_.benefitMonths;
    output.link = Link::Logit;
    output.intercept = fit.intercept;
    output.coefficients = fit.coefficients;
    output.covariance = fit.covariance;
    output.trainingPatients = static_cast<int>(rows.size());
    output.trainingEvents = events;
    std::map<std::string, Observed> centres;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double p =
          probabilityOf(Link::Logit, fit.intercept + linear(views[0].row(r), fit.coefficients));
      Observed& centre = centres[patients_[rows[r]].record->centre];
      centre.events += benefit[r] ? 1 : 0;
      centre.expected += p;
      centre.variance += p * (1 - p);
    }
    output.betweenCentreSd = spreadOf(centres);
    bundle_.outputs.push_back(std::move(output));
  }

  void trainSurvival(Endpoint endpoint, std::optional<FollowedTime> CohortRecord::*time,
                     std::span<const double> horizonsMonths, std::span<const Matrix> designs) {
    std::vector<std::size_t> rows;
    std::vector<FollowedTime> times;
    for (std::size_t r = 0; r < patients_.size(); ++r)
      if (const auto& t = patients_[r].record->*time) {
        if (!(t->months >= 0) || !std::isfinite(t->months))
          throw TrainingError("patient " + patients_[r].record->subjectId +
                              " has an impossible follow-up");
        rows.push_back(r);
        times.push_back(*t);
      }
    const auto events = static_cast<int>(std::count_if(
        times.begin(), times.end(), [](const FollowedTime& t) { return t.eventObserved; }));
    requireEvents(endpoint, events, static_cast<int>(times.size()) - events);
    const std::vector<Matrix> views = rowsOf(designs, rows);
    const CoxFit fit =
        fitCox(views, times, horizonsMonths, control(std::string(toString(endpoint))));
    const auto spread = centreSpread(fit, rows, times, views[0]);
    for (std::size_t h = 0; h < horizonsMonths.size(); ++h) {
      BundleOutput output = coxOutput(fit, fit.baselines[h]);
      output.endpoint = endpoint;
      output.horizonMonths = horizonsMonths[h];
      output.betweenCentreSd = spread;
      output.trainingPatients = static_cast<int>(rows.size());
      output.trainingEvents = events;
      apply(recalibrate(horizonOutcomes(output, views, times)), output);
      bundle_.outputs.push_back(std::move(output));
    }
  }

  static std::vector<HorizonOutcome> horizonOutcomes(const BundleOutput& output,
                                                     std::span<const Matrix> views,
                                                     std::span<const FollowedTime> times) {
    const std::vector<double> weights = censoringWeights(times, output.horizonMonths);
    std::vector<HorizonOutcome> outcomes;
    for (const Matrix& view : views)
      for (std::size_t r = 0; r < times.size(); ++r)
        outcomes.push_back({output.intercept + linear(view.row(r), output.coefficients),
                            times[r].months > output.horizonMonths, weights[r]});
    return outcomes;
  }

  // Observed and expected events of each centre; on the log-hazard scale O - E has variance E.
  std::optional<double> centreSpread(const CoxFit& fit, std::span<const std::size_t> rows,
                                     std::span<const FollowedTime> times,
                                     const Matrix& design) const {
    std::map<std::string, Observed> centres;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto next =
          std::upper_bound(fit.baseline.begin(), fit.baseline.end(), times[r].months,
                           [](double t, const HazardStep& s) { return t < s.months; });
      const double h0 = next == fit.baseline.begin() ? 0 : std::prev(next)->cumulativeHazard;
      Observed& centre = centres[patients_[rows[r]].record->centre];
      const double expected = h0 * std::exp(linear(design.row(r), fit.coefficients));
      centre.events += times[r].eventObserved ? 1 : 0;
      centre.expected += expected;
      centre.variance += expected;
    }
    return spreadOf(centres);
  }

  // Cox at one horizon as a linear predictor of the good outcome: eta = -ln H0(t) - b.x. The
  // intercept depends on b, through d ln H0 / d b = g: cov(ln H0, b) = V g, var = v0 + g' V g.
  static BundleOutput coxOutput(const CoxFit& fit, const BaselineHazard& base) {
    const std::size_t p = fit.coefficients.size();
    BundleOutput output;
    output.link = Link::LogLog;
    output.intercept = -base.logCumulativeHazard;
    for (const double b : fit.coefficients) output.coefficients.push_back(-b);
    output.covariance = Matrix(p + 1, p + 1);
    double variance = base.logVarianceGivenCoefficients;
    for (std::size_t i = 0; i < p; ++i) {
      double cross = 0;
      for (std::size_t j = 0; j < p; ++j) {
        output.covariance(i + 1, j + 1) = fit.covariance(i, j);
        cross += fit.covariance(i, j) * base.logGradient[j];
      }
      output.covariance(0, i + 1) = output.covariance(i + 1, 0) = cross;
      variance += base.logGradient[i] * cross;
    }
    output.covariance(0, 0) = variance;
    return output;
  }

  const TrainingPlan& plan_;
  TrainingObserver& observer_;
  ModelBundle bundle_;
  std::vector<Patient> patients_;
  InputDistribution distribution_;
};

}  // namespace

ModelBundle trainResponseModel(std::span<const CohortRecord> records, const TrainingPlan& plan,
                               TrainingObserver& observer) {
  return Trainer(records, plan, observer).train();
}

}  // namespace fedpet::response
