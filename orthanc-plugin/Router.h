// Addresses to handlers. The same table answers requests and writes the OpenAPI document.
#pragma once

#include "orthanc-plugin/Http.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fedpet::plugin {

using PathParameters = std::map<std::string, std::string>;

struct Route {
  std::string method;   // "GET" or "POST"
  std::string pattern;  // "/fedpet/jobs/{id}"; "{file}" matches one segment
  std::string summary;  // for the OpenAPI document; empty: not listed there
  std::function<HttpResponse(const HttpRequest&, const PathParameters&)> handler;
  std::map<std::string, std::string> query = {};  // parameters and what they do, for the document
  std::string answer = {};  // name of its schema in the document; empty: not JSON of ours
};

// An answer other than success, with a sentence for the caller.
struct HttpError {
  int status = 500;
  std::string message;
};

HttpResponse problem(int status, const std::string& message);  // {"error": "..."}
HttpResponse freshJson(const std::string& text);               // 200, not to be kept by any cache

// Throws HttpError: a page of another site must not press our buttons with the user's credentials.
void refuseCrossSite(const HttpRequest&);

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  // 404 for no such address, 405 with Allow for another method; a handler may throw HttpError.
  HttpResponse handle(const HttpRequest&) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// OpenAPI 3.1 document of the listed routes, with the schemas of RestSchemas.h.
std::string openApiDocument(const std::vector<Route>&, const std::string& version);

}  // namespace fedpet::plugin
