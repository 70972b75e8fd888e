#include <cstdio>
#include <exception>

#include "orthanc-plugin/cli/AuditCommand.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/HarmoniseCommand.h"
#include "orthanc-plugin/cli/RadiomicsCommand.h"
#include "orthanc-plugin/cli/SiteCommand.h"
#include "orthanc-plugin/cli/SrCommand.h"

int main(int argc, char** argv) {
  using namespace fedpet::plugin;
  CLI::App app{"fedpet: measures FDG-PET and predicts the response to immunotherapy. "
               "Research use only."};
  app.name("fedpet");
  app.set_version_flag("--version", FEDPET_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused with reasons.");
  ExitCode exitCode = kExitOk;
  addSuvCommand(app, exitCode);
  addAssessCommand(app, exitCode);
  addShowCommand(app, exitCode);
  addPhantomCommand(app, exitCode);
  addCompareSegCommand(app, exitCode);
  addSrCommand(app, exitCode);
  addRadiomicsCommand(app, exitCode);
  addHarmoniseCommand(app, exitCode);
  addLabelsCommand(app, exitCode);
  addTrainCommand(app, exitCode);
  addPrivacyCommand(app, exitCode);
  addFederateCommand(app, exitCode);
  addSiteCommand(app, exitCode);
  addAuditCommand(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& information) {  // --help, --version
    return app.exit(information);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fedpet: %s\n", error.what());
    return kExitFailed;
  }
  return exitCode;
}
