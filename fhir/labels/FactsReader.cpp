#include "fhir/labels/FactsReader.h"

#include "fhir/labels/JsonView.h"
#include "fhir/labels/Readers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace fedpet::fhir {
namespace {

using nlohmann::json;
using End = SearchResult::End;
using Patients = std::vector<PatientFacts*>;

// R4 search, "escaping": these separate and prefix values.
std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == ',' || c == '|' || c == '$' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

// One search for a group of patients.
struct Query {
  std::string type;
  SearchParameters filter;
  void (*read)(const json&, const ReadContext&, PatientFacts&);
  bool required = false;  // without it nothing can be derived
};

std::vector<Query> queriesOf(const CodeTable& codes) {
  using C = Concept;
  std::set<Concept> observed{C::DiseaseStatus, C::RecistStatus, C::IRecistStatus, C::Pdl1Tps,
                             C::Ecog,          C::Ldh,          C::Neutrophils,   C::Lymphocytes,
                             C::Leukocytes,    C::Albumin,      C::SmokingStatus};
  const auto anyOf = [&](const std::set<Concept>& meanings) {
    return joined(codes.tokens(meanings));
  };
  const std::string judgements =
      anyOf({C::RecistComplete, C::RecistPartial, C::RecistStable, C::RecistProgressive,
             C::IRecistComplete, C::IRecistPartial, C::IRecistStable,
             C::IRecistUnconfirmedProgressive, C::IRecistConfirmedProgressive});
  return {
      {"Observation", {{"code", anyOf(observed)}}, readObservation, true},
      {"DiagnosticReport",
       {{"code", anyOf({C::DiseaseStatus, C::RecistStatus, C::IRecistStatus})}},
       readDiagnosticReport},
      {"DiagnosticReport", {{"conclusion", judgements}}, readDiagnosticReport},
      {"MedicationAdministration", {}, readMedication},
      {"MedicationRequest", {}, readMedication},
      {"MedicationStatement", {}, readMedication},
      {"Condition", {{"code", anyOf({C::LiverMetastasis, C::SecondaryMalignancy})}}, readCondition},
      {"Encounter", {}, readEncounter},
  };
}

// What the threads share.
struct Shared {
  Shared(const FactsOptions& o, const CodeTable& c) : options(o), codes(c), queries(queriesOf(c)) {}

  const FactsOptions& options;
  const CodeTable& codes;
  const std::vector<Query> queries;
  // Search parameters by type, as the server states them; empty: it does not.
  std::map<std::string, std::set<std::string>> offered;
  std::atomic<bool> onlyOnePatient{false}, notChained{false}, stopped{false};
  std::atomic<std::size_t> nextGroup{0}, requests{0};
  std::mutex mutex;
  // Guarded by mutex:
  std::set<std::string> remarks;
  std::map<const Query*, std::string> refusedQueries;  // with the reason
  std::optional<std::string> refused;
  std::exception_ptr error;
  std::size_t done = 0;

  void remark(const std::string& text) {
    const std::lock_guard lock(mutex);
    constexpr std::size_t kMost = 100;
    if (remarks.size() < kMost) remarks.insert(text);
  }
  std::optional<std::string> whyRefused(const Query& query) {
    const std::lock_guard lock(mutex);
    const auto found = refusedQueries.find(&query);
    if (found == refusedQueries.end()) return std::nullopt;
    return found->second;
  }
};

// Why the server cannot be asked this, by its own statement; "" when it can, or does not say.
std::string notOffered(const Shared& shared, const Query& query) {
  if (shared.offered.empty()) return {};
  const auto type = shared.offered.find(query.type);
  if (type == shared.offered.end())
    return query.type + ": the server has none, by its CapabilityStatement";
  for (const auto& [parameter, value] : query.filter)
    if (parameter == "conclusion" && !type->second.empty() && !type->second.contains(parameter))
      return query.type + ": the server cannot search by " + parameter +
             ", by its CapabilityStatement";
  return {};
}

std::string subjectOf(const json& resource) {
  std::string reference = textAt(at(resource, "subject"), "reference");
  if (reference.empty()) reference = textAt(at(resource, "patient"), "reference");
  const auto start = reference.rfind("Patient/");
  if (start == std::string::npos) return {};
  reference = reference.substr(start);
  return reference.substr(0, reference.find("/_history"));
}

SearchResult refusal(std::string why) {
  SearchResult result;
  result.end = End::Refused;
  result.why = std::move(why);
  return result;
}

// Reads the records of one group at a time, with a connection of its own.
class GroupReader {
 public:
  GroupReader(Shared& shared, std::stop_token stop)
      : shared_(shared), client_(shared.options.server), stop_(std::move(stop)) {}
  ~GroupReader() { shared_.requests += client_.requestsSent(); }
  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  void read(const Patients& group) {
    Patients found = findPatients(group);
    if (found.empty()) return;
    if (found.size() > 1 && shared_.onlyOnePatient) return readEach(found);
    const std::vector<PatientFacts> before = copyOf(found);
    if (readRecords(found)) return;
    // Together it was refused or did not end: each alone, so that one does not spoil the others.
    for (std::size_t i = 0; i < found.size(); ++i) *found[i] = before[i];
    readEach(found);
  }

