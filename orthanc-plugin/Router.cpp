#include "orthanc-plugin/Router.h"

#include "orthanc-plugin/RestSchemas.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool isParameter(const std::string& segment) { return segment.starts_with('{'); }
std::string parameterName(const std::string& segment) {
  return segment.substr(1, segment.size() - 2);
}

std::optional<PathParameters> match(const std::string& pattern, const std::string& path) {
  const auto expected = segments(pattern), given = segments(path);
  if (expected.size() != given.size()) return std::nullopt;
  PathParameters parameters;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (isParameter(expected[i]) && !given[i].empty())
      parameters[parameterName(expected[i])] = given[i];
    else if (expected[i] != given[i])
      return std::nullopt;
  }
  return parameters;
}

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

json response(const char* description, const std::string& schema) {
  json answer{{"description", description}};
  if (!schema.empty())
    answer["content"]["application/json"]["schema"]["$ref"] = "#/components/schemas/" + schema;
  return answer;
}

}  // namespace

HttpResponse problem(int status, const std::string& message) {
  HttpResponse response;
  response.status = status;
  response.body = json{{"error", message}}.dump();
  return response;
}

HttpResponse freshJson(const std::string& text) {
  HttpResponse response;
  response.body = text;
  response.headers["Cache-Control"] = "no-store";
  return response;
}

void refuseCrossSite(const HttpRequest& request) {
  const auto it = request.headers.find("sec-fetch-site");
  if (it != request.headers.end() && it->second != "same-origin" && it->second != "none")
    throw HttpError{403, "a request from another site"};
}

HttpResponse Router::handle(const HttpRequest& request) const {
  std::string allowed;
  for (const Route& route : routes_) {
    const auto parameters = match(route.pattern, request.path);
    if (!parameters) continue;
    if (route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    try {
      return route.handler(request, *parameters);
    } catch (const HttpError& e) {
      return problem(e.status, e.message);
    }
  }
  if (allowed.empty()) return problem(404, "no such address");
  HttpResponse response = problem(405, "use " + allowed);
  response.headers["Allow"] = allowed;
  return response;
}

std::string openApiDocument(const std::vector<Route>& routes, const std::string& version) {
  json paths = json::object();
  for (const Route& route : routes) {
    if (route.summary.empty()) continue;
    json operation = {{"summary", route.summary},
                      {"responses",
                       {{"200", response("done", route.answer)},
                        {"default", response("what is wrong, in a sentence", "Error")}}}};
    for (const std::string& segment : segments(route.pattern))
      if (isParameter(segment))
        operation["parameters"].push_back({{"name", parameterName(segment)},
                                           {"in", "path"},
                                           {"required", true},
                                           {"schema", {{"type", "string"}}}});
    for (const auto& [name, meaning] : route.query)
      operation["parameters"].push_back({{"name", name},
                                         {"in", "query"},
                                         {"description", meaning},
                                         {"schema", {{"type", "string"}}}});
    paths[route.pattern][lowered(route.method)] = operation;
  }
  return json{{"openapi", "3.1.0"},
              {"info",
               {{"title", "fedpet"},
                {"version", version},
                {"description", "FDG-PET assessment inside Orthanc. Research use only."}}},
              {"paths", paths},
              {"components", {{"schemas", restSchemas()}}}}
      .dump(2);
}

}  // namespace fedpet::plugin
