#include "orthanc-plugin/WorkerApi.h"

#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "orthanc-plugin/protocol/JsonParts.h"

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include <algorithm>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

// An HTTP thread of Orthanc is held that long by a worker without work.
constexpr std::chrono::milliseconds kLongestWait{10'000};

struct Worker {
  JobQueue& queue;
  WorkerApiSettings settings;
  ResultPublisher publish;
  Log log;

  void authorize(const HttpRequest& request) const {
    const auto it = request.headers.find(kSecretHeader);
    const bool known =
        it != request.headers.end() && it->second.size() == settings.secret.size() &&
        CRYPTO_memcmp(it->second.data(), settings.secret.data(), settings.secret.size()) == 0;
    if (known || (settings.allowRemote && it == request.headers.end())) return;
    throw HttpError{403, "not a worker of this plugin (Worker.AllowRemote)"};
  }

  HttpResponse lease(const HttpRequest& request) const;
  HttpResponse heartbeat(const HttpRequest& request, std::int64_t job) const;
  HttpResponse complete(const HttpRequest& request, std::int64_t job) const;
  HttpResponse fail(const HttpRequest& request, std::int64_t job) const;
  Publication publication(const AssessedStudy&, std::span<const std::byte> pdf) const;
};

json bodyOf(const HttpRequest& request) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw HttpError{400, "the body is not a JSON object"};
  return body;
}

std::string textField(const json& body, const char* key) {
  const auto it = body.find(key);
  if (it == body.end() || !it->is_string())
    throw HttpError{400, std::string(key) + " must be a text"};
  return it->get<std::string>();
}

int integerField(const json& body, const char* key) {
  const auto it = body.find(key);
  if (it == body.end() || !it->is_number_integer())
    throw HttpError{400, std::string(key) + " must be an integer"};
  return it->get<int>();
}

StageTimings timingsOf(const json& body) {
  StageTimings timings;
  const auto it = body.find("timingsMs");
  if (it == body.end() || !it->is_object()) return timings;
  for (const auto& [stage, ms] : it->items())
    if (ms.is_number()) timings[stage] = ms.get<double>();
  return timings;
}

HttpResponse answer(ReportOutcome outcome) {
  switch (outcome) {
    case ReportOutcome::Accepted:
    case ReportOutcome::Repeated: {
      HttpResponse response;
      response.body = json{{"repeated", outcome == ReportOutcome::Repeated}}.dump();
      return response;
    }
    case ReportOutcome::Stale:
      return problem(409, "the job is not this attempt's any more");
    case ReportOutcome::Unknown:
      return problem(404, "no such job");
  }
  return problem(500, "unreachable");
}

// The objects of the result before: a segmentation that the new result does not have must go.
json previousIdentity(Ledger& ledger, const std::string& seriesId) {
  const auto before = ledger.assessment(seriesId);
  if (!before) return nullptr;
  const json parsed = json::parse(before->json, nullptr, false);
  return parsed.is_object() ? parsed.value("identity", json()) : json();
}

HttpResponse Worker::lease(const HttpRequest& request) const {
  const json body = bodyOf(request);
  const std::string worker = textField(body, "worker");
  const bool child = request.headers.contains(kSecretHeader);
  // A remote worker must not carry the name of a child, whose end would take its job.
  if (!child && worker.starts_with(kLocalWorkerPrefix))
    throw HttpError{400, "a remote worker's name may not begin with \"local-\""};
  const std::chrono::milliseconds patience(body.value("waitMs", 0));
  const auto job =
      queue.lease(worker, std::clamp(patience, std::chrono::milliseconds(0), kLongestWait));
  HttpResponse response;
  json result = {{"job", nullptr}};
  if (job)
    result["job"] = {{"id", job->id},
                     {"attempt", job->attempt},
                     {"orthancSeriesId", job->seriesId},
                     {"orthancStudyId", job->studyId},
                     {"previous", previousIdentity(queue.ledger(), job->seriesId)},
                     {"options", json::parse(settings.jobOptionsJson)}};
  response.body = result.dump();
  return response;
}

