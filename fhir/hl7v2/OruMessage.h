// T4: a result as one HL7 v2.5.1 ORU^R01 message (chapter 7.3.1), derived from the transaction
// bundle that the outbox keeps. docs/fhir.md lists the segments.
#pragma once

#include <string>

namespace fedpet::fhir {

struct Hl7Names {
  std::string sendingApplication = "FEDPET", sendingFacility;
  std::string receivingApplication, receivingFacility;
};

struct OruMessage {
  std::string text;       // UTF-8, segments end with \r
  std::string controlId;  // MSH-10, at most 20 characters; the same for the same bundle
};

// Throws std::invalid_argument when the text is no bundle as TransactionBundle writes it.
// `sentAt` is MSH-7 as "20261124114207+0000".
OruMessage oruMessage(const std::string& bundle, const Hl7Names&, const std::string& sentAt);

}  // namespace fedpet::fhir
