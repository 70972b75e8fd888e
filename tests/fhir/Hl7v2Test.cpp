#include "fhir/TransactionBundle.h"
#include "fhir/hl7v2/Message.h"
#include "fhir/hl7v2/OruSender.h"
#include "fhir/tiers/TieredSender.h"
#include "tests/net/MllpLoopback.h"
#include "tests/support/AssessmentBuilder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace fedpet::fhir {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::MllpLoopback;
using namespace hl7v2;
using Cause = RetryLater::Cause;

std::string bundleOf(ResponseAssessment assessment, std::string_view pdf = {}) {
  FhirSite site;
  site.patientIdentifierSystem = "urn:oid:1.2.250.1.999.1";
  site.accessionSystem = "urn:oid:1.2.250.1.999.2";
  return transactionBundle(assessment, site, std::as_bytes(std::span(pdf))).value();
}

// All segments of one name, as lists of fields.
std::vector<std::vector<std::string>> segments(const std::string& message,
                                               const std::string& name) {
  std::vector<std::vector<std::string>> found;
  for (const std::string& line : split(message, '\r'))
    if (line.starts_with(name + "|")) found.push_back(split(line, '|'));
  return found;
}

std::string at(const std::vector<std::string>& fields, std::size_t number) {
  return number < fields.size() ? fields[number] : "";
}

OruMessage messageOf(const std::string& bundle) {
  Hl7Names names;
  names.sendingFacility = "Hospital A&B";
  return oruMessage(bundle, names, "20261124114207+0000");
}

// The row whose OBX-3 text holds `text`.
std::vector<std::string> rowOf(const std::string& message, const std::string& text) {
  for (const auto& row : segments(message, "OBX"))
    if (at(row, 3).find(text) != std::string::npos) return row;
  return {};
}

// HL7 2.5.1, 2.7.
TEST(Hl7Escapes, GoThereAndBack) {
  EXPECT_EQ(escaped("a|b^c&d~e\\f"), "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f");
  EXPECT_EQ(unescaped(escaped("a|b^c&d~e\\f")), "a|b^c&d~e\\f");
  EXPECT_EQ(escaped("one\r\ntwo\nthree", ".br"), "one\\.br\\two\\.br\\three");
  EXPECT_EQ(escaped("one\ntwo"), "one two");
  EXPECT_EQ(escaped("\x0b\x1c\x01 Ren\xc3\xa9"), " Ren\xc3\xa9") << "framing bytes fall away";
  EXPECT_EQ(unescaped("\\X0D0A\\ \\Zunknown\\ \\H\\ \\"), "\r\n \\Zunknown\\ \\H\\ \\");
}

TEST(OruMessage, NamesThePatientByNumberAndAuthority) {
  ResponseAssessment assessment = anAssessment().build();
  assessment.series.patient.patientId = "P|7^\\&";
  const OruMessage message = messageOf(bundleOf(assessment));
  const auto pid = segments(message.text, "PID").at(0);
  EXPECT_EQ(at(pid, 3), "P\\F\\7\\S\\\\E\\\\T\\^^^&1.2.250.1.999.1&ISO^MR");
  EXPECT_EQ(at(pid, 5), "^^^^^^U");
}

TEST(OruMessage, StatesItsKindVersionAndCharacterSet) {
  const OruMessage message = messageOf(bundleOf(anAssessment().build()));
  const auto msh = segments(message.text, "MSH").at(0);
  // MSH-1 is the separator itself: field n stands at n - 1.
  EXPECT_EQ(msh.at(1), "^~\\&");
  EXPECT_EQ(msh.at(3), "Hospital A\\T\\B");
  EXPECT_EQ(msh.at(8), "ORU^R01^ORU_R01");
  EXPECT_EQ(msh.at(9), message.controlId);
  EXPECT_EQ(message.controlId.size(), 20u);
  EXPECT_EQ(msh.at(11), "2.5.1");
  EXPECT_EQ(msh.at(17), "UNICODE UTF-8");
  const auto obr = segments(message.text, "OBR").at(0);
  EXPECT_EQ(at(obr, 4).substr(0, 8), "44139-4^");
  EXPECT_EQ(at(obr, 25), "P");
}

TEST(OruMessage, GivesEachNumberWithItsUnitAsPreliminary) {
  const ResponseAssessment assessment = anAssessment().build();
  const OruMessage message = messageOf(bundleOf(assessment));
  int numbers = 0;
  for (const auto& row : segments(message.text, "OBX")) {
    if (at(row, 2) != "NM") continue;
    ++numbers;
    EXPECT_EQ(at(row, 11), "P");
    EXPECT_NE(at(row, 5), "");
    EXPECT_NE(at(row, 6).find("^UCUM"), std::string::npos) << at(row, 3);
  }
  // 8 whole-body numbers; 3 predictions with interval (3) and horizon (1) each.
  EXPECT_EQ(numbers, 8 + 3 * (1 + 4));
  for (const Measurement& measurement : assessment.wholeBody) {
    if (measurement.quantity != fedpet::Quantity::Tmtv) continue;
    char value[32];
    std::snprintf(value, sizeof value, "%.2f", *measurement.value);
    EXPECT_EQ(std::stod(at(rowOf(message.text, "TMTV"), 5)), std::stod(value));
  }
}

