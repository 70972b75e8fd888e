// Where C++ ends and C begins: no exception may cross into the core. A handler that throws costs
// its own request, never the PACS.
#pragma once

#include <orthanc/OrthancCPlugin.h>

#include <exception>

namespace fedpet::plugin::sdk {

// `failed(text)` writes the log line; it must not throw.
template <typename Handler, typename Failed>
OrthancPluginErrorCode guarded(const Handler& handler, const Failed& failed) noexcept {
  try {
    handler();
    return OrthancPluginErrorCode_Success;
  } catch (const std::exception& e) {
    failed(e.what());
  } catch (...) {
    failed("unknown exception");
  }
  return OrthancPluginErrorCode_InternalError;
}

}  // namespace fedpet::plugin::sdk
