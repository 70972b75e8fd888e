#include "federation/coordinator/Coordinator.h"

#include "federation/coordinator/Core.h"
#include "federation/coordinator/Schema.h"

namespace fedpet::federation {
namespace {

// A request may wait for a sum of this size; a larger one is left to tick().
constexpr std::uint64_t kSumWhileAsked = 256u << 20;

std::string openMeta(storage::Database& database, const std::filesystem::path& folder) {
  const auto name =
      database.transaction([](soci::session& sql) { return Records(sql).meta("consortium"); });
  if (!name)
    throw std::runtime_error("the database of the coordinator in " + folder.string() +
                             " holds no consortium: `fedpet-coordinator init` did not finish; "
                             "remove the folder and make it again");
  return *name;
}

FileLock coordinatorLock(const std::filesystem::path& folder) {
  return {folder / "lock", "another coordinator is running in " + folder.string()};
}

MembersSettings membersSettings(const CoordinatorSettings& s, const std::string& consortium) {
  return {consortium, s.publicUrl, s.tlsPinSha256, s.clockTolerance};
}

}  // namespace

Core::Core(CoordinatorSettings given)
    : settings(std::move(given)),
      lock(coordinatorLock(settings.folder)),
      keys(Keys::load(settings.folder)),
      database(settings.database, coordinatorSchema()),
      consortium(openMeta(database, settings.folder)),
      blobs(settings.folder),
      contributions(settings.folder),
      members(membersSettings(settings, consortium), database, keys.authority, keys.signingKey),
      plans(database, members, blobs, keys.signingKey),
      engine({settings.pollInterval, settings.roundRetries, settings.now(), settings.log}, database,
             members, blobs, contributions, keys.signingKey) {}

void Core::makeSums(std::uint64_t mostBytes) {
  const std::unique_lock one(sumMutex, std::try_to_lock);
  if (!one) return;
  for (;;) {
    std::optional<SumJob> job;
    {
      const std::lock_guard guard(mutex);
      job = engine.nextSum();
    }
    if (!job || job->bytes > mostBytes) return;
    const SumOutcome outcome = engine.sum(*job);
    const std::lock_guard guard(mutex);
    engine.settle(*job, outcome, now());
  }
}

void Core::pruneIfDue() {
  const std::unique_lock one(sumMutex, std::try_to_lock);  // a sum has files that no row names yet
  if (!one) return;
  const std::lock_guard guard(mutex);
  if (std::chrono::abs(now() - pruned) < std::chrono::hours(1)) return;
  pruned = now();
  const std::size_t rounds = engine.prune(now() - settings.retention, now());
  if (rounds > 0 && settings.log)
    settings.log("what was said in " + std::to_string(rounds) + " old rounds was cleared away");
}

class Coordinator::Impl {
 public:
  explicit Impl(CoordinatorSettings settings) : core(std::move(settings)) {
    addSiteRoutes(router, core);
    addAdminRoutes(router, core);
    router.add({"GET", "/v1/openapi.json", "This document", Access::Public, "", "application/json",
                "", "OpenAPI 3.0", [this](ApiCall&) { return jsonAnswer(200, openApi()); }});
  }

  ApiResponse answer(const ApiRequest& request) {
    try {
      ApiCall call{request, {}, {}, {}, {}};
      const Route& route = router.find(call);
      if (route.requestType.find("cbor") != std::string::npos &&
          request.body.size() > kMaxMessageBytes)
        throw Refusal(413, "TooLarge", "the message is larger than any of this protocol");
      if (route.access == Access::Site) authenticate(call);
      if (route.access == Access::Administrator) requireToken(request);
      if (request.target.find('?') != std::string::npos)
        throw Refusal(400, "Malformed",
                      "no address here takes a query: what is asked for is in the path");
      return route.handler(call);
    } catch (const Refusal& refusal) {
      return problemAnswer(refusal, core.now());
    } catch (const WireError& e) {
      return problemAnswer(refusalFor(e), core.now());
    } catch (const std::exception& e) {
      log(request.method + " " + request.target.substr(0, request.target.find('?')) +
          " failed: " + std::string(e.what()).substr(0, 500));
      return problemAnswer(
          Refusal(500, "Internal", "the coordinator failed; its log says why. Try again later"),
          core.now());
    }
  }

