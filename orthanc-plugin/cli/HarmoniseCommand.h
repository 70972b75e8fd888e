// `fedpet harmonise`: checks a description of scanners, and estimates ComBat on a table.
#pragma once

#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {

void addHarmoniseCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
