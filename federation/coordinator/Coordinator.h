// The consortium's server without its sockets: requests in, answers out. `fedpet-coordinator` puts
// it behind net::HttpServer with mutual TLS; the plugin puts it on Orthanc's own HTTPS port.
//
// Who speaks is known by the signature of each request (wire/RequestSignature.h). Where the TLS
// layer knows the member too, both must name the same one.
//
// State: one database (storage/Database.h) and one folder of blobs named by their SHA-256. An event
// is committed before it is answered; blobs are synced to disk before they count.
#pragma once

#include "federation/audit/AuditLog.h"
#include "federation/crypto/Certificate.h"
#include "federation/wire/Messages.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::federation {

struct ApiRequest {
  std::string method, target;  // target: path below the API's base, and query
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;
  std::optional<std::string> tlsMember;  // common name of the verified client certificate
};
struct ApiResponse {
  int status = 200;
  std::string contentType = "application/cbor";
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;
};

struct CoordinatorSettings {
  std::string database;          // a path, or "postgresql://..."
  std::filesystem::path folder;  // blobs, CA, keys, administrator's token
  std::string publicUrl;         // written into invitations
  std::chrono::seconds pollInterval{30};
  std::chrono::seconds clockTolerance{300};
  std::function<std::chrono::sys_seconds()> now;
  std::function<void(const std::string&)> log;  // no secret, no body
  int roundRetries = 3;      // attempts at one round that may fail before its plan is paused
  std::string tlsPinSha256;  // for invitations, when the server's certificate is not of our CA
  // Messages and inputs of rounds that are over are kept for so long. The log, plans, decisions,
  // who contributed to what, results and releases stay.
  std::chrono::seconds retention = std::chrono::hours(30 * 24);
};

class Coordinator {
 public:
  // Makes CA, signing key and administrator's token in a new folder. Throws when there is one.
  static void create(const std::string& consortium, const CoordinatorSettings&);
  explicit Coordinator(CoordinatorSettings);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Thread-safe. Never throws: a fault of ours is a 500 whose details are in the log only.
  ApiResponse handle(const ApiRequest&);
  // Deadlines: to be called about every second. Also finishes what a restart interrupted.
  void tick();
  std::string openApi() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::federation
