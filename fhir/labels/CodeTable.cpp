#include "fhir/labels/CodeTable.h"

#include "fhir/labels/JsonView.h"

#include <array>
#include <stdexcept>

namespace fedpet::fhir {
namespace {

using C = Concept;

struct Named {
  Concept value;
  std::string_view name;
};
constexpr std::array kNames{
    Named{C::DiseaseStatus, "disease-status"},
    Named{C::RecistStatus, "recist-status"},
    Named{C::IRecistStatus, "irecist-status"},
    Named{C::Pdl1Tps, "pdl1-tps"},
    Named{C::Ecog, "ecog"},
    Named{C::Ldh, "ldh"},
    Named{C::Neutrophils, "neutrophils"},
    Named{C::Lymphocytes, "lymphocytes"},
    Named{C::Leukocytes, "leukocytes"},
    Named{C::Albumin, "albumin"},
    Named{C::SmokingStatus, "smoking-status"},
    Named{C::RecistComplete, "recist-complete"},
    Named{C::RecistPartial, "recist-partial"},
    Named{C::RecistStable, "recist-stable"},
    Named{C::RecistProgressive, "recist-progressive"},
    Named{C::IRecistComplete, "irecist-complete"},
    Named{C::IRecistPartial, "irecist-partial"},
    Named{C::IRecistStable, "irecist-stable"},
    Named{C::IRecistUnconfirmedProgressive, "irecist-unconfirmed-progressive"},
    Named{C::IRecistConfirmedProgressive, "irecist-confirmed-progressive"},
    Named{C::StatusFullRemission, "status-full-remission"},
    Named{C::StatusPartialRemission, "status-partial-remission"},
    Named{C::StatusImproved, "status-improved"},
    Named{C::StatusStable, "status-stable"},
    Named{C::StatusWorsened, "status-worsened"},
    Named{C::StatusUndetermined, "status-undetermined"},
    Named{C::Ecog0, "ecog-0"},
    Named{C::Ecog1, "ecog-1"},
    Named{C::Ecog2, "ecog-2"},
    Named{C::Ecog3, "ecog-3"},
    Named{C::Ecog4, "ecog-4"},
    Named{C::Ecog5, "ecog-5"},
    Named{C::EverSmoker, "ever-smoker"},
    Named{C::NeverSmoker, "never-smoker"},
    Named{C::SmokingUnknown, "smoking-unknown"},
    Named{C::LiverMetastasis, "liver-metastasis"},
    Named{C::SecondaryMalignancy, "secondary-malignancy"},
    Named{C::Liver, "liver"},
    Named{C::Pembrolizumab, "pembrolizumab"},
    Named{C::Nivolumab, "nivolumab"},
    Named{C::Durvalumab, "durvalumab"},
    Named{C::Avelumab, "avelumab"},
    Named{C::Atezolizumab, "atezolizumab"},
    Named{C::Cemiplimab, "cemiplimab"},
    Named{C::Ipilimumab, "ipilimumab"},
    Named{C::Prednisone, "prednisone"},
    Named{C::Prednisolone, "prednisolone"},
    Named{C::Methylprednisolone, "methylprednisolone"},
    Named{C::Dexamethasone, "dexamethasone"},
    Named{C::Hydrocortisone, "hydrocortisone"},
    Named{C::Betamethasone, "betamethasone"},
    Named{C::Triamcinolone, "triamcinolone"},
    Named{C::Cortisone, "cortisone"},
    Named{C::Deflazacort, "deflazacort"},
    Named{C::SystemicRoute, "systemic-route"},
};

constexpr std::string_view kLoinc = "http://loinc.org", kSnomed = "http://snomed.info/sct",
                           kAtc = "http://www.whocc.no/atc",
                           kRxNorm = "http://www.nlm.nih.gov/research/umls/rxnorm",
                           kNcit = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
                           kRadLex = "http://radlex.org", kRadLexWww = "http://www.radlex.org",
                           kIcd10 = "http://hl7.org/fhir/sid/icd-10",
                           kIcd10Cm = "http://hl7.org/fhir/sid/icd-10-cm",
                           kIcd10Gm = "http://fhir.de/CodeSystem/bfarm/icd-10-gm";

struct BuiltIn {
  Concept meaning;
  std::string_view system, code, display;
};
// Codes whose sources disagree (RxNorm of durvalumab and ipilimumab) are all listed: each of them
// names that drug or a product of it.
constexpr std::array kBuiltIn{
    BuiltIn{C::DiseaseStatus, kLoinc, "97509-4", "Cancer disease progression"},
    BuiltIn{C::DiseaseStatus, kLoinc, "88040-1", "Response to cancer treatment"},
    BuiltIn{C::RecistStatus, kLoinc, "21976-6", "Cancer outcome status"},
    BuiltIn{C::Pdl1Tps, kLoinc, "83053-9", "PD-L1 by clone 22C3, tumour cells per 100"},
    BuiltIn{C::Pdl1Tps, kNcit, "C184941", "Tumour proportion score"},
    BuiltIn{C::Ecog, kLoinc, "89247-1", "ECOG performance status score"},
    BuiltIn{C::Ldh, kLoinc, "2532-0", "LDH in serum or plasma"},
    BuiltIn{C::Ldh, kLoinc, "14804-9", "LDH, lactate to pyruvate"},
    BuiltIn{C::Neutrophils, kLoinc, "751-8", "Neutrophils, automated count"},
    BuiltIn{C::Neutrophils, kLoinc, "26499-4", "Neutrophils in blood"},
    BuiltIn{C::Lymphocytes, kLoinc, "731-0", "Lymphocytes, automated count"},
    BuiltIn{C::Lymphocytes, kLoinc, "26474-7", "Lymphocytes in blood"},
    BuiltIn{C::Leukocytes, kLoinc, "6690-2", "Leukocytes, automated count"},
    BuiltIn{C::Leukocytes, kLoinc, "26464-8", "Leukocytes in blood"},
    BuiltIn{C::Albumin, kLoinc, "1751-7", "Albumin in serum or plasma"},
    BuiltIn{C::SmokingStatus, kLoinc, "72166-2", "Tobacco smoking status"},
    // RECIST
    BuiltIn{C::RecistComplete, kNcit, "C159715", "RECIST complete response"},
    BuiltIn{C::RecistPartial, kNcit, "C159547", "RECIST partial response"},
    BuiltIn{C::RecistStable, kNcit, "C159546", "RECIST stable disease"},
    BuiltIn{C::RecistProgressive, kNcit, "C159716", "RECIST progressive disease"},
    BuiltIn{C::RecistComplete, kRadLex, "RID11511", "Complete response"},
    BuiltIn{C::RecistComplete, kRadLexWww, "RID11511", "Complete response"},
    BuiltIn{C::RecistPartial, kRadLex, "RID11513", "Partial response"},
    BuiltIn{C::RecistPartial, kRadLexWww, "RID11513", "Partial response"},
    BuiltIn{C::RecistStable, kRadLex, "RID11514", "Stable disease"},
    BuiltIn{C::RecistStable, kRadLexWww, "RID11514", "Stable disease"},
    BuiltIn{C::RecistProgressive, kRadLex, "RID11515", "Progressive disease"},
    BuiltIn{C::RecistProgressive, kRadLexWww, "RID11515", "Progressive disease"},
    // mCODE cancer disease status, new and old
    BuiltIn{C::StatusImproved, kSnomed, "268910001", "Patient's condition improved"},
    BuiltIn{C::StatusStable, kSnomed, "359746009", "Patient's condition stable"},
    BuiltIn{C::StatusWorsened, kSnomed, "271299001", "Patient's condition worsened"},
    BuiltIn{C::StatusWorsened, kSnomed, "277022003", "Progressive disease"},
    BuiltIn{C::StatusUndetermined, kSnomed, "709137006", "Patient condition undetermined"},
    BuiltIn{C::StatusFullRemission, kSnomed, "550991000124107", "Cancer in full remission"},
    BuiltIn{C::StatusPartialRemission, kSnomed, "551001000124108", "Cancer in partial remission"},
    // ECOG: LOINC answer list LL529-9
    BuiltIn{C::Ecog0, kLoinc, "LA9622-7", "ECOG 0"},
    BuiltIn{C::Ecog1, kLoinc, "LA9623-5", "ECOG 1"},
    BuiltIn{C::Ecog2, kLoinc, "LA9624-3", "ECOG 2"},
    BuiltIn{C::Ecog3, kLoinc, "LA9625-0", "ECOG 3"},
    BuiltIn{C::Ecog4, kLoinc, "LA9626-8", "ECOG 4"},
    BuiltIn{C::Ecog5, kLoinc, "LA9627-6", "ECOG 5"},
    BuiltIn{C::Ecog0, kSnomed, "425389002", "ECOG grade 0"},
    BuiltIn{C::Ecog1, kSnomed, "422512005", "ECOG grade 1"},
    BuiltIn{C::Ecog2, kSnomed, "422894000", "ECOG grade 2"},
    BuiltIn{C::Ecog3, kSnomed, "423053003", "ECOG grade 3"},
    BuiltIn{C::Ecog4, kSnomed, "423237006", "ECOG grade 4"},
    BuiltIn{C::Ecog5, kSnomed, "423409001", "ECOG grade 5"},
    // Smoking: LOINC answers and US Core's SNOMED values
    BuiltIn{C::EverSmoker, kLoinc, "LA18976-3", "Current every day smoker"},
    BuiltIn{C::EverSmoker, kLoinc, "LA18977-1", "Current some day smoker"},
    BuiltIn{C::EverSmoker, kLoinc, "LA15920-4", "Former smoker"},
    BuiltIn{C::NeverSmoker, kLoinc, "LA18978-9", "Never smoker"},
    BuiltIn{C::EverSmoker, kLoinc, "LA18979-7", "Smoker, current status unknown"},
    BuiltIn{C::SmokingUnknown, kLoinc, "LA18980-5", "Unknown if ever smoked"},
    BuiltIn{C::EverSmoker, kLoinc, "LA18981-3", "Heavy tobacco smoker"},
    BuiltIn{C::EverSmoker, kLoinc, "LA18982-1", "Light tobacco smoker"},
    BuiltIn{C::EverSmoker, kSnomed, "449868002", "Smokes tobacco daily"},
    BuiltIn{C::EverSmoker, kSnomed, "428041000124106", "Occasional tobacco smoker"},
    BuiltIn{C::EverSmoker, kSnomed, "8517006", "Ex-smoker"},
    BuiltIn{C::EverSmoker, kSnomed, "77176002", "Smoker"},
    BuiltIn{C::EverSmoker, kSnomed, "428071000124103", "Heavy tobacco smoker"},
    BuiltIn{C::EverSmoker, kSnomed, "428061000124105", "Light tobacco smoker"},
    BuiltIn{C::NeverSmoker, kSnomed, "266919005", "Never smoked tobacco"},
    BuiltIn{C::SmokingUnknown, kSnomed, "266927001", "Tobacco smoking consumption unknown"},
    // Metastases
    BuiltIn{C::LiverMetastasis, kSnomed, "94381002", "Metastatic malignant neoplasm to liver"},
    BuiltIn{C::LiverMetastasis, kIcd10, "C78.7", "Secondary malignant neoplasm of liver"},
    BuiltIn{C::LiverMetastasis, kIcd10Cm, "C78.7", "Secondary malignant neoplasm of liver"},
    BuiltIn{C::LiverMetastasis, kIcd10Gm, "C78.7", "Secondary malignant neoplasm of liver"},
    BuiltIn{C::SecondaryMalignancy, kSnomed, "128462008", "Metastatic malignant neoplasm"},
    BuiltIn{C::Liver, kSnomed, "10200004", "Liver structure"},
    // Checkpoint inhibitors: ATC new and old, RxNorm
    BuiltIn{C::Pembrolizumab, kAtc, "L01FF02", "pembrolizumab"},
    BuiltIn{C::Pembrolizumab, kAtc, "L01XC18", "pembrolizumab"},
    BuiltIn{C::Pembrolizumab, kRxNorm, "1547545", "pembrolizumab"},
    BuiltIn{C::Nivolumab, kAtc, "L01FF01", "nivolumab"},
    BuiltIn{C::Nivolumab, kAtc, "L01XC17", "nivolumab"},
    BuiltIn{C::Nivolumab, kRxNorm, "1597876", "nivolumab"},
    BuiltIn{C::Durvalumab, kAtc, "L01FF03", "durvalumab"},
    BuiltIn{C::Durvalumab, kAtc, "L01XC28", "durvalumab"},
    BuiltIn{C::Durvalumab, kRxNorm, "1919503", "durvalumab"},
    BuiltIn{C::Durvalumab, kRxNorm, "1919505", "durvalumab"},
    BuiltIn{C::Avelumab, kAtc, "L01FF04", "avelumab"},
    BuiltIn{C::Avelumab, kAtc, "L01XC31", "avelumab"},
    BuiltIn{C::Atezolizumab, kAtc, "L01FF05", "atezolizumab"},
    BuiltIn{C::Atezolizumab, kAtc, "L01XC32", "atezolizumab"},
    BuiltIn{C::Atezolizumab, kRxNorm, "1792776", "atezolizumab"},
    BuiltIn{C::Cemiplimab, kAtc, "L01FF06", "cemiplimab"},
    BuiltIn{C::Ipilimumab, kAtc, "L01FX04", "ipilimumab"},
    BuiltIn{C::Ipilimumab, kAtc, "L01XC11", "ipilimumab"},
    BuiltIn{C::Ipilimumab, kRxNorm, "1094833", "ipilimumab"},
    BuiltIn{C::Ipilimumab, kRxNorm, "1657797", "ipilimumab"},
    // Glucocorticoids: ATC H02AB is systemic by definition; a RxNorm ingredient needs a route
    BuiltIn{C::Betamethasone, kAtc, "H02AB01", "betamethasone"},
    BuiltIn{C::Dexamethasone, kAtc, "H02AB02", "dexamethasone"},
    BuiltIn{C::Methylprednisolone, kAtc, "H02AB04", "methylprednisolone"},
    BuiltIn{C::Prednisolone, kAtc, "H02AB06", "prednisolone"},
    BuiltIn{C::Prednisone, kAtc, "H02AB07", "prednisone"},
    BuiltIn{C::Triamcinolone, kAtc, "H02AB08", "triamcinolone"},
    BuiltIn{C::Hydrocortisone, kAtc, "H02AB09", "hydrocortisone"},
    BuiltIn{C::Cortisone, kAtc, "H02AB10", "cortisone"},
    BuiltIn{C::Deflazacort, kAtc, "H02AB13", "deflazacort"},
    BuiltIn{C::Prednisone, kRxNorm, "8640", "prednisone"},
    BuiltIn{C::Prednisolone, kRxNorm, "8638", "prednisolone"},
    BuiltIn{C::Methylprednisolone, kRxNorm, "6902", "methylprednisolone"},
    BuiltIn{C::Dexamethasone, kRxNorm, "3264", "dexamethasone"},
    BuiltIn{C::Hydrocortisone, kRxNorm, "5492", "hydrocortisone"},
    BuiltIn{C::SystemicRoute, kSnomed, "26643006", "Oral route"},
    BuiltIn{C::SystemicRoute, kSnomed, "47625008", "Intravenous route"},
    BuiltIn{C::SystemicRoute, kSnomed, "78421000", "Intramuscular route"},
};

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument("ConceptMap: " + why);
}

bool isSame(const nlohmann::json& target) {
  std::string relation = textAt(target, "equivalence");
  if (relation.empty()) relation = textAt(target, "relationship");
  return relation == "equal" || relation == "equivalent";
}

}  // namespace

