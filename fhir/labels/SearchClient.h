// FHIR searches by GET, page after page, within limits: it always returns, and it says when what
// it returns is not all there is.
#pragma once

#include "fhir/auth/TokenSource.h"
#include "net/HttpClient.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::fhir {

struct SearchLimits {
  int pageSize = 200;              // _count
  int pages = 200;                 // of one search
  std::size_t resources = 50'000;  // of one search
  std::size_t bytesPerPage = 32u * 1024 * 1024;
  std::size_t bytesPerSearch = 256u * 1024 * 1024;
  int depth = 64;                                 // nesting of the JSON
  std::chrono::milliseconds request{60'000};      // one request, all together
  std::chrono::milliseconds search{300'000};      // one search, with its waiting
  int attempts = 4;                               // of one request
  std::chrono::milliseconds firstWait{500};       // doubles; when the server names no time
  std::chrono::milliseconds longestWait{60'000};  // a longer Retry-After ends the search
};

struct SearchOptions {
  std::string baseUrl;
  // At most one of these; none: no Authorization header.
  std::shared_ptr<TokenSource> tokens;
  std::string bearerToken;
  std::string user, password;
  net::HttpClientOptions http;  // its time and size limits are replaced by ours
  SearchLimits limits;
  // Ask the server to refuse parameters that it does not know, instead of dropping them (R4
  // search, "Prefer: handling=strict").
  bool strict = true;
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
  // Returns early when told to stop. Replaced in tests.
  std::function<void(std::chrono::milliseconds, const std::stop_token&)> wait = sleepFor;

  static void sleepFor(std::chrono::milliseconds, const std::stop_token&);
};

using SearchParameters = std::vector<std::pair<std::string, std::string>>;

struct SearchResult {
  enum class End {
    Complete,      // all pages read
    Refused,       // 4xx: the server will not answer this search
    Unauthorized,  // 401 with a new token, 403, or no token to be had
    NotFinished,   // a limit, an error that did not pass, or pages that are no FHIR
  };
  End end = End::Complete;
  std::string why;  // unless complete: a sentence for a person
  int status = 0;   // of the last answer; 0: none
  // Each resource once: of two versions the newer by meta.lastUpdated.
  std::vector<nlohmann::json> resources;
  std::vector<std::string> remarks;
  std::string selfUrl;
};

// Not thread-safe: one per thread; they may share a TokenSource.
class SearchClient {
 public:
  // Throws std::invalid_argument for a base URL that net::parseUrl refuses, net::NetError (Tls) for
  // unreadable certificate files.
  explicit SearchClient(SearchOptions);

  // GET {base}/{type}?{parameters}&_count=...; values are encoded here. Never throws for what the
  // server does; throws net::NetError (Cancelled) when told to stop.
  SearchResult search(const std::string& type, const SearchParameters&, std::stop_token stop = {});

  // GET {base}/metadata as JSON; nullopt when there is none to be had.
  std::optional<nlohmann::json> capabilities(std::stop_token stop = {});

  std::size_t requestsSent() const { return requests_; }

 private:
  struct Fetched {
    net::HttpResponse answer;
    SearchResult::End end = SearchResult::End::Complete;
    std::string why;
  };
  struct Reading;
  Fetched fetch(const std::string& target, std::chrono::steady_clock::time_point deadline,
                const std::stop_token&);
  Fetched once(const std::string& target, const std::stop_token&, bool& mayPass,
               std::chrono::milliseconds& wait);
  net::HttpResponse get(const std::string& target, const std::stop_token&);
  // Throw PageFault, which ends the search unfinished.
  void stopAtLimits(const std::string& target, Reading&) const;
  std::optional<std::string> readPage(const std::string& target, Reading&, const std::stop_token&);
  std::string path() const;

  SearchOptions options_;
  net::Url base_;
  net::HttpClient http_;
  std::size_t requests_ = 0;
};

}  // namespace fedpet::fhir
