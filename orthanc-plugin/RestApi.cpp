#include "orthanc-plugin/RestApi.h"

#include "clinical/ResponseAssessment.h"
#include "ui-extension/WebAssets.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestPage = 1000;

HttpResponse ok(const json& body) { return freshJson(body.dump(2)); }

json optionalTime(const std::optional<UtcTime>& t) { return t ? json(toIso8601(*t)) : json(); }

json toJson(const std::optional<Reason>& reason) {
  return reason ? json{{"code", reason->code}, {"text", reason->text}} : json();
}

json toJson(const Job& job) {
  return {{"id", job.id},
          {"orthancSeriesId", job.seriesId},
          {"orthancStudyId", job.studyId},
          {"seriesInstanceUid", job.seriesInstanceUid},
          {"trigger", job.trigger},
          {"state", toString(job.state)},
          {"attempt", job.attempt},
          {"triesLeft", std::max(0, job.triesLeft)},
          {"stage", job.stage},
          {"percent", job.percent},
          {"reason", toJson(job.reason)},
          {"worker", job.worker},
          {"modelVersion", job.modelVersion},
          {"timingsMs", job.timings},
          {"createdAt", toIso8601(job.createdAt)},
          {"updatedAt", toIso8601(job.updatedAt)},
          {"notBefore", toIso8601(job.notBefore)},
          {"startedAt", optionalTime(job.startedAt)},
          {"finishedAt", optionalTime(job.finishedAt)}};
}

// Without the body: it holds the patient's result, and a list needs it not.
json toJson(const fhir::OutboxEntry& e) {
  return {{"id", e.id},
          {"destination", e.message.destination},
          {"key", e.message.key},
          {"state", toString(e.state)},
          {"attempts", e.attempts},
          {"reason", e.reason},
          {"enqueuedAt", toIso8601(e.enqueuedAt)},
          {"dueAt", toIso8601(e.dueAt)},
          {"settledAt", optionalTime(e.settledAt)},
          {"locations", e.locations}};
}

std::int64_t idOf(const PathParameters& parameters) {
  const std::string& text = parameters.at("id");
  const bool digits =
      !text.empty() && text.size() < 19 &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!digits) throw HttpError{404, "no such id"};
  return std::stoll(text);
}

std::int64_t queryNumber(const HttpRequest& request, const char* key, std::int64_t standard) {
  const auto it = request.query.find(key);
  if (it == request.query.end()) return standard;
  const bool digits = !it->second.empty() && it->second.size() < 19 &&
                      std::all_of(it->second.begin(), it->second.end(),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!digits) throw HttpError{400, std::string(key) + " must be a number"};
  return std::stoll(it->second);
}

std::size_t pageSize(const HttpRequest& request) {
  const auto n = static_cast<std::size_t>(queryNumber(request, "limit", 100));
  return std::clamp(n, std::size_t{1}, kLargestPage);
}

json configurationReport(const ParsedOptions& parsed) {
  return {{"unknownKeys", parsed.unknownKeys}, {"errors", parsed.errors}};
}

json jobCounts(Ledger& ledger) {
  json counts = json::object();
  for (const JobState s : {JobState::Waiting, JobState::Running, JobState::Done, JobState::Failed,
                           JobState::Skipped, JobState::Cancelled})
    counts[std::string(toString(s))] = 0;
  for (const auto& [state, n] : ledger.counts()) counts[std::string(toString(state))] = n;
  return counts;
}

// How results reach the EHR, for the page: the tier, in words, and why it is this one.
json ehrReport(const RestApiParts& parts) {
  const fhir::TierReport report = parts.tier ? parts.tier() : fhir::TierReport{};
  const auto orNull = [](const std::string& text) { return text.empty() ? json() : json(text); };
  json answer = {{"tier", nullptr},
                 {"way", "not known yet: the EHR is asked before the first result is sent"},
                 {"why", nullptr},
                 {"leftOut", json::array()},
                 {"server", orNull(report.server)},
                 {"trouble", orNull(report.trouble)},
                 {"auditTrouble", orNull(report.auditTrouble)}};
  const bool isConfigured =
      !parts.options.options.fhir.baseUrl.empty() || !parts.options.options.fhir.mllpUrl.empty();
  if (!isConfigured) {
    answer["tier"] = toString(fhir::Tier::DicomOnly);
    answer["way"] = describe(fhir::Tier::DicomOnly);
    answer["why"] = "No EHR is configured (Fhir.BaseUrl, Fhir.MllpUrl).";
  } else if (report.choice) {
    answer["tier"] = toString(report.choice->tier);
    answer["way"] = describe(report.choice->tier);
    answer["why"] = report.choice->why;
    answer["leftOut"] = report.choice->omitted;
  }
  return answer;
}

