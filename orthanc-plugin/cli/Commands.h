// The subcommands of `fedpet`. Each registers its options and, when chosen, runs and sets the exit
// code. All of them answer --help; all that print a result answer --json.
#pragma once

#include <CLI/CLI.hpp>

namespace fedpet::plugin {

// Exit codes, the same for every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // the world failed: disk, missing file, internal error
inline constexpr int kExitUsage = 2;     // the command line is wrong
inline constexpr int kExitRefused = 3;   // a clinically normal "no", with its reasons

using ExitCode = int;

void addSuvCommand(CLI::App&, ExitCode&);
void addAssessCommand(CLI::App&, ExitCode&);
void addShowCommand(CLI::App&, ExitCode&);
void addPhantomCommand(CLI::App&, ExitCode&);
void addCompareSegCommand(CLI::App&, ExitCode&);
void addTrainCommand(CLI::App&, ExitCode&);
void addPrivacyCommand(CLI::App&, ExitCode&);
void addFederateCommand(CLI::App&, ExitCode&);
void addLabelsCommand(CLI::App&, ExitCode&);

}  // namespace fedpet::plugin
