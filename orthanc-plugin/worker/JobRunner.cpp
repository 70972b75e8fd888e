#include "orthanc-plugin/worker/JobRunner.h"

#include "dicom/PetSeriesReader.h"
#include "models/imaging/Lesions.h"
#include "models/imaging/harmonisation/Harmonise.h"
#include "models/response/ResponseModel.h"
#include "net/NetError.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "orthanc-plugin/worker/AssessStudy.h"
#include "orthanc-plugin/worker/ModelLocation.h"
#include "orthanc-plugin/worker/PriorStudies.h"
#include "orthanc-plugin/worker/ProcessGuards.h"
#include "orthanc-plugin/worker/Progress.h"
#include "orthanc-plugin/worker/ResultFiles.h"

#include <atomic>
#include <cstdio>
#include <exception>
#include <functional>
#include <thread>

namespace fedpet::plugin {
namespace {

// Shares of the whole job, as seen by the person who watches the bar.
constexpr int kFetched = 15, kRead = 25, kAssessed = 85, kWritten = 92, kStored = 98;

std::vector<std::byte> bytesOf(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

// Fetches on several connections: Orthanc reads each file from disk while the others travel.
std::vector<dicom::DicomBytes> fetchSeries(const WorkerSettings& settings, OrthancClient& client,
                                           const std::string& seriesId) {
  const auto ids = client.instancesOf(seriesId);
  std::vector<dicom::DicomBytes> files(ids.size());
  const auto connections = static_cast<std::size_t>(std::max(1, settings.connections));
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> errors(connections);
  {
    std::vector<std::jthread> threads;
    for (std::size_t c = 0; c < connections; ++c)
      threads.emplace_back([&, c] {
        try {
          OrthancClient own(settings);
          for (std::size_t i; (i = next++) < ids.size();)
            files[i] = {"instance " + ids[i], bytesOf(own.instanceFile(ids[i]))};
        } catch (...) {
          errors[c] = std::current_exception();
          next = ids.size();
        }
      });
  }
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
  return files;
}

AssessmentOptions optionsOf(const LeasedJob& job, OrthancClient& client) {
  AssessmentOptions options;
  options.measurement.lesionRule = imaging::lesionRuleFromString(job.lesionRule);
  options.minimumBodyCoverageMm = job.minimumBodyCoverageMm;
  options.harmonisation = imaging::readHarmonisationSettings(
      job.harmonisationScanners, job.harmonisationTarget, job.harmonisationCombat);
  options.rotatingMip = job.storePdf || job.storeMip;
  if (job.followUp)
    options.priors = [&](const PetSeries& now) {
      return findPriorStudies(client, job.seriesId, now);
    };
  return options;
}

void store(OrthancClient& client, const LeasedJob& job, const AssessedStudy& study,
           const ResultFiles& results) {
  const ResultIdentity& identity = study.assessment.identity;
  // A segmentation of the same report that this result does not have: it would contradict it.
  if (job.previousSrUid == identity.srSopInstanceUid && !job.previousSegUid.empty() &&
      job.previousSegUid != identity.segSopInstanceUid)
    client.removeInstance(job.previousSegUid);
  for (const ResultFiles::File& file : results.files)
    client.storeInstance(file.sopInstanceUid, file.content);
}

using StageEntered = std::function<void(const std::string& stage, int percent)>;

AssessedStudy assess(const WorkerSettings& settings, OrthancClient& client, const LeasedJob& job,
                     const response::ResponseModel* model, const StageEntered& enter) {
  enter("fetch", 0);
  auto files = fetchSeries(settings, client, job.seriesId);
  enter("read", kFetched);
  auto series = dicom::readPetSeries(std::move(files));
  if (!series) return refusedStudy(client.headerOf(job.seriesId), series.error(), model, utcNow());
  return assessStudy(std::move(*series), model, optionsOf(job, client), utcNow(),
                     [&](std::string_view stage, int percent) {
                       enter(std::string(stage), kRead + percent * (kAssessed - kRead) / 100);
                     });
}

void doJob(const WorkerSettings& settings, OrthancClient& client, const LeasedJob& job,
           const response::ResponseModel* model) {
  Progress progress(settings, job);
  const StageEntered enter = [&](const std::string& stage, int percent) {
    progress.enter(stage, percent);
    faultForTests(stage);
  };
  const AssessedStudy study = assess(settings, client, job, model, enter);
  const auto& refusals = study.assessment.refusals;
  if (!refusals.empty() && meansNotOurs(refusals.front().code)) {
    client.completeSkipped(job, std::string(toString(refusals.front().code)),
                           refusals.front().detail, progress.finish());
    return;
  }
  enter("write", kAssessed);
  const ResultFiles results =
      writeResults(study, {job.storePdf, job.storeMip,
                           model == nullptr ? std::vector<std::string>() : model->bundle().limits});
  for (const std::string& warning : results.warnings)
    std::fprintf(stderr, "fedpet-worker: an object for eyes is missing: %s\n", warning.c_str());
  enter("store", kWritten);
  if (job.storeResults) store(client, job, study, results);
  enter("report", kStored);
  client.complete(job, assessmentToJson(study), progress.finish(), results.pdf);
}

}  // namespace

JobRunner::JobRunner(const WorkerSettings& settings) : settings_(settings), client_(settings) {}

const response::ResponseModel* JobRunner::model(const std::string& configured) {
  const std::string path = configured.empty() ? defaultModelDirectory().string() : configured;
  if (path != modelPath_ || !model_) {
    try {
      model_ = response::ResponseModel::load(path);
      modelPath_ = path;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "fedpet-worker: no predictions: %s\n", e.what());
      model_.reset();
    }
  }
  return model_.get();
}

void JobRunner::run(const LeasedJob& job) {
  try {
    doJob(settings_, client_, job, model(job.modelPath));
  } catch (const LeaseLost&) {
    throw;
  } catch (const SeriesGone& e) {
    client_.fail(job, "SeriesGone", e.what(), false);
  } catch (const net::NetError& e) {
    client_.fail(job, "OrthancUnreachable", e.what(), true);
  } catch (const OrthancRefused& e) {
    client_.fail(job, "OrthancRefused", e.what(), true);
  } catch (const imaging::HarmonisationError& e) {
    client_.fail(job, "HarmonisationUnusable", e.what(), true);
  } catch (const std::exception& e) {
    client_.fail(job, "WorkerError", e.what(), true);
  }
}

}  // namespace fedpet::plugin