HttpResponse status(const RestApiParts& parts) {
  Ledger& ledger = parts.queue.ledger();
  const auto position = ledger.position();
  const fhir::OutboxCounts outbox = parts.outbox.counts();
  const Supervisor::Snapshot workers = parts.workers();
  return ok({{"version", kVersion},
             {"enabled", true},
             {"researchUseOnly", kResearchUseOnly},
             {"configuration", configurationReport(parts.options)},
             {"intake",
              {{"sequence", position ? json(position->sequence) : json()},
               {"arrivingSeries", ledger.pendingSeries().size()}}},
             {"workers",
              {{"running", workers.running},
               {"configured", parts.options.options.worker.count},
               {"crashes", workers.crashes}}},
             {"jobs", jobCounts(ledger)},
             {"ehr", ehrReport(parts)},
             {"outbox",
              {{"pending", outbox.pending},
               {"delivering", outbox.delivering},
               {"delivered", outbox.delivered},
               {"deadLetter", outbox.deadLetter}}}});
}

HttpResponse listJobs(const RestApiParts& parts, const HttpRequest& request) {
  JobFilter filter;
  filter.limit = pageSize(request);
  filter.beforeId = queryNumber(request, "before", 0);
  if (const auto it = request.query.find("series"); it != request.query.end())
    filter.seriesId = it->second;
  if (const auto it = request.query.find("state"); it != request.query.end()) {
    filter.state = jobStateFromString(it->second);
    if (!filter.state) throw HttpError{400, "no such state"};
  }
  const auto jobs = parts.queue.ledger().list(filter);
  json list = json::array();
  for (const Job& job : jobs) list.push_back(toJson(job));
  json next;
  if (jobs.size() == filter.limit) next = jobs.back().id;
  return ok({{"jobs", list}, {"nextBefore", next}});
}

HttpResponse demanded(Ledger::Demand outcome, const char* wrongState) {
  switch (outcome) {
    case Ledger::Demand::Done:
      return ok(json::object());
    case Ledger::Demand::WrongState:
      return problem(409, wrongState);
    case Ledger::Demand::Unknown:
      return problem(404, "no such job");
  }
  return problem(500, "unreachable");
}

HttpResponse assess(const RestApiParts& parts, const std::string& seriesId) {
  const auto job = parts.judge(seriesId);
  if (!job) throw HttpError{404, "no such PET series"};
  if (job->skip)
    throw HttpError{409, "not a series to assess: " + job->skip->code + ", " + job->skip->text};
  return ok({{"id", parts.queue.demand(*job)}});
}

HttpResponse listOutbox(const RestApiParts& parts, const HttpRequest& request) {
  std::optional<fhir::OutboxState> state;
  if (const auto it = request.query.find("state"); it != request.query.end()) {
    try {
      state = fhir::outboxStateFromString(it->second);
    } catch (const std::invalid_argument&) {
      throw HttpError{400, "no such state"};
    }
  }
  json list = json::array();
  for (const auto& entry : parts.outbox.list(state, pageSize(request)))
    list.push_back(toJson(entry));
  return ok({{"messages", list}});
}

HttpResponse asset(const std::string& file, const HttpRequest& request) {
  for (const WebAsset& a : webAssets()) {
    if (a.path != file) continue;
    HttpResponse response;
    response.contentType = a.contentType;
    response.headers["ETag"] = a.etag;
    response.headers["Cache-Control"] = "no-cache";
    response.headers["Content-Security-Policy"] = kContentSecurityPolicy;
    response.headers["X-Content-Type-Options"] = "nosniff";
    response.headers["Referrer-Policy"] = "same-origin";
    const auto known = request.headers.find("if-none-match");
    if (known != request.headers.end() && known->second == a.etag)
      response.status = 304;
    else
      response.body.assign(reinterpret_cast<const char*>(a.bytes.data()), a.bytes.size());
    return response;
  }
  throw HttpError{404, "no such file"};
}

}  // namespace

