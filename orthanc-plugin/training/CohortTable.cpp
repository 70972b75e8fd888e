#include "orthanc-plugin/training/CohortTable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace fedpet::plugin {
namespace {

using federation::EndpointKind;
using federation::Feature;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Faults are counted by kind of fault, and only the first few of a kind are told.
class Faults {
 public:
  void add(const std::string& kind, std::string sentence) {
    constexpr int kShown = 4;
    if (const int count = ++counts_[kind]; count <= kShown)
      sentences_.push_back(std::move(sentence));
    else if (count == kShown + 1)
      more_.emplace_back(kind, sentences_.size());
  }
  void throwIfAny() {
    if (sentences_.empty()) return;
    for (auto kind = more_.rbegin(); kind != more_.rend(); ++kind)
      sentences_.insert(sentences_.begin() + static_cast<std::ptrdiff_t>(kind->second),
                        fmt::format("... and {} more rows like this.", counts_[kind->first] - 4));
    throw TableError(std::move(sentences_));
  }

 private:
  std::map<std::string, int> counts_;
  std::vector<std::string> sentences_;
  std::vector<std::pair<std::string, std::size_t>> more_;  // where the count is told
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// nullopt: not a finite number.
std::optional<double> numberOf(std::string_view text, bool decimalComma) {
  std::string cell(trimmed(text));
  if (decimalComma) std::replace(cell.begin(), cell.end(), ',', '.');
  const char* begin = cell.data() + (cell.starts_with('+') ? 1 : 0);
  double number = 0;
  const auto [end, error] = std::from_chars(begin, cell.data() + cell.size(), number);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

// One column of the table, by name.
class Column {
 public:
  Column(const CsvTable& table, const std::string& name)
      : table_(table), name_(name), index_(table.indexOf(name)) {}

  const std::string& name() const { return name_; }
  std::string_view cell(std::size_t row) const { return trimmed(table_.rows[row].cells[index_]); }
  bool missing(std::size_t row) const { return isMissing(cell(row)); }
  std::size_t line(std::size_t row) const { return table_.rows[row].line; }
  // A comma is the decimal sign where it does not separate cells and no cell has a point.
  bool decimalComma() const {
    if (table_.separator == ',') return false;
    bool comma = false;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      if (cell(row).find('.') != std::string_view::npos && !missing(row)) return false;
      comma = comma || cell(row).find(',') != std::string_view::npos;
    }
    return comma;
  }
  // "column "age", line 17: "sixty"": how every sentence about a cell begins.
  std::string at(std::size_t row) const {
    return fmt::format("column \"{}\", line {}: \"{}\"", name_, line(row), cell(row));
  }

 private:
  const CsvTable& table_;
  std::string name_;
  std::size_t index_;
};

// --- features -----------------------------------------------------------------------------------

struct FeatureReading {
  Feature feature;
  std::vector<double> values;  // by row
};

struct NumbersOf {
  std::vector<double> values;      // by row
  std::vector<std::size_t> texts;  // rows that are neither number nor missing
  std::size_t numbers = 0;
};
NumbersOf numbersOf(const Column& column, std::size_t rows) {
  const bool decimalComma = column.decimalComma();
  NumbersOf found{std::vector<double>(rows, kMissing), {}, 0};
  for (std::size_t row = 0; row < rows; ++row) {
    if (column.missing(row)) continue;
    if (const auto number = numberOf(column.cell(row), decimalComma)) {
      found.values[row] = *number;
      ++found.numbers;
    } else {
      found.texts.push_back(row);
    }
  }
  return found;
}

class FeatureReader {
 public:
  FeatureReader(const CsvTable& table, const CohortQuestion& question,
                const std::vector<bool>& trains, Faults& faults, std::vector<std::string>& notes)
      : table_(table), question_(question), trains_(trains), faults_(faults), notes_(notes) {}

  FeatureReading read(const Feature& asked) {
    const Column column(table_, asked.name);
    const bool fixedText = !asked.categories.empty();
    if (!fixedText && !question_.categorical.contains(asked.name)) {
      NumbersOf numbers = numbersOf(column, table_.rows.size());
      if (numbers.numbers == 0 && numbers.texts.empty()) {
        faults_.add("empty " + asked.name,
                    fmt::format("column \"{}\" has no value at all. Leave it out of the features.",
                                asked.name));
        return {asked, std::move(numbers.values)};
      }
      // A few texts among numbers are slips of the pen, not categories.
      const bool meantAsNumbers = numbers.numbers >= 4 * numbers.texts.size();
      if (!question_.findCategories || meantAsNumbers) {
        for (const std::size_t row : numbers.texts) refuseText(column, row, numbers);
        return {asked, std::move(numbers.values)};
      }
    }
    return categories(column, asked);
  }

