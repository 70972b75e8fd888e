#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "models/response/Training.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "sample-data/SyntheticCohort.h"

namespace fedpet::plugin {
namespace {

struct Train {
  bool synthetic = false, json = false;
  int patients = 4000;
  std::uint64_t seed = sample::CohortPlan{}.seed;
  std::filesystem::path out;
};

class BarObserver : public response::TrainingObserver {
 public:
  explicit BarObserver(ProgressBar& bar) : bar_(bar) {}
  bool onStep(const std::string& stage, const response::FitStep&) override {
    const int done = stage == "DCB" ? 0 : stage == "PFS" ? 30 : 60;
    bar_.show("fitting " + stage, done);
    return true;
  }

 private:
  ProgressBar& bar_;
};

sample::SyntheticCohort cohortOf(int patients, int centres, std::uint64_t seed) {
  sample::CohortPlan plan;
  plan.patients = patients;
  plan.centres = centres;
  plan.seed = seed;
  return sample::makeSyntheticCohort(plan);
}

response::ModelBundle train(const Train& options) {
  ProgressBar bar(!options.json);
  BarObserver observer(bar);
  const sample::SyntheticCohort training = cohortOf(options.patients, sample::CohortPlan{}.centres, options.seed);
  response::TrainingPlan plan;
  plan.dataDescription = training.description();
  response::ModelBundle bundle = response::trainResponseModel(training.records, plan, observer);

  bar.show("evaluating on fresh patients", 80);
  // Many centres: what counts is the next hospital, and eight draw too unevenly to tell.
  constexpr int kEvaluationCentres = 40;
  const sample::SyntheticCohort fresh =
      cohortOf(options.patients, kEvaluationCentres, options.seed + 1);
  const auto truth = [&](std::size_t record, Endpoint endpoint, double horizonMonths) {
    return endpoint == Endpoint::OverallSurvival
               ? sample::trueOsProbability(fresh.truth[record], horizonMonths)
               : sample::truePfsProbability(fresh.truth[record], horizonMonths);
  };
  response::evaluateBundle(bundle, fresh.records, truth,
                           {.dataDescription = fresh.description() + ", not used in training"});
  return response::writeBundle(bundle, options.out);
}

nlohmann::ordered_json estimate(const response::Estimate& e) {
  return {{"value", e.value}, {"lower", e.lower}, {"upper", e.upper}};
}

void report(const response::ModelBundle& bundle, bool asJson) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const response::BundleOutput& output : bundle.outputs)
    for (const response::Evaluation& evaluation : output.evaluations) {
      nlohmann::ordered_json item{{"output", output.id()},
                                  {"inputs", response::toString(evaluation.scenario)},
                                  {"patients", evaluation.patients},
                                  {"auc", estimate(evaluation.auc)},
                                  {"calibrationSlope", estimate(evaluation.calibrationSlope)}};
      if (evaluation.oracleAuc) item["oracleAuc"] = *evaluation.oracleAuc;
      outputs.push_back(std::move(item));
    }
  if (asJson) {
    print({{"name", bundle.name}, {"version", bundle.version}, {"sha256", bundle.weightsSha256},
           {"outputs", outputs}});
    return;
  }
  fmt::print("{} {}, weights {}\n", bundle.name, bundle.version, bundle.weightsSha256);
  for (const auto& item : outputs)
    fmt::print("  {:<8} {:<12} AUC {:.3f} ({:.3f} to {:.3f}), oracle {:.3f}\n",
               item["output"].get<std::string>(), item["inputs"].get<std::string>(),
               item["auc"]["value"].get<double>(), item["auc"]["lower"].get<double>(),
               item["auc"]["upper"].get<double>(), item.value("oracleAuc", 0.0));
}

}  // namespace

void addTrainCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Train>();
  CLI::App* command =
      app.add_subcommand("train", "Train a response model and write it as a bundle");
  command->add_flag("--synthetic", options->synthetic, "On a synthetic cohort, made from the seed")
      ->required();
  command->add_option("--out", options->out, "Folder of the bundle")->required();
  command->add_option("--patients", options->patients, "Patients to train on, and as many to evaluate")
      ->capture_default_str()
      ->check(CLI::Range(200, 1000000));
  command->add_option("--seed", options->seed, "Seed of the cohort")->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    report(train(*options), options->json);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
