#include "federation/coordinator/Router.h"

#include "federation/wire/Messages.h"
#include "federation/wire/RequestSignature.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fedpet::federation {
namespace {

using nlohmann::ordered_json;

std::vector<std::string_view> segmentsOf(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool isParameter(std::string_view segment) { return segment.starts_with('{'); }

std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        const std::vector<std::string_view>& path) {
  const auto wanted = segmentsOf(pattern);
  if (wanted.size() != path.size()) return std::nullopt;
  std::map<std::string, std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (isParameter(wanted[i]) && !path[i].empty())
      parameters.emplace(wanted[i].substr(1, wanted[i].size() - 2), path[i]);
    else if (wanted[i] != path[i])
      return std::nullopt;
  }
  return parameters;
}

bool sameText(std::string_view a, std::string_view b) {  // of header names
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

ordered_json parametersOf(const Route& route) {
  ordered_json parameters = ordered_json::array();
  for (const auto segment : segmentsOf(route.pattern))
    if (isParameter(segment))
      parameters.push_back({{"name", segment.substr(1, segment.size() - 2)},
                            {"in", "path"},
                            {"required", true},
                            {"schema", {{"type", "string"}}}});
  return parameters;
}

ordered_json contentOf(const std::string& type) {
  const char* format = type == "application/json" ? "object" : "string";
  ordered_json schema = {{"type", format}};
  if (type == "application/cbor" || type == "application/octet-stream") schema["format"] = "binary";
  return {{type, {{"schema", schema}}}};
}

ordered_json operationOf(const Route& route) {
  ordered_json operation = {{"summary", route.summary}};
  if (route.access == Access::Site) operation["security"] = {{{"requestSignature", {}}}};
  if (route.access == Access::Administrator) operation["security"] = {{{"administrator", {}}}};
  if (const auto parameters = parametersOf(route); !parameters.empty())
    operation["parameters"] = parameters;
  if (!route.requestType.empty())
    operation["requestBody"] = {{"required", true},
                                {"description", route.requestBody},
                                {"content", contentOf(route.requestType)}};
  ordered_json success = {{"description", route.responseBody}};
  if (!route.responseType.empty()) success["content"] = contentOf(route.responseType);
  operation["responses"] = {
      {"200", success},
      {"default",
       {{"description", "Why not: code, message, the coordinator's time"},
        {"content",
         {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}}}};
  return operation;
}

ordered_json componentsOf() {
  return {{"securitySchemes",
           {{"requestSignature",
             {{"type", "apiKey"},
              {"in", "header"},
              {"name", kSignatureHeader},
              {"description",
               "Ed25519 signature of the member over method, address, time, nonce and body"}}},
            {"administrator", {{"type", "http"}, {"scheme", "bearer"}}}}},
          {"schemas",
           {{"Problem",
             {{"type", "object"},
              {"required", {"code", "message", "time"}},
              {"properties",
               {{"code", {{"type", "string"}}},
                {"message", {{"type", "string"}}},
                {"time", {{"type", "integer"}, {"description", "Unix seconds"}}}}}}}}}};
}

}  // namespace

std::uint64_t ApiCall::number(const std::string& name, std::uint64_t most) const {
  const auto found = path.find(name);
  std::uint64_t value = 0;
  if (found != path.end()) {
    const std::string& text = found->second;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
        value <= most)
      return value;
  }
  throw Refusal(
      400, "Malformed",
      "the part " + name + " of the address must be a whole number up to " + std::to_string(most));
}

const Route& Router::find(ApiCall& call) const {
  const std::string_view target = call.request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (!path.starts_with('/') || target.size() > 2000)
    throw Refusal(404, "NotFound", "there is nothing at this address");
  const auto segments = segmentsOf(path);
  bool otherMethod = false;
  for (const Route& route : routes_) {
    auto parameters = match(route.pattern, segments);
    if (!parameters) continue;
    if (route.method != call.request.method) {
      otherMethod = true;
      continue;
    }
    call.path = std::move(*parameters);
    return route;
  }
  if (otherMethod) throw Refusal(405, "MethodNotAllowed", "this address does not know that method");
  throw Refusal(404, "NotFound", "there is nothing at this address");
}

std::string openApiDocument(const std::vector<Route>& routes) {
  ordered_json paths = ordered_json::object();
  for (const Route& route : routes) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths[route.pattern][method] = operationOf(route);
  }
  return ordered_json{
      {"openapi", "3.0.3"},
      {"info",
       {{"title", "FEDERATED-PET coordinator"},
        {"version", std::to_string(kProtocolVersion)},
        {"description", "CBOR bodies are described in docs/wire-format.md. Research use only."}}},
      {"paths", paths},
      {"components", componentsOf()}}
      .dump(2);
}

std::string headerOf(const ApiRequest& request, std::string_view name) {
  for (const auto& [given, value] : request.headers)
    if (sameText(given, name)) return value;
  return {};
}

ApiResponse jsonAnswer(int status, const std::string& text) {
  return {status, "application/json", {}, Bytes(text.begin(), text.end())};
}

ApiResponse cborAnswer(Bytes bytes) { return {200, "application/cbor", {}, std::move(bytes)}; }

ApiResponse problemAnswer(const Refusal& refusal, std::chrono::sys_seconds now) {
  return jsonAnswer(refusal.status,
                    ordered_json{{"code", refusal.code},
                                 {"message", refusal.what()},
                                 {"time", now.time_since_epoch().count()}}
                        .dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace fedpet::federation