 private:
  void refuseText(const Column& column, std::size_t row, const NumbersOf& numbers) {
    const bool comma = column.cell(row).find(',') != std::string_view::npos;
    faults_.add(
        "text " + column.name(),
        fmt::format("{} is not a number, as {} other cells of the column are. {}", column.at(row),
                    numbers.numbers,
                    comma ? "Write decimal fractions with a point."
                          : "Correct it, leave the cell empty (missing), or name the column "
                            "as categorical."));
  }

  FeatureReading categories(const Column& column, Feature feature) {
    if (feature.categories.empty()) feature.categories = categoriesFound(column);
    if (feature.categories.size() > kMaxCategories) {
      faults_.add(
          "many " + feature.name,
          fmt::format("column \"{}\" holds {} different texts (\"{}\", \"{}\", ...); at most "
                      "{} can be told apart as categories. Group them, or leave the column "
                      "out of the features.",
                      feature.name, feature.categories.size(), feature.categories[0],
                      feature.categories[1], kMaxCategories));
      feature.categories.clear();
    }
    std::vector<double> values = indicesOf(column, feature);
    if (question_.referenceCategory && feature.reference.empty()) dropReference(feature, values);
    return {std::move(feature), std::move(values)};
  }

  std::vector<double> indicesOf(const Column& column, const Feature& feature) {
    std::vector<double> values(table_.rows.size(), kMissing);
    std::set<std::string> unknown;
    std::size_t unknownRows = 0;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      if (column.missing(row)) continue;
      const auto& all = feature.categories;
      const auto at = std::find(all.begin(), all.end(), column.cell(row));
      if (at != all.end()) {
        values[row] = static_cast<double>(at - all.begin());
      } else if (!feature.reference.empty() && column.cell(row) == feature.reference) {
        values[row] = -1;
      } else {
        unknown.emplace(column.cell(row));
        ++unknownRows;
      }
    }
    if (unknownRows > 0 && !feature.categories.empty())
      notes_.push_back(fmt::format(
          "Column \"{}\": {} rows have a category that {} (\"{}\"); they count as missing.",
          feature.name, unknownRows,
          question_.findCategories ? "no training row has" : "the plan does not know",
          fmt::join(unknown, "\", \"")));
    return values;
  }

  void dropReference(Feature& feature, std::vector<double>& values) {
    if (feature.categories.size() < 2) {
      faults_.add("constant", fmt::format("column \"{}\" holds one text only: leave it out of the "
                                          "features.",
                                          feature.name));
      return;
    }
    notes_.push_back(fmt::format("Column \"{}\": \"{}\" is the reference category.", feature.name,
                                 feature.categories.front()));
    feature.reference = feature.categories.front();
    feature.categories.erase(feature.categories.begin());
    for (double& value : values) value -= 1;
  }

  std::vector<std::string> categoriesFound(const Column& column) const {
    std::set<std::string> found;
    for (std::size_t row = 0; row < table_.rows.size(); ++row)
      if (trains_[row] && !column.missing(row)) found.emplace(column.cell(row));
    return {found.begin(), found.end()};
  }