  void authenticate(ApiCall& call) {
    auto caller =
        core.members.authenticate(call.request, core.now(), [this](const std::string& site) {
          const std::lock_guard guard(core.mutex);
          core.engine.letGo(site, "has a new key", core.now());
        });
    call.site = std::move(caller.site);
    call.bodySha256 = std::move(caller.bodySha256);
  }

  void requireToken(const ApiRequest& request) const {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string header = headerOf(request, "Authorization");
    const std::string_view token =
        header.starts_with(kBearer) ? std::string_view(header).substr(kBearer.size()) : "";
    if (!equalInConstantTime(sha256(viewOf(token)), core.keys.tokenHash))
      throw Refusal(401, "BadToken", "this needs the administrator's token");
  }

  static Refusal refusalFor(const WireError& e) {
    switch (e.kind) {
      case WireError::Kind::UnknownVersion:
        return {400, "UnknownVersion", e.what()};
      case WireError::Kind::TooLarge:
      case WireError::Kind::TooDeep:
        return {413, "TooLarge", e.what()};
      case WireError::Kind::BadSignature:
        return {403, "BadSignature", e.what()};
      case WireError::Kind::WrongType:
      case WireError::Kind::Malformed:
        break;
    }
    return {400, "Malformed", e.what()};
  }

  void log(const std::string& line) const {
    if (core.settings.log) core.settings.log(line);
  }
  std::string openApi() const { return openApiDocument(router.routes()); }

  Core core;
  Router router;
};

void Coordinator::create(const std::string& consortium, const CoordinatorSettings& settings) {
  if (consortium.empty() || consortium.size() > 200 || storable(consortium, 200) != consortium)
    throw std::invalid_argument("a consortium's name has 1 to 200 characters");
  std::filesystem::create_directories(settings.folder);
  std::filesystem::permissions(settings.folder, std::filesystem::perms::owner_all);
  const FileLock lock = coordinatorLock(settings.folder);
  if (std::filesystem::exists(KeyFiles{settings.folder}.authority()))
    throw std::runtime_error(settings.folder.string() + " holds a coordinator already");
  storage::Database database(settings.database, coordinatorSchema());
  const auto meta = [&] {
    return database.transaction([](soci::session& sql) { return Records(sql).meta("consortium"); });
  };
  if (meta()) throw std::runtime_error("the database holds a coordinator already");
  const auto now = settings.now();
  Keys::create(settings.folder, consortium, now);
  database.transaction([&](soci::session& sql) {
    Records records(sql);
    records.setMeta("consortium", consortium);
    records.setMeta("salt", toHex(randomBytes(32)));
    records.audit(now, "consortium", R"({"protocol":)" + std::to_string(kProtocolVersion) + "}");
  });
}

Coordinator::Coordinator(CoordinatorSettings settings)
    : impl_(std::make_unique<Impl>(std::move(settings))) {}
Coordinator::~Coordinator() = default;

ApiResponse Coordinator::handle(const ApiRequest& request) {
  ApiResponse response = impl_->answer(request);
  try {
    impl_->core.makeSums(kSumWhileAsked);
  } catch (const std::exception& e) {  // tick() tries again
    impl_->log(std::string("a sum could not be made: ") + e.what());
  }
  return response;
}

void Coordinator::tick() {
  try {
    {
      const std::lock_guard guard(impl_->core.mutex);
      impl_->core.engine.passTime(impl_->core.now());
    }
    impl_->core.makeSums(~std::uint64_t{0});
    impl_->core.members.forgetOldNonces(impl_->core.now());
    impl_->core.pruneIfDue();
  } catch (const std::exception& e) {
    impl_->log(std::string("the coordinator cannot go on now: ") + e.what());
  }
}

std::string Coordinator::openApi() const { return impl_->openApi(); }

}  // namespace fedpet::federation
