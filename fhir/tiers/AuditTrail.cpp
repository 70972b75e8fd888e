#include "fhir/tiers/AuditTrail.h"

#include "fhir/resources/AuditEvent.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fedpet::fhir {
namespace {

std::string dayOf(std::chrono::system_clock::time_point at) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(at)};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int{day.year()}, unsigned{day.month()},
                unsigned{day.day()});
  return text;
}

std::string instantOf(std::chrono::system_clock::time_point at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  char text[16];
  std::snprintf(text, sizeof text, "T%02d:%02d:%02dZ", static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return dayOf(at) + text;
}

// The whole line in one write, so that two processes never mix theirs.
bool writeLine(int file, const std::string& line) {
  return ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
         ::fdatasync(file) == 0;
}

}  // namespace

std::string auditEventOf(const AuditedDelivery& act) {
  AuditEvent event;
  event.subtype = act.tier == Tier::Transaction ? "transaction" : "create";
  event.recorded = instantOf(act.at);
  event.isSuccess = act.isDelivered;
  event.outcomeDesc = act.failure;
  event.client = act.site.empty() ? "fedpet" : "fedpet, " + act.site;
  event.server = "EHR";
  event.serverAddress = act.server;
  event.patient = {{}, act.patientSystem, act.patientId};
  event.requestId = act.requestId;
  return Json(event).dump(-1, ' ', false, Json::error_handler_t::replace);
}

AuditTrail::AuditTrail(std::filesystem::path file) : file_(std::move(file)) {}

std::string AuditTrail::append(const std::string& event, std::chrono::system_clock::time_point at) {
  if (file_.empty()) return {};
  const auto folder = file_.parent_path();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::exists(folder, ignored)) {
    std::filesystem::create_directories(folder, ignored);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, ignored);
  }
  const auto path = folder / (file_.stem().string() + "-" + dayOf(at) + file_.extension().string());
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
  if (file < 0) return "cannot write " + path.string() + ": " + std::strerror(errno);
  const bool isWritten = writeLine(file, event + "\n");
  const int error = errno;
  ::close(file);
  return isWritten ? "" : "cannot write " + path.string() + ": " + std::strerror(error);
}

}  // namespace fedpet::fhir
