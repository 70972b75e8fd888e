// Addresses to handlers. The same table answers requests and writes the OpenAPI document.
#pragma once

#include "federation/coordinator/Coordinator.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fedpet::federation {

// Why a request is not answered; becomes a Problem.
struct Refusal : std::runtime_error {
  Refusal(int s, std::string c, const std::string& message)
      : std::runtime_error(message), status(s), code(std::move(c)) {}
  int status;
  std::string code;
};

// What a handler gets.
struct ApiCall {
  const ApiRequest& request;
  std::map<std::string, std::string> path;  // of the pattern's {names}
  std::string site;                         // who signed it; empty on other routes
  std::string bodySha256;                   // hex, as it was signed; empty on other routes
  std::string administrator;                // a name for the audit

  const std::string& at(const std::string& name) const { return path.at(name); }
  // Throws Refusal (400 Malformed) when it is absent or not a number up to `most`.
  std::uint64_t number(const std::string& name, std::uint64_t most) const;
};

enum class Access { Public, Site, Administrator };
struct Route {
  std::string method, pattern;  // "/v1/plans/{hash}"
  std::string summary;
  Access access = Access::Site;
  std::string requestType, responseType;  // media types; empty: no body
  std::string requestBody, responseBody;  // what the body is, for the document
  std::function<ApiResponse(ApiCall&)> handler;
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  // Fills in call.path. Throws Refusal (404 NotFound, 405 MethodNotAllowed).
  const Route& find(ApiCall&) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

std::string openApiDocument(const std::vector<Route>&);

std::string headerOf(const ApiRequest&, std::string_view name);  // empty: absent
ApiResponse jsonAnswer(int status, const std::string& text);
ApiResponse cborAnswer(Bytes);
ApiResponse problemAnswer(const Refusal&, std::chrono::sys_seconds now);

}  // namespace fedpet::federation
