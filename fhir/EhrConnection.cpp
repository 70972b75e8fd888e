#include "fhir/EhrConnection.h"

#include "fhir/RetryAfter.h"
#include "fhir/labels/JsonView.h"

namespace fedpet::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kOutcomeLimit = 2000;  // characters kept of an OperationOutcome

std::string issueText(const json& issue) {
  std::string text = textAt(issue, "severity") + " " + textAt(issue, "code");
  for (const std::string& part :
       {textAt(at(issue, "details"), "text"), textAt(issue, "diagnostics")})
    if (!part.empty()) text += ": " + part;
  const json& where = at(issue, "expression");
  if (where.is_array() && !where.empty() && where.front().is_string())
    text += " at " + where.front().get<std::string>();
  return text;
}

std::string statusText(int status) { return "HTTP status " + std::to_string(status); }

bool mayPass(int status) {
  const bool isNever = status == 501 || status == 505;  // will not learn it by waiting
  return (status >= 500 && !isNever) || status == 408 || status == 409 || status == 425 ||
         status == 429;
}

DeliveryOutcome failedCall(const net::NetError& error) {
  using Kind = net::NetError::Kind;
  const bool answered = error.kind() == Kind::Protocol || error.kind() == Kind::TooLarge;
  return RetryLater{answered ? RetryLater::Cause::Unintelligible : RetryLater::Cause::Unreachable,
                    std::nullopt, std::string(toString(error.kind())) + ": " + error.what(),
                    !answered};
}

bool concernsAll(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

std::string trimmedPath(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

RetryLater unintelligible(std::string reason) {
  return {RetryLater::Cause::Unintelligible, std::nullopt, std::move(reason), false};
}

std::string outcomeText(const std::string& body) {
  const json outcome = json::parse(body, nullptr, false);
  if (textAt(outcome, "resourceType") != "OperationOutcome") return {};
  std::string text;
  for (const json& issue : at(outcome, "issue"))
    text += (text.empty() ? "" : "; ") + issueText(issue);
  if (text.size() > kOutcomeLimit) text = text.substr(0, kOutcomeLimit) + " ...";
  return text;
}

net::HttpClientOptions EhrOptions::defaultHttp() {
  net::HttpClientOptions http;
  http.ioTimeout = std::chrono::seconds{60};
  http.overallTimeout = std::chrono::seconds{120};
  http.maxBodyBytes = 16u * 1024 * 1024;
  return http;
}

EhrConnection::EhrConnection(EhrOptions options)
    : options_(std::move(options)),
      basePath_(trimmedPath(net::parseUrl(options_.baseUrl).path)),
      http_(options_.baseUrl, options_.http) {}

net::HttpResponse EhrConnection::once(const net::HttpRequest& request, std::string_view body,
                                      const std::string& authorization,
                                      const std::stop_token& stop) {
  net::HttpRequest shown{request.method, request.target, request.headers, {}};
  if (!authorization.empty()) shown.headers.push_back({"Authorization", authorization});
  return http_.send(shown, body, stop);
}

net::HttpResponse EhrConnection::send(const std::string& method, const std::string& below,
                                      std::string_view body, net::Headers extra,
                                      const std::stop_token& stop) {
  // The base URL is asked for as it is configured: some servers care for its final '/'.
  net::HttpRequest request{
      method,
      below.empty() ? net::parseUrl(options_.baseUrl).path : basePath_ + "/" + below,
      std::move(extra),
      {}};
  request.headers.push_back({"Accept", "application/fhir+json"});
  if (!body.empty())
    request.headers.push_back({"Content-Type", "application/fhir+json; charset=utf-8"});
  if (options_.authorization) return once(request, body, options_.authorization(), stop);
  if (!options_.bearerToken.empty())
    return once(request, body, "Bearer " + options_.bearerToken, stop);
  if (!options_.user.empty())
    return once(request, body, net::basicCredentials(options_.user, options_.password), stop);
  if (!options_.tokens) return once(request, body, "", stop);
  const std::string token = options_.tokens->token(stop);
  net::HttpResponse answer = once(request, body, "Bearer " + token, stop);
  if (answer.status != 401) return answer;
  options_.tokens->reject(token);
  return once(request, body, "Bearer " + options_.tokens->token(stop), stop);
}

DeliveryOutcome failureOf(const net::HttpResponse& answer,
                          std::chrono::system_clock::time_point now) {
  if (answer.status == 401) return NeedsAuth{statusText(answer.status)};
  if (mayPass(answer.status)) {
    const auto header = net::headerValue(answer.headers, "Retry-After");
    return RetryLater{RetryLater::Cause::Unreachable,
                      header ? parseRetryAfter(*header, now) : std::nullopt,
                      statusText(answer.status), concernsAll(answer.status)};
  }
  if (answer.status >= 400)
    return Rejected{statusText(answer.status), outcomeText(answer.body), answer.status};
  return unintelligible(statusText(answer.status));
}

DeliveryOutcome failureOfCurrentException() {
  try {
    throw;
  } catch (const net::NetError& error) {
    return failedCall(error);
  } catch (const AuthError& error) {
    if (error.kind != AuthError::Kind::Unreachable) return NeedsAuth{error.what()};
    return RetryLater{RetryLater::Cause::Unreachable, std::nullopt, error.what(), true};
  }
}

}  // namespace fedpet::fhir
