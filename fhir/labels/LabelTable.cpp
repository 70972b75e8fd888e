#include "fhir/labels/LabelTable.h"

#include <array>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace fedpet::fhir {
namespace {

using Cells = std::map<std::string, std::string>;

std::string number(double value) {
  std::array<char, 40> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), std::round(value * 1e6) / 1e6);
  return {text.data(), error == std::errc{} ? end : text.data()};
}

template <typename T>
std::string cellOf(const std::optional<T>& value) {
  if (!value) return {};
  if constexpr (std::is_same_v<T, bool>)
    return *value ? "1" : "0";
  else if constexpr (std::is_integral_v<T>)
    return std::to_string(*value);
  else
    return number(*value);
}

void putTime(Cells& cells, const char* months, const char* event,
             const std::optional<FollowedTime>& time) {
  cells[months] = time ? number(time->months) : "";
  cells[event] = time ? (time->eventObserved ? "1" : "0") : "";
}

// Reads cells, and turns what is wrong into conflicts.
class RowReader {
 public:
  RowReader(const Cells& cells, std::string where, PatientLabels& labels)
      : cells_(cells), where_(std::move(where)), labels_(labels) {}

  std::optional<double> numberIn(const char* name, double low, double high) {
    const std::string text = cell(name);
    if (text.empty()) return std::nullopt;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
      const bool comma = text.find(',') != std::string::npos;
      wrong(name,
            comma ? "is not a number; write decimal fractions with a point" : "is not a number");
      return std::nullopt;
    }
    if (value < low || value > high) {
      wrong(name, "is outside " + number(low) + " to " + number(high) + ": a wrong unit?");
      return std::nullopt;
    }
    keep(name);
    return value;
  }

  std::optional<bool> truthOf(const char* name) {
    const std::string text = cell(name);
    if (text.empty()) return std::nullopt;
    if (text != "0" && text != "1") {
      wrong(name, "is neither 0 nor 1");
      return std::nullopt;
    }
    keep(name);
    return text == "1";
  }

  std::optional<FollowedTime> timeOf(const char* months, const char* event) {
    constexpr double kLongest = 600;
    const auto length = numberIn(months, 1e-6, kLongest);
    const auto happened = truthOf(event);
    if (length && happened) return FollowedTime{*length, *happened};
    if (!cell(months).empty() || !cell(event).empty())
      contradict(months,
                 std::string(months) + " and " + event + " belong together: give both, or none");
    return std::nullopt;
  }

  std::optional<Criterion> criterionOf() {
    const std::string text = cell(column::kCriterion);
    if (text.empty()) return std::nullopt;
    for (const auto c : {Criterion::Clinical, Criterion::Recist, Criterion::IRecist})
      if (text == toString(c)) return c;
    wrong(column::kCriterion, "is none of clinical, recist, irecist");
    return std::nullopt;
  }

  void contradict(const char* name, std::string why) {
    labels_.evidence.erase(name);
    labels_.conflicts.push_back(
        {ConflictKind::Consistency, name, std::move(why), {evidence(name)}});
  }

 private:
  std::string cell(const char* name) const {
    const auto found = cells_.find(name);
    return found == cells_.end() ? std::string() : found->second;
  }
  Evidence evidence(const char* name) const {
    Evidence from;
    from.resource = where_;
    from.code = name;
    from.value = cell(name).substr(0, 60);
    return from;
  }
  void keep(const char* name) { labels_.evidence[name] = {evidence(name)}; }
  void wrong(const char* name, const std::string& why) {
    labels_.conflicts.push_back({ConflictKind::NeedsReview,
                                 name,
                                 "\"" + cell(name).substr(0, 60) + "\" " + why,
                                 {evidence(name)}});
  }

  const Cells& cells_;
  std::string where_;
  PatientLabels& labels_;
};

// Death is an event of progression-free survival, which ends with it at the latest.
void checkSurvival(RowReader& row, PatientLabels& labels) {
  constexpr double kRounding = 0.1;  // months: tables are rounded
  auto &pfs = labels.progressionFreeSurvival, &os = labels.overallSurvival;
  if (!pfs || !os) return;
  if (pfs->months > os->months + kRounding) {
    row.contradict(column::kPfsMonths, "progression-free survival is longer than survival");
    pfs.reset();
    os.reset();
  } else if (os->eventObserved && !pfs->eventObserved) {
    row.contradict(column::kPfsEvent,
                   "the patient died: death is an event of progression-free survival");
    pfs.reset();
  }
}