void addPublicRoutes(Router& router, const RestApiParts& p) {
  const auto parts = std::make_shared<const RestApiParts>(p);
  using R = const HttpRequest&;
  using P = const PathParameters&;
  router.add({"GET",
              "/fedpet/status",
              "Configuration, intake, workers, jobs and outbox at a glance",
              [parts](R, P) { return status(*parts); },
              {},
              "Status"});
  router.add({"GET",
              "/fedpet/jobs",
              "Jobs, newest first",
              [parts](R request, P) { return listJobs(*parts, request); },
              {{"state", "waiting, running, done, failed, skipped or cancelled"},
               {"series", "Orthanc's series id"},
               {"before", "only jobs with a smaller id: nextBefore of the page before"},
               {"limit", "jobs in one page, 1 to 1000; 100 when absent"}},
              "JobPage"});
  router.add({"GET",
              "/fedpet/jobs/{id}",
              "One job",
              [parts](R, P path) {
                const auto job = parts->queue.ledger().find(idOf(path));
                if (!job) throw HttpError{404, "no such job"};
                return ok(toJson(*job));
              },
              {},
              "Job"});
  router.add({"POST",
              "/fedpet/jobs/{id}/retry",
              "Run a finished job again",
              [parts](R request, P path) {
                refuseCrossSite(request);
                return demanded(parts->queue.retry(idOf(path)), "the job has not ended");
              },
              {},
              "Nothing"});
  router.add({"POST",
              "/fedpet/jobs/{id}/cancel",
              "End a waiting or running job",
              [parts](R request, P path) {
                refuseCrossSite(request);
                return demanded(parts->queue.cancel(idOf(path)), "the job has ended");
              },
              {},
              "Nothing"});
  router.add({"POST",
              "/fedpet/series/{id}/assess",
              "Assess a series by hand, again if need be",
              [parts](R request, P path) {
                refuseCrossSite(request);
                return assess(*parts, path.at("id"));
              },
              {},
              "JobId"});
  router.add({"GET",
              "/fedpet/assessments/{id}",
              "The result of a series, by Orthanc's series id",
              [parts](R, P path) {
                const auto a = parts->queue.ledger().assessment(path.at("id"));
                if (!a) throw HttpError{404, "no result for this series"};
                return freshJson(a->json);
              },
              {},
              "Assessment"});
  router.add({"GET",
              "/fedpet/outbox",
              "Messages to the EHR, newest first",
              [parts](R request, P) { return listOutbox(*parts, request); },
              {{"state", "Pending, Delivering, Delivered or DeadLetter"},
               {"limit", "1 to 1000; 100 when absent"}},
              "MessageList"});
  router.add({"POST",
              "/fedpet/outbox/{id}/retry",
              "Send a message that was set aside again",
              [parts](R request, P path) {
                refuseCrossSite(request);
                const std::int64_t id = idOf(path);
                if (!parts->outbox.find(id)) throw HttpError{404, "no such message"};
                if (!parts->outbox.requeue(id, parts->now()))
                  throw HttpError{409, "the message is under way or delivered"};
                parts->outboxChanged();
                return ok(json::object());
              },
              {},
              "Nothing"});
}

void addPageRoutes(Router& router) {
  router.add({"GET", "/fedpet/app/{file}", "The result page",
              [](const HttpRequest& request, const PathParameters& path) {
                return asset(path.at("file"), request);
              }});
}

void addDisabledRoutes(Router& router, const ParsedOptions& parsed) {
  const json report = configurationReport(parsed);
  router.add({"GET",
              "/fedpet/status",
              "Why the plugin does nothing",
              [report](const HttpRequest&, const PathParameters&) {
                return ok({{"version", kVersion}, {"enabled", false}, {"configuration", report}});
              },
              {},
              "Status"});
}

}  // namespace fedpet::plugin
