#include "orthanc-plugin/SmartLaunch.h"

#include "orthanc-plugin/PatientResults.h"
#include "ui-extension/WebAssets.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <limits>
#include <set>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestBody = 64 * 1024;
constexpr std::size_t kMostIdentifiers = 100;

std::string originOf(const std::string& url) {
  return url.substr(0, url.find('/', url.find("://") + 3));
}

std::string dateText(std::int64_t day) {
  if (day == std::numeric_limits<std::int64_t>::min()) return {};
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int{date.year()}, unsigned{date.month()},
                unsigned{date.day()});
  return text;
}

std::vector<fhir::PatientKey> identifiersIn(const std::string& body) {
  if (body.size() > kLargestBody) throw HttpError{413, "the request is too large"};
  const json request = json::parse(body, nullptr, false);
  const json list = request.is_object() ? request.value("identifiers", json()) : json();
  if (!list.is_array() || list.size() > kMostIdentifiers)
    throw HttpError{400, "identifiers: a list of system and value is expected"};
  std::vector<fhir::PatientKey> keys;
  for (const json& one : list) {
    const bool texts = one.is_object() && one.contains("system") && one["system"].is_string() &&
                       one.contains("value") && one["value"].is_string();
    if (!texts) throw HttpError{400, "identifiers: a list of system and value is expected"};
    keys.push_back({one["system"], one["value"]});
    if (keys.back().system.empty() || keys.back().value.empty()) keys.pop_back();
  }
  return keys;
}

HttpResponse launchPage(const std::string& policy) {
  for (const WebAsset& asset : webAssets()) {
    if (asset.path != "launch.html") continue;
    HttpResponse response;
    response.contentType = asset.contentType;
    response.headers["Cache-Control"] = "no-store";
    response.headers["Content-Security-Policy"] = policy;
    response.headers["X-Content-Type-Options"] = "nosniff";
    response.headers["Referrer-Policy"] = "no-referrer";
    response.body.assign(reinterpret_cast<const char*>(asset.bytes.data()), asset.bytes.size());
    return response;
  }
  throw HttpError{404, "no such file"};
}

}  // namespace

std::string launchPolicy(const SmartOptions& options) {
  std::set<std::string> origins;
  for (const auto& [issuer, clientId] : options.issuers) origins.insert(originOf(issuer));
  for (const std::string& origin : options.origins) origins.insert(originOf(origin));
  std::string allowed = "connect-src 'self'";
  for (const std::string& origin : origins) allowed += " " + origin;
  std::string policy(kContentSecurityPolicy);
  const std::string usual = "connect-src 'self'";
  return policy.replace(policy.find(usual), usual.size(), allowed);
}

void addSmartRoutes(Router& router, const SmartOptions& options, ResultIndex& index,
                    fhir::FhirSite site) {
  json issuers = json::array();
  for (const auto& [issuer, clientId] : options.issuers)
    issuers.push_back({{"issuer", issuer}, {"clientId", clientId}});
  const std::string configuration = json{{"issuers", issuers}}.dump();
  router.add({"GET", "/fedpet/app/launch.html", "",
              [policy = launchPolicy(options)](const HttpRequest&, const PathParameters&) {
                return launchPage(policy);
              }});
  router.add({"GET", "/fedpet/smart/configuration", "SMART: the EHRs that may open the page",
              [configuration](const HttpRequest&, const PathParameters&) {
                return freshJson(configuration);
              }});
  router.add({"POST", "/fedpet/smart/results", "SMART: the results of the patient in context",
              [&index, site = std::move(site)](const HttpRequest& request, const PathParameters&) {
                refuseCrossSite(request);
                json results = json::array();
                for (const IndexedResult& row : resultsOf(index, site, identifiersIn(request.body)))
                  results.push_back(
                      {{"orthancSeriesId", row.seriesId}, {"scanDate", dateText(row.scanDay)}});
                return freshJson(json{{"results", results}}.dump());
              }});
}

}  // namespace fedpet::plugin