TEST(OruMessage, SaysWhatCouldNotBeMeasuredAndWhy) {
  const OruMessage message =
      messageOf(bundleOf(anAssessment()
                             .refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0")
                             .build()));
  const auto rows = segments(message.text, "OBX");
  const auto absent =
      std::find_if(rows.begin(), rows.end(), [](const auto& row) { return at(row, 11) == "X"; });
  ASSERT_NE(absent, rows.end());
  EXPECT_EQ(at(*absent, 5), "") << "no number beside a refusal";
  EXPECT_NE(message.text.find("Not given: "), std::string::npos);
  EXPECT_NE(message.text.find("PatientWeight"), std::string::npos);
}

TEST(OruMessage, CarriesThePdfEncapsulated) {
  const OruMessage message = messageOf(bundleOf(anAssessment().build(), "%PDF-1.7 a report"));
  const auto row = rowOf(message.text, "18748-4");
  EXPECT_EQ(at(row, 2), "ED");
  EXPECT_EQ(at(row, 5), "^AP^PDF^Base64^JVBERi0xLjcgYSByZXBvcnQ=");
  EXPECT_TRUE(rowOf(messageOf(bundleOf(anAssessment().build())).text, "18748-4").empty());
}

TEST(OruMessage, IsTheSameForTheSameResult) {
  const std::string bundle = bundleOf(anAssessment().build());
  EXPECT_EQ(messageOf(bundle).text, messageOf(bundle).text);
  ResponseAssessment other = anAssessment().build();
  other.wholeBody.front().value = 99.0;
  EXPECT_NE(messageOf(bundleOf(other)).controlId, messageOf(bundle).controlId);
}

std::string acknowledgement(const std::string& msa, const std::string& more = "") {
  return "MSH|^~\\&|ENGINE||FEDPET||20261124||ACK^R01|1|P|2.5.1\r" + msa + "\r" + more;
}

// HL7 2.5.1, 2.9.2 and tables 0008, 0357.
TEST(Acknowledgement, LeadsToTheOutcomeThatItsCodeMeans) {
  const auto outcome = [](const std::string& text) { return judgeAcknowledgement(text, "17"); };
  EXPECT_TRUE(std::holds_alternative<Delivered>(outcome(acknowledgement("MSA|AA|17"))));
  EXPECT_TRUE(std::holds_alternative<Delivered>(outcome(acknowledgement("MSA|CA|17"))));
  const auto error = outcome(acknowledgement("MSA|AE|17|no such patient", "ERR|||204^Unknown key"));
  ASSERT_TRUE(std::holds_alternative<Rejected>(error));
  EXPECT_EQ(std::get<Rejected>(error).operationOutcome, "no such patient; 204^Unknown key");
  const auto busy = outcome(acknowledgement("MSA|AR|17", "ERR|||207^Application internal error"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(busy));
  EXPECT_EQ(std::get<RetryLater>(busy).cause, Cause::Unreachable);
  EXPECT_TRUE(std::holds_alternative<Rejected>(
      outcome(acknowledgement("MSA|AR|17", "ERR|||200^Unsupported message type"))));
  for (const std::string& text :
       {acknowledgement("MSA|AA|18"), acknowledgement("MSA|??|17"), acknowledgement("MSA"),
        std::string("MSA|AA|17"), std::string("HTTP/1.1 200 OK"), std::string()}) {
    const auto doubtful = outcome(text);
    ASSERT_TRUE(std::holds_alternative<RetryLater>(doubtful)) << text;
    EXPECT_EQ(std::get<RetryLater>(doubtful).cause, Cause::Unintelligible) << text;
  }
}

std::optional<std::string> acknowledge(const std::string& message) {
  const std::string controlId = split(split(message, '\r').front(), '|').at(9);
  return MllpLoopback::framed(acknowledgement("MSA|AA|" + controlId));
}

TEST(OruDelivery, IsTheTierOfASiteWithAnInterfaceEngineAndNoFhirServer) {
  MllpLoopback engine(acknowledge);
  TieredOptions options;
  options.hl7.mllpUrl = engine.url();
  TieredSender sender(options);
  EXPECT_TRUE(
      std::holds_alternative<Delivered>(sender.deliver(bundleOf(anAssessment().build()), "r")));
  EXPECT_EQ(sender.report().choice->tier, Tier::Hl7v2);
  ASSERT_EQ(engine.messages().size(), 1u);
  EXPECT_TRUE(engine.messages()[0].starts_with("MSH|^~\\&|FEDPET|"));
}

TEST(OruDelivery, RepeatsUnderTheSameNumberWhenTheAcknowledgementIsLost) {
  int asked = 0;
  MllpLoopback engine([&](const std::string& message) {
    return ++asked == 1 ? std::nullopt : acknowledge(message);
  });
  TieredOptions options;
  options.hl7.mllpUrl = engine.url();
  TieredSender sender(options);
  const std::string bundle = bundleOf(anAssessment().build());
  const auto lost = sender.deliver(bundle, "r");
  ASSERT_TRUE(std::holds_alternative<RetryLater>(lost));
  EXPECT_EQ(std::get<RetryLater>(lost).cause, Cause::Unreachable);
  EXPECT_TRUE(std::holds_alternative<Delivered>(sender.deliver(bundle, "r")));
  const auto numberOf = [&](std::size_t i) {
    return split(split(engine.messages().at(i), '\r').front(), '|').at(9);
  };
  EXPECT_EQ(numberOf(0), numberOf(1));
}

}  // namespace
}  // namespace fedpet::fhir