 private:
  static std::vector<PatientFacts> copyOf(const Patients& patients) {
    std::vector<PatientFacts> copies;
    for (const PatientFacts* patient : patients) copies.push_back(*patient);
    return copies;
  }

  void readEach(const Patients& patients) {
    for (PatientFacts* patient : patients) readRecords({patient});
  }

  ReadContext context(const Medications* medications = nullptr) const {
    return {shared_.codes, shared_.options.today, medications};
  }

  std::string tokenOf(const PatientFacts& patient) const {
    return escaped(shared_.options.identifierSystem) + "|" + escaped(patient.identifier);
  }

  SearchResult searchPatients(const Patients& group) {
    std::vector<std::string> tokens;
    for (const PatientFacts* patient : group) tokens.push_back(tokenOf(*patient));
    return client_.search("Patient", {{"identifier", joined(tokens)}}, stop_);
  }

  // The patients of the group that are on the server exactly once, read.
  Patients findPatients(const Patients& group) {
    const SearchResult result = searchPatients(group);
    if (result.end == End::Unauthorized) {
      refuse(result.why);
      for (PatientFacts* patient : group) patient->unread.push_back(result.why);
      return {};
    }
    if (result.end != End::Complete && group.size() > 1) {
      if (result.end == End::Refused) shared_.onlyOnePatient = true;
      Patients found;
      for (PatientFacts* patient : group)
        for (PatientFacts* one : findPatients({patient})) found.push_back(one);
      return found;
    }
    for (const std::string& remark : result.remarks) shared_.remark("Patient: " + remark);
    Patients found;
    for (PatientFacts* patient : group) {
      if (result.end != End::Complete)
        patient->unread.push_back(result.why);
      else if (isFound(*patient, result.resources))
        found.push_back(patient);
    }
    return found;
  }

  bool isFound(PatientFacts& patient, const std::vector<json>& resources) {
    std::vector<const json*> matches;
    for (const json& resource : resources) {
      if (textAt(resource, "resourceType") != "Patient") continue;
      for (const json& identifier : listAt(resource, "identifier"))
        if (textAt(identifier, "system") == shared_.options.identifierSystem &&
            textAt(identifier, "value") == patient.identifier) {
          matches.push_back(&resource);
          break;
        }
    }
    if (matches.empty())
      patient.unread.push_back("no patient on the server has this identifier in this system");
    else if (matches.size() > 1)
      patient.unread.push_back("several patients on the server have this identifier");
    else
      readPatient(*matches.front(), context(), patient);
    return matches.size() == 1;
  }

  void refuse(const std::string& why) {
    shared_.stopped = true;
    const std::lock_guard lock(shared_.mutex);
    if (!shared_.refused) shared_.refused = why;
  }

  std::string patientParameter(const Query& query) const {
    const auto type = shared_.offered.find(query.type);
    const bool onlySubject = type != shared_.offered.end() && type->second.contains("subject") &&
                             !type->second.contains("patient");
    return onlySubject ? "subject" : "patient";
  }

