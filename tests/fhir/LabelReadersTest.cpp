// One resource to facts: every code of the table, units by UCUM code, and what must be refused.
#include "tests/fhir/ReaderFixture.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

namespace fedpet::fhir {
namespace {

using namespace fedpet::testing;

// --- response ------------------------------------------------------------------------------------

TEST_F(LabelReaders, ReadDiseaseStatusByItsNewAndOldValues) {
  const std::map<std::string, Response> values{
      {"268910001", Response::Improved},       {"359746009", Response::Stable},
      {"271299001", Response::Progressive},    {"709137006", Response::Undetermined},
      {"550991000124107", Response::Complete}, {"551001000124108", Response::Partial}};
  for (const char* question : {"97509-4", "88040-1"})
    for (const auto& [code, response] : values) {
      const auto facts =
          read(with(observation(question), "valueCodeableConcept", coded(kSct, code)));
      ASSERT_EQ(facts.readings.size(), 1U) << code;
      EXPECT_EQ(facts.readings[0].response, response) << code;
      EXPECT_EQ(facts.readings[0].criterion, Criterion::Clinical);
      EXPECT_EQ(facts.readings[0].evidence.resource, "Observation/17");
      EXPECT_EQ(facts.readings[0].evidence.version, "3");
      EXPECT_EQ(facts.readings[0].evidence.code, code);
    }
}

TEST_F(LabelReaders, ReadRecistFromObservationAndReport) {
  const std::map<std::string, Response> values{{"C159715", Response::Complete},
                                               {"C159547", Response::Partial},
                                               {"C159546", Response::Stable},
                                               {"C159716", Response::Progressive}};
  for (const auto& [code, response] : values) {
    for (const char* question : {"21976-6", "97509-4"}) {
      const auto facts =
          read(with(observation(question), "valueCodeableConcept", coded(kNcit, code)));
      ASSERT_EQ(facts.readings.size(), 1U);
      EXPECT_EQ(facts.readings[0].criterion, Criterion::Recist);
      EXPECT_EQ(facts.readings[0].response, response);
    }
    const json report{{"resourceType", "DiagnosticReport"},
                      {"id", "5"},
                      {"status", "final"},
                      {"code", coded(kLoinc, "24627-2")},
                      {"effectiveDateTime", "2025-04-01"},
                      {"conclusionCode", {coded(kNcit, code)}}};
    ASSERT_EQ(read(report).readings.size(), 1U);
    EXPECT_EQ(read(report).readings[0].response, response);
  }
  EXPECT_EQ(read(with(observation("21976-6"), "valueCodeableConcept",
                      coded("http://radlex.org", "RID11515")))
                .readings.at(0)
                .response,
            Response::Progressive);
  EXPECT_EQ(read(with(observation("21976-6"), "valueCodeableConcept", coded(kSct, "359746009")))
                .readings.at(0)
                .criterion,
            Criterion::Recist);
}

TEST_F(LabelReaders, LeaveWordsAndUnknownCodesToAPerson) {
  expectRefused(with(observation("97509-4"), "valueCodeableConcept", {{"text", "much worse"}}),
                Why::TextOnly);
  expectRefused(with(observation("97509-4"), "valueCodeableConcept", coded(kSct, "1")), Why::Code);
  json two = coded(kNcit, "C159715");
  two["coding"].push_back({{"system", kNcit}, {"code", "C159716"}});
  expectRefused(with(observation("21976-6"), "valueCodeableConcept", two), Why::Code);
  const json report{{"resourceType", "DiagnosticReport"},
                    {"id", "5"},
                    {"status", "final"},
                    {"code", coded(kLoinc, "97509-4")},
                    {"effectiveDateTime", "2025-04-01"},
                    {"conclusion", "PD in both lungs"}};
  expectRefused(report, Why::TextOnly);
}

TEST_F(LabelReaders, TakeNothingPreliminaryFutureOrWrittenByAnAlgorithm) {
  const json good = with(observation("97509-4"), "valueCodeableConcept", coded(kSct, "271299001"));
  expectRefused(with(good, "status", "preliminary"), Why::Status);
  expectRefused(with(good, "effectiveDateTime", "2027-01-01"), Why::Date);
  expectRefused(with(good, "effectiveDateTime", "2025-04"), Why::Date);
  json undated = good;
  undated.erase("effectiveDateTime");
  expectRefused(undated, Why::Date);
  json ours = good;
  ours["meta"]["security"] = {
      {{"system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"}, {"code", "AIAST"}}};
  expectRefused(ours, Why::OwnPrediction);
  const auto error = read(with(good, "status", "entered-in-error"));
  EXPECT_TRUE(error.readings.empty() && error.notUnderstood.empty());
}

// --- laboratory ----------------------------------------------------------------------------------

TEST_F(LabelReaders, ConvertUnitsByTheirUcumCode) {
  EXPECT_DOUBLE_EQ(valueOf(with(observation("1751-7"), "valueQuantity", quantity(38, "g/L"))), 3.8);
  EXPECT_DOUBLE_EQ(valueOf(with(observation("1751-7"), "valueQuantity", quantity(3.8, "g/dL"))),
                   3.8);
  for (const char* code : {"751-8", "26499-4", "731-0", "26474-7", "6690-2", "26464-8"}) {
    EXPECT_DOUBLE_EQ(valueOf(with(observation(code), "valueQuantity", quantity(4.2, "10*9/L"))),
                     4.2)
        << code;
    EXPECT_DOUBLE_EQ(valueOf(with(observation(code), "valueQuantity", quantity(4.2, "10*3/uL"))),
                     4.2)
        << code;
    EXPECT_DOUBLE_EQ(
        valueOf(with(observation(code), "valueQuantity", quantity(4200, "{cells}/uL"))), 4.2)
        << code;
  }
}

TEST_F(LabelReaders, RefuseANumberWithoutAUnitThatCounts) {
  json noCode = {{"value", 38}, {"unit", "g/L"}};
  expectRefused(with(observation("1751-7"), "valueQuantity", noCode), Why::Unit);
  expectRefused(with(observation("1751-7"), "valueQuantity", quantity(570, "umol/L")), Why::Unit);
  expectRefused(with(observation("751-8"), "valueQuantity", quantity(60, "%")), Why::Unit);
  expectRefused(with(observation("751-8"), "valueQuantity", quantity(4.2, "G/L")),
                Why::Unit);  // gauss in UCUM
  json local = quantity(38, "g/L");
  local["system"] = "urn:local";
  expectRefused(with(observation("1751-7"), "valueQuantity", local), Why::Unit);
  // 38 g/dL is g/L written wrongly: no living patient has it.
  expectRefused(with(observation("1751-7"), "valueQuantity", quantity(38, "g/dL")), Why::Value);
  expectRefused(with(observation("1751-7"), "valueString", "38"), Why::Value);
  expectRefused(with(observation("1751-7"), "valueQuantity", {{"value", "38"}}), Why::Value);
}

TEST_F(LabelReaders, RelateLdhToItsOwnUpperLimit) {
  json ldh = with(observation("2532-0"), "valueQuantity", quantity(500, "U/L"));
  expectRefused(ldh, Why::Value);
  ldh["referenceRange"] = {{{"low", quantity(125, "U/L")}, {"high", quantity(250, "U/L")}}};
  EXPECT_DOUBLE_EQ(valueOf(ldh), 2);
  EXPECT_DOUBLE_EQ(valueOf(with(ldh, "code", coded(kLoinc, "14804-9"))), 2);
  // 1 ukat/L = 60 U/L: 500 U/L over 4.2 ukat/L = 252 U/L.
  ldh["referenceRange"][0]["high"] = quantity(4.2, "ukat/L");
  EXPECT_NEAR(valueOf(ldh), 500 / 252.0, 1e-12);
  ldh["referenceRange"][0]["high"] = {{"value", 250}};
  expectRefused(ldh, Why::Unit);
  ldh["referenceRange"] = {{{"high", quantity(250, "U/L")}}, {{"high", quantity(220, "U/L")}}};
  expectRefused(ldh, Why::Value);
}

TEST_F(LabelReaders, ReadTheTpsAndTakeLessThanOnePerCentForNone) {
  EXPECT_EQ(valueOf(with(observation("83053-9"), "valueQuantity", quantity(60, "%"))), 60);
  json less = quantity(1, "%");
  less["comparator"] = "<";
  EXPECT_EQ(valueOf(with(observation("83053-9"), "valueQuantity", less)), 0);
  less["comparator"] = ">=";
  less["value"] = 50;
  expectRefused(with(observation("83053-9"), "valueQuantity", less), Why::Value);
  json panel = observation("1-8");
  panel["component"] = {{{"code", coded(kNcit, "C176582")}, {"valueQuantity", quantity(80, "%")}},
                        {{"code", coded(kNcit, "C184941")}, {"valueQuantity", quantity(45, "%")}}};
  EXPECT_EQ(valueOf(panel), 45) << "the TPS, not the CPS";
  EXPECT_TRUE(
      read(with(observation("85147-7"), "valueQuantity", quantity(60, "%"))).laboratory.empty())
      << "a report, not the TPS";
}

TEST_F(LabelReaders, ReadEcogHoweverItIsWritten) {
  EXPECT_EQ(valueOf(with(observation("89247-1"), "valueInteger", 1)), 1);
  EXPECT_EQ(valueOf(with(observation("89247-1"), "valueQuantity", quantity(2, "{score}"))), 2);
  const char* loinc[] = {"LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6"};
  const char* snomed[] = {"425389002", "422512005", "422894000",
                          "423053003", "423237006", "423409001"};
  for (int score = 0; score <= 5; ++score) {
    EXPECT_EQ(
        valueOf(with(observation("89247-1"), "valueCodeableConcept", coded(kLoinc, loinc[score]))),
        score);
    EXPECT_EQ(
        valueOf(with(observation("89247-1"), "valueCodeableConcept", coded(kSct, snomed[score]))),
        score);
  }
  expectRefused(with(observation("89247-1"), "valueInteger", 7), Why::Value);
  expectRefused(with(observation("89247-1"), "valueQuantity", quantity(1.5, "{score}")),
                Why::Value);
}

TEST_F(LabelReaders, ReadSmoking) {
  const auto smoker = [&](const char* system, const char* code) {
    const auto facts =
        read(with(observation("72166-2"), "valueCodeableConcept", coded(system, code)));
    return facts.smoking.empty() ? std::optional<bool>() : std::optional(facts.smoking[0].yes);
  };
  EXPECT_EQ(smoker(kSct, "8517006"), true);
  EXPECT_EQ(smoker(kSct, "266919005"), false);
  EXPECT_EQ(smoker(kLoinc, "LA18976-3"), true);
  EXPECT_EQ(smoker(kLoinc, "LA18978-9"), false);
  EXPECT_EQ(smoker(kLoinc, "LA18980-5"), std::nullopt);
}

// --- patient, condition, encounter ---------------------------------------------------------------

TEST_F(LabelReaders, ReadDeathWithAndWithoutItsDay) {
  const json patient{
      {"resourceType", "Patient"}, {"id", "1"}, {"gender", "male"}, {"birthDate", "1960-01-10"}};
  EXPECT_FALSE(read(patient).deceased);
  EXPECT_EQ(read(patient).male, true);
  const auto dated = read(with(patient, "deceasedDateTime", "2025-05-01T03:00:00Z"));
  EXPECT_TRUE(dated.deceased && dated.deathDay);
  EXPECT_TRUE(read(with(patient, "deceasedBoolean", true)).deceased);
  EXPECT_FALSE(read(with(patient, "deceasedBoolean", true)).deathDay);
  const auto month = read(with(patient, "deceasedDateTime", "2025-05"));
  EXPECT_TRUE(month.deceased);
  EXPECT_FALSE(month.deathDay);
  EXPECT_EQ(month.notUnderstood.size(), 1U);
  EXPECT_EQ(read(with(patient, "link",
                      {{{"type", "replaced-by"}, {"other", {{"reference", "Patient/2"}}}}}))
                .unread.size(),
            1U);
}

TEST_F(LabelReaders, ReadLiverMetastases) {
  const auto status = [](const char* code) {
    return coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", code);
  };
  json condition{{"resourceType", "Condition"},
                 {"id", "3"},
                 {"code", coded(kSct, "94381002")},
                 {"recordedDate", "2024-12-01"},
                 {"verificationStatus", status("confirmed")}};
  EXPECT_TRUE(read(condition).liverMetastases.at(0).yes);
  EXPECT_TRUE(read(with(condition, "code", coded("http://hl7.org/fhir/sid/icd-10", "C78.7")))
                  .liverMetastases.at(0)
                  .yes);
  json anatomic = with(condition, "code", coded(kSct, "128462008"));
  EXPECT_TRUE(read(anatomic).liverMetastases.empty());
  anatomic["bodySite"] = {coded(kSct, "10200004")};
  EXPECT_TRUE(read(anatomic).liverMetastases.at(0).yes);
  EXPECT_FALSE(
      read(with(condition, "verificationStatus", status("refuted"))).liverMetastases.at(0).yes);
  EXPECT_EQ(
      read(with(condition, "verificationStatus", status("provisional"))).notUnderstood.at(0).why,
      Why::Status);
}

TEST_F(LabelReaders, KeepTheNewestContact) {
  PatientFacts facts;
  const ReadContext context{codes_, *dayOf("2026-11-01"), nullptr};
  for (const char* end : {"2025-03-01", "2025-09-01", "2025-06-01", "2027-01-01"})
    readEncounter({{"resourceType", "Encounter"},
                   {"id", end},
                   {"status", "finished"},
                   {"period", {{"end", end}}}},
                  context, facts);
  ASSERT_EQ(facts.contacts.size(), 1U);
  EXPECT_EQ(toText(facts.contacts[0].day), "2025-09-01");
  readEncounter({{"resourceType", "Encounter"},
                 {"id", "p"},
                 {"status", "planned"},
                 {"period", {{"start", "2025-10-01"}}}},
                context, facts);
  EXPECT_EQ(toText(facts.contacts[0].day), "2025-09-01");
}

// --- days ----------------------------------------------------------------------------------------

TEST(DayOf, TakesWholeDaysOnly) {
  EXPECT_EQ(toText(dayOf("2024-02-29").value()), "2024-02-29");
  EXPECT_EQ(toText(dayOf("2025-01-05T23:30:00-05:00").value()), "2025-01-05")
      << "the day at the patient's place";
  for (const char* text : {"", "2025", "2025-01", "2025-02-29", "2025-13-01", "2025-1-1",
                           "0001-01-01", "2025-01-05 8:00", "2025-01-+5", "x"})
    EXPECT_FALSE(dayOf(text)) << text;
}

// --- any JSON ------------------------------------------------------------------------------------

// Every member of a good resource replaced by something of another type: no reader may throw, and
// a fact that is left must come from what was left.
TEST_F(LabelReaders, SurviveAnyTypeInAnyPlace) {
  json ldh = with(observation("2532-0"), "valueQuantity", quantity(500, "U/L"));
  ldh["referenceRange"] = {{{"high", quantity(250, "U/L")}}};
  json request{{"resourceType", "MedicationRequest"},
               {"id", "9"},
               {"status", "active"},
               {"intent", "order"},
               {"medicationCodeableConcept", coded(kAtc, "H02AB02")},
               {"authoredOn", "2025-01-04"},
               {"dosageInstruction",
                {{{"timing", {{"repeat", {{"frequency", 2}, {"period", 1}, {"periodUnit", "d"}}}}},
                  {"doseAndRate", {{{"doseQuantity", quantity(4, "mg")}}}}}}}};
  const std::vector<json> good{
      ldh,
      request,
      administration(kAtc, "L01FF02"),
      with(observation("97509-4"), "valueCodeableConcept", coded(kSct, "271299001")),
      with(observation("89247-1"), "valueInteger", 1),
      {{"resourceType", "DiagnosticReport"},
       {"id", "5"},
       {"status", "final"},
       {"code", coded(kLoinc, "97509-4")},
       {"effectiveDateTime", "2025-04-01"},
       {"conclusionCode", {coded(kNcit, "C159715")}}},
      {{"resourceType", "Condition"},
       {"id", "3"},
       {"code", coded(kSct, "128462008")},
       {"bodySite", {coded(kSct, "10200004")}},
       {"recordedDate", "2024-12-01"}},
      {{"resourceType", "Patient"},
       {"id", "1"},
       {"birthDate", "1960-01-10"},
       {"deceasedDateTime", "2025-01-01"},
       {"link", {{{"type", "seealso"}}}}},
      {{"resourceType", "Encounter"},
       {"id", "1"},
       {"status", "finished"},
       {"period", {{"end", "2025-01-01"}}}}};
  const std::vector<json> strange{nullptr,
                                  7,
                                  -1e300,
                                  true,
                                  "text",
                                  json::array(),
                                  json::object(),
                                  json::array({nullptr, json::array()}),
                                  json{{"coding", 7}},
                                  std::string("\xff\xfe", 2),
                                  json::array({json{{"coding", {7, nullptr}}}})};
  std::size_t changed = 0;
  for (const json& resource : good) {
    const json flat = resource.flatten();
    for (const auto& [pointer, value] : flat.items())
      for (json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer())
        for (const json& replacement : strange) {
          json broken = resource;
          broken[at] = replacement;
          broken["resourceType"] = resource["resourceType"];
          EXPECT_NO_THROW(read(broken)) << at.to_string() << " = " << resource["resourceType"];
          ++changed;
        }
  }
  EXPECT_GT(changed, 1000U);
}

// --- the code table ------------------------------------------------------------------------------

std::string conceptMap(const std::string& code, const std::string& target,
                       const std::string& relation = "equivalent",
                       const std::string& targetSystem = std::string(kConceptSystem)) {
  return json{
      {"resourceType", "ConceptMap"},
      {"group",
       {{{"source", "urn:hospital:recist"},
         {"target", targetSystem},
         {"element",
          {{{"code", code}, {"target", {{{"code", target}, {"equivalence", relation}}}}}}}}}}}
      .dump();
}

TEST_F(LabelReaders, UnderstandTheSitesOwnCodesByItsConceptMap) {
  const json reading =
      with(observation("21976-6"), "valueCodeableConcept", coded("urn:hospital:recist", "iUPD"));
  expectRefused(reading, Why::Code);
  codes_.extend(conceptMap("iUPD", "irecist-unconfirmed-progressive"));
  const auto facts = read(reading);
  ASSERT_EQ(facts.readings.size(), 1U);
  EXPECT_EQ(facts.readings[0].criterion, Criterion::IRecist);
  EXPECT_EQ(facts.readings[0].response, Response::UnconfirmedProgressive);
}

TEST(CodeTableTest, RefusesAMapThatIsLessThanExact) {
  const auto extended = [](const std::string& map) {
    CodeTable codes;
    codes.extend(map);
  };
  EXPECT_NO_THROW(extended(conceptMap("x", "recist-partial")));
  EXPECT_THROW(extended(conceptMap("x", "recist-partial", "wider")), std::invalid_argument);
  EXPECT_THROW(extended(conceptMap("x", "partial-ish")), std::invalid_argument);
  EXPECT_THROW(extended(conceptMap("x", "recist-partial", "equivalent", "urn:else")),
               std::invalid_argument);
  EXPECT_THROW(extended("{}"), std::invalid_argument);
  EXPECT_THROW(extended("not json"), std::invalid_argument);
  CodeTable codes;
  codes.extend(conceptMap("x", "recist-partial"));
  EXPECT_THROW(codes.extend(conceptMap("x", "recist-stable")), std::invalid_argument);
}

TEST(CodeTableTest, NamesEveryConceptUniquely) {
  std::set<std::string_view> names;
  for (int c = 0; c <= static_cast<int>(Concept::SystemicRoute); ++c) {
    const auto name = toString(static_cast<Concept>(c));
    EXPECT_FALSE(name.empty()) << c;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(conceptFromName(name), static_cast<Concept>(c));
  }
}

}  // namespace
}  // namespace fedpet::fhir