std::string_view toString(Concept value) {
  for (const Named& entry : kNames)
    if (entry.value == value) return entry.name;
  return "";
}

std::optional<Concept> conceptFromName(std::string_view name) {
  for (const Named& entry : kNames)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

bool isImmunotherapy(Concept c) { return c >= C::Pembrolizumab && c <= C::Ipilimumab; }

// Equivalent anti-inflammatory doses as in the usual tables (5 mg prednisone = 4 mg
// methylprednisolone or triamcinolone = 0.75 mg dexamethasone = 0.6 mg betamethasone = 20 mg
// hydrocortisone = 25 mg cortisone = 6 mg deflazacort).
std::optional<double> prednisonePerMg(Concept drug) {
  switch (drug) {
    case C::Prednisone:
    case C::Prednisolone:
      return 1;
    case C::Methylprednisolone:
    case C::Triamcinolone:
      return 5.0 / 4;
    case C::Dexamethasone:
      return 5.0 / 0.75;
    case C::Betamethasone:
      return 5.0 / 0.6;
    case C::Hydrocortisone:
      return 5.0 / 20;
    case C::Cortisone:
      return 5.0 / 25;
    case C::Deflazacort:
      return 5.0 / 6;
    default:
      return std::nullopt;
  }
}

CodeTable::CodeTable() {
  for (const BuiltIn& row : kBuiltIn)
    add({row.meaning, std::string(row.system), std::string(row.code), std::string(row.display)});
}

void CodeTable::add(CodeEntry entry) {
  const auto [at, isNew] = byCode_.emplace(std::pair{entry.system, entry.code}, entry.meaning);
  if (!isNew && at->second != entry.meaning)
    refuse(entry.system + "|" + entry.code + " already means " + std::string(toString(at->second)) +
           "; it cannot mean " + std::string(toString(entry.meaning)) + " too");
  if (isNew) entries_.push_back(std::move(entry));
}

void CodeTable::extend(const std::string& text) {
  const nlohmann::json map = nlohmann::json::parse(text, nullptr, false);
  if (textAt(map, "resourceType") != "ConceptMap") refuse("the file holds no FHIR ConceptMap");
  if (listAt(map, "group").empty()) refuse("there is no group");
  for (const auto& group : listAt(map, "group")) {
    const std::string source = textAt(group, "source");
    if (source.empty()) refuse("a group has no source (the code system of the codes)");
    if (textAt(group, "target") != kConceptSystem)
      refuse("the target of a group must be \"" + std::string(kConceptSystem) + "\"");
    for (const auto& element : listAt(group, "element")) {
      const std::string code = textAt(element, "code"), where = source + "|" + code;
      if (code.empty()) refuse("an element of " + source + " has no code");
      const auto& targets = listAt(element, "target");
      if (targets.size() != 1) refuse(where + " needs exactly one target");
      const std::string name = textAt(targets[0], "code");
      const auto meaning = conceptFromName(name);
      if (!meaning)
        refuse(where + ": there is no concept \"" + name + "\" (docs/labels.md lists them)");
      if (!isSame(targets[0]))
        refuse(where + " must be equal or equivalent to its target, not less");
      add({*meaning, source, code, textAt(element, "display")});
    }
  }
}

std::optional<Concept> CodeTable::find(std::string_view system, std::string_view code) const {
  const auto found = byCode_.find(std::pair{std::string(system), std::string(code)});
  if (found == byCode_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> CodeTable::tokens(const std::set<Concept>& meanings) const {
  std::vector<std::string> found;
  for (const CodeEntry& entry : entries_)
    if (meanings.contains(entry.meaning)) found.push_back(entry.system + "|" + entry.code);
  return found;
}

}  // namespace fedpet::fhir