  SearchResult searchOnce(const Query& query, const Patients& patients, bool chained) {
    std::vector<std::string> values;
    for (const PatientFacts* patient : patients)
      values.push_back(chained ? tokenOf(*patient) : patient->patientResource);
    const std::string name = chained ? "patient.identifier" : patientParameter(query);
    SearchParameters parameters{{name, joined(values)}};
    parameters.insert(parameters.end(), query.filter.begin(), query.filter.end());
    SearchResult result = client_.search(query.type, parameters, stop_);
    const bool saysWhat = result.selfUrl.find('?') != std::string::npos;
    if (result.end == End::Complete && saysWhat && result.selfUrl.find(name) == std::string::npos) {
      result.end = End::Refused;
      result.why = query.type + ": the server ignored \"" + name + "\"";
      result.resources.clear();
    }
    return result;
  }

  // Asks in the way that this server understands, and learns which that is. `askEach` is set when
  // the answer can only be had for one patient at a time.
  SearchResult ask(const Query& query, const Patients& patients, bool& askEach) {
    if (const auto why = shared_.whyRefused(query)) return refusal(*why);
    const bool chained = shared_.options.chained && !shared_.notChained;
    SearchResult result = searchOnce(query, patients, chained);
    if (chained && result.end == End::Refused) {
      result = searchOnce(query, patients, false);
      if (result.end == End::Complete) {
        shared_.notChained = true;
        shared_.remark("the server does not search by patient.identifier; asked by ids instead");
      }
    }
    if (patients.size() == 1) return result;
    askEach = result.end == End::NotFinished;
    if (result.end == End::Refused) {
      const SearchResult alone =
          searchOnce(query, {patients.front()}, chained && !shared_.notChained);
      if (alone.end == End::Complete) {
        askEach = true;
        shared_.onlyOnePatient = true;
        shared_.remark("the server searches for one patient at a time");
      } else if (alone.end == End::Refused) {
        const std::lock_guard lock(shared_.mutex);
        shared_.refusedQueries.emplace(&query, alone.why);
      }
    }
    return result;
  }

  // False: ask for each alone. True: done, what could not be read stands in `unread`.
  bool readRecords(const Patients& patients) {
    std::vector<std::pair<const Query*, std::vector<json>>> answers;
    bool anyMedication = false;
    for (const Query& query : shared_.queries) {
      const bool isMedication = query.type.starts_with("Medication");
      SearchResult result = refusal(notOffered(shared_, query));
      bool askEach = false;
      if (result.why.empty()) result = ask(query, patients, askEach);
      if (askEach) return false;
      if (result.end == End::Complete) {
        anyMedication = anyMedication || isMedication;
        for (const std::string& remark : result.remarks) shared_.remark(query.type + ": " + remark);
      } else if (query.required || result.end == End::NotFinished) {
        for (PatientFacts* patient : patients) patient->unread.push_back(result.why);
      } else {
        shared_.remark(result.why);
      }
      answers.emplace_back(&query, std::move(result.resources));
    }
    if (!anyMedication)
      for (PatientFacts* patient : patients)
        patient->unread.push_back(
            "the server tells of no administration, request or statement of drugs");
    distribute(answers, medicationsOf(answers), patients);
    return true;
  }

  // The Medication resources that the answers point at.
  Medications medicationsOf(
      const std::vector<std::pair<const Query*, std::vector<json>>>& answers) {
    std::set<std::string> wanted;
    for (const auto& [query, resources] : answers)
      for (const json& resource : resources)
        if (const std::string name = medicationReference(resource); !name.empty())
          wanted.insert(name);
    Medications medications;
    std::vector<std::string> ids;
    const auto flush = [&] {
      if (ids.empty()) return;
      SearchResult result = client_.search("Medication", {{"_id", joined(ids)}}, stop_);
      if (result.end != End::Complete) shared_.remark(result.why);
      for (json& resource : result.resources)
        medications.emplace("Medication/" + textAt(resource, "id"), std::move(resource));
      ids.clear();
    };
    constexpr std::size_t kIdsPerSearch = 50;
    for (const std::string& name : wanted) {
      ids.push_back(name.substr(std::string("Medication/").size()));
      if (ids.size() == kIdsPerSearch) flush();
    }
    flush();
    return medications;
  }

