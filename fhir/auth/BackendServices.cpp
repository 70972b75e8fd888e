#include "fhir/auth/BackendServices.h"

#include <nlohmann/json.hpp>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <set>

namespace fedpet::fhir {
namespace {

using nlohmann::json;
using Kind = AuthError::Kind;

constexpr std::chrono::seconds kLongestAssertion{300};  // SMART: "no more than five minutes"
constexpr std::chrono::seconds kUnstatedLifetime{60};   // expires_in is missing
constexpr std::size_t kLongestToken = 16 * 1024;

std::string textAt(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::set<std::string> textsAt(const json& object, const char* key) {
  std::set<std::string> texts;
  if (!object.is_object() || !object.contains(key) || !object[key].is_array()) return texts;
  for (const json& item : object[key])
    if (item.is_string()) texts.insert(item.get<std::string>());
  return texts;
}

// An error code and description of RFC 6749 for the log. A peer may echo what we sent, so long
// words (a token, an assertion) are left out.
std::string shown(const std::string& text) {
  std::string out, word;
  const auto flush = [&] {
    if (!word.empty()) out += (out.empty() ? "" : " ") + (word.size() > 40 ? "..." : word);
    word.clear();
  };
  for (const char c : text.substr(0, 400)) {
    if (c > 0x20 && c < 0x7f)
      word += c;
    else
      flush();
  }
  flush();
  return out.substr(0, 160);
}

// RFC 6750, section 2.1: what may stand in the header.
bool isBearerToken(const std::string& token) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
  return !token.empty() && token.size() <= kLongestToken &&
         token.find_first_not_of(kAllowed) == std::string::npos;
}

std::string uniqueId() {
  std::array<unsigned char, 24> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw AuthError(Kind::Unreachable, "the system gives no random numbers");
  return base64Url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

struct Address {
  net::Url url;
  std::string target;  // path and query
};
Address addressOf(const std::string& text, const char* what) {
  try {
    const auto query = text.find('?');
    Address address{net::parseUrl(text.substr(0, query)), {}};
    address.target = address.url.path + (query == std::string::npos ? "" : text.substr(query));
    if (!mayCarrySecrets(address.url))
      throw AuthError(Kind::Configuration, std::string(what) + " must begin with https");
    return address;
  } catch (const std::invalid_argument& error) {
    throw AuthError(Kind::Configuration, std::string(what) + ": " + error.what());
  }
}

std::string joined(const std::vector<std::string>& scopes, bool inV1) {
  std::string text;
  std::set<std::string> seen;
  for (const std::string& scope : scopes) {
    const std::string asked = inV1 ? scopeInV1(scope) : scope;
    if (seen.insert(asked).second) text += (text.empty() ? "" : " ") + asked;
  }
  return text;
}

[[noreturn]] void rethrow(const net::NetError& error, const char* whom) {
  throw AuthError(Kind::Unreachable, std::string(whom) + ": " +
                                         std::string(toString(error.kind())) + ": " + error.what());
}

// Told apart so that the fall-back to v1 happens for this reason only.
struct InvalidScope : AuthError {
  using AuthError::AuthError;
};

}  // namespace

bool mayCarrySecrets(const net::Url& url) {
  return url.isTls() || url.host == "localhost" || url.host == "::1" ||
         url.host.starts_with("127.");
}

std::string scopeInV1(std::string_view scope) {
  const auto slash = scope.find('/');
  const std::string_view plain = scope.substr(0, scope.find('?'));
  const auto dot = plain.rfind('.');
  if (slash == std::string_view::npos || dot == std::string_view::npos || dot < slash)
    return std::string(scope);
  const std::string_view rights = plain.substr(dot + 1);
  if (rights.empty() || rights.find_first_not_of("cruds") != std::string_view::npos)
    return std::string(scope);
  const bool reads = rights.find_first_of("rs") != std::string_view::npos;
  const bool writes = rights.find_first_of("cud") != std::string_view::npos;
  return std::string(plain.substr(0, dot + 1)) + (reads && writes ? "*" : reads ? "read" : "write");
}

net::HttpClientOptions BackendServicesOptions::defaultHttp() {
  net::HttpClientOptions http;
  http.ioTimeout = http.overallTimeout = std::chrono::seconds{30};
  http.maxBodyBytes = 1024 * 1024;
  return http;
}

BackendServices::BackendServices(BackendServicesOptions options, SigningKey key)
    : options_(std::move(options)), key_(std::move(key)) {
  options_.assertionLifetime = std::min(options_.assertionLifetime, kLongestAssertion);
  if (options_.clientId.empty()) throw AuthError(Kind::Configuration, "no client id is given");
  if (options_.scopes.empty()) throw AuthError(Kind::Configuration, "no scope is asked for");
  addressOf(options_.fhirBaseUrl, "the FHIR server's address");
  if (!options_.tokenUrl.empty()) addressOf(options_.tokenUrl, "the token address");
}

BackendServices::~BackendServices() = default;

std::string BackendServices::token(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  if (token_.empty() || options_.now() >= renewAt_) renew(stop);
  return token_;
}

void BackendServices::reject(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token == token_) token_.clear();  // another thread may have a newer one already
}

std::string BackendServices::grantedScope() const {
  const std::lock_guard lock(mutex_);
  return grantedScope_;
}

BackendServices::Discovered BackendServices::discover(const std::stop_token& stop) {
  const Address base = addressOf(options_.fhirBaseUrl, "the FHIR server's address");
  std::string path = base.url.path;
  while (path.ends_with('/')) path.pop_back();
  net::HttpResponse answer;
  try {
    net::HttpClient client(base.url, options_.http);
    answer = client.get(path + "/.well-known/smart-configuration", {{"Accept", "application/json"}},
                        stop);
  } catch (const net::NetError& error) {
    rethrow(error, "SMART discovery");
  }
  if (answer.status != 200)
    throw AuthError(
        answer.status >= 500 || answer.status == 429 ? Kind::Unreachable : Kind::Configuration,
        "SMART discovery: HTTP status " + std::to_string(answer.status) +
            "; give the token address in the configuration if the server has no discovery");
  const json found = json::parse(answer.body, nullptr, false);
  const auto capabilities = textsAt(found, "capabilities");
  Discovered server{textAt(found, "token_endpoint"), capabilities.contains("permission-v1"),
                    capabilities.contains("permission-v2")};
  if (server.tokenUrl.empty())
    throw AuthError(Kind::Configuration, "SMART discovery: the answer names no token_endpoint");
  const auto methods = textsAt(found, "token_endpoint_auth_methods_supported");
  if (!methods.empty() && !methods.contains("private_key_jwt"))
    throw AuthError(Kind::Configuration,
                    "SMART discovery: the server does not take private_key_jwt");
  const auto algorithms = textsAt(found, "token_endpoint_auth_signing_alg_values_supported");
  if (!algorithms.empty() && !algorithms.contains(key_.algorithm()))
    throw AuthError(Kind::Configuration, "SMART discovery: the server does not take " +
                                             key_.algorithm() +
                                             "; use a key of the other kind (EC P-384 or RSA)");
  addressOf(server.tokenUrl, "SMART discovery: the token_endpoint");
  return server;
}

void BackendServices::renew(const std::stop_token& stop) {
  token_.clear();
  if (server_.tokenUrl.empty()) {
    if (options_.tokenUrl.empty())
      server_ = discover(stop);
    else
      server_.tokenUrl = options_.tokenUrl;
    speaksV1_ = server_.knowsV1 && !server_.knowsV2;
  }
  const auto asked = options_.now();
  try {
    keep(askForToken(joined(options_.scopes, speaksV1_), stop), asked);
  } catch (const InvalidScope&) {
    const std::string older = joined(options_.scopes, true);
    if (speaksV1_ || server_.knowsV2 || older == joined(options_.scopes, false)) throw;
    keep(askForToken(older, stop), asked);
    speaksV1_ = true;
  }
}

std::string BackendServices::askForToken(const std::string& scope, const std::stop_token& stop) {
  const std::string form =
      "grant_type=client_credentials&scope=" + net::percentEncode(scope) +
      "&client_assertion_type=" +
      net::percentEncode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
      "&client_assertion=" + assertion();
  const Address address = addressOf(server_.tokenUrl, "the token address");
  net::HttpResponse answer;
  try {
    net::HttpClient client(address.url, options_.http);
    answer = client.post(
        address.target, form,
        {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
        stop);
  } catch (const net::NetError& error) {
    rethrow(error, "the token request");
  }
  if (answer.status == 200) return answer.body;
  const json said = json::parse(answer.body, nullptr, false);
  const std::string code = shown(textAt(said, "error"));
  const std::string message = "the token request: HTTP status " + std::to_string(answer.status) +
                              (code.empty() ? "" : ", " + code) + " " +
                              shown(textAt(said, "error_description"));
  if (code == "invalid_scope") throw InvalidScope(Kind::Refused, message);
  const bool mayPass = answer.status == 429 || answer.status >= 500;
  throw AuthError(mayPass ? Kind::Unreachable : Kind::Refused, message);
}

std::string BackendServices::assertion() const {
  const auto expires = std::chrono::duration_cast<std::chrono::seconds>(
      (options_.now() + options_.assertionLifetime).time_since_epoch());
  return key_.signedJwt(json{
      {"iss", options_.clientId},
      {"sub", options_.clientId},
      {"aud", server_.tokenUrl},
      {"exp", expires.count()},
      {"jti", uniqueId()}}.dump());
}

void BackendServices::keep(const std::string& answerBody,
                           std::chrono::system_clock::time_point asked) {
  using std::chrono::seconds;
  const json answer = json::parse(answerBody, nullptr, false);
  std::string token = textAt(answer, "access_token"), type = textAt(answer, "token_type");
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  if (!isBearerToken(token) || type != "bearer")
    throw AuthError(Kind::Unreachable, "the token request: the answer holds no bearer token");
  seconds lifetime = kUnstatedLifetime;
  if (const auto found = answer.find("expires_in"); found != answer.end() && found->is_number()) {
    constexpr double kDay = 24 * 3600;
    lifetime = seconds{static_cast<long>(std::clamp(found->get<double>(), 0.0, kDay))};
  }
  token_ = std::move(token);
  grantedScope_ = textAt(answer, "scope");
  renewAt_ = asked + lifetime - std::min(options_.renewBefore, lifetime / 4);
}

}  // namespace fedpet::fhir
