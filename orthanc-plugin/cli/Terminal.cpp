#include "orthanc-plugin/cli/Terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

namespace fedpet::plugin {
namespace {

constexpr int kNameWidth = 46;

std::string number(const Measurement& measurement) {
  const double value = *measurement.value;
  if (measurement.quantity == Quantity::LesionCount) return fmt::format("{:.0f}", value);
  const std::string_view unit = ucumUnit(measurement.quantity);
  if (unit == "{ratio}") return fmt::format("{:.2f}", value);
  // Which SUV it is stands in the title.
  const std::string_view shown = unit.starts_with("g/ml{") ? "g/ml" : unit;
  return fmt::format("{:.{}f} {}", value, value < 100 ? 2 : 1, shown);
}

void line(std::string& out, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "  {:<{}} {}\n", name, kNameWidth, text);
}

void heading(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "\n{}\n", text);
}

void wholeBody(std::string& out, const ResponseAssessment& assessment) {
  heading(out, "Whole body (" + assessment.lesionDefinition + ")");
  for (const Measurement& measurement : assessment.wholeBody)
    line(out, title(measurement.quantity),
         measurement.value ? number(measurement) : "refused: " + refusalLine(measurement.value.error()));
}

const Measurement* find(const Region& region, Quantity quantity) {
  for (const Measurement& measurement : region.measurements)
    if (measurement.quantity == quantity && measurement.value) return &measurement;
  return nullptr;
}

std::string cell(const Region& region, Quantity quantity) {
  const Measurement* found = find(region, quantity);
  return found ? fmt::format("{:.2f}", *found->value) : "-";
}

void lesions(std::string& out, const ResponseAssessment& assessment) {
  constexpr std::size_t kShown = 20;
  const auto isLesion = [](const Region& region) { return region.role == RegionRole::Lesion; };
  const auto count = static_cast<std::size_t>(
      std::count_if(assessment.regions.begin(), assessment.regions.end(), isLesion));
  if (count == 0) return;
  heading(out, fmt::format("Lesions ({})", count));
  fmt::format_to(std::back_inserter(out), "  {:<14} {:>10} {:>10} {:>10} {:>10} {:>12}\n", "", "MTV ml",
                 "SUVmax", "SUVpeak", "SUVmean", "glycolysis g");
  std::size_t shown = 0;
  for (const Region& region : assessment.regions) {
    if (!isLesion(region) || shown++ >= kShown) continue;
    fmt::format_to(std::back_inserter(out), "  {:<14} {:>10} {:>10} {:>10} {:>10} {:>12}\n",
                   region.name, cell(region, Quantity::MetabolicVolume),
                   cell(region, Quantity::SuvMax), cell(region, Quantity::SuvPeak),
                   cell(region, Quantity::SuvMean), cell(region, Quantity::Glycolysis));
  }
  if (count > kShown) line(out, fmt::format("and {} smaller ones (see the SR)", count - kShown), "");
}

void organs(std::string& out, const ResponseAssessment& assessment) {
  heading(out, "Reference and physiological regions");
  for (const Region& region : assessment.regions) {
    if (region.role == RegionRole::Lesion) continue;
    line(out, region.name,
         fmt::format("SUVmean {:>6}  SUVmax {:>6}  volume {:>8} ml  confidence {:.2f}",
                     cell(region, Quantity::SuvMean), cell(region, Quantity::SuvMax),
                     cell(region, Quantity::OrganVolume), region.confidence));
  }
  for (const MissingRegion& region : assessment.missingRegions)
    line(out, toString(region.organ), "not found: " + region.refusal.detail);
}

void percist(std::string& out, const ResponseAssessment& assessment) {
  if (!assessment.percist && !assessment.percistRefusal) return;
  heading(out, "PERCIST 1.0");
  if (assessment.percistRefusal) {
    line(out, "Reading", "refused: " + refusalLine(*assessment.percistRefusal));
    return;
  }
  line(out, "Measurable", assessment.percist->measurable ? "yes" : "no");
  for (const Measurement& measurement : assessment.percist->numbers)
    line(out, title(measurement.quantity),
         measurement.value ? number(measurement)
                           : "refused: " + refusalLine(measurement.value.error()));
}

std::string category(const tl::expected<MetabolicResponse, Refusal>& response) {
  if (!response) return "refused: " + refusalLine(response.error());
  return fmt::format("{} ({})", title(*response), toString(*response));
}

