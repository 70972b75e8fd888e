#include "federation/privacy/RdpAccountant.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"

#include <fmt/format.h>

#include <memory>

namespace fedpet::plugin {
namespace {

struct Privacy {
  double noiseMultiplier = 0, epsilon = 0, delta = 0, sampleRate = 0;
  int steps = 0;
  bool json = false;
};

// Either the multiplier or the epsilon is given; the other one follows.
void run(Privacy asked) {
  if (asked.noiseMultiplier == 0)
    asked.noiseMultiplier =
        federation::noiseMultiplierFor(asked.epsilon, asked.delta, asked.sampleRate, asked.steps);
  asked.epsilon = federation::epsilonOf(
      federation::subsampledGaussian(asked.noiseMultiplier, asked.sampleRate, asked.steps),
      asked.delta);
  if (asked.json) {
    print({{"noiseMultiplier", asked.noiseMultiplier},
           {"sampleRate", asked.sampleRate},
           {"steps", asked.steps},
           {"delta", asked.delta},
           {"epsilon", asked.epsilon}});
    return;
  }
  fmt::print(
      "noise multiplier {:.4g}, sample rate {:g}, {} steps: epsilon {:.4f} at delta {:g} for each "
      "patient\n",
      asked.noiseMultiplier, asked.sampleRate, asked.steps, asked.epsilon, asked.delta);
}

}  // namespace

void addPrivacyCommand(CLI::App& app, ExitCode& exitCode) {
  auto asked = std::make_shared<Privacy>();
  CLI::App* command = app.add_subcommand(
      "privacy",
      "What training with noise costs each patient, or the noise that a budget needs\n"
      "(Renyi differential privacy of Poisson samples with Gaussian noise)");
  auto* multiplier =
      command
          ->add_option("--noise-multiplier", asked->noiseMultiplier,
                       "Standard deviation of the noise over the clipping norm; gives epsilon")
          ->check(CLI::PositiveNumber);
  auto* epsilon =
      command->add_option("--epsilon", asked->epsilon, "Budget; gives the noise multiplier")
          ->check(CLI::PositiveNumber);
  multiplier->excludes(epsilon);
  command
      ->add_option("--sample-rate", asked->sampleRate,
                   "Probability of each patient to be in a step, above 0 and at most 1")
      ->required()
      ->check(CLI::Range(0.0, 1.0) & CLI::PositiveNumber);
  command->add_option("--steps", asked->steps, "Steps of gradient descent in all rounds")
      ->required()
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--delta", asked->delta, "Usually below one over the number of patients")
      ->required()
      ->check(CLI::Range(0.0, 1.0) & CLI::PositiveNumber);
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([asked, multiplier, epsilon, &exitCode] {
    if (multiplier->empty() && epsilon->empty())
      throw CLI::RequiredError("--noise-multiplier or --epsilon");
    run(*asked);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
