#include "orthanc-plugin/cli/FederateOptions.h"

#include "federation/privacy/RdpAccountant.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>
#include <utility>

namespace fedpet::plugin {
namespace {

using federation::EndpointKind;
using federation::NoiseKind;
using federation::Plan;
using federation::PlanEndpoint;
using federation::Strategy;

// Names between commas, as one row of CSV: a name with a comma stands in quotation marks.
std::vector<std::string> namesIn(const std::string& list) {
  if (list.empty()) return {};
  std::vector<std::string> names = parseCsv(list + "\n" + list + "\n", ',').columns;
  std::erase(names, "");
  return names;
}

// "binary:COL" or "survival:TIME,EVENT"; nullopt: neither.
std::optional<PlanEndpoint> endpointOf(const std::string& text) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
  const std::string rest = text.substr(colon + 1);
  PlanEndpoint endpoint;
  if (kind == "binary") {
    endpoint.column = rest;
    return endpoint;
  }
  const std::vector<std::string> columns = namesIn(rest);
  if (kind != "survival" || columns.size() != 2) return std::nullopt;
  endpoint.kind = EndpointKind::Survival;
  endpoint.timeColumn = columns[0];
  endpoint.eventColumn = columns[1];
  endpoint.timeUnit = "1";  // the table does not tell
  return endpoint;
}

template <typename Number>
std::optional<Number> numberIn(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "linear" or "mlp:16,8".
std::optional<federation::ModelPlan> modelOf(const std::string& text) {
  federation::ModelPlan model;
  if (text == "linear") return model;
  if (!text.starts_with("mlp:")) return std::nullopt;
  model.architecture = "mlp";
  std::string_view rest = std::string_view(text).substr(4);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    const auto units = numberIn<int>(item);
    if (!units || *units < 1 || *units > 4096) return std::nullopt;
    model.hiddenUnits.push_back(*units);
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
  }
  return model.hiddenUnits.empty() ? std::nullopt : std::optional(model);
}

// "epsilon=1,delta=1e-5[,clip=1][,rate=0.1][,distributed]".
std::optional<federation::PrivacyTerms> privacyOf(const std::string& text) {
  federation::PrivacyTerms terms;
  terms.noise = NoiseKind::Local;
  const std::map<std::string_view, double*> members{{"epsilon", &terms.epsilon},
                                                    {"delta", &terms.delta},
                                                    {"clip", &terms.clipNorm},
                                                    {"rate", &terms.sampleRate}};
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    if (item == "distributed") {
      terms.noise = NoiseKind::Distributed;
      continue;
    }
    const auto equals = std::min(item.find('='), item.size());
    const auto member = members.find(item.substr(0, equals));
    if (member == members.end() || equals == item.size()) return std::nullopt;
    const auto value = numberIn<double>(item.substr(equals + 1));
    if (!value || !(*value > 0)) return std::nullopt;
    *member->second = *value;
  }
  const bool sensible = terms.epsilon > 0 && terms.delta > 0 && terms.delta < 1 &&
                        terms.sampleRate > 0 && terms.sampleRate <= 1;
  return sensible ? std::optional(terms) : std::nullopt;
}

const std::map<std::string, Strategy> kStrategies{
    {"fedavg", Strategy::FedAvg},     {"fedprox", Strategy::FedProx},
    {"scaffold", Strategy::Scaffold}, {"fedadam", Strategy::FedAdam},
    {"fedyogi", Strategy::FedYogi},   {"fedadagrad", Strategy::FedAdagrad}};

bool isAdaptive(Strategy strategy) {
  return strategy == Strategy::FedAdam || strategy == Strategy::FedYogi ||
         strategy == Strategy::FedAdagrad;
}

template <typename Parser>
CLI::Validator readableBy(Parser parser, const std::string& form) {
  return CLI::Validator(
      [parser, form](const std::string& text) -> std::string {
        return parser(text) ? "" : fmt::format("\"{}\" is not of the form {}", text, form);
      },
      form);
}

void addTableOptions(CLI::App& command, FederateOptions& o) {
  command.add_option("--csv", o.csv, "The table: CSV with a header; separator found out")
      ->required();
  command.add_option("--site-column", o.siteColumn, "Column that names each row's site")
      ->required();
  command.add_option("--endpoint", o.endpoint, "The outcome: 0 or 1, or a time and its event")
      ->required()
      ->check(readableBy(endpointOf, "binary:COL | survival:TIME,EVENT"));
  command
      .add_option("--features", o.features,
                  "Columns between commas, or '*' for every column without another role")
      ->required();
  command.add_option("--except", o.except, "Columns that '*' leaves out, such as identifiers");
  command.add_option("--categorical", o.categorical,
                     "Features whose numbers are codes; columns of text are found by themselves");
  command.add_option("--split-column", o.splitColumn,
                     "Column that tells who trains; without, a quarter of each site's patients is "
                     "drawn to test, by the seed, within each outcome");
  command.add_option("--train-value", o.trainValue, "Its value of those who train")
      ->capture_default_str();
}

