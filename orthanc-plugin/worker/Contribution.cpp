#include "orthanc-plugin/worker/Contribution.h"

#include "federation/site/OwnerFiles.h"
#include "orthanc-plugin/protocol/ContributionFolder.h"
#include "orthanc-plugin/training/CohortTable.h"
#include "orthanc-plugin/training/TableTrainer.h"
#include "orthanc-plugin/worker/ProcessGuards.h"

namespace fedpet::plugin {
namespace {

constexpr std::size_t kSecretBytes = 32;

// The features and categories are the plan's: a site that found its own would sum apples and pears.
tl::expected<federation::Cohort, federation::CannotTakePart> cohortFor(
    const federation::Plan& plan, const std::filesystem::path& cohortTable) {
  CohortQuestion question;
  question.endpoint = plan.endpoint;
  question.features = plan.features;
  question.findCategories = false;
  question.testShare = 0;
  try {
    const CohortTable table = readCohort(readCsv(cohortTable), question);
    return pooledCohortOf(table, Part::Train);
  } catch (const TableError& e) {
    return tl::unexpected<federation::CannotTakePart>(e.what());
  }
}

// What this site's noise is made of. It is made once: another one would give a repeated round other
// noise, and two noises on one update average out.
federation::SecretBytes noiseSecret(const std::filesystem::path& stateFolder) {
  federation::makeOwnerFolder(stateFolder);
  const auto file = stateFolder / "noise-secret";
  if (auto secret = federation::readOwnerFile(file, kSecretBytes)) {
    if (secret->size() == kSecretBytes) return std::move(*secret);
    throw std::runtime_error("noise-secret in the folder of the federation is damaged");
  }
  auto secret = federation::SecretBytes::random(kSecretBytes);
  federation::writeOwnerFile(file, secret.view());
  return secret;
}

ContributionAnswer answerTo(const ContributionRequest& request,
                            const std::filesystem::path& exchangeFolder) {
  federation::CohortTrainer trainer(
      {[&](const federation::Plan& plan) { return cohortFor(plan, request.cohortTable); },
       trainWithTorch, noiseSecret(request.stateFolder), request.stateFolder});
  if (!request.input) {
    const auto count = trainer.patients(request.plan);
    if (!count) return federation::CannotTakePart(count.error());
    return PatientCount{*count};
  }
  auto result = trainer.compute(
      request.plan, request.roundNumber, *request.input, request.contributorsAtLeast,
      [&](int percent) { writeContributionProgress(exchangeFolder, percent); }, {});
  if (!result) return federation::CannotTakePart(result.error());
  return std::move(*result);
}

}  // namespace

void answerContribution(const std::filesystem::path& exchangeFolder) {
  const ContributionRequest request = readContributionRequest(exchangeFolder);
  faultForTests("train");
  writeContributionAnswer(exchangeFolder, answerTo(request, exchangeFolder));
}

}  // namespace fedpet::plugin
