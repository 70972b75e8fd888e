// `fedpet audit verify`: is a log whole, and do the two ends tell the same?
#pragma once

#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {

inline constexpr int kExitBroken = 4;  // the log was altered, or two logs contradict each other

void addAuditCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
