// The administrator's commands: each is one or two requests to a coordinator that serves.
#include "federation/files/DurableFiles.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/program/Commands.h"
#include "net/HttpClient.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

struct Target {
  fs::path folder, ca, tokenFile;
  std::string url;
  bool asJson = false;
};

class AdminClient {
 public:
  explicit AdminClient(const Target& target)
      : origin_(net::parseUrl(urlOf(target))),
        token_(tokenOf(target)),
        client_(origin_, optionsOf(target, origin_)) {
    base_ = origin_.path;
    while (base_.ends_with('/')) base_.pop_back();
  }

  std::string send(const std::string& method, const std::string& path, std::string body = {},
                   const std::string& type = "application/json") {
    net::HttpRequest request{method,
                             base_ + "/v1/admin/" + path,
                             {{"Authorization", "Bearer " + token_}},
                             std::move(body)};
    if (!request.body.empty()) request.headers.push_back({"Content-Type", type});
    const net::HttpResponse response = client_.send(request);
    if (response.status / 100 == 2) return response.body;
    const json problem = json::parse(response.body, nullptr, false);
    throw std::runtime_error(problem.is_object() && problem.contains("message")
                                 ? problem["message"].get<std::string>()
                                 : "the coordinator answered " + std::to_string(response.status));
  }

 private:
  static std::string urlOf(const Target& target) {
    if (!target.url.empty()) return target.url;
    if (target.folder.empty())
      throw std::runtime_error("say where the coordinator is: --dir, or --url with --token-file");
    if (fs::exists(servedUrlFile(target.folder)))
      return std::string(textOf(readWholeFile(servedUrlFile(target.folder))));
    return FolderConfig::load(target.folder).publicUrl;
  }
  static std::string tokenOf(const Target& target) {
    if (target.tokenFile.empty() && target.folder.empty())
      throw std::runtime_error("the administrator's token is needed: --token-file or --dir");
    const fs::path file =
        target.tokenFile.empty() ? KeyFiles{target.folder}.token() : target.tokenFile;
    std::string token(textOf(readWholeFile(file)));
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    return token;
  }
  static net::HttpClientOptions optionsOf(const Target& target, const net::Url& url) {
    net::HttpClientOptions options;
    if (!url.isTls()) return options;
    if (!target.ca.empty())
      options.caFile = target.ca;
    else if (!target.folder.empty())
      options.caFile = KeyFiles{target.folder}.authority();
    return options;
  }

  net::Url origin_;
  std::string base_, token_;
  net::HttpClient client_;
};

std::string timeText(const json& seconds) {
  if (!seconds.is_number_integer()) return "-";
  const std::time_t time = seconds.get<std::time_t>();
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &utc);
  return text;
}

// Left-aligned columns, each as wide as its widest cell.
void printTable(const std::vector<std::string>& head,
                const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& title : head) widths.push_back(title.size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(i + 1 < row.size() ? widths[i] - row[i].size() + 2 : 0, ' ');
    std::printf("%s\n", line.c_str());
  };
  print(head);
  for (const auto& row : rows) print(row);
}

void printSites(const json& sites) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& s : sites)
    rows.push_back({s["site"].get<std::string>(), s["status"].get<std::string>(),
                    timeText(s["enrolled"]), timeText(s["lastSeen"]),
                    timeText(s["certificateEnds"])});
  printTable({"site", "status", "enrolled", "last seen", "certificate ends"}, rows);
}

void printPlans(const json& plans) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& p : plans) {
    int approved = 0;
    for (const auto& d : p["decisions"]) approved += d["approved"].get<bool>() ? 1 : 0;
    rows.push_back({p["hash"].get<std::string>().substr(0, 16), p["status"].get<std::string>(),
                    std::to_string(approved) + " of " + std::to_string(p["decisions"].size()),
                    std::to_string(p["rounds"].size()), p["title"].get<std::string>(),
                    p["reason"].get<std::string>()});
  }
  printTable({"plan", "status", "approved", "rounds done", "title", "reason"}, rows);
}

void printRounds(const json& rounds) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : rounds) {
    const bool isOpen = r.contains("now");
    rows.push_back({r["id"].get<std::string>(), r["status"].get<std::string>(),
                    isOpen ? r["now"]["step"].get<std::string>() : "-",
                    std::to_string(r["invited"].size()), timeText(r["opened"]),
                    isOpen ? timeText(r["now"]["deadline"]) : timeText(r["closed"]),
                    r["failure"].get<std::string>()});
  }
  printTable({"round", "status", "step", "invited", "opened", "deadline or end", "failure"}, rows);
}

