// `fedpet radiomics`: the radiomic features of one region, as the IBSI names them.
#pragma once

#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {

void addRadiomicsCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
