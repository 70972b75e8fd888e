// The calls to the Orthanc core that we use, each as one C++ function. Borrowed: the core owns the
// OrthancPluginContext and it lives from Initialize to the end of Finalize.
#pragma once

#include <orthanc/OrthancCPlugin.h>

#include <cstdint>
#include <string>

namespace fedpet::plugin::sdk {

struct CoreAnswer {
  int status = 0;  // HTTP status
  std::string body;
};

class Context {
 public:
  explicit Context(OrthancPluginContext* context) : context_(context) {}

  // False when the core is older than the SDK that this plugin was built with.
  bool coreIsRecentEnough() const { return OrthancPluginCheckVersion(context_) == 1; }

  void logInfo(const std::string&) const noexcept;
  void logWarning(const std::string&) const noexcept;
  void logError(const std::string&) const noexcept;

  // The whole configuration of Orthanc as JSON text. Throws std::runtime_error.
  std::string configuration() const;
  std::string restAuthorizationToken() const;  // value of an Authorization header

  // The built-in REST API, with full rights. Never from a callback of the core, see
  // docs/architecture.md: only from our own threads. A status of 400 and above is an answer, not
  // an exception; throws std::runtime_error when the core could not be called at all.
  CoreAnswer get(const std::string& uri) const;

  std::string globalProperty(int id, const std::string& whenAbsent) const;
  void setGlobalProperty(int id, const std::string& value) const;

  void setMetric(const char* name, double value) const noexcept;
  void extendExplorer(const std::string& javascript) const;
  void setDescription(const std::string&) const;
  void setRootUri(const std::string&) const;

  OrthancPluginContext* raw() const { return context_; }

 private:
  OrthancPluginContext* context_;
};

}  // namespace fedpet::plugin::sdk
