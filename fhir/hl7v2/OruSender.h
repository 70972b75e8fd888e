// T4: hands results to an HL7 v2 interface engine and judges its acknowledgement.
#pragma once

#include "fhir/Delivery.h"
#include "fhir/hl7v2/OruMessage.h"
#include "net/MllpClient.h"

#include <chrono>
#include <functional>
#include <string>

namespace fedpet::fhir {

struct Hl7Options {
  std::string mllpUrl;  // "mllp://engine:2575", "mllps://engine:2576"
  Hl7Names names;
  net::HttpClientOptions net = defaultNet();
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;

  static net::HttpClientOptions defaultNet();
};

// What an acknowledgement (2.9.2, table 0008) of message `controlId` means:
// AA and CA: taken. AE and CE: Rejected, the content does not please. AR and CR: the engine could
// not take it for reasons of its own and may later, unless ERR-3 says that the kind of message is
// none it knows (table 0357: 200 to 203). Anything else, or of another message: Unintelligible.
DeliveryOutcome judgeAcknowledgement(const std::string& answer, const std::string& controlId);

// Not thread-safe. An engine that took a message whose acknowledgement was lost gets it again, with
// the same MSH-10 and OBR-3: by these it knows a repetition.
class OruSender : public BundleSender {
 public:
  // Throws std::invalid_argument (address) and net::NetError (Tls).
  explicit OruSender(Hl7Options);
  DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                          std::stop_token stop = {}) override;

 private:
  Hl7Options options_;
  net::MllpClient client_;
};

}  // namespace fedpet::fhir
