#include "orthanc-plugin/worker/Contribution.h"

#include "orthanc-plugin/protocol/ContributionFolder.h"
#include "orthanc-plugin/training/TableTrainer.h"
#include "orthanc-plugin/worker/ProcessGuards.h"

namespace fedpet::plugin {
namespace {

ContributionAnswer answerTo(const ContributionRequest& request,
                            const std::filesystem::path& exchangeFolder) {
  const auto trainer = lastingTrainer(request.cohortTable, request.stateFolder);
  if (!request.input) {
    const auto count = trainer->patients(request.plan);
    if (!count) return federation::CannotTakePart(count.error());
    return PatientCount{*count};
  }
  auto result = trainer->compute(
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