  const CsvTable& table_;
  const CohortQuestion& question_;
  const std::vector<bool>& trains_;
  Faults& faults_;
  std::vector<std::string>& notes_;
};

// --- the outcome --------------------------------------------------------------------------------

std::optional<bool> truthOf(std::string_view cell) {
  const auto number = numberOf(cell, true);
  if (number == 0 || number == 1) return *number == 1;
  std::string lower(cell);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

struct Outcome {
  bool known = false, event = false;
  double time = 0;
};

std::vector<Outcome> outcomesOf(const CsvTable& table, const CohortQuestion& question,
                                Faults& faults) {
  const bool survival = question.endpoint.kind == EndpointKind::Survival;
  const Column event(table, survival ? question.endpoint.eventColumn : question.endpoint.column);
  std::optional<Column> time;
  if (survival) time.emplace(table, question.endpoint.timeColumn);
  const bool decimalComma = time && time->decimalComma();

  std::vector<Outcome> outcomes(table.rows.size());
  for (std::size_t row = 0; row < outcomes.size(); ++row) {
    Outcome& outcome = outcomes[row];
    if (event.missing(row) || (time && time->missing(row))) continue;
    outcome.known = true;
    if (const auto truth = truthOf(event.cell(row)))
      outcome.event = *truth;
    else
      faults.add("event", fmt::format("{} is neither 0 nor 1. Write 1 for {} and 0 for {}.",
                                      event.at(row), survival ? "the event" : "the outcome",
                                      survival ? "no event until then (censored)" : "its absence"));
    if (!time) continue;
    const auto duration = numberOf(time->cell(row), decimalComma);
    if (duration && *duration > 0)
      outcome.time = *duration;
    else
      faults.add("time",
                 fmt::format("{} is not a time above 0. Leave the cell empty when follow-up is "
                             "unknown, or write half a time unit for an event on the first day.",
                             time->at(row)));
  }
  return outcomes;
}

// --- who trains, who tests ----------------------------------------------------------------------

std::uint64_t mixed(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Within each site and outcome the rows with the smallest keys test, and the keys come of the seed
// and the row: the same on every platform.
void drawTestRows(const std::map<std::pair<std::string, bool>, std::vector<std::size_t>>& strata,
                  double testShare, std::uint64_t seed, std::vector<bool>& trains) {
  for (const auto& [unused, members] : strata) {
    std::vector<std::size_t> rows = members;
    const auto key = [&](std::size_t row) { return mixed(mixed(seed) ^ mixed(row + 1)); };
    std::sort(rows.begin(), rows.end(), [&](auto a, auto b) { return key(a) < key(b); });
    const auto count =
        static_cast<std::size_t>(std::floor(testShare * static_cast<double>(rows.size()) + 0.5));
    for (std::size_t i = 0; i < count; ++i) trains[rows[i]] = false;
  }
}

std::vector<bool> trainingRows(const CsvTable& table, const CohortQuestion& question,
                               const std::vector<Outcome>& outcomes,
                               const std::optional<Column>& site, Faults& faults) {
  std::vector<bool> trains(table.rows.size(), true);
  if (question.splitColumn.empty()) {
    std::map<std::pair<std::string, bool>, std::vector<std::size_t>> strata;
    for (std::size_t row = 0; row < table.rows.size(); ++row)
      if (outcomes[row].known)
        strata[{site ? std::string(site->cell(row)) : "", outcomes[row].event}].push_back(row);
    drawTestRows(strata, question.testShare, question.seed, trains);
    return trains;
  }
  const Column split(table, question.splitColumn);
  std::set<std::string> values;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    trains[row] = split.cell(row) == question.trainValue;
    if (values.size() < kMaxCategories) values.emplace(split.cell(row));
  }
  if (std::find(trains.begin(), trains.end(), true) == trains.end())
    faults.add("split",
               fmt::format("column \"{}\" holds no \"{}\", so nobody would train. It holds "
                           "\"{}\": say with --train-value which of them trains.",
                           split.name(), question.trainValue, fmt::join(values, "\", \"")));
  return trains;
}

// --- all together -------------------------------------------------------------------------------

// Numbers by value before texts by letters, so that site 10 comes after site 9.
bool siteBefore(const std::string& a, const std::string& b) {
  const auto left = numberOf(a, false), right = numberOf(b, false);
  if (left && right && *left != *right) return *left < *right;
  if (left.has_value() != right.has_value()) return left.has_value();
  return a < b;
}

void requireDistinctRoles(const CohortQuestion& question) {
  Faults faults;
  std::set<std::string> names;
  const std::map<std::string, std::string> roles{
      {question.siteColumn, "the site column"},
      {question.splitColumn, "the split column"},
      {question.endpoint.column, "the outcome"},
      {question.endpoint.timeColumn, "the time of the outcome"},
      {question.endpoint.eventColumn, "the outcome"}};
  for (const Feature& feature : question.features) {
    if (!names.insert(feature.name).second)
      faults.add("twice", fmt::format("Feature \"{}\" is named twice.", feature.name));
    if (const auto role = roles.find(feature.name); role != roles.end() && !feature.name.empty())
      faults.add("role", fmt::format("Column \"{}\" is {}: it cannot be a feature too.",
                                     feature.name, role->second));
  }
  if (question.features.empty()) faults.add("none", "No feature is named.");
  for (const std::string& name : question.categorical)
    if (!names.contains(name))
      faults.add("categorical",
                 fmt::format("Column \"{}\" is named as categorical but is no feature.", name));
  faults.throwIfAny();
}

// Every column that is asked for must exist: all that do not are told at once.
void requireColumns(const CsvTable& table, const CohortQuestion& question) {
  std::vector<std::string> names{question.siteColumn, question.splitColumn,
                                 question.endpoint.column, question.endpoint.timeColumn,
                                 question.endpoint.eventColumn};
  for (const Feature& feature : question.features) names.push_back(feature.name);
  std::vector<std::string> problems;
  for (const std::string& name : names) try {
      if (!name.empty()) table.indexOf(name);
    } catch (const TableError& error) {
      problems.insert(problems.end(), error.problems.begin(), error.problems.end());
    }
  if (!problems.empty()) throw TableError(std::move(problems));
}

void requireSites(const CsvTable& table, const std::optional<Column>& site, Faults& faults) {
  if (!site) return;
  std::map<std::string, std::size_t> sizes;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (site->missing(row))
      faults.add("site", fmt::format("column \"{}\", line {}: the site is missing. Every row needs "
                                     "one.",
                                     site->name(), site->line(row)));
    else
      ++sizes[std::string(site->cell(row))];
  }
  if (sizes.size() > 2 && 2 * sizes.size() > table.rows.size())
    faults.add("sites", fmt::format("column \"{}\" holds {} different values in {} rows: is it "
                                    "really the one that names the sites?",
                                    site->name(), sizes.size(), table.rows.size()));
}

// --- towards the federation ---------------------------------------------------------------------

std::vector<std::string> columnsOf(const CohortTable& table) {
  federation::Plan plan;
  plan.features = table.features;
  return federation::columnsOf(plan);
}

void appendOneHot(std::vector<double>& row, const Feature& feature, double value) {
  if (feature.categories.empty()) {
    row.push_back(value);
    return;
  }
  for (std::size_t i = 0; i < feature.categories.size(); ++i)
    row.push_back(std::isnan(value) ? kMissing : value == static_cast<double>(i) ? 1 : 0);
}

void append(federation::Cohort& cohort, const CohortTable& table, const TablePatient& patient) {
  for (std::size_t i = 0; i < table.features.size(); ++i)
    appendOneHot(cohort.features, table.features[i], patient.values[i]);
  if (table.endpoint.kind == EndpointKind::Binary) {
    cohort.label.push_back(patient.event ? 1 : 0);
  } else {
    cohort.time.push_back(patient.time);
    cohort.event.push_back(patient.event ? 1 : 0);
  }
  ++cohort.rows;
}

}  // namespace

