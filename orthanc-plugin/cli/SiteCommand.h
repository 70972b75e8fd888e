// `fedpet site`: a hospital in a consortium, without Orthanc.
#pragma once

#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {

void addSiteCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
