#include "orthanc-plugin/FederationApi.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

namespace fed = federation;
using nlohmann::json;

HttpResponse ok(const json& body) { return freshJson(body.dump(2)); }

json timeOrNull(std::chrono::sys_seconds time) {
  return time.time_since_epoch().count() == 0 ? json() : json(toIso8601(UtcTime(time)));
}

json toJson(const fed::KnownPlan& known) {
  json decision;
  if (known.decision)
    decision = {{"approved", known.decision->approved},
                {"by", known.decision->by},
                {"reason", known.decision->reason},
                {"time", timeOrNull(known.decision->time)}};
  return {{"hash", known.hash},
          {"title", known.plan.title},
          {"purpose", known.plan.purpose},
          {"task", fed::toString(known.plan.task)},
          {"masking", fed::toString(known.plan.masking)},
          {"decision", decision},
          {"policyObjections", known.policyObjections},
          {"epsilonSpent", known.epsilonSpent},
          {"epsilonPlanned", known.plan.privacy.epsilon},
          {"delta", known.plan.privacy.delta}};
}

HttpResponse status(const FederationLink* link) {
  if (link == nullptr) return ok({{"configured", false}, {"enrolled", false}});
  const auto status = link->status();
  if (!status) return ok({{"configured", true}, {"enrolled", false}});
  json plans = json::array();
  for (const auto& plan : status->plans) plans.push_back(toJson(plan));
  return ok({{"configured", true},
             {"enrolled", true},
             {"site", status->site},
             {"consortium", status->consortium},
             {"coordinatorUrl", status->coordinatorUrl},
             {"certificateEnds", timeOrNull(status->certificateEnds)},
             {"lastContact", timeOrNull(status->lastContact)},
             {"lastProblem", status->lastProblem},
             {"epsilonSpent", status->epsilonSpent},
             {"epsilonAllowed", status->epsilonAllowed},
             {"working", link->currentWork()},
             {"plans", plans},
             {"rounds", status->rounds}});
}

const fed::KnownPlan& planOf(const fed::SiteStatus& status, const std::string& hash) {
  for (const auto& plan : status.plans)
    if (plan.hash == hash) return plan;
  throw HttpError{404, "no such plan"};
}

FederationLink& required(FederationLink* link) {
  if (link == nullptr)
    throw HttpError{409, "this site takes part in no consortium: set FedPet.Federation.Folder"};
  return *link;
}

json bodyOf(const HttpRequest& request) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw HttpError{400, "the body must be a JSON object"};
  return body;
}

std::string textIn(const json& body, const char* name, std::size_t longest) {
  const auto it = body.find(name);
  if (it == body.end() || !it->is_string() || it->get_ref<const std::string&>().size() > longest)
    throw HttpError{400, std::string("\"") + name + "\" must be a text"};
  return it->get<std::string>();
}

HttpResponse decide(FederationLink& link, const HttpRequest& request, const std::string& hash,
                    bool approve) {
  refuseCrossSite(request);
  const json body = bodyOf(request);
  const std::string by = textIn(body, "by", 200);
  if (by.empty()) throw HttpError{400, "\"by\" must name the person who decides"};
  try {
    link.decide(hash, approve, by, body.contains("reason") ? textIn(body, "reason", 2000) : "");
  } catch (const FederationProblem& e) {
    throw HttpError{409, e.what()};
  }
  return ok(json::object());
}

HttpResponse enrol(FederationLink& link, const HttpRequest& request) {
  refuseCrossSite(request);
  try {
    link.enrol(textIn(bodyOf(request), "invitation", 64 * 1024));
  } catch (const FederationProblem& e) {
    throw HttpError{409, e.what()};
  }
  return status(&link);
}

HttpResponse audit(const FederationLink& link) {
  HttpResponse response;
  response.contentType = "application/x-ndjson";
  response.headers["Cache-Control"] = "no-store";
  try {
    response.body = link.auditExport();
  } catch (const FederationProblem& e) {
    throw HttpError{409, e.what()};
  }
  return response;
}

}  // namespace

void addFederationRoutes(Router& router, FederationLink* link) {
  using R = const HttpRequest&;
  using P = const PathParameters&;
  router.add({"GET", "/fedpet/federation", "This site's membership, plans, rounds and budget",
              [link](R, P) { return status(link); }});
  router.add({"POST", "/fedpet/federation/enrolment",
              "Enrol with the invitation of a consortium: {\"invitation\": \"...\"}",
              [link](R request, P) { return enrol(required(link), request); }});
  router.add({"GET", "/fedpet/federation/plans/{hash}", "A training plan, whole, as JSON",
              [link](R, P path) {
                const auto status = required(link).status();
                if (!status) throw HttpError{404, "no such plan"};
                HttpResponse response;
                response.body = fed::toReadableJson(planOf(*status, path.at("hash")).plan);
                return response;
              }});
  router.add({"POST", "/fedpet/federation/plans/{hash}/approve",
              "Take part in a plan: {\"by\": \"name\", \"reason\": \"...\"}",
              [link](R request, P path) {
                return decide(required(link), request, path.at("hash"), true);
              }});
  router.add({"POST", "/fedpet/federation/plans/{hash}/reject",
              "Take no part in a plan: {\"by\": \"name\", \"reason\": \"...\"}",
              [link](R request, P path) {
                return decide(required(link), request, path.at("hash"), false);
              }});
  router.add({"GET", "/fedpet/federation/audit", "The site's hash-chained log, one JSON per line",
              [link](R, P) { return audit(required(link)); }});
}

HttpResponse askCoordinator(fed::Coordinator& coordinator, const HttpRequest& request) {
  fed::ApiRequest call;
  call.method = request.method;
  call.target = request.target.substr(std::string_view(kConsortiumBase).size());
  for (const auto& [name, value] : request.headers) call.headers.emplace_back(name, value);
  const auto body = fed::viewOf(request.body);
  call.body.assign(body.begin(), body.end());
  fed::ApiResponse answer = coordinator.handle(call);
  HttpResponse response;
  response.status = answer.status;
  response.contentType = answer.contentType;
  for (auto& [name, value] : answer.headers) response.headers[name] = value;
  response.body = std::string(fed::textOf(answer.body));
  return response;
}

}  // namespace fedpet::plugin
