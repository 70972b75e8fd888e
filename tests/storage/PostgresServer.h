// A PostgreSQL server of the test's own: in a temporary folder, reached by a Unix socket alone.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace fedpet::testing {

class PostgresServer {
 public:
  // nullptr when the programs are not installed.
  static std::unique_ptr<PostgresServer> start() {
    const auto programs = findPrograms();
    if (programs.empty()) return nullptr;
    return std::unique_ptr<PostgresServer>(new PostgresServer(programs));
  }

  ~PostgresServer() {
    run(program("pg_ctl") + " stop -m immediate -w -D " + (folder_ / "data").string());
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void restart() {
    run(program("pg_ctl") + " restart -m fast -w -D " + (folder_ / "data").string() + " -l " +
        (folder_ / "log").string());
  }

  // An empty database; returns its location.
  std::string createDatabase() {
    const std::string name = "test" + std::to_string(++databases_);
    if (!run(program("createdb") + " -h " + folder_.string() + " -U fedpet " + name))
      throw std::runtime_error("no database could be made");
    return "postgresql:host=" + folder_.string() + " user=fedpet dbname=" + name;
  }
  std::string asUri(const std::string& database) const {
    return "postgresql://fedpet@/" + database + "?host=" + folder_.string();
  }

 private:
  explicit PostgresServer(std::filesystem::path programs) : programs_(std::move(programs)) {
    // The socket's path may have at most 107 bytes, so it is not in a deep build folder.
    std::string name = "/tmp/fedpet-pg-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    if (geteuid() == 0) std::system(("chown postgres " + name).c_str());
    const std::string data = (folder_ / "data").string();
    const std::string options =
        "\"-c listen_addresses='' -c fsync=off -k " + folder_.string() + "\"";
    if (!run(program("initdb") + " -D " + data + " -U fedpet -A trust -E UTF8 --no-locale") ||
        !run(program("pg_ctl") + " start -w -D " + data + " -l " + (folder_ / "log").string() +
             " -o " + options))
      throw std::runtime_error("PostgreSQL did not start: see " + (folder_ / "output").string());
  }

  static std::filesystem::path findPrograms() {
    std::error_code ignored;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
      if (std::filesystem::exists(version.path() / "bin" / "initdb")) return version.path() / "bin";
    return {};
  }

  std::string program(const std::string& name) const { return (programs_ / name).string(); }

  // PostgreSQL refuses to run as root.
  bool run(const std::string& command) const {
    const std::string script = (folder_ / "command").string();
    std::ofstream(script) << "cd " << folder_.string() << " && " << command << " >> output 2>&1\n";
    const std::string prefix = geteuid() == 0 ? "runuser -u postgres -- " : "";
    return std::system((prefix + "sh " + script).c_str()) == 0;
  }

  std::filesystem::path programs_, folder_;
  int databases_ = 0;
};

}  // namespace fedpet::testing
