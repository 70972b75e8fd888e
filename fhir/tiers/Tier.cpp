#include "fhir/tiers/Tier.h"

#include <array>
#include <stdexcept>
#include <vector>

namespace fedpet::fhir {
namespace {

constexpr std::array<Tier, 5> kTiers{Tier::Transaction, Tier::SingleWrites, Tier::Observations,
                                     Tier::Hl7v2, Tier::DicomOnly};

constexpr char kLinks[] = "DocumentReference";  // to the DICOM objects, where the site has a URL

// What a result consists of. Without the first two it is no report; the others can be referred to
// by their identifier where the server has no place for them.
const std::vector<std::string> kEssential{"Observation", "DiagnosticReport"};
const std::vector<std::string> kOptional{"Device", "ImagingStudy", "RiskAssessment", "Provenance",
                                         kLinks};

using Resource = ServerCapability::Resource;

bool canSearch(const Resource& resource, const std::string& parameter) {
  return resource.search &&
         (resource.searchParameters.empty() || resource.searchParameters.contains(parameter));
}

const char* keyOf(const std::string& type) {
  return type == "Provenance" ? "_tag" : "identifier";  // R4 Provenance has no identifier
}

// Creates without making a second one when the message comes again.
bool canCreateOnce(const ServerCapability& server, const std::string& type) {
  const Resource* resource = server.find(type);
  return resource && resource->create &&
         (resource->conditionalCreate || canSearch(*resource, keyOf(type)));
}

bool isConditional(const ServerCapability& server, const std::string& type) {
  const Resource* resource = server.find(type);
  const bool isCreatedOnly = type == "Device" || type == "ImagingStudy" || type == "Provenance";
  return resource && resource->create && resource->conditionalCreate &&
         (isCreatedOnly || (resource->update && resource->conditionalUpdate));
}

std::set<std::string> notCreatable(const ServerCapability& server) {
  std::set<std::string> types;
  for (const std::string& type : kOptional)
    if (!canCreateOnce(server, type)) types.insert(type);
  return types;
}

std::string listed(const std::set<std::string>& types) {
  std::string text;
  for (const std::string& type : types) text += (text.empty() ? "" : ", ") + type;
  return text;
}

// Why not T1; empty: it can.
std::string againstTransaction(const ServerCapability& server,
                               const std::set<std::string>& omitted) {
  if (!server.transaction) return "it takes no transactions";
  if (server.resources.empty()) return {};  // it lists no types: believed
  std::vector<std::string> wanted = kEssential;
  for (const std::string& type : kOptional)
    if (!omitted.contains(type) && type != kLinks) wanted.push_back(type);
  for (const std::string& type : wanted)
    if (!isConditional(server, type)) return "it makes no conditional writes of " + type;
  return {};
}

// Why not T2; empty: it can.
std::string againstSingleWrites(const ServerCapability& server) {
  if (server.resources.empty()) return "it lists no types of resources";
  for (const std::string& type : kEssential)
    if (!canCreateOnce(server, type)) return "it cannot create a " + type + " only once";
  return {};
}

TierChoice without(const std::set<std::string>& omitted, TierChoice choice) {
  choice.omitted = omitted;
  if (!omitted.empty())
    choice.why += " Left out, for it cannot create them: " + listed(omitted) + ".";
  return choice;
}

TierChoice beyondFhir(const TierWishes& wishes, const std::string& why) {
  if (wishes.hasMllpUrl) return {Tier::Hl7v2, why + " HL7 v2 goes to the configured address.", {}};
  return {Tier::DicomOnly, why + " Nothing is sent; the results are in the PACS.", {}};
}

TierChoice bestOf(const TierWishes& wishes, const ServerCapability& server) {
  const bool wantsR5 = wishes.fhirVersion == "R5";
  if (!server.fhirVersion.empty() && server.fhirVersion.starts_with(wantsR5 ? "4." : "5."))
    return beyondFhir(wishes, "The server speaks FHIR " + server.fhirVersion +
                                  ", and Fhir.Version is " + wishes.fhirVersion + ".");
  const bool isOpen = server.resources.empty();
  const auto omitted = isOpen ? std::set<std::string>{} : notCreatable(server);
  const std::string noT1 = againstTransaction(server, omitted);
  if (noT1.empty()) {
    auto outOfT1 = omitted;  // links alone are no reason to give up the transaction
    if (!isOpen && !isConditional(server, kLinks)) outOfT1.insert(kLinks);
    return without(outOfT1, {Tier::Transaction, "The server takes transactions.", {}});
  }
  const std::string noT2 = againstSingleWrites(server);
  if (noT2.empty())
    return without(omitted,
                   {Tier::SingleWrites, "The server takes single writes only: " + noT1 + ".", {}});
  if (canCreateOnce(server, "Observation")) {
    TierChoice choice{
        Tier::Observations, "The server takes measurements but no reports: " + noT2 + ".", {}};
    return without(omitted, std::move(choice));
  }
  return beyondFhir(wishes, "The server takes no results by FHIR: " + noT1 + ", and " + noT2 + ".");
}

}  // namespace

std::string_view toString(Tier tier) {
  constexpr std::array<std::string_view, 5> names{"T1", "T2", "T3", "T4", "T5"};
  return names.at(static_cast<std::size_t>(tier));
}

std::string_view describe(Tier tier) {
  constexpr std::array<std::string_view, 5> texts{
      "one transaction of conditional writes", "single writes in the order of their references",
      "measurements and the report as a document", "one HL7 v2 ORU^R01 message",
      "DICOM only: nothing is sent"};
  return texts.at(static_cast<std::size_t>(tier));
}

void check(const TierWishes& wishes) {
  if (wishes.fhirVersion != "R4" && wishes.fhirVersion != "R5")
    throw std::invalid_argument("Fhir.Version must be R4 or R5, not \"" + wishes.fhirVersion +
                                "\"");
  if (wishes.tier == "auto" || wishes.tier == "T5") return;
  if (wishes.tier == "T4") {
    if (!wishes.hasMllpUrl) throw std::invalid_argument("Fhir.Tier T4 needs Fhir.MllpUrl");
    return;
  }
  if (wishes.tier != "T1" && wishes.tier != "T2" && wishes.tier != "T3")
    throw std::invalid_argument("Fhir.Tier must be auto or T1 to T5, not \"" + wishes.tier + "\"");
  if (!wishes.hasBaseUrl)
    throw std::invalid_argument("Fhir.Tier " + wishes.tier + " needs Fhir.BaseUrl");
}

TierChoice chooseTier(const TierWishes& wishes, const ServerCapability* server) {
  for (const Tier tier : kTiers)
    if (wishes.tier == toString(tier)) {
      TierChoice forced{tier, "Chosen by the site (Fhir.Tier).", {}};
      const bool isFhir = tier != Tier::Hl7v2 && tier != Tier::DicomOnly;
      const bool isListed = isFhir && server && !server->resources.empty();
      return isListed ? without(notCreatable(*server), std::move(forced)) : forced;
    }
  if (!wishes.hasBaseUrl) return beyondFhir(wishes, "No FHIR server is configured.");
  if (!server)
    return {Tier::Transaction,
            "The server gives no CapabilityStatement; a transaction is safe to try.",
            {}};
  return bestOf(wishes, *server);
}

}  // namespace fedpet::fhir