void printReleases(const json& releases) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : releases)
    rows.push_back(
        {r["hash"].get<std::string>().substr(0, 16), r["plan"].get<std::string>().substr(0, 16),
         std::to_string(r["rounds"].get<int>()), std::to_string(r["contributors"].size()),
         timeText(r["released"]), r["title"].get<std::string>()});
  printTable({"release", "plan", "rounds", "sites", "released", "title"}, rows);
}

// The first characters of a hash are enough where they name one plan.
std::string wholeHash(AdminClient& client, const std::string& given) {
  if (given.size() == 64) return given;
  std::vector<std::string> found;
  for (const auto& plan : json::parse(client.send("GET", "plans")))
    if (const auto hash = plan["hash"].get<std::string>(); hash.starts_with(given))
      found.push_back(hash);
  if (found.size() == 1 && given.size() >= 4) return found.front();
  throw std::runtime_error(found.empty() ? "no plan's hash begins with " + given
                                         : "several plans begin with " + given + ": write more");
}

std::string segment(const std::string& text) { return net::percentEncode(text); }

std::string fileText(const fs::path& path) { return std::string(textOf(readWholeFile(path))); }

void save(const fs::path& path, const std::string& text) {
  if (path.empty() || path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  writeOwnerFile(path, viewOf(text), 0644);
}

// --- how a command is declared -----------------------------------------------------------------

struct Arguments {  // of any of the commands
  Target target;
  std::string id, reason, title;
  fs::path file;
  bool synthetic = false;
};
using Run = void (*)(AdminClient&, const Arguments&);

CLI::App* command(CLI::App& parent, const char* name, const char* help,
                  const std::shared_ptr<Arguments>& arguments, Run run) {
  auto* sub = parent.add_subcommand(name, help);
  Target& target = arguments->target;
  sub->add_option("--dir", target.folder, "Folder of the coordinator, on this machine");
  sub->add_option("--url", target.url, "Address of a coordinator elsewhere");
  sub->add_option("--token-file", target.tokenFile, "File with the administrator's token");
  sub->add_option("--ca", target.ca, "PEM authority of its certificate (default: of the folder)");
  sub->add_flag("--json", target.asJson, "Print JSON");
  sub->callback([arguments, run] {
    AdminClient client(arguments->target);
    run(client, *arguments);
  });
  return sub;
}

std::shared_ptr<Arguments> fresh() { return std::make_shared<Arguments>(); }

template <void (*print)(const json&)>
void show(const Arguments& a, const std::string& answer) {
  if (a.target.asJson)
    std::printf("%s\n", answer.c_str());
  else
    print(json::parse(answer));
}

void say(const Arguments& a, const std::string& answer, const std::string& sentence) {
  std::printf("%s\n", a.target.asJson ? answer.c_str() : sentence.c_str());
}

// --- the commands ------------------------------------------------------------------------------

void addSiteCommands(CLI::App& app) {
  auto a = fresh();
  command(app, "invite", "Invite a site: prints what its people need to enrol", a,
          [](AdminClient& client, const Arguments& x) {
            const auto answer = client.send("POST", "sites", json{{"id", x.id}}.dump());
            say(x, answer, json::parse(answer)["invitation"].get<std::string>());
          })
      ->add_option("site", a->id, "Its id: a-z, 0-9 and -")
      ->required();
  a = fresh();
  command(app, "sites", "List the sites", a, [](AdminClient& client, const Arguments& x) {
    show<printSites>(x, client.send("GET", "sites"));
  });
  a = fresh();
  auto* revoke = command(
      app, "revoke", "Exclude a site at once", a, [](AdminClient& client, const Arguments& x) {
        const auto answer = client.send("POST", "sites/" + segment(x.id) + "/revocation",
                                        json{{"reason", x.reason}}.dump());
        say(x, answer, x.id + " is revoked");
      });
  revoke->add_option("site", a->id, "Its id")->required();
  revoke->add_option("--reason", a->reason, "For the audit log");
}

void addPlanCommands(CLI::App& app) {
  auto* plan = app.add_subcommand("plan", "Propose, start, cancel and look at plans");
  plan->require_subcommand(1);
  auto a = fresh();
  command(*plan, "propose", "Send a plan to all sites for their decision", a,
          [](AdminClient& client, const Arguments& x) {
            const auto answer = client.send("POST", "plans", fileText(x.file));
            say(x, answer, json::parse(answer)["hash"].get<std::string>());
          })
      ->add_option("file", a->file, "The plan as JSON")
      ->required()
      ->check(CLI::ExistingFile);
  a = fresh();
  command(*plan, "start", "Start an approved plan, or go on with a paused one", a,
          [](AdminClient& client, const Arguments& x) {
            const auto hash = wholeHash(client, x.id);
            say(x, client.send("POST", "plans/" + hash + "/start"), "plan " + hash + " runs");
          })
      ->add_option("plan", a->id, "Its hash, or the first characters of it")
      ->required();
  a = fresh();
  auto* cancel = command(
      *plan, "cancel", "End a plan for good", a, [](AdminClient& client, const Arguments& x) {
        const auto hash = wholeHash(client, x.id);
        say(x, client.send("POST", "plans/" + hash + "/cancel", json{{"reason", x.reason}}.dump()),
            "plan " + hash + " is cancelled");
      });
  cancel->add_option("plan", a->id, "Its hash, or the first characters of it")->required();
  cancel->add_option("--reason", a->reason, "For the audit log");
  a = fresh();
  command(*plan, "list", "List the plans", a, [](AdminClient& client, const Arguments& x) {
    show<printPlans>(x, client.send("GET", "plans"));
  });
  a = fresh();
  command(*plan, "show", "A plan with its decisions and progress, as JSON", a,
          [](AdminClient& client, const Arguments& x) {
            const auto text = client.send("GET", "plans/" + wholeHash(client, x.id));
            std::printf("%s\n",
                        x.target.asJson ? text.c_str() : ordered_json::parse(text).dump(2).c_str());
          })
      ->add_option("plan", a->id, "Its hash, or the first characters of it")
      ->required();
}

void addResultCommands(CLI::App& app) {
  auto a = fresh();
  command(app, "rounds", "List the rounds", a, [](AdminClient& client, const Arguments& x) {
    show<printRounds>(x, client.send("GET", "rounds"));
  });
  a = fresh();
  command(app, "releases", "List the releases", a, [](AdminClient& client, const Arguments& x) {
    show<printReleases>(x, client.send("GET", "releases"));
  });
  a = fresh();
  auto* release = command(app, "release", "Publish to all sites what a finished plan produced", a,
                          [](AdminClient& client, const Arguments& x) {
                            const json body = {{"planHash", wholeHash(client, x.id)},
                                               {"title", x.title},
                                               {"synthetic", x.synthetic}};
                            const auto answer = client.send("POST", "releases", body.dump());
                            say(x, answer, json::parse(answer)["hash"].get<std::string>());
                          });
  release->add_option("plan", a->id, "Its hash, or the first characters of it")->required();
  release->add_option("--title", a->title, "Another title than the plan's");
  release->add_flag("--synthetic", a->synthetic, "Mark it as made from synthetic patients");
}

void addFileCommands(CLI::App& app) {
  auto* blob = app.add_subcommand("blob", "Files that plans and releases name by their SHA-256");
  blob->require_subcommand(1);
  auto a = fresh();
  command(*blob, "add", "Store a file, such as a model to evaluate", a,
          [](AdminClient& client, const Arguments& x) {
            const auto answer =
                client.send("POST", "blobs", fileText(x.file), "application/octet-stream");
            say(x, answer, json::parse(answer)["sha256"].get<std::string>());
          })
      ->add_option("file", a->file, "The file")
      ->required()
      ->check(CLI::ExistingFile);
  a = fresh();
  auto* get = command(*blob, "get", "Fetch a file", a, [](AdminClient& client, const Arguments& x) {
    save(x.file, client.send("GET", "blobs/" + segment(x.id)));
  });
  get->add_option("sha256", a->id, "Its hash")->required();
  get->add_option("--output", a->file, "Where to (default: standard output)");
  auto* audit = app.add_subcommand("audit", "The coordinator's log of all that happened");
  audit->require_subcommand(1);
  a = fresh();
  command(
      *audit, "export", "Write the log; check it with `fedpet audit verify`", a,
      [](AdminClient& client, const Arguments& x) { save(x.file, client.send("GET", "audit")); })
      ->add_option("--output", a->file, "Where to (default: standard output)");
}

}  // namespace

void addAdminCommands(CLI::App& app) {
  addSiteCommands(app);
  addPlanCommands(app);
  addResultCommands(app);
  addFileCommands(app);
}

}  // namespace fedpet::federation
