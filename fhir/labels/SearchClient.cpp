#include "fhir/labels/SearchClient.h"

#include "fhir/RetryAfter.h"
#include "fhir/labels/JsonView.h"
#include "fhir/labels/SearchPage.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace fedpet::fhir {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using End = SearchResult::End;

net::HttpClientOptions bounded(const SearchOptions& options) {
  net::HttpClientOptions http = options.http;
  http.overallTimeout = options.limits.request;
  http.ioTimeout = std::min(http.ioTimeout, options.limits.request);
  http.maxBodyBytes = options.limits.bytesPerPage;
  return http;
}

bool mayPassLater(int status) {
  return status == 429 || status == 408 || status == 502 || status == 503 || status == 504;
}

std::string keyOf(const nlohmann::json& resource) {
  return textAt(resource, "resourceType") + "/" + textAt(resource, "id");
}

// The pages' resources without duplicates: pages shift while others write.
class Collected {
 public:
  void add(nlohmann::json resource) {
    const auto [found, isNew] = places_.emplace(keyOf(resource), resources_.size());
    if (isNew) {
      resources_.push_back(std::move(resource));
    } else if (textAt(at(resource, "meta"), "lastUpdated") >
               textAt(at(resources_[found->second], "meta"), "lastUpdated")) {
      resources_[found->second] = std::move(resource);
    }
  }
  std::size_t size() const { return resources_.size(); }
  std::vector<nlohmann::json> take() { return std::move(resources_); }

 private:
  std::vector<nlohmann::json> resources_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

void SearchOptions::sleepFor(milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, duration, [] { return false; });
}

SearchClient::SearchClient(SearchOptions options)
    : options_(std::move(options)),
      base_(net::parseUrl(options_.baseUrl)),
      http_(options_.baseUrl, bounded(options_)) {}

std::string SearchClient::path() const {
  std::string path = base_.path;
  while (path.ends_with('/')) path.pop_back();
  return path;
}

net::HttpResponse SearchClient::get(const std::string& target, const std::stop_token& stop) {
  net::Headers headers{{"Accept", "application/fhir+json"}};
  if (options_.strict) headers.push_back({"Prefer", "handling=strict"});
  const auto with = [&](const std::string& authorization) {
    net::Headers all = headers;
    if (!authorization.empty()) all.push_back({"Authorization", authorization});
    ++requests_;
    return http_.get(target, std::move(all), stop);
  };
  if (!options_.bearerToken.empty()) return with("Bearer " + options_.bearerToken);
  if (!options_.user.empty()) return with(net::basicCredentials(options_.user, options_.password));
  if (!options_.tokens) return with("");
  const std::string token = options_.tokens->token(stop);
  net::HttpResponse answer = with("Bearer " + token);
  if (answer.status != 401) return answer;
  options_.tokens->reject(token);
  return with("Bearer " + options_.tokens->token(stop));
}

SearchClient::Fetched SearchClient::once(const std::string& target, const std::stop_token& stop,
                                         bool& mayPass, milliseconds& wait) {
  Fetched fetched;
  mayPass = false;
  try {
    fetched.answer = get(target, stop);
  } catch (const net::NetError& error) {
    using Kind = net::NetError::Kind;
    if (error.kind() == Kind::Cancelled) throw;
    mayPass = error.kind() == Kind::Connect || error.kind() == Kind::Timeout ||
              error.kind() == Kind::Resolve;
    return {{}, End::NotFinished, std::string(toString(error.kind())) + ": " + error.what()};
  } catch (const AuthError& error) {
    mayPass = error.kind == AuthError::Kind::Unreachable;
    return {{}, mayPass ? End::NotFinished : End::Unauthorized, error.what()};
  }
  const int status = fetched.answer.status;
  if (status == 200) return fetched;
  const std::string issues = issuesText(nlohmann::json::parse(fetched.answer.body, nullptr, false));
  fetched.why = "HTTP status " + std::to_string(status) + (issues.empty() ? "" : ": " + issues);
  mayPass = mayPassLater(status);
  fetched.end = status == 401 || status == 403              ? End::Unauthorized
                : status >= 400 && status < 500 && !mayPass ? End::Refused
                                                            : End::NotFinished;
  if (const auto header = net::headerValue(fetched.answer.headers, "Retry-After"))
    if (const auto named = parseRetryAfter(*header, options_.now())) wait = *named;
  return fetched;
}