void addTrainingOptions(CLI::App& command, FederateOptions& o) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : kStrategies) names.push_back(name);
  command.add_option("--architecture", o.architecture, "The model")
      ->capture_default_str()
      ->check(readableBy(modelOf, "linear | mlp:UNITS,UNITS..."));
  command.add_option("--strategy", o.strategy, "How updates become a model")
      ->capture_default_str()
      ->check(CLI::IsMember(names));
  command.add_option("--rounds", o.rounds, "Rounds of training")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command
      .add_option("--local-steps", o.localSteps,
                  "Minibatches of a site in one round; default 20, or 1 with distributed noise")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--batch-size", o.batchSize, "Patients of a minibatch")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command.add_option("--client-lr", o.clientRate, "Learning rate at the sites (SGD)")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command
      .add_option("--server-lr", o.serverRate,
                  "Learning rate of the server; default 1, or 0.1 for fedadam, fedyogi, fedadagrad")
      ->check(CLI::PositiveNumber);
  command.add_option("--mu", o.mu, "Proximal term of fedprox")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--l2", o.l2, "Penalty on the weights")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--beta1", o.beta1, "Adaptive servers")->capture_default_str();
  command.add_option("--beta2", o.beta2, "Adaptive servers")->capture_default_str();
  command.add_option("--tau", o.tau, "Adaptive servers")->capture_default_str();
  command.add_flag("--newton", o.newton,
                   "Exact logistic or Cox regression on summed gradients and Hessians instead of "
                   "training rounds; sites keep their own baseline hazard");
}

}  // namespace

void addOptions(CLI::App& command, FederateOptions& o) {
  addTableOptions(command, o);
  addTrainingOptions(command, o);
  command.add_flag("--secure", o.secure, "Secure aggregation: the coordinator sees sums alone");
  command.add_flag("--ring32", o.ring32, "With --secure: 32-bit words, half the traffic")
      ->needs("--secure");
  command
      .add_option("--dp", o.noise,
                  "Differential privacy of every patient: clipped gradients and Gaussian noise "
                  "within this budget; distributed: the sites' noise adds up to it (with --secure)")
      ->check(readableBy(privacyOf, "epsilon=E,delta=D[,clip=C][,rate=R][,distributed]"));
  command
      .add_option("--seed", o.seed, "Of the split, the start, the minibatches and the bootstrap")
      ->capture_default_str();
  command.add_option("--bootstrap", o.bootstrap, "Resamples of the 95 % intervals")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000));
  command.add_flag("--no-baselines", o.withoutBaselines,
                   "Leave out training on each site alone and on all data together");
  command.add_option(
      "--keep", o.keep,
      "New folder for keys, databases, logs and the model; without, they are removed "
      "at the end");
  command.add_flag("--json", o.json, "Print JSON");
}

CohortQuestion questionOf(const FederateOptions& o, const CsvTable& table) {
  CohortQuestion question;
  question.siteColumn = o.siteColumn;
  question.endpoint = endpointOf(o.endpoint).value();
  question.splitColumn = o.splitColumn;
  question.trainValue = o.trainValue;
  question.seed = o.seed;
  question.referenceCategory = o.newton;
  for (const std::string& name : namesIn(o.categorical)) question.categorical.insert(name);

  const std::vector<std::string> except = namesIn(o.except);
  for (const std::string& name : except) table.indexOf(name);
  const std::vector<std::string> taken{o.siteColumn, o.splitColumn, question.endpoint.column,
                                       question.endpoint.timeColumn, question.endpoint.eventColumn};
  const auto isIn = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::string& name : namesIn(o.features)) {
    if (name != "*") {
      question.features.push_back({name, "", {}});
      continue;
    }
    for (const std::string& column : table.columns)
      if (!column.empty() && !isIn(taken, column) && !isIn(except, column))
        question.features.push_back({column, "", {}});
  }
  return question;
}

Plan planOf(const FederateOptions& o, const CohortTable& table) {
  Plan plan;
  plan.title = fmt::format("fedpet federate {}", o.csv.filename().string());
  plan.purpose = "research";
  plan.task = o.newton ? federation::TaskKind::Newton : federation::TaskKind::Train;
  plan.model = modelOf(o.architecture).value();
  plan.features = table.features;
  plan.endpoint = table.endpoint;
  plan.seed = o.seed;
  plan.masking = !o.secure  ? federation::Masking::None
                 : o.ring32 ? federation::Masking::Ring32
                            : federation::Masking::Ring64;
  plan.training.strategy = kStrategies.at(o.strategy);
  plan.training.rounds = o.rounds;
  plan.training.batchSize = o.batchSize;
  plan.training.clientLearningRate = o.clientRate;
  plan.training.serverLearningRate =
      o.serverRate.value_or(isAdaptive(plan.training.strategy) ? 0.1 : 1.0);
  plan.training.beta1 = o.beta1;
  plan.training.beta2 = o.beta2;
  plan.training.tau = o.tau;
  plan.training.proximalMu = plan.training.strategy == Strategy::FedProx ? o.mu : 0;
  plan.training.l2 = plan.newton.l2 = o.l2;
  if (!o.noise.empty()) plan.privacy = privacyOf(o.noise).value();
  plan.training.localSteps =
      o.localSteps.value_or(plan.privacy.noise == NoiseKind::Distributed ? 1 : 20);

  if (o.newton && plan.model.architecture != "linear")
    throw std::invalid_argument("--newton fits a linear model: leave --architecture out");
  if (o.newton && !o.noise.empty())
    throw std::invalid_argument("--newton makes no noise: train with --dp instead");
  if (plan.privacy.noise == NoiseKind::Distributed && !o.secure)
    throw std::invalid_argument(
        "distributed noise is too little for a single site's sum: it needs --secure");
  return plan;
}

}  // namespace fedpet::plugin
