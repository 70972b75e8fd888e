#include "orthanc-plugin/sdk/RestCall.h"

#include <limits>
#include <stdexcept>

namespace fedpet::plugin::sdk {
namespace {

std::string methodName(OrthancPluginHttpMethod method) {
  switch (method) {
    case OrthancPluginHttpMethod_Get:
      return "GET";
    case OrthancPluginHttpMethod_Post:
      return "POST";
    case OrthancPluginHttpMethod_Put:
      return "PUT";
    case OrthancPluginHttpMethod_Delete:
      return "DELETE";
    default:
      return "?";
  }
}

}  // namespace

HttpRequest readRequest(const char* url, const OrthancPluginHttpRequest* request) {
  HttpRequest result;
  result.method = methodName(request->method);
  result.path = url;
  result.target = result.path;
  for (std::uint32_t i = 0; i < request->getCount; ++i) {
    result.query[request->getKeys[i]] = request->getValues[i];
    result.parameters.emplace_back(request->getKeys[i], request->getValues[i]);
    result.target.append(i == 0 ? "?" : "&").append(request->getKeys[i]);
    result.target.append("=").append(request->getValues[i]);
  }
  for (std::uint32_t i = 0; i < request->headersCount; ++i)
    result.headers[request->headersKeys[i]] = request->headersValues[i];
  if (request->bodySize > 0)
    result.body.assign(static_cast<const char*>(request->body), request->bodySize);
  return result;
}

void answer(const Context& context, OrthancPluginRestOutput* output, const HttpResponse& response) {
  if (response.body.size() > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("the answer is larger than 4 GiB");
  const auto size = static_cast<std::uint32_t>(response.body.size());
  if (response.status == 405) {  // SendHttpStatus refuses it: Orthanc has its own call for it
    const auto allowed = response.headers.find("Allow");
    OrthancPluginSendMethodNotAllowed(
        context.raw(), output, allowed == response.headers.end() ? "" : allowed->second.c_str());
    return;
  }
  for (const auto& [name, value] : response.headers)
    OrthancPluginSetHttpHeader(context.raw(), output, name.c_str(), value.c_str());
  if (response.status == 200) {
    OrthancPluginAnswerBuffer(context.raw(), output, response.body.data(), size,
                              response.contentType.c_str());
    return;
  }
  if (!response.body.empty())
    OrthancPluginSetHttpHeader(context.raw(), output, "Content-Type", response.contentType.c_str());
  OrthancPluginSendHttpStatus(context.raw(), output, static_cast<std::uint16_t>(response.status),
                              response.body.data(), size);
}

}  // namespace fedpet::plugin::sdk
