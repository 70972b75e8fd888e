#include "orthanc-plugin/CdsHooksApi.h"

#include "fhir/facade/CdsHooks.h"
#include "fhir/facade/FacadeSearch.h"
#include "orthanc-plugin/PatientResults.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"

#include <memory>

namespace fedpet::plugin {
namespace {

using fhir::Json;

HttpResponse jsonAnswer(const Json& json) {
  return freshJson(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

const fhir::CdsService& serviceOf(const std::string& id) {
  for (const fhir::CdsService& service : fhir::cdsServices())
    if (id == service.id) return service;
  throw HttpError{404, "no such service"};
}

// Of the newest examination: an older one would be read as the present state.
Json cardsFor(const CdsHooksParts& parts, const fhir::CdsRequest& request) {
  Json cards = Json::array();
  if (!request.concernsImmunotherapy) return cards;
  for (const IndexedResult& row : resultsOf(parts.index, parts.site, request.patient)) {
    const auto stored = parts.ledger.assessment(row.seriesId);
    if (!stored) continue;  // deleted meanwhile
    const std::string page =
        parts.publicUrl.empty()
            ? ""
            : parts.publicUrl + "/fedpet/app/index.html#/series/" + row.seriesId;
    cards.push_back(fhir::cdsCard(assessmentFromJson(stored->json).assessment, page));
    break;
  }
  return cards;
}

HttpResponse call(const CdsHooksParts& parts, const std::string& id, const HttpRequest& request) {
  const fhir::CdsService& service = serviceOf(id);
  try {
    const fhir::CdsRequest read = fhir::readCdsRequest(service, request.body);
    return jsonAnswer({{"cards", cardsFor(parts, read)}});
  } catch (const fhir::FacadeError& e) {
    throw HttpError{e.status, e.what()};
  }
}

}  // namespace

void addCdsHooksRoutes(Router& router, CdsHooksParts p) {
  const auto parts = std::make_shared<const CdsHooksParts>(std::move(p));
  router.add(
      {"GET", "/fedpet/cds-services", "CDS Hooks: the services there are",
       [](const HttpRequest&, const PathParameters&) { return jsonAnswer(fhir::cdsDiscovery()); }});
  router.add({"POST", "/fedpet/cds-services/{id}", "CDS Hooks: the card of a patient",
              [parts](const HttpRequest& request, const PathParameters& path) {
                return call(*parts, path.at("id"), request);
              }});
}

}  // namespace fedpet::plugin
