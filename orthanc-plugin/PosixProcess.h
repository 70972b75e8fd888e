// fedpet-worker as a child of this process.
#pragma once

#include "orthanc-plugin/Supervisor.h"

#include <map>
#include <memory>
#include <string>

namespace fedpet::plugin {

// Starts `program` without arguments, in a process group of its own, with this environment added
// to ours. It inherits standard output and error and nothing else: a socket of Orthanc in a child
// that outlives it would keep its port taken. Its standard input is a pipe that ends when we do.
// Throws std::runtime_error.
std::unique_ptr<ChildProcess> spawnProcess(const std::string& program,
                                           const std::map<std::string, std::string>& environment);

// The folder of the shared object (or program) that this code is in.
std::string ownDirectory();

}  // namespace fedpet::plugin
