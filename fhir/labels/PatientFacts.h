// What a site's records say about one patient, each fact with its evidence. Plain: the readers fill
// it, the derivation (Derivation.h) is a pure function of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

// The calendar day at the patient's place, as written in the record (its time zone is not used).
using Day = std::chrono::sys_days;

// Where a fact comes from; enough for a person to look it up.
struct Evidence {
  std::string resource;      // "Observation/17", or "cohort.csv line 4"
  std::string version;       // meta.versionId; empty when the server has none
  std::string date;          // as written: "2026-03-01T09:30:00+01:00"
  std::string system, code;  // what decided; empty for a date alone
  std::string value;         // as written: "312 U/L", "SCT 271299001"
  bool operator==(const Evidence&) const = default;
};

// What a reading was judged by. Readings of different criteria are never compared with each other.
enum class Criterion { Clinical, Recist, IRecist };
std::string_view toString(Criterion);  // "clinical", "recist", "irecist"

enum class Response {
  Complete,
  Partial,
  Stable,
  Progressive,
  UnconfirmedProgressive,  // iUPD
  ConfirmedProgressive,    // iCPD
  Improved,                // clinical: better, but not in RECIST's categories
  Undetermined,
};
std::string_view toString(Response);

struct ResponseReading {
  Day day{};
  Criterion criterion = Criterion::Recist;
  Response response = Response::Undetermined;
  Evidence evidence;
};

enum class TreatmentSource { Administration, Request, Statement };  // best first
std::string_view toString(TreatmentSource);                         // "MedicationAdministration"

struct ImmunotherapyRecord {
  Day day{};  // given, ordered, or said to have begun
  TreatmentSource source = TreatmentSource::Administration;
  std::string drug;  // "pembrolizumab"
  Evidence evidence;
};

// In the unit named; converted by UCUM code.
enum class Laboratory {
  Neutrophils,
  Lymphocytes,
  Leukocytes,  // 10*9/L
  Ldh,         // multiples of that laboratory's upper limit
  Albumin,     // g/dL
  Pdl1Tps,     // % of viable tumour cells
  Ecog,        // 0 to 5
};
std::string_view toString(Laboratory);

struct LaboratoryValue {
  Laboratory what = Laboratory::Ldh;
  Day day{};
  std::string instant;  // as written, to order values of one day; times of one zone
  double value = 0;
  Evidence evidence;
};

struct SteroidRecord {
  Day from{};
  std::optional<Day> until;  // last day; nullopt: not known
  bool ongoing = false;      // the record says that it is not over
  std::string drug;
  TreatmentSource source = TreatmentSource::Request;
  // In mg a day; nullopt: the dose, its rhythm or the route cannot be told.
  std::optional<double> prednisoneEquivalentMgPerDay;
  Evidence evidence;
};

struct DatedAnswer {  // smoking, liver metastases
  std::optional<Day> day;
  bool yes = false;
  Evidence evidence;
};

struct Contact {  // the patient was alive and seen, or a sample of theirs was taken
  Day day{};
  Evidence evidence;
};

// A record that was found but could not be used as a fact, and why.
struct NotUnderstood {
  enum class Why {
    Unit,           // missing, no UCUM code, or the wrong one
    Value,          // missing, of another type, outside what can be
    Date,           // missing, too imprecise, or in the future
    Code,           // the value's code is in no table
    Status,         // preliminary, planned, ...
    TextOnly,       // says it in words only
    Reference,      // points at what could not be read
    OwnPrediction,  // written by an algorithm (security label AIAST)
  };
  Why why = Why::Value;
  std::string fact;  // "LDH", "immunotherapy": what it would have told
  std::string explanation;
  Evidence evidence;
};
std::string_view toString(NotUnderstood::Why);

struct PatientFacts {
  std::string identifier;  // as listed by the site: never leaves it
  std::string subjectId;   // pseudonym
  std::string centre;
  std::optional<Day> petDay;  // of the baseline PET, when the cohort names one

  std::string patientResource;  // "Patient/3"; empty: not found
  std::optional<Day> birthDay;
  std::optional<bool> male;
  bool deceased = false;
  std::optional<Day> deathDay;  // absent while deceased: at an unknown time
  Evidence patientEvidence;

  std::vector<ImmunotherapyRecord> immunotherapy;
  std::vector<ResponseReading> readings;
  std::vector<LaboratoryValue> laboratory;
  std::vector<SteroidRecord> steroids;
  std::vector<DatedAnswer> smoking, liverMetastases;
  std::vector<Contact> contacts;  // the newest of each kind of resource
  std::vector<NotUnderstood> notUnderstood;
  // Why the record is known to be unread in part ("Observation: the server is too slow"). No label
  // is derived then: what was not read may contradict it.
  std::vector<std::string> unread;
  std::vector<std::string> remarks;  // "the server has no MedicationStatement"
};

}  // namespace fedpet::fhir
