#include "fhir/tiers/Tier.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>

namespace fedpet::fhir {
namespace {

using nlohmann::json;

const TierWishes kAuto{"auto", true, false, "R4"};

json listed(const std::string& type, std::vector<std::string> interactions, bool conditional) {
  json codes = json::array();
  for (const auto& code : interactions) codes.push_back({{"code", code}});
  return {{"type", type},
          {"interaction", codes},
          {"conditionalCreate", conditional},
          {"conditionalUpdate", conditional},
          {"searchParam", {{{"name", type == "Provenance" ? "_tag" : "identifier"}}}}};
}

const std::vector<std::string> kAll{"read", "search-type", "create", "update"};

ServerCapability serverOf(const json& resources, bool transaction, const char* version = "4.0.1") {
  json rest = {{"mode", "server"}, {"resource", resources}};
  if (transaction) rest["interaction"] = {{{"code", "batch"}}, {{"code", "transaction"}}};
  const json statement = {{"resourceType", "CapabilityStatement"},
                          {"fhirVersion", version},
                          {"software", {{"name", "HAPI FHIR Server"}, {"version", "8.4.0"}}},
                          {"rest", {rest}}};
  return readCapability(statement.dump()).value();
}

json everything(bool conditional) {
  json resources = json::array();
  for (const char* type : {"Patient", "Device", "ImagingStudy", "Observation", "RiskAssessment",
                           "DiagnosticReport", "DocumentReference", "Provenance"})
    resources.push_back(listed(type, kAll, conditional));
  return resources;
}

json without(json resources, const std::string& type) {
  for (std::size_t i = 0; i < resources.size(); ++i)
    if (resources[i]["type"] == type) resources.erase(i--);
  return resources;
}

// The sandbox of a large vendor, May 2026 (docs of api-evangelist/epic-systems,
// fhir/epic-fhir-r4-capabilitystatement.json): no transaction, no conditional writes, create and
// update of Observation and DocumentReference, DiagnosticReport updated but not created,
// ImagingStudy and Device read-only, no RiskAssessment.
json epic() {
  return {listed("Patient", {"create", "read", "search-type"}, false),
          listed("Observation", kAll, false),
          listed("DocumentReference", kAll, false),
          listed("DiagnosticReport", {"read", "search-type", "update"}, false),
          listed("ImagingStudy", {"read", "search-type"}, false),
          listed("Device", {"read", "search-type"}, false)};
}

TEST(TierChoice, TakesTheTransactionOfAServerThatWritesConditionally) {
  const auto server = serverOf(everything(true), true);
  const TierChoice choice = chooseTier(kAuto, &server);
  EXPECT_EQ(choice.tier, Tier::Transaction);
  EXPECT_TRUE(choice.omitted.empty());
}

TEST(TierChoice, BelievesATransactionOfAServerThatListsNoTypes) {
  const auto server = serverOf(json::array(), true);
  EXPECT_EQ(chooseTier(kAuto, &server).tier, Tier::Transaction);
}

TEST(TierChoice, LeavesOutOfTheTransactionWhatTheServerDoesNotKnow) {
  const auto server = serverOf(without(everything(true), "RiskAssessment"), true);
  const TierChoice choice = chooseTier(kAuto, &server);
  EXPECT_EQ(choice.tier, Tier::Transaction);
  EXPECT_EQ(choice.omitted, std::set<std::string>{"RiskAssessment"});
  EXPECT_NE(choice.why.find("RiskAssessment"), std::string::npos) << choice.why;
}

TEST(TierChoice, WritesSinglyWhereThereAreNoTransactionsOrNoConditionalWrites) {
  const auto noTransaction = serverOf(everything(true), false);
  EXPECT_EQ(chooseTier(kAuto, &noTransaction).tier, Tier::SingleWrites);
  const auto noConditions = serverOf(everything(false), true);
  EXPECT_EQ(chooseTier(kAuto, &noConditions).tier, Tier::SingleWrites)
      << "a transaction without conditions would make duplicates when it is repeated";
}

TEST(TierChoice, SendsMeasurementsAndADocumentToAServerThatCreatesNoReports) {
  const auto server = serverOf(epic(), false);
  const TierChoice choice = chooseTier(kAuto, &server);
  EXPECT_EQ(choice.tier, Tier::Observations);
  EXPECT_EQ(choice.omitted,
            (std::set<std::string>{"Device", "ImagingStudy", "Provenance", "RiskAssessment"}));
}

TEST(TierChoice, CreatesNothingThatItCouldNotFindAgain) {
  json blind = listed("Observation", {"create"}, false);
  const auto server = serverOf({blind}, false);
  EXPECT_EQ(chooseTier(kAuto, &server).tier, Tier::DicomOnly)
      << "without a search or a condition, a repeated create is a second result";
}

TEST(TierChoice, FallsBackToHl7AndThenToDicomAlone) {
  const auto reader = serverOf({listed("Patient", {"read"}, false)}, false);
  EXPECT_EQ(chooseTier({"auto", true, true, "R4"}, &reader).tier, Tier::Hl7v2);
  EXPECT_EQ(chooseTier(kAuto, &reader).tier, Tier::DicomOnly);
  EXPECT_EQ(chooseTier({"auto", false, true, "R4"}, nullptr).tier, Tier::Hl7v2);
}

TEST(TierChoice, SendsNoR4ToAServerOfR5) {
  const auto server = serverOf(everything(true), true, "5.0.0");
  EXPECT_EQ(chooseTier(kAuto, &server).tier, Tier::DicomOnly);
  EXPECT_EQ(chooseTier({"auto", true, false, "R5"}, &server).tier, Tier::Transaction);
}

TEST(TierChoice, DoesWhatTheSiteForces) {
  const auto server = serverOf(everything(true), true);
  for (const char* tier : {"T1", "T2", "T3", "T4", "T5"})
    EXPECT_EQ(toString(chooseTier({tier, true, true, "R4"}, &server).tier), tier);
}

TEST(TierChoice, RefusesWishesThatCannotBe) {
  EXPECT_THROW(check({"T6", true, true, "R4"}), std::invalid_argument);
  EXPECT_THROW(check({"T4", true, false, "R4"}), std::invalid_argument);
  EXPECT_THROW(check({"T1", false, true, "R4"}), std::invalid_argument);
  EXPECT_THROW(check({"auto", true, false, "R6"}), std::invalid_argument);
  EXPECT_NO_THROW(check({"T5", false, false, "R4"}));
}

TEST(Capability, IsReadFromAnythingWithoutHarm) {
  for (const char* text : {"", "[]", "7", "{}", R"({"resourceType":"CapabilityStatement"})",
                           R"({"resourceType":"CapabilityStatement","rest":[{"mode":"client"}]})",
                           R"({"resourceType":"CapabilityStatement","rest":{"mode":"server"}})"})
    EXPECT_FALSE(readCapability(text)) << text;
  const auto odd = readCapability(
      R"({"resourceType":"CapabilityStatement","fhirVersion":4,"software":[],"rest":[{"mode":"server",)"
      R"("interaction":[7,{"code":"transaction"}],"resource":[3,{"type":"Observation",)"
      R"("interaction":{},"conditionalCreate":"true","searchParam":[[]]}]}]})");
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->transaction);
  EXPECT_FALSE(odd->find("Observation")->conditionalCreate) << "the word \"true\" is no boolean";
}

TEST(Capability, NamesTheServerForAPerson) {
  EXPECT_EQ(serverOf(json::array(), true).software, "HAPI FHIR Server 8.4.0");
}

}  // namespace
}  // namespace fedpet::fhir