void checkBenefit(RowReader& row, const LabelRules& rules, PatientLabels& labels) {
  const auto& pfs = labels.progressionFreeSurvival;
  auto& benefit = labels.durableClinicalBenefit;
  if (!pfs) return;
  const auto derived = eventFreeAt(pfs, rules.benefitMonths);
  if (benefit && !derived)
    row.contradict(column::kDcb, "followed for " + number(pfs->months) +
                                     " months without progression: nobody can know "
                                     "yet; a censored patient is left out, never counted");
  else if (benefit && *benefit != *derived)
    row.contradict(column::kDcb, "it contradicts progression-free survival");
  const bool agrees = !benefit || (derived && *benefit == *derived);
  benefit = agrees ? derived : std::nullopt;
}

}  // namespace

const std::vector<std::string>& labelColumns() {
  static const std::vector<std::string> columns{
      column::kDcb,      column::kPfsMonths, column::kPfsEvent, column::kOsMonths, column::kOsEvent,
      column::kResponse, column::kCriterion, column::kAge,      column::kMale,     column::kEcog,
      column::kPdl1,     column::kLdh,       column::kNlr,      column::kDNlr,     column::kAlbumin,
      column::kSmoker,   column::kSteroids,  column::kLiver};
  return columns;
}

Cells labelCells(const PatientLabels& labels) {
  Cells cells;
  const ClinicalCovariates& c = labels.baseline;
  cells[column::kDcb] = cellOf(labels.durableClinicalBenefit);
  putTime(cells, column::kPfsMonths, column::kPfsEvent, labels.progressionFreeSurvival);
  putTime(cells, column::kOsMonths, column::kOsEvent, labels.overallSurvival);
  cells[column::kResponse] = cellOf(labels.objectiveResponse);
  cells[column::kCriterion] = labels.criterion ? std::string(toString(*labels.criterion)) : "";
  cells[column::kAge] = cellOf(c.ageYears);
  cells[column::kMale] = cellOf(c.male);
  cells[column::kEcog] = cellOf(c.ecog);
  cells[column::kPdl1] = cellOf(c.pdl1TpsPercent);
  cells[column::kLdh] = cellOf(c.ldhPerUln);
  cells[column::kNlr] = cellOf(c.nlr);
  cells[column::kDNlr] = cellOf(c.dNlr);
  cells[column::kAlbumin] = cellOf(c.albuminGPerDl);
  cells[column::kSmoker] = cellOf(c.smoker);
  cells[column::kSteroids] = cellOf(c.steroids);
  cells[column::kLiver] = cellOf(c.liverMetastases);
  return cells;
}

std::string csvCell(std::string_view text) {
  if (text.find_first_of(",\"\r\n;") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

PatientLabels labelsFromCells(const Cells& cells, const std::string& where,
                              const LabelRules& rules) {
  PatientLabels labels;
  if (const auto found = cells.find("subject_id"); found != cells.end())
    labels.subjectId = found->second;
  if (const auto found = cells.find("centre"); found != cells.end()) labels.centre = found->second;
  RowReader row(cells, where, labels);
  if (labels.subjectId.empty()) {
    labels.excluded.emplace_back("the row has no subject_id");
    row.contradict("subject_id", "the row has no subject_id");
  }
  labels.progressionFreeSurvival = row.timeOf(column::kPfsMonths, column::kPfsEvent);
  labels.overallSurvival = row.timeOf(column::kOsMonths, column::kOsEvent);
  labels.durableClinicalBenefit = row.truthOf(column::kDcb);
  labels.objectiveResponse = row.truthOf(column::kResponse);
  labels.criterion = row.criterionOf();
  if (labels.objectiveResponse && labels.criterion == Criterion::Clinical) {
    row.contradict(column::kResponse, "an objective response is judged by RECIST");
    labels.objectiveResponse.reset();
  }
  checkSurvival(row, labels);
  checkBenefit(row, rules, labels);

  // The limits of the model's inputs (models/response/ModelInputs.cpp).
  ClinicalCovariates& c = labels.baseline;
  c.ageYears = row.numberIn(column::kAge, 18, 110);
  c.male = row.truthOf(column::kMale);
  c.pdl1TpsPercent = row.numberIn(column::kPdl1, 0, 100);
  c.ldhPerUln = row.numberIn(column::kLdh, 0.1, 40);
  c.nlr = row.numberIn(column::kNlr, 0.05, 200);
  c.dNlr = row.numberIn(column::kDNlr, 0.05, 100);
  c.albuminGPerDl = row.numberIn(column::kAlbumin, 0.8, 6.5);
  c.smoker = row.truthOf(column::kSmoker);
  c.steroids = row.truthOf(column::kSteroids);
  c.liverMetastases = row.truthOf(column::kLiver);
  if (const auto ecog = row.numberIn(column::kEcog, 0, 4)) {
    if (*ecog == std::floor(*ecog))
      c.ecog = static_cast<int>(*ecog);
    else
      row.contradict(column::kEcog, "an ECOG status is a whole number");
  }
  return labels;
}

}  // namespace fedpet::fhir
