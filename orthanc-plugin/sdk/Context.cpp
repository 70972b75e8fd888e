#include "orthanc-plugin/sdk/Context.h"

#include "orthanc-plugin/sdk/Memory.h"

#include <stdexcept>

namespace fedpet::plugin::sdk {

void Context::logInfo(const std::string& text) const noexcept {
  OrthancPluginLogInfo(context_, text.c_str());
}
void Context::logWarning(const std::string& text) const noexcept {
  OrthancPluginLogWarning(context_, text.c_str());
}
void Context::logError(const std::string& text) const noexcept {
  OrthancPluginLogError(context_, text.c_str());
}

std::string Context::configuration() const {
  const OrthancString text(context_, OrthancPluginGetConfiguration(context_));
  if (!text) throw std::runtime_error("Orthanc gave no configuration");
  return std::string(text.view());
}

std::string Context::restAuthorizationToken() const {
  const OrthancString token(context_, OrthancPluginGenerateRestApiAuthorizationToken(context_));
  if (!token) throw std::runtime_error("Orthanc gave no REST authorization token");
  return std::string(token.view());
}

CoreAnswer Context::get(const std::string& uri) const {
  OrthancBuffer body(context_), headers(context_);
  std::uint16_t status = 0;
  const OrthancPluginErrorCode error = OrthancPluginCallRestApi(
      context_, body.target(), headers.target(), &status, OrthancPluginHttpMethod_Get, uri.c_str(),
      0, nullptr, nullptr, nullptr, 0, 0);
  // The core reports a missing resource as an error code and leaves the status unset.
  if (error == OrthancPluginErrorCode_UnknownResource ||
      error == OrthancPluginErrorCode_InexistentItem) {
    return {404, {}};
  }
  if (error != OrthancPluginErrorCode_Success) {
    throw std::runtime_error("GET " + uri + ": " +
                             OrthancPluginGetErrorDescription(context_, error));
  }
  return {status, std::string(body.view())};
}

std::string Context::globalProperty(int id, const std::string& whenAbsent) const {
  const OrthancString value(context_,
                            OrthancPluginGetGlobalProperty(context_, id, whenAbsent.c_str()));
  if (!value) throw std::runtime_error("cannot read a global property of Orthanc");
  return std::string(value.view());
}

void Context::setGlobalProperty(int id, const std::string& value) const {
  if (OrthancPluginSetGlobalProperty(context_, id, value.c_str()) !=
      OrthancPluginErrorCode_Success) {
    throw std::runtime_error("cannot write a global property of Orthanc");
  }
}

void Context::setMetric(const char* name, double value) const noexcept {
  OrthancPluginSetMetricsValue(context_, name, static_cast<float>(value),
                               OrthancPluginMetricsType_Default);
}

void Context::extendExplorer(const std::string& javascript) const {
  OrthancPluginExtendOrthancExplorer(context_, javascript.c_str());
}
void Context::setDescription(const std::string& text) const {
  OrthancPluginSetDescription(context_, text.c_str());
}
void Context::setRootUri(const std::string& uri) const {
  OrthancPluginSetRootUri(context_, uri.c_str());
}

}  // namespace fedpet::plugin::sdk