HttpResponse Worker::heartbeat(const HttpRequest& request, std::int64_t job) const {
  const json body = bodyOf(request);
  return answer(queue.heartbeat(job, integerField(body, "attempt"), textField(body, "stage"),
                                integerField(body, "percent")));
}

Publication Worker::publication(const AssessedStudy& study, std::span<const std::byte> pdf) const {
  if (!publish) return {};
  try {
    return publish(study, pdf);
  } catch (const std::exception& e) {
    return {{}, Reason{"NotSentToEhr", e.what()}};
  }
}

HttpResponse Worker::complete(const HttpRequest& request, std::int64_t job) const {
  const json body = bodyOf(request);
  const int attempt = integerField(body, "attempt");
  Completion completion;
  completion.timings = timingsOf(body);
  if (const auto skip = body.find("skipped"); skip != body.end() && skip->is_object()) {
    completion.state = JobState::Skipped;
    completion.reason = Reason{textField(*skip, "code"), skip->value("text", "")};
    return answer(queue.complete(job, attempt, completion, "", {}));
  }
  const auto assessment = body.find("assessment");
  if (assessment == body.end()) throw HttpError{400, "neither assessment nor skipped"};
  AssessedStudy study;
  std::vector<std::uint8_t> pdf;
  try {
    study = assessmentFromJson(assessment->dump());
  } catch (const AssessmentJsonError& e) {
    throw HttpError{400, std::string("the assessment cannot be read: ") + e.what()};
  }
  try {
    if (body.contains("pdf")) pdf = fromBase64(textField(body, "pdf"));
  } catch (const std::invalid_argument& e) {
    throw HttpError{400, std::string("the PDF cannot be read: ") + e.what()};
  }
  completion.modelVersion = study.assessment.model.version;
  const Publication published = publication(study, std::as_bytes(std::span(pdf)));
  completion.reason = published.notSent;
  if (published.notSent)
    log(LogLevel::Warning,
        "job " + std::to_string(job) + ": nothing sent to the EHR: " + published.notSent->text);
  const ReportOutcome outcome =
      queue.complete(job, attempt, completion, assessment->dump(), published.messages);
  if (outcome == ReportOutcome::Accepted && !published.messages.empty()) settings.messagesQueued();
  return answer(outcome);
}

HttpResponse Worker::fail(const HttpRequest& request, std::int64_t job) const {
  const json body = bodyOf(request);
  const Reason reason{textField(body, "code"), body.value("text", "")};
  log(LogLevel::Warning, "job " + std::to_string(job) + ", attempt " +
                             std::to_string(integerField(body, "attempt")) + ": " + reason.code +
                             ", " + reason.text);
  return answer(
      queue.fail(job, integerField(body, "attempt"), reason, body.value("retryable", true)));
}

std::int64_t jobId(const PathParameters& parameters) {
  try {
    return std::stoll(parameters.at("id"));
  } catch (const std::logic_error&) {
    throw HttpError{404, "no such job"};
  }
}

}  // namespace

void addWorkerRoutes(Router& router, JobQueue& queue, WorkerApiSettings settings,
                     ResultPublisher publish, Log log) {
  const auto worker = std::make_shared<Worker>(
      Worker{queue, std::move(settings), std::move(publish), std::move(log)});
  router.add({"POST", "/fedpet/worker/lease", "A worker asks for a job",
              [worker](const HttpRequest& request, const PathParameters&) {
                worker->authorize(request);
                return worker->lease(request);
              }});
  const auto report = [&](const char* name, const char* summary,
                          HttpResponse (Worker::*handler)(const HttpRequest&, std::int64_t) const) {
    router.add({"POST", std::string("/fedpet/worker/jobs/{id}/") + name, summary,
                [worker, handler](const HttpRequest& request, const PathParameters& parameters) {
                  worker->authorize(request);
                  return (worker.get()->*handler)(request, jobId(parameters));
                }});
  };
  report("heartbeat", "A worker is alive and tells how far it is", &Worker::heartbeat);
  report("complete", "A worker hands in its result", &Worker::complete);
  report("fail", "A worker's attempt has failed", &Worker::fail);
}

}  // namespace fedpet::plugin
