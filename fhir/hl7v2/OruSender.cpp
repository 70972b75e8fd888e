#include "fhir/hl7v2/OruSender.h"

#include "fhir/EhrConnection.h"
#include "fhir/hl7v2/Message.h"

#include <cstdio>
#include <set>

namespace fedpet::fhir {
namespace {

std::string fieldOf(const std::optional<std::vector<std::string>>& segment, std::size_t number) {
  return segment && number < segment->size() ? segment->at(number) : "";
}

std::string hl7Instant(std::chrono::system_clock::time_point at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d%02d+0000", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

// "207^Application internal error^HL70357" is ERR-3.
bool isUnknownKind(const std::string& answer) {
  static const std::set<std::string> codes{"200", "201", "202", "203"};
  const std::string code = fieldOf(hl7v2::fieldsOf(answer, "ERR"), 3);
  return codes.contains(hl7v2::split(code, '^').front());
}

// MSA-3 and ERR-8: may quote the message, so it is for the page and not for the log.
std::string textOf(const std::string& answer) {
  std::string text = hl7v2::unescaped(fieldOf(hl7v2::fieldsOf(answer, "MSA"), 3));
  const auto error = hl7v2::fieldsOf(answer, "ERR");
  for (const std::size_t field : {3u, 7u, 8u})
    if (const std::string said = hl7v2::unescaped(fieldOf(error, field)); !said.empty())
      text += (text.empty() ? "" : "; ") + said;
  return text.substr(0, 2000);
}

}  // namespace

net::HttpClientOptions Hl7Options::defaultNet() {
  net::HttpClientOptions net = EhrOptions::defaultHttp();
  net.maxBodyBytes = 1024 * 1024;
  return net;
}

DeliveryOutcome judgeAcknowledgement(const std::string& answer, const std::string& controlId) {
  const auto msa = hl7v2::fieldsOf(answer, "MSA");
  if (!msa) return unintelligible("the answer holds no MSA segment");
  if (fieldOf(msa, 2) != controlId)
    return unintelligible("the answer acknowledges another message");
  const std::string code = fieldOf(msa, 1);
  if (code == "AA" || code == "CA") return Delivered{{"MSH-10 " + controlId}};
  if (code == "AE" || code == "CE")
    return Rejected{"HL7 v2 acknowledgement " + code, textOf(answer)};
  if (code == "AR" || code == "CR") {
    if (isUnknownKind(answer)) return Rejected{"HL7 v2 acknowledgement " + code, textOf(answer)};
    return RetryLater{RetryLater::Cause::Unreachable, std::nullopt,
                      "HL7 v2 acknowledgement " + code, false};
  }
  return unintelligible("the answer is no acknowledgement that HL7 knows");
}

OruSender::OruSender(Hl7Options options)
    : options_(std::move(options)), client_(options_.mllpUrl, options_.net) {}

DeliveryOutcome OruSender::deliver(const std::string& bundle, const std::string&,
                                   std::stop_token stop) {
  const OruMessage message = oruMessage(bundle, options_.names, hl7Instant(options_.now()));
  try {
    return judgeAcknowledgement(client_.exchange(message.text, stop), message.controlId);
  } catch (...) {
    return failureOfCurrentException();
  }
}

}  // namespace fedpet::fhir