federation::Cohort cohortOf(const CohortTable& table, const TableSite& site, Part part) {
  federation::Cohort cohort;
  cohort.names = columnsOf(table);
  for (const TablePatient& patient : site.patients)
    if (patient.trains == (part == Part::Train)) append(cohort, table, patient);
  return cohort;
}

federation::Cohort pooledCohortOf(const CohortTable& table, Part part) {
  federation::Cohort cohort;
  cohort.names = columnsOf(table);
  for (const TableSite& site : table.sites)
    for (const TablePatient& patient : site.patients)
      if (patient.trains == (part == Part::Train)) append(cohort, table, patient);
  return cohort;
}

CohortTable readCohort(const CsvTable& table, const CohortQuestion& question) {
  requireDistinctRoles(question);
  requireColumns(table, question);
  Faults faults;
  CohortTable cohort;
  cohort.endpoint = question.endpoint;
  std::optional<Column> site;
  if (!question.siteColumn.empty()) site.emplace(table, question.siteColumn);
  requireSites(table, site, faults);
  const std::vector<Outcome> outcomes = outcomesOf(table, question, faults);
  const std::vector<bool> trains = trainingRows(table, question, outcomes, site, faults);

  FeatureReader reader(table, question, trains, faults, cohort.notes);
  std::vector<FeatureReading> readings;
  for (const Feature& feature : question.features) readings.push_back(reader.read(feature));
  faults.throwIfAny();
  for (const FeatureReading& reading : readings) cohort.features.push_back(reading.feature);

  std::map<std::string, std::vector<TablePatient>, decltype(&siteBefore)> sites(&siteBefore);
  std::size_t withoutOutcome = 0;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (!outcomes[row].known) {
      ++withoutOutcome;
      continue;
    }
    TablePatient patient{
        table.rows[row].line, {}, outcomes[row].event, outcomes[row].time, trains[row]};
    for (const FeatureReading& reading : readings) patient.values.push_back(reading.values[row]);
    sites[site ? std::string(site->cell(row)) : ""].push_back(std::move(patient));
  }
  if (withoutOutcome > 0)
    cohort.notes.push_back(
        fmt::format("{} rows without a known outcome are left out.", withoutOutcome));
  if (sites.empty()) throw TableError({"No row has a known outcome."});
  for (auto& [name, patients] : sites) cohort.sites.push_back({name, std::move(patients)});
  return cohort;
}

}  // namespace fedpet::plugin