std::string dayOf(WallClock time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", int{day.year()}, unsigned{day.month()},
                     unsigned{day.day()});
}

void comparison(std::string& out, const ResponseAssessment& assessment) {
  if (!assessment.comparison) return;
  const Comparison& c = *assessment.comparison;
  heading(out, "Against the PET of " + dayOf(c.earlier.scannedAt));
  line(out, "PERCIST 1.0", category(c.percist));
  line(out, "iPERCIST", category(c.iPercist));
  for (const Measurement& change : c.changes)
    line(out, title(change.quantity), change.value ? fmt::format("{:+.1f} %", *change.value)
                                                   : "refused: " + refusalLine(change.value.error()));
  const auto count = [&](LesionFate fate) {
    return std::count_if(c.lesions.begin(), c.lesions.end(),
                         [&](const LesionChange& lesion) { return lesion.fate == fate; });
  };
  line(out, "Lesions",
       fmt::format("{} matched, {} new, {} no longer seen", count(LesionFate::Matched),
                   count(LesionFate::New), count(LesionFate::Resolved)));
  for (const std::string& reason : c.reasons) line(out, "", reason);
}

void predictions(std::string& out, const ResponseAssessment& assessment) {
  const ModelIdentity& model = assessment.model;
  heading(out, model.name.empty()
                   ? "Predicted response (no model)"
                   : fmt::format("Predicted response (model {} {}{})", model.name, model.version,
                                 model.trainedOnSyntheticData ? ", TRAINED ON SYNTHETIC DATA" : ""));
  for (const ResponsePrediction& prediction : assessment.predictions) {
    const std::string name =
        fmt::format("{}, {:.0f} months", title(prediction.endpoint), prediction.horizonMonths);
    if (!prediction.result) {
      line(out, name, "refused: " + refusalLine(prediction.result.error()));
      continue;
    }
    const Probability& p = *prediction.result;
    line(out, name, fmt::format("{:.0f} %  ({:.0f} % interval {:.0f} to {:.0f} %)  {}",
                                100 * p.probability, 100 * p.intervalLevel, 100 * p.lower,
                                100 * p.upper, prediction.event));
  }
}

}  // namespace

ProgressBar::ProgressBar(bool enabled) : visible_(enabled && isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (visible_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(std::string_view stage, int percent) {
  if (!visible_) return;
  constexpr int kCells = 30;
  const int full = std::clamp(percent, 0, 100) * kCells / 100;
  const std::string bar(static_cast<std::size_t>(full), '#');
  fmt::print(stderr, "\r\033[K[{:<{}}] {:>3} % {}", bar, kCells, percent, stage);
  std::fflush(stderr);
}

std::string refusalLine(const Refusal& refusal) {
  return fmt::format("{}: {}{} {}", toString(refusal.code), refusal.detail,
                     refusal.detail.empty() || refusal.detail.ends_with('.') ? "" : ".",
                     explain(refusal.code));
}

std::string assessmentTable(const ResponseAssessment& assessment) {
  std::string out = fmt::format("{}\n", kResearchUseOnly);
  const PetSeries& series = assessment.series;
  heading(out, "Source");
  line(out, "Patient", fmt::format("{} ({})", series.patient.patientName, series.patient.patientId));
  line(out, "Series", fmt::format("{} / {} / {} slices", series.study.studyDate,
                                  series.seriesDescription, series.slices.size()));
  if (assessment.suv) line(out, "SUV", assessment.suv->method);
  if (!assessment.refusals.empty()) {
    heading(out, "Cannot be assessed");
    for (const Refusal& refusal : assessment.refusals) line(out, refusalLine(refusal), "");
    return out;
  }
  wholeBody(out, assessment);
  percist(out, assessment);
  comparison(out, assessment);
  lesions(out, assessment);
  organs(out, assessment);
  predictions(out, assessment);
  std::vector<std::string> notes = assessment.warnings;
  if (assessment.comparison)
    notes.insert(notes.end(), assessment.comparison->warnings.begin(),
                 assessment.comparison->warnings.end());
  if (assessment.harmonisation) notes.push_back(assessment.harmonisation->statement);
  if (!notes.empty()) heading(out, "Please note");
  for (const std::string& note : notes)
    fmt::format_to(std::back_inserter(out), "  - {}\n", note);
  return out;
}

}  // namespace fedpet::plugin
