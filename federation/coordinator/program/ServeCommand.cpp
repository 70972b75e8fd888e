#include "federation/Clock.h"
#include "federation/files/DurableFiles.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/OverHttp.h"
#include "federation/coordinator/program/Commands.h"
#include "federation/wire/Messages.h"
#include "net/HttpServer.h"
#include "net/Url.h"

#include <nlohmann/json.hpp>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::hours kServerCertificateLasts{400 * 24}, kRenewedAfter{200 * 24};

struct Serve {
  fs::path folder, certificate, key;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443;
  int pollSeconds = 30, clockToleranceSeconds = 300;
  bool json = false, behindProxy = false;

  void run() const;
};

// Of the subject public key info, as invitations pin it.
std::string pinOf(const fs::path& certificate) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(certificate.c_str(), "r"),
                                                             std::fclose);
  if (!file) throw std::runtime_error("cannot open " + certificate.string());
  const std::unique_ptr<X509, void (*)(X509*)> parsed(
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
  unsigned char* der = nullptr;
  const int length = parsed ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(parsed.get()), &der) : -1;
  if (length <= 0)
    throw std::runtime_error(certificate.string() + " holds no certificate in PEM form");
  const std::string pin = sha256Hex(ByteView(der, static_cast<std::size_t>(length)));
  OPENSSL_free(der);
  return pin;
}

bool isIpAddress(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

// A certificate of the consortium's own authority, for the names under which it can be reached.
void issueServerCertificate(const fs::path& folder, const std::string& publicUrl,
                            const std::string& address) {
  const Keys keys = Keys::load(folder);
  const SigningKey key = SigningKey::generate();
  const auto now = systemSeconds();
  CertificateTerms terms;
  terms.commonName = "coordinator";
  terms.notBefore = now - kSlowestClock;
  terms.notAfter = now + kServerCertificateLasts;
  terms.forServer = true;
  terms.dnsNames = {"localhost"};
  terms.ipAddresses = {"127.0.0.1"};
  for (const std::string& host : {net::parseUrl(publicUrl).host, address}) {
    if (host == "0.0.0.0" || host == "::") continue;
    auto& names = isIpAddress(host) ? terms.ipAddresses : terms.dnsNames;
    if (std::find(names.begin(), names.end(), host) == names.end()) names.push_back(host);
  }
  writeOwnerFile(folder / "server-key.pem", key.toPem().view());
  writeOwnerFile(folder / "server.pem", viewOf(keys.authority.issue(key.publicKey(), terms)));
}

// The public URL may have a path below which a proxy shows us.
std::string targetBelow(const std::string& base, const std::string& target) {
  if (!base.empty() && target.starts_with(base + "/")) return target.substr(base.size());
  return target;
}

bool needsCertificate(const std::string& target) {
  const std::string path = target.substr(0, target.find('?'));
  return path != "/v1/consortium" && path != "/v1/enrol" && path != "/v1/openapi.json" &&
         !path.starts_with("/v1/admin/");
}

class Front {  // HTTP on one side, the coordinator on the other
 public:
  Front(Coordinator& coordinator, const std::string& publicUrl, bool requireCertificates)
      : coordinator_(coordinator), requireCertificates_(requireCertificates) {
    base_ = net::parseUrl(publicUrl).path;
    while (base_.ends_with('/')) base_.pop_back();
  }

  net::HttpResponse operator()(const net::ServerRequest& request) const {
    const std::string target = targetBelow(base_, request.target);
    if (requireCertificates_ && !request.peer && needsCertificate(target))
      return {403,
              {{"Content-Type", "application/json"}},
              R"({"code":"CertificateNeeded","message":"this needs the certificate of a member"})"};
    return answerOverHttp(coordinator_, request, target);
  }

 private:
  Coordinator& coordinator_;
  bool requireCertificates_;
  std::string base_;
};

void logLine(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

net::HttpServerOptions serverOptions(const Serve& serve) {
  net::HttpServerOptions options;
  options.address = serve.address;
  options.port = serve.port;
  options.handlerThreads = 8;
  options.maxConnections = 2 * kMaxSites;
  options.maxConnectionsPerAddress = kMaxSites;
  options.maxBodyBytes = kMaxMessageBytes;
  options.onTrouble = logLine;
  if (serve.behindProxy) return options;
  options.certificateFile =
      serve.certificate.empty() ? serve.folder / "server.pem" : serve.certificate;
  options.keyFile = serve.certificate.empty() ? serve.folder / "server-key.pem" : serve.key;
  options.clientCaFile = KeyFiles{serve.folder}.authority();
  options.clientCertificates = net::HttpServerOptions::ClientCertificates::Optional;
  return options;
}

void Serve::run() const {
  if (certificate.empty() != key.empty())
    throw std::invalid_argument("--certificate and --key go together");
  if (behindProxy && address != "127.0.0.1" && address != "::1")
    throw std::invalid_argument(
        "--behind-proxy speaks plain HTTP and so listens on 127.0.0.1 or ::1 only");
  const FolderConfig config = FolderConfig::load(folder);
  CoordinatorSettings settings = settingsFor(folder, config);
  settings.pollInterval = std::chrono::seconds(pollSeconds);
  settings.clockTolerance = std::chrono::seconds(clockToleranceSeconds);
  if (!certificate.empty()) settings.tlsPinSha256 = pinOf(certificate);

  // Before any thread is there, so that all of them leave these signals to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Coordinator coordinator(settings);
  const bool isOwnCertificate = certificate.empty() && !behindProxy;
  if (isOwnCertificate) issueServerCertificate(folder, config.publicUrl, address);
  auto issued = std::chrono::steady_clock::now();
  net::HttpServer server(serverOptions(*this), Front(coordinator, config.publicUrl, !behindProxy));
  writeOwnerFile(servedUrlFile(folder), viewOf(server.url()));
  if (json)
    std::printf("%s\n",
                nlohmann::ordered_json{{"url", server.url()}, {"pid", getpid()}}.dump().c_str());
  else
    std::printf("fedpet-coordinator serves %s at %s\n", config.publicUrl.c_str(),
                server.url().c_str());
  std::fflush(stdout);

  const timespec second{1, 0};
  while (sigtimedwait(&signals, nullptr, &second) < 0) {
    coordinator.tick();
    if (isOwnCertificate && std::chrono::steady_clock::now() - issued > kRenewedAfter) {
      issueServerCertificate(folder, config.publicUrl, address);
      server.reloadCertificates();
      issued = std::chrono::steady_clock::now();
    }
  }
  server.stop();
  fs::remove(servedUrlFile(folder));
}

}  // namespace

void addServeCommand(CLI::App& app) {
  auto* command = app.add_subcommand("serve", "Serve the consortium until SIGTERM or SIGINT");
  const auto options = std::make_shared<Serve>();
  command->add_option("--dir", options->folder, "Folder that `init` made")->required();
  command->add_option("--address", options->address, "Address to listen on")->capture_default_str();
  command->add_option("--port", options->port, "Port; 0: a free one")->capture_default_str();
  command->add_option("--certificate", options->certificate,
                      "PEM chain of the server (default: one of the consortium's authority)");
  command->add_option("--key", options->key, "PEM key of that certificate");
  command->add_flag("--behind-proxy", options->behindProxy,
                    "Plain HTTP for a proxy on this machine that does the TLS");
  command->add_option("--poll-seconds", options->pollSeconds, "How often sites should ask")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command
      ->add_option("--clock-tolerance-seconds", options->clockToleranceSeconds,
                   "How far a site's clock may be off")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the one line as JSON");
  command->callback([options] { options->run(); });
}

}  // namespace fedpet::federation
