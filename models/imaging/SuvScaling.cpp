#include "models/imaging/SuvScaling.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <utility>

namespace fedpet::imaging {
namespace {

using Seconds = std::chrono::duration<double>;
using Minutes = std::chrono::duration<double, std::ratio<60>>;
using std::chrono::days;
using std::chrono::microseconds;
using tl::unexpected;

// Outside these limits a unit is wrong (grams, kBq, MBq, mCi, minutes, cm); nobody's body is.
constexpr double kMinWeightKg = 1, kMaxWeightKg = 650;
constexpr double kMinActivityBq = 1e6, kMaxActivityBq = 5e9;
constexpr double kMinHeightM = 0.4, kMaxHeightM = 2.75;
// The half-life of F-18 that DICOM files use most (PS3.16 and vendors: 6586.2 or 6588 s).
constexpr Seconds kF18HalfLife{6586.2};
// Longest delay from injection to scan that is believed; three half-lives of F-18 are 5.5 h.
constexpr Seconds kMaxUptake = std::chrono::hours{6};
// FDG is scanned 60 min after injection; far from it, SUV of two patients cannot be compared.
constexpr Minutes kUsualUptakeFrom{45}, kUsualUptakeTo{110};

bool usable(const std::optional<double>& number) { return number && std::isfinite(*number); }

bool contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string text(const char* format, double number) {
  char buffer[160];
  std::snprintf(buffer, sizeof buffer, format, number);
  return buffer;
}

bool isF18(const std::optional<Code>& nuclide) {
  // (C-111A1, SRT) and its older designators, (77004003, SCT): PS3.16 CID 18 and 4020.
  return nuclide && (nuclide->value == "C-111A1" || nuclide->value == "77004003");
}

bool mayBePhilips(const std::string& manufacturer) {
  if (manufacturer.empty()) return true;  // de-identified; the private creator was checked
  std::string lower = manufacturer;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("philips") != std::string::npos;
}

// --- The moment that DecayCorrection = START refers to -----------------------------------------

struct ReferenceTime {
  WallClock time;
  std::string source;
};

std::optional<WallClock> earliestAcquisition(const PetSeries& series) {
  std::optional<WallClock> earliest;
  for (const PetSlice& slice : series.slices)
    if (slice.acquisitionDateTime && (!earliest || *slice.acquisitionDateTime < *earliest))
      earliest = slice.acquisitionDateTime;
  return earliest;
}

// Within a frame, counts fall with decay; their mean rate is met a little before half time.
Seconds averageCountRateTime(Seconds frameDuration, Seconds halfLife) {
  const double lambda = std::log(2.0) / halfLife.count();
  const double decay = lambda * frameDuration.count();
  return Seconds(std::log(decay / (1 - std::exp(-decay))) / lambda);
}

// Acquisition start of each bed, minus FrameReferenceTime, plus the time of mean count rate, is
// the reference by definition of FrameReferenceTime. Vendors fill that attribute differently, so
// it is believed only where every slice of every bed leads to the same moment, and that moment is
// not after the first acquisition.
std::optional<WallClock> referenceFromFrames(const PetSeries& series, WallClock earliest) {
  constexpr Seconds kAgreement{2};
  if (!series.radiopharmaceutical.halfLifeSeconds) return std::nullopt;
  const Seconds halfLife(*series.radiopharmaceutical.halfLifeSeconds);
  std::optional<WallClock> first, last;
  for (const PetSlice& slice : series.slices) {
    const bool usableFrame =
        slice.acquisitionDateTime && slice.frameReferenceTime && slice.actualFrameDuration &&
        slice.frameReferenceTime->count() > 0 && slice.frameReferenceTime < Seconds(days{1}) &&
        slice.actualFrameDuration->count() > 0 && slice.actualFrameDuration < Seconds(days{1});
    if (!usableFrame) return std::nullopt;
    const Seconds back =
        *slice.frameReferenceTime - averageCountRateTime(*slice.actualFrameDuration, halfLife);
    const WallClock reference = *slice.acquisitionDateTime - std::chrono::round<microseconds>(back);
    if (!first || reference < *first) first = reference;
    if (!last || reference > *last) last = reference;
  }
  if (!first || *last - *first > kAgreement || *first > earliest + std::chrono::seconds{2})
    return std::nullopt;
  return std::min(*first + (*last - *first) / 2, earliest);
}

// QIBA: the series time, unless a later reprocessing overwrote it.
std::optional<ReferenceTime> startReference(const PetSeries& series) {
  const auto earliest = earliestAcquisition(series);
  if (!earliest) return std::nullopt;
  if (series.seriesDateTime && *series.seriesDateTime <= *earliest)
    return ReferenceTime{*series.seriesDateTime, "series time"};
  if (series.gePostInjectionScanDateTime)
    return ReferenceTime{*series.gePostInjectionScanDateTime, "GE's post-injection scan time"};
  if (const auto reference = referenceFromFrames(series, *earliest))
    return ReferenceTime{*reference, "acquisition and frame reference times"};
  return ReferenceTime{*earliest, "earliest acquisition time"};
}

// --- Injection ---------------------------------------------------------------------------------

struct Uptake {
  Seconds delay{};
  std::vector<std::string> warnings;
};

tl::expected<Uptake, Refusal> uptakeUntil(WallClock reference, const Radiopharmaceutical& drug) {
  Uptake uptake;
  std::optional<WallClock> onReferenceDay;  // (0018,1072) has no date of its own
  if (drug.startTimeOfDay)
    onReferenceDay = std::chrono::floor<days>(reference) + *drug.startTimeOfDay;
  if (drug.startDateTime) {
    uptake.delay = reference - *drug.startDateTime;
    const auto timeOfDay = *drug.startDateTime - std::chrono::floor<days>(*drug.startDateTime);
    if (drug.startTimeOfDay &&
        std::chrono::abs(timeOfDay - *drug.startTimeOfDay) > std::chrono::seconds{1})
      uptake.warnings.push_back(
          "RadiopharmaceuticalStartDateTime and RadiopharmaceuticalStartTime disagree; the "
          "former is used");
  } else if (onReferenceDay) {
    uptake.delay = reference - *onReferenceDay;
    // Midnight passed between injection and scan, or a clock is wrong: only a believable delay
    // tells them apart.
    if (uptake.delay < Seconds::zero() && uptake.delay + days{1} <= kMaxUptake) {
      uptake.delay += days{1};
      uptake.warnings.push_back(
          "injection before midnight and scan after it: the date of "
          "RadiopharmaceuticalStartTime was taken as the day before");
    }
  } else {
    return unexpected(Refusal{RefusalCode::TimesMissing,
                              "neither RadiopharmaceuticalStartDateTime (0018,1078) nor "
                              "RadiopharmaceuticalStartTime (0018,1072) is given"});
  }
  if (uptake.delay < Seconds::zero())
    return unexpected(Refusal{RefusalCode::TimesImplausible,
                              text("the injection is %.1f min after the scan's reference time",
                                   -Minutes(uptake.delay).count())});
  if (uptake.delay > kMaxUptake)
    return unexpected(Refusal{RefusalCode::TimesImplausible,
                              text("the injection is %.1f h before the scan's reference time",
                                   uptake.delay.count() / 3600)});
  return uptake;
}

// --- Weight, dose, half-life -------------------------------------------------------------------

tl::expected<double, Refusal> weightKg(const PetSeries& series) {
  const auto refuse = [](std::string detail) {
    return unexpected(Refusal{RefusalCode::WeightMissing, std::move(detail)});
  };
  if (!series.patientWeightKg) return refuse("PatientWeight (0010,1030) is not given");
  const double weight = *series.patientWeightKg;
  if (!std::isfinite(weight) || weight < kMinWeightKg || weight > kMaxWeightKg)
    return refuse(text("PatientWeight (0010,1030) is %g kg", weight));
  return weight;
}

tl::expected<double, Refusal> activityBq(const Radiopharmaceutical& drug) {
  if (!usable(drug.injectedActivityBq) || *drug.injectedActivityBq <= 0)
    return unexpected(
        Refusal{RefusalCode::DoseMissing,
                drug.injectedActivityBq
                    ? text("RadionuclideTotalDose (0018,1074) is %g Bq", *drug.injectedActivityBq)
                    : "RadionuclideTotalDose (0018,1074) is not given"});
  const double activity = *drug.injectedActivityBq;
  if (activity < kMinActivityBq || activity > kMaxActivityBq)
    return unexpected(Refusal{RefusalCode::DoseImplausible,
                              text("RadionuclideTotalDose (0018,1074) is %g Bq", activity)});
  return activity;
}

tl::expected<Seconds, Refusal> halfLife(const Radiopharmaceutical& drug,
                                        std::vector<std::string>& warnings) {
  const auto refuse = [](std::string detail) {
    return unexpected(Refusal{RefusalCode::HalfLifeMissing, std::move(detail)});
  };
  const bool f18 = isF18(drug.nuclideCode);
  if (!drug.halfLifeSeconds) {
    if (!f18) return refuse("RadionuclideHalfLife (0018,1075) is not given");
    warnings.push_back("half-life not given; that of F-18, 6586.2 s, is used by its code");
    return kF18HalfLife;
  }
  const double seconds = *drug.halfLifeSeconds;
  const bool wrongForF18 = f18 && std::abs(seconds / kF18HalfLife.count() - 1) > 0.01;
  if (!std::isfinite(seconds) || seconds <= 0 || wrongForF18)
    return refuse(text("RadionuclideHalfLife (0018,1075) is %g s", seconds) +
                  (wrongForF18 ? " and the nuclide is coded as F-18" : ""));
  return Seconds(seconds);
}

// --- Lean body mass ----------------------------------------------------------------------------

tl::expected<double, Refusal> sulPerSuvBw(const PetSeries& series) {
  const auto weight = weightKg(series);
  if (!weight) return unexpected(weight.error());
  const auto refuse = [](std::string detail) {
    return unexpected(Refusal{RefusalCode::HeightOrSexMissing, std::move(detail)});
  };
  const std::string& sex = series.patient.sex;
  if (sex != "M" && sex != "F") return refuse("PatientSex (0010,0040) is neither M nor F");
  if (!usable(series.patientHeightM)) return refuse("PatientSize (0010,1020) is not given");
  const double height = *series.patientHeightM;
  if (height < kMinHeightM || height > kMaxHeightM)
    return refuse(text("PatientSize (0010,1020) is %g m", height));
  return leanBodyMassKg({sex == "M" ? Sex::Male : Sex::Female, *weight, height}) / *weight;
}

// --- The three kinds of units ------------------------------------------------------------------

void noteUptake(SuvScaling& scaling, const Uptake& uptake) {
  const Minutes delay(uptake.delay);
  scaling.uptakeMinutes = delay.count();
  scaling.warnings.insert(scaling.warnings.end(), uptake.warnings.begin(), uptake.warnings.end());
  if (delay < kUsualUptakeFrom || delay > kUsualUptakeTo)
    scaling.warnings.push_back(
        text("uptake time %.0f min, far from the usual 60 min", delay.count()));
}

// Where SUV does not depend on the times, they only inform the reader.
void noteUptakeIfKnown(SuvScaling& scaling, const PetSeries& series) {
  const auto reference = startReference(series);
  if (!reference) return;
  const auto uptake = uptakeUntil(reference->time, series.radiopharmaceutical);
  if (uptake)
    noteUptake(scaling, *uptake);
  else if (uptake.error().code == RefusalCode::TimesImplausible)
    scaling.warnings.push_back("the uptake time is not known: " + uptake.error().detail);
}

// Everything that SUV from activity needs; all that is missing is named together.
tl::expected<SuvScaling, NotAssessable> fromActivity(const PetSeries& series) {
  SuvScaling scaling;
  NotAssessable missing;
  const auto keep = [&](const auto& expected) {
    if (!expected) missing.reasons.push_back(expected.error());
  };
  const Radiopharmaceutical& drug = series.radiopharmaceutical;
  const auto weight = weightKg(series);
  const auto activity = activityBq(drug);
  keep(weight);
  keep(activity);

  BodyWeightSuv terms{weight.value_or(0), activity.value_or(0), {}, {}};
  if (series.decayCorrection == "ADMIN") {
    scaling.method = "decay corrected to the injection (ADMIN)";
    noteUptakeIfKnown(scaling, series);
  } else if (series.decayCorrection == "START") {
    const auto life = halfLife(drug, scaling.warnings);
    keep(life);
    if (const auto reference = startReference(series)) {
      const auto uptake = uptakeUntil(reference->time, drug);
      keep(uptake);
      if (uptake && life) {
        terms.halfLife = *life;
        terms.decay = uptake->delay;
        noteUptake(scaling, *uptake);
        scaling.method =
            text("dose decayed by %.2f min from injection to ", Minutes(uptake->delay).count()) +
            reference->source + " (START)";
      }
    } else {
      missing.reasons.push_back(
          {RefusalCode::TimesMissing, "no slice has an acquisition date and time"});
    }
  } else {
    missing.reasons.push_back(
        {RefusalCode::NotDecayCorrected, "DecayCorrection (0054,1102) is neither START nor ADMIN"});
  }
  if (!missing.reasons.empty()) return unexpected(missing);
  scaling.suvBwPerUnit = suvBwPerBqPerMl(terms);
  return scaling;
}

tl::expected<SuvScaling, NotAssessable> fromSuvUnits(const PetSeries& series) {
  if (!series.suvType.empty() && series.suvType != "BW")
    return unexpected(NotAssessable(
        RefusalCode::UnitsUnsupported,
        "Units GML with SUVType (0054,1006) " + series.suvType + " is not SUV by body weight"));
  SuvScaling scaling;
  scaling.suvBwPerUnit = 1;
  scaling.method = "Units GML: the pixels are SUVbw already";
  if (series.suvType.empty())
    scaling.warnings.push_back("Units GML without SUVType: taken as SUV by body weight");
  noteUptakeIfKnown(scaling, series);
  return scaling;
}

tl::expected<SuvScaling, NotAssessable> fromCounts(const PetSeries& series) {
  const auto positive = [](const std::optional<double>& factor) {
    return usable(factor) && *factor > 0;
  };
  if (!mayBePhilips(series.manufacturer))
    return unexpected(NotAssessable(RefusalCode::UnitsUnsupported,
                                    "Units CNTS of a manufacturer other than Philips"));
  if (positive(series.philipsSuvFactor)) {
    SuvScaling scaling;
    scaling.suvBwPerUnit = *series.philipsSuvFactor;
    scaling.method = "Units CNTS x Philips SUV factor (7053,xx00)";
    noteUptakeIfKnown(scaling, series);
    return scaling;
  }
  if (!positive(series.philipsActivityFactor))
    return unexpected(NotAssessable(RefusalCode::UnitsUnsupported,
                                    "Units CNTS without a positive Philips factor (7053,xx00) or "
                                    "(7053,xx09)"));
  auto scaling = fromActivity(series);
  if (scaling) {
    scaling->suvBwPerUnit *= *series.philipsActivityFactor;
    scaling->method = "CNTS x Philips activity factor (7053,xx09), " + scaling->method;
  }
  return scaling;
}

tl::expected<SuvScaling, NotAssessable> byUnits(const PetSeries& series) {
  if (series.units == "GML") return fromSuvUnits(series);
  if (series.units == "CNTS") return fromCounts(series);
  if (series.units != "BQML")
    return unexpected(NotAssessable(RefusalCode::UnitsUnsupported,
                                    series.units.empty() ? "Units (0054,1001) is not given"
                                                         : "Units (0054,1001) is " + series.units));
  auto scaling = fromActivity(series);
  if (scaling) scaling->method = "BQML, " + scaling->method;
  return scaling;
}

}  // namespace

double suvBwPerBqPerMl(const BodyWeightSuv& suv) {
  const double halfLives = suv.decay.count() == 0 ? 0 : suv.decay / suv.halfLife;
  return suv.patientWeightKg * 1000.0 / (suv.injectedActivityBq * std::exp2(-halfLives));
}

double leanBodyMassKg(const LeanBodyMass& body) {
  const double bmi = body.patientWeightKg / (body.patientHeightM * body.patientHeightM);
  return body.sex == Sex::Male ? 9270 * body.patientWeightKg / (6680 + 216 * bmi)
                               : 9270 * body.patientWeightKg / (8780 + 244 * bmi);
}

tl::expected<SuvScaling, NotAssessable> suvScaling(const PetSeries& series) {
  if (!contains(series.correctedImage, "ATTN"))
    return unexpected(NotAssessable(RefusalCode::NotAttenuationCorrected,
                                    "CorrectedImage (0028,0051) lacks ATTN"));
  if (!contains(series.correctedImage, "DECY"))
    return unexpected(
        NotAssessable(RefusalCode::NotDecayCorrected, "CorrectedImage (0028,0051) lacks DECY"));
  if (series.decayCorrection == "NONE")
    return unexpected(
        NotAssessable(RefusalCode::NotDecayCorrected, "DecayCorrection (0054,1102) is NONE"));

  auto scaling = byUnits(series);
  if (!scaling) return scaling;
  // On the SUVbw scale whatever it came from, so that a Philips factor reaches SUL too.
  const auto sul = sulPerSuvBw(series);
  if (sul)
    scaling->sulPerSuvBw = *sul;
  else
    scaling->sulRefusal = sul.error();
  return scaling;
}

tl::expected<SuvVolume, NotAssessable> toSuvVolume(PetSeries&& series, const SuvScaling& scaling) {
  if (series.pixels.size() != series.geometry.voxelCount())
    return unexpected(NotAssessable(RefusalCode::UnreadableDicom,
                                    "the pixels do not fill the volume's geometry"));
  const auto factor = static_cast<float>(scaling.suvBwPerUnit);
  bool finite = true;
  for (float& value : series.pixels) {
    value *= factor;
    finite = finite && std::isfinite(value);
  }
  if (!finite)
    return unexpected(
        NotAssessable(RefusalCode::UnreadableDicom, "a pixel is not a finite number"));
  return SuvVolume{series.geometry, std::move(series.pixels)};
}

tl::expected<SuvVolume, NotAssessable> toSuvVolume(const PetSeries& series,
                                                   const SuvScaling& scaling) {
  PetSeries copy;
  copy.geometry = series.geometry;
  copy.pixels = series.pixels;
  return toSuvVolume(std::move(copy), scaling);
}

}  // namespace fedpet::imaging
