// Where the rooms' reports are written down. A line carries Orthanc's identifiers or a job number
// and no patient attribute.
#pragma once

#include <functional>
#include <string>

namespace fedpet::plugin {

enum class LogLevel { Info, Warning, Error };
using Log = std::function<void(LogLevel, const std::string&)>;  // callable from every thread

}  // namespace fedpet::plugin
