#pragma once

#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {

// `fedpet sr show FILE [--json]`
void addSrCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
