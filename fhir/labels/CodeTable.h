// The one table of codes by which labels are read (docs/labels.md shows it), and a site's additions
// to it, written as a FHIR ConceptMap.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fedpet::fhir {

// What a code can mean to us. A site's ConceptMap maps its codes to these names (toString).
enum class Concept {
  // What an Observation or DiagnosticReport is about.
  DiseaseStatus,
  RecistStatus,
  IRecistStatus,
  Pdl1Tps,
  Ecog,
  Ldh,
  Neutrophils,
  Lymphocytes,
  Leukocytes,
  Albumin,
  SmokingStatus,
  // Answers: response.
  RecistComplete,
  RecistPartial,
  RecistStable,
  RecistProgressive,
  IRecistComplete,
  IRecistPartial,
  IRecistStable,
  IRecistUnconfirmedProgressive,
  IRecistConfirmedProgressive,
  StatusFullRemission,
  StatusPartialRemission,
  StatusImproved,
  StatusStable,
  StatusWorsened,
  StatusUndetermined,
  // Answers: ECOG, smoking.
  Ecog0,
  Ecog1,
  Ecog2,
  Ecog3,
  Ecog4,
  Ecog5,
  EverSmoker,
  NeverSmoker,
  SmokingUnknown,
  // Conditions and places.
  LiverMetastasis,
  SecondaryMalignancy,
  Liver,
  // Drugs.
  Pembrolizumab,
  Nivolumab,
  Durvalumab,
  Avelumab,
  Atezolizumab,
  Cemiplimab,
  Ipilimumab,
  Prednisone,
  Prednisolone,
  Methylprednisolone,
  Dexamethasone,
  Hydrocortisone,
  Betamethasone,
  Triamcinolone,
  Cortisone,
  Deflazacort,
  // Routes that reach the whole body.
  SystemicRoute,
};
std::string_view toString(Concept);  // "recist-progressive"
std::optional<Concept> conceptFromName(std::string_view);

bool isImmunotherapy(Concept);
// mg of prednisone that 1 mg of the drug is worth; nullopt: no systemic steroid.
std::optional<double> prednisonePerMg(Concept);

struct CodeEntry {
  Concept meaning;
  std::string system, code, display;
};

// Target system of a site's ConceptMap.
inline constexpr std::string_view kConceptSystem = "urn:fedpet:label-concept";

class CodeTable {
 public:
  CodeTable();  // the built-in table

  // Adds the elements of a ConceptMap (R4 "equivalence" or R5 "relationship", equal or equivalent
  // only). Throws std::invalid_argument with what is wrong and where: an unknown target, another
  // equivalence, a code that the table already has with another meaning.
  void extend(const std::string& conceptMapJson);

  std::optional<Concept> find(std::string_view system, std::string_view code) const;
  const std::vector<CodeEntry>& entries() const { return entries_; }
  // "http://loinc.org|2532-0" for every code with one of these meanings: the values of a search
  // parameter "code".
  std::vector<std::string> tokens(const std::set<Concept>&) const;

 private:
  void add(CodeEntry);
  std::vector<CodeEntry> entries_;
  std::map<std::pair<std::string, std::string>, Concept, std::less<>> byCode_;
};

}  // namespace fedpet::fhir
