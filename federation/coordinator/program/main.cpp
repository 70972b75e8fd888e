#include "federation/coordinator/program/Commands.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace fedpet::federation;
  CLI::App app{
      "fedpet-coordinator: the server of a consortium of hospitals that train together. "
      "Research use only."};
  app.name("fedpet-coordinator");
  app.set_version_flag("--version", FEDPET_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed, 2 wrong usage.");
  addInitCommand(app);
  addServeCommand(app);
  addAdminCommands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& information) {  // --help, --version
    return app.exit(information);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fedpet-coordinator: %s\n", error.what());
    return kExitFailed;
  }
  return kExitOk;
}
