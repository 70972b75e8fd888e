// Drugs: which are checkpoint inhibitors or steroids, whether they were given, and how much a day.
#include "tests/fhir/ReaderFixture.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fedpet::fhir {
namespace {

using namespace fedpet::testing;

TEST_F(LabelReaders, KnowEveryCheckpointInhibitorByOldAndNewCodes) {
  const std::vector<std::pair<const char*, std::vector<std::pair<const char*, const char*>>>> drugs{
      {"pembrolizumab", {{kAtc, "L01FF02"}, {kAtc, "L01XC18"}, {kRxNorm, "1547545"}}},
      {"nivolumab", {{kAtc, "L01FF01"}, {kAtc, "L01XC17"}, {kRxNorm, "1597876"}}},
      {"durvalumab",
       {{kAtc, "L01FF03"}, {kAtc, "L01XC28"}, {kRxNorm, "1919503"}, {kRxNorm, "1919505"}}},
      {"avelumab", {{kAtc, "L01FF04"}, {kAtc, "L01XC31"}}},
      {"atezolizumab", {{kAtc, "L01FF05"}, {kAtc, "L01XC32"}, {kRxNorm, "1792776"}}},
      {"cemiplimab", {{kAtc, "L01FF06"}}},
      {"ipilimumab",
       {{kAtc, "L01FX04"}, {kAtc, "L01XC11"}, {kRxNorm, "1094833"}, {kRxNorm, "1657797"}}}};
  for (const auto& [drug, all] : drugs)
    for (const auto& [system, code] : all) {
      const auto facts = read(administration(system, code));
      ASSERT_EQ(facts.immunotherapy.size(), 1U) << code;
      EXPECT_EQ(facts.immunotherapy[0].drug, drug);
    }
}

TEST_F(LabelReaders, TellWhatWasGivenFromWhatWasPlanned) {
  EXPECT_TRUE(
      read(with(administration(kAtc, "L01FF02"), "status", "not-done")).immunotherapy.empty());
  json request{{"resourceType", "MedicationRequest"},
               {"id", "9"},
               {"status", "active"},
               {"intent", "order"},
               {"medicationCodeableConcept", coded(kAtc, "L01FF02")},
               {"authoredOn", "2025-01-04"}};
  EXPECT_EQ(read(request).immunotherapy.at(0).source, TreatmentSource::Request);
  expectRefused(with(request, "intent", "plan"), Why::Status);
  EXPECT_TRUE(read(with(request, "doNotPerform", true)).immunotherapy.empty());
  json statement{{"resourceType", "MedicationStatement"},
                 {"id", "9"},
                 {"status", "completed"},
                 {"medicationCodeableConcept", coded(kAtc, "L01FF02")},
                 {"effectivePeriod", {{"start", "2024-06-01"}}}};
  EXPECT_EQ(toText(read(statement).immunotherapy.at(0).day), "2024-06-01");
  expectRefused(with(statement, "status", "intended"), Why::Status);
}

TEST_F(LabelReaders, ResolveAMedicationThatIsPointedAt) {
  json given = administration(kAtc, "x");
  given.erase("medicationCodeableConcept");
  given["medicationReference"] = {
      {"reference", "https://ehr.example/fhir/Medication/5/_history/2"}};
  const Medications medications{
      {"Medication/5",
       {{"resourceType", "Medication"}, {"id", "5"}, {"code", coded(kAtc, "L01FF01")}}}};
  EXPECT_EQ(read(given, &medications).immunotherapy.at(0).drug, "nivolumab");
  expectRefused(given, Why::Reference);
  given["medicationReference"] = {{"reference", "#m"}};
  given["contained"] = {
      {{"resourceType", "Medication"}, {"id", "m"}, {"code", coded(kAtc, "L01FF02")}}};
  EXPECT_EQ(read(given).immunotherapy.at(0).drug, "pembrolizumab");
}

TEST_F(LabelReaders, LeaveADrugNamedInWordsToAPerson) {
  json given = administration(kAtc, "x");
  given["medicationCodeableConcept"] = {{"text", "KEYTRUDA 100 mg perf."}};
  expectRefused(given, Why::TextOnly);
  EXPECT_EQ(read(given).notUnderstood[0].fact, "immunotherapy");
  given["medicationCodeableConcept"] = {{"text", "paracetamol"}};
  EXPECT_TRUE(read(given).notUnderstood.empty());
}

TEST_F(LabelReaders, CountADaysDoseInPrednisone) {
  json request{{"resourceType", "MedicationRequest"},
               {"id", "9"},
               {"status", "active"},
               {"intent", "order"},
               {"medicationCodeableConcept", coded(kAtc, "H02AB02")},
               {"authoredOn", "2025-01-04"},
               {"dosageInstruction",
                {{{"timing", {{"repeat", {{"frequency", 2}, {"period", 1}, {"periodUnit", "d"}}}}},
                  {"doseAndRate", {{{"doseQuantity", quantity(4, "mg")}}}}}}}};
  // 2 x 4 mg dexamethasone = 8 mg = 8 * 5 / 0.75 = 53.3 mg prednisone.
  EXPECT_NEAR(read(request).steroids.at(0).prednisoneEquivalentMgPerDay.value(), 53.333, 1e-3);
  EXPECT_TRUE(read(request).steroids.at(0).ongoing);
  // An ingredient alone may be an ointment: it needs a route.
  json byIngredient = with(request, "medicationCodeableConcept", coded(kRxNorm, "8640"));
  EXPECT_FALSE(read(byIngredient).steroids.at(0).prednisoneEquivalentMgPerDay);
  byIngredient["dosageInstruction"][0]["route"] = coded(kSct, "26643006");
  EXPECT_NEAR(read(byIngredient).steroids.at(0).prednisoneEquivalentMgPerDay.value(), 8, 1e-9);
  // A taper, on demand, or every other day: no daily dose.
  json taper = request;
  taper["dosageInstruction"].push_back(taper["dosageInstruction"][0]);
  EXPECT_FALSE(read(taper).steroids.at(0).prednisoneEquivalentMgPerDay);
  json demand = request;
  demand["dosageInstruction"][0]["asNeededBoolean"] = true;
  EXPECT_FALSE(read(demand).steroids.at(0).prednisoneEquivalentMgPerDay);
  json alternate = request;
  alternate["dosageInstruction"][0]["timing"]["repeat"]["period"] = 2;
  EXPECT_FALSE(read(alternate).steroids.at(0).prednisoneEquivalentMgPerDay);
}

}  // namespace
}  // namespace fedpet::fhir