SearchClient::Fetched SearchClient::fetch(const std::string& target,
                                          steady_clock::time_point deadline,
                                          const std::stop_token& stop) {
  const SearchLimits& limits = options_.limits;
  milliseconds backOff = limits.firstWait;
  for (int attempt = 1;; ++attempt) {
    bool mayPass = false;
    milliseconds wait = backOff;
    Fetched fetched = once(target, stop, mayPass, wait);
    if (stop.stop_requested()) throw net::NetError(net::NetError::Kind::Cancelled, "told to stop");
    if (fetched.end == End::Complete || !mayPass) return fetched;
    if (attempt >= limits.attempts) {
      fetched.why += ", " + std::to_string(attempt) + " times";
      return fetched;
    }
    if (wait > limits.longestWait || steady_clock::now() + wait > deadline) {
      fetched.why += "; it asks for more patience than we have";
      return fetched;
    }
    options_.wait(wait, stop);
    backOff *= 2;
  }
}

// What one search has got so far.
struct SearchClient::Reading {
  SearchResult result;
  Collected collected;
  steady_clock::time_point deadline;
  std::set<std::string> asked;  // targets: a page that comes twice is a circle
  std::size_t bytes = 0;
};

void SearchClient::stopAtLimits(const std::string& target, Reading& reading) const {
  const SearchLimits& limits = options_.limits;
  if (!reading.asked.insert(target).second)
    throw PageFault{"the pages of the answer go in a circle"};
  if (reading.asked.size() > static_cast<std::size_t>(limits.pages))
    throw PageFault{"more than " + std::to_string(limits.pages) + " pages"};
  if (reading.bytes > limits.bytesPerSearch || reading.collected.size() > limits.resources)
    throw PageFault{"the answer is larger than " + std::to_string(limits.bytesPerSearch >> 20) +
                    " MiB or " + std::to_string(limits.resources) + " resources"};
  if (steady_clock::now() > reading.deadline) throw PageFault{"the search takes too long"};
}

std::optional<std::string> SearchClient::readPage(const std::string& target, Reading& reading,
                                                  const std::stop_token& stop) {
  stopAtLimits(target, reading);
  SearchResult& result = reading.result;
  Fetched fetched = fetch(target, reading.deadline, stop);
  result.status = fetched.answer.status;
  if (fetched.end != End::Complete) {
    // A later page that is refused (an expired cursor) leaves the search unfinished.
    const bool isLater = reading.asked.size() > 1 && fetched.end == End::Refused;
    result.end = isLater ? End::NotFinished : fetched.end;
    result.why = fetched.why;
    return std::nullopt;
  }
  reading.bytes += fetched.answer.body.size();
  SearchPage page = readSearchPage(fetched.answer.body, options_.limits.depth);
  if (reading.asked.size() == 1) result.selfUrl = page.selfUrl;
  for (auto& resource : page.resources) reading.collected.add(std::move(resource));
  result.remarks.insert(result.remarks.end(), page.remarks.begin(), page.remarks.end());
  if (!page.next) return std::nullopt;
  return targetOnOrigin(*page.next, base_);
}

SearchResult SearchClient::search(const std::string& type, const SearchParameters& parameters,
                                  std::stop_token stop) {
  std::string first = path() + "/" + type + "?";
  for (const auto& [name, value] : parameters)
    first += name + "=" + net::percentEncode(value) + "&";
  first += "_count=" + std::to_string(options_.limits.pageSize);

  Reading reading;
  reading.deadline = steady_clock::now() + options_.limits.search;
  try {
    for (std::optional<std::string> target = first; target;)
      target = readPage(*target, reading, stop);
  } catch (const PageFault& fault) {
    reading.result.end = End::NotFinished;
    reading.result.why = fault.why;
  }
  SearchResult result = std::move(reading.result);
  if (!result.why.empty()) result.why = type + ": " + result.why;
  result.resources = reading.collected.take();
  return result;
}

std::optional<nlohmann::json> SearchClient::capabilities(std::stop_token stop) {
  const auto deadline = steady_clock::now() + options_.limits.search;
  const Fetched fetched = fetch(path() + "/metadata", deadline, stop);
  if (fetched.end != End::Complete ||
      jsonDepth(fetched.answer.body, options_.limits.depth) > options_.limits.depth)
    return std::nullopt;
  nlohmann::json found = nlohmann::json::parse(fetched.answer.body, nullptr, false);
  if (textAt(found, "resourceType") != "CapabilityStatement") return std::nullopt;
  return found;
}

}  // namespace fedpet::fhir
