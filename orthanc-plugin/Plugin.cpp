// Wiring between Orthanc and the Service. Nothing here decides anything.
#include "orthanc-plugin/PosixProcess.h"
#include "orthanc-plugin/Service.h"
#include "orthanc-plugin/sdk/Context.h"
#include "orthanc-plugin/sdk/Guarded.h"
#include "orthanc-plugin/sdk/RestCall.h"
#include "ui-extension/WebAssets.h"

#include <memory>
#include <stdexcept>

#define FEDPET_EXPORT __attribute__((visibility("default")))

namespace fedpet::plugin {
namespace {

// Orthanc's global properties of plugins begin at 1024; ours names the content of its database.
constexpr int kArchiveIdentityProperty = 17041;

// Orthanc gives its callbacks no user pointer: so this one object is global. Set and cleared by
// Initialize and Finalize, between which Orthanc calls everything else.
struct Plugin {
  explicit Plugin(OrthancPluginContext* raw) : context(raw) {}
  sdk::Context context;
  std::unique_ptr<Service> service;  // null: disabled
  Router disabledRouter;
};
std::unique_ptr<Plugin> plugin;

void logError(const std::string& text) noexcept {
  try {
    plugin->context.logError("fedpet: " + text);
  } catch (...) {
    // Not even memory for the line: the error code alone tells.
  }
}

Log logInto(const sdk::Context& context) {
  return [&context](LogLevel level, const std::string& text) {
    const std::string line = "fedpet: " + text;
    switch (level) {
      case LogLevel::Info:
        context.logInfo(line);
        break;
      case LogLevel::Warning:
        context.logWarning(line);
        break;
      case LogLevel::Error:
        context.logError(line);
        break;
    }
  };
}

std::string archiveIdentity(const sdk::Context& context) {
  std::string identity = context.globalProperty(kArchiveIdentityProperty, "");
  if (identity.empty()) {
    identity = randomSecret().substr(0, 32);
    context.setGlobalProperty(kArchiveIdentityProperty, identity);
  }
  return identity;
}

OrthancCore coreOf(const sdk::Context& context) {
  return {[&context](const std::string& uri) {
            const sdk::CoreAnswer answer = context.get(uri);
            return CoreReply{answer.status, answer.body};
          },
          [&context] { return archiveIdentity(context); }};
}

std::string orthancUrl(const ParsedOptions& parsed) {
  if (!parsed.options.worker.orthancUrl.empty()) return parsed.options.worker.orthancUrl;
  return std::string(parsed.orthanc.sslEnabled ? "https" : "http") +
         "://127.0.0.1:" + std::to_string(parsed.orthanc.httpPort);
}

std::string workerProgram(const Options& options) {
  return options.worker.path.empty() ? ownDirectory() + "/fedpet-worker" : options.worker.path;
}

OrthancPluginErrorCode onRest(OrthancPluginRestOutput* output, const char* url,
                              const OrthancPluginHttpRequest* request) noexcept {
  return sdk::guarded(
      [&] {
        HttpResponse response;
        try {
          const HttpRequest call = sdk::readRequest(url, request);
          response =
              plugin->service ? plugin->service->handle(call) : plugin->disabledRouter.handle(call);
        } catch (const std::exception& e) {
          // The details stay in the local log.
          logError(std::string("REST ") + url + ": " + e.what());
          response = problem(500, "internal error, see the log of Orthanc");
        }
        sdk::answer(plugin->context, output, response);
      },
      logError);
}

OrthancPluginErrorCode onChange(OrthancPluginChangeType change, OrthancPluginResourceType type,
                                const char* id) noexcept {
  return sdk::guarded(
      [&] {
        if (!plugin || !plugin->service) return;
        switch (change) {
          case OrthancPluginChangeType_OrthancStarted:
            plugin->service->start();
            break;
          case OrthancPluginChangeType_OrthancStopped:
            plugin->service->requestStop();
            break;
          case OrthancPluginChangeType_NewSeries:
          case OrthancPluginChangeType_StableSeries:
            plugin->service->noteChange();
            break;
          case OrthancPluginChangeType_Deleted:
            if (type == OrthancPluginResourceType_Series) plugin->service->noteDeletedSeries(id);
            break;
          default:
            break;
        }
      },
      logError);
}

void onRefreshMetrics() noexcept {
  sdk::guarded(
      [] {
        for (const auto& [name, value] : plugin->service->metrics())
          plugin->context.setMetric(name.c_str(), value);
      },
      logError);
}

void report(const ParsedOptions& parsed) {
  for (const std::string& key : parsed.unknownKeys)
    plugin->context.logWarning("fedpet: unknown option " + key);
  for (const std::string& error : parsed.errors) plugin->context.logError("fedpet: " + error);
}

// The PACS must start whatever is wrong with us: then the service stays away and the status page
// says why.
void startService(ParsedOptions& parsed) {
  if (!parsed.errors.empty() || !parsed.options.enable) return;
  try {
    const sdk::Context& context = plugin->context;
    plugin->service = std::make_unique<Service>(
        ServiceSettings{parsed, workerProgram(parsed.options), orthancUrl(parsed),
                        context.restAuthorizationToken()},
        coreOf(context), logInto(context));
  } catch (const std::exception& e) {
    parsed.errors.emplace_back(e.what());
  }
}

void initialize() {
  const sdk::Context& context = plugin->context;
  context.setDescription("FDG-PET assessment (research use only)");
  ParsedOptions parsed = parseOptions(context.configuration());
  startService(parsed);
  report(parsed);
  OrthancPluginRegisterRestCallbackNoLock(context.raw(), "/fedpet/.*", onRest);
  OrthancPluginRegisterOnChangeCallback(context.raw(), onChange);
  if (!plugin->service) {
    context.logError("fedpet: disabled; Orthanc itself goes on");
    addDisabledRoutes(plugin->disabledRouter, parsed);
    return;
  }
  OrthancPluginRegisterRefreshMetricsCallback(context.raw(), onRefreshMetrics);
  context.setRootUri("/fedpet/app/index.html");
  context.extendExplorer(std::string(orthancExplorerScript()));
}

}  // namespace
}  // namespace fedpet::plugin

extern "C" {

FEDPET_EXPORT int32_t OrthancPluginInitialize(OrthancPluginContext* raw) noexcept {
  using namespace fedpet::plugin;
  const auto done = sdk::guarded(
      [&] {
        plugin = std::make_unique<Plugin>(raw);
        if (!plugin->context.coreIsRecentEnough())
          throw std::runtime_error("this Orthanc is older than 1.10.1");
        initialize();
      },
      [](const char* text) {
        if (plugin) logError(text);
      });
  // Orthanc refuses to start when a plugin answers an error, and our failure must not stop it.
  (void)done;
  return 0;
}

FEDPET_EXPORT void OrthancPluginFinalize() noexcept {
  using namespace fedpet::plugin;
  sdk::guarded([] { plugin.reset(); }, [](const char*) {});
}

FEDPET_EXPORT const char* OrthancPluginGetName() { return "fedpet"; }

FEDPET_EXPORT const char* OrthancPluginGetVersion() { return fedpet::plugin::kVersion; }

}  // extern "C"