  void distribute(const std::vector<std::pair<const Query*, std::vector<json>>>& answers,
                  const Medications& medications, const Patients& patients) {
    std::map<std::string, PatientFacts*> bySubject;
    for (PatientFacts* patient : patients) bySubject.emplace(patient->patientResource, patient);
    std::set<std::string> seen;  // one report may answer two searches
    std::size_t strangers = 0;
    for (const auto& [query, resources] : answers)
      for (const json& resource : resources) {
        const std::string type = textAt(resource, "resourceType");
        if (type != query->type || !seen.insert(type + "/" + textAt(resource, "id")).second)
          continue;
        const auto patient = bySubject.find(subjectOf(resource));
        if (patient == bySubject.end())
          ++strangers;
        else
          query->read(resource, context(&medications), *patient->second);
      }
    if (strangers > 0)
      shared_.remark(
          "the server answered with records of patients who were not asked for; they were dropped");
  }

  Shared& shared_;
  SearchClient client_;
  std::stop_token stop_;
};

// What a CapabilityStatement says can be searched; empty when it says nothing of resources.
std::map<std::string, std::set<std::string>> offeredBy(const std::optional<json>& statement) {
  std::map<std::string, std::set<std::string>> offered;
  if (!statement) return offered;
  for (const json& rest : listAt(*statement, "rest"))
    for (const json& resource : listAt(rest, "resource")) {
      auto& parameters = offered[textAt(resource, "type")];
      for (const json& parameter : listAt(resource, "searchParam"))
        parameters.insert(textAt(parameter, "name"));
    }
  return offered;
}

void work(Shared& shared, std::vector<PatientFacts>& all, std::size_t groupSize,
          ReadingObserver& observer, const std::stop_token& stop) {
  try {
    GroupReader reader(shared, stop);
    for (;;) {
      const std::size_t begin = shared.nextGroup++ * groupSize;
      if (begin >= all.size() || shared.stopped) return;
      Patients group;
      for (std::size_t i = begin; i < std::min(begin + groupSize, all.size()); ++i)
        group.push_back(&all[i]);
      reader.read(group);
      const std::lock_guard lock(shared.mutex);
      shared.done += group.size();
      observer.onPatients(shared.done, all.size());
    }
  } catch (...) {
    shared.stopped = true;
    const std::lock_guard lock(shared.mutex);
    if (!shared.error) shared.error = std::current_exception();
  }
}

}  // namespace

ReadFacts readFacts(const FactsOptions& options, const CodeTable& codes,
                    const std::vector<ListedPatient>& listed, ReadingObserver& observer,
                    std::stop_token stop) {
  if (options.identifierSystem.empty())
    throw std::invalid_argument("name the identifier system of the listed patients (--system)");
  if (options.concurrency < 1 || options.patientsPerSearch < 1)
    throw std::invalid_argument("at least one search of one patient at a time");
  ReadFacts result;
  for (const ListedPatient& patient : listed) {
    PatientFacts facts;
    facts.identifier = patient.identifier;
    facts.subjectId = patient.subjectId;
    facts.centre = patient.centre;
    facts.petDay = patient.petDay;
    result.patients.push_back(std::move(facts));
  }
  Shared shared(options, codes);
  {
    SearchClient client(options.server);
    shared.offered = offeredBy(client.capabilities(stop));
    shared.requests += client.requestsSent();
  }
  const auto groupSize = static_cast<std::size_t>(options.patientsPerSearch);
  const std::size_t groups = (listed.size() + groupSize - 1) / groupSize;
  const std::size_t threads = std::min(static_cast<std::size_t>(options.concurrency), groups);
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 0; i < threads; ++i)
      pool.emplace_back([&] { work(shared, result.patients, groupSize, observer, stop); });
  }
  if (shared.error) std::rethrow_exception(shared.error);
  result.refused = shared.refused;
  if (result.refused)
    for (PatientFacts& patient : result.patients)
      if (patient.patientResource.empty() && patient.unread.empty())
        patient.unread.push_back(*result.refused);
  result.remarks.assign(shared.remarks.begin(), shared.remarks.end());
  result.requests = shared.requests;
  return result;
}

}  // namespace fedpet::fhir
