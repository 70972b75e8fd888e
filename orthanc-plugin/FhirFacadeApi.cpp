#include "orthanc-plugin/FhirFacadeApi.h"

#include "fhir/TransactionBundle.h"
#include "fhir/facade/FacadeAnswers.h"
#include "fhir/facade/FacadeSearch.h"
#include "orthanc-plugin/RestApi.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"

#include <algorithm>
#include <set>

namespace fedpet::plugin {
namespace {

using fhir::FacadeError;
using fhir::FacadeKey;
using fhir::FacadeQuery;
using fhir::FacadeResource;
using fhir::Json;

HttpResponse fhirAnswer(const Json& body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.contentType = "application/fhir+json; charset=utf-8";
  response.headers["Cache-Control"] = "no-store";
  response.body = body.dump(2, ' ', false, Json::error_handler_t::replace);
  return response;
}

std::string header(const HttpRequest& request, const char* name) {
  const auto it = request.headers.find(name);
  return it == request.headers.end() ? std::string() : it->second;
}

fhir::FacadeParameters parametersOf(const HttpRequest& request) {
  if (!request.parameters.empty()) return request.parameters;
  return {request.query.begin(), request.query.end()};
}

bool isLenient(const HttpRequest& request) {
  const std::string prefer = header(request, "prefer");
  if (prefer.find("handling=") == std::string::npos) return false;
  if (prefer.find("handling=lenient") != std::string::npos) return true;
  if (prefer.find("handling=strict") != std::string::npos) return false;
  throw FacadeError(400, "invalid", "Prefer: handling is strict or lenient");
}

class Facade {
 public:
  explicit Facade(FhirFacadeParts parts) : parts_(std::move(parts)), started_(parts_.now()) {}

  HttpResponse metadata(const HttpRequest& request) const {
    return fhirAnswer(fhir::capabilityStatement(kVersion, baseUrl(request), toIso8601(started_)));
  }

  HttpResponse read(const HttpRequest& request, const std::string& type,
                    const std::string& id) const {
    checkType(type);
    const auto holders = parts_.index.holders(FacadeKey::Kind::Id, type, id);
    if (holders.empty()) throw FacadeError(404, "not-found", "no " + type + " has this id");
    const auto resource = current(holders, type, id);
    if (!resource) {
      const bool gone = std::none_of(holders.begin(), holders.end(),
                                     [](const ResultIndex::Holder& h) { return h.current; });
      if (!gone) throw FacadeError(404, "not-found", "this site does not give out such resources");
      throw FacadeError(410, "deleted",
                        "this result has been replaced, or its series has left the archive");
    }
    return withTag(request, *resource);
  }

  HttpResponse search(const HttpRequest& request, const std::string& type) const {
    checkType(type);
    const FacadeQuery query = fhir::readQuery(type, parametersOf(request), isLenient(request));
    Page page = find(query);
    const std::string base = baseUrl(request);
    const auto link = [&](const std::string& cursor) {
      std::string parameters = query.repeated;
      if (!cursor.empty()) parameters += (parameters.empty() ? "_cursor=" : "&_cursor=") + cursor;
      return base + "/" + type + (parameters.empty() ? "" : "?" + parameters);
    };
    const std::string own = query.revision > 0 ? cursorText(query.revision, query.offset) : "";
    return fhirAnswer(fhir::searchset(base, page.resources,
                                      {link(own), page.next.empty() ? "" : link(page.next)},
                                      query.ignored));
  }

 private:
  struct Page {
    std::vector<Json> resources;
    std::string next;  // cursor; empty: there is no more
  };

  static std::string cursorText(std::int64_t revision, std::int64_t offset) {
    return std::to_string(revision) + "-" + std::to_string(offset);
  }

  static void checkType(const std::string& type) {
    const auto& types = fhir::facadeTypes();
    if (std::find(types.begin(), types.end(), type) == types.end())
      throw FacadeError(404, "not-supported",
                        "no such type here: /metadata lists them" +
                            std::string(type == "Patient" ? "; patients are named by identifier, "
                                                            "their record is the EHR's"
                                                          : ""));
  }

  std::string baseUrl(const HttpRequest& request) const {
    if (!parts_.publicUrl.empty()) return parts_.publicUrl + "/fedpet/fhir";
    std::string host = header(request, "host");
    const bool plain = !host.empty() && host.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789.-:[]") == std::string::npos;
    return parts_.scheme + "://" + (plain ? host : std::string("127.0.0.1")) + "/fedpet/fhir";
  }

  std::vector<FacadeResource> resourcesOfSeries(const std::string& seriesId) const {
    const auto stored = parts_.ledger.assessment(seriesId);
    if (!stored) return {};
    try {
      return fhir::resourcesOf(assessmentFromJson(stored->json).assessment, parts_.site);
    } catch (const AssessmentJsonError&) {
      return {};  // of a newer release: /fedpet/assessments still gives it
    }
  }

  // The rows of the series that hold a resource now, newest first.
  std::vector<IndexedResult> rowsOf(const std::vector<ResultIndex::Holder>& holders) const {
    IndexFilter filter;
    for (const ResultIndex::Holder& h : holders)
      if (h.current) filter.seriesIds.push_back(h.seriesId);
    if (filter.seriesIds.empty()) return {};
    auto rows = parts_.index.find(filter);
    std::reverse(rows.begin(), rows.end());
    return rows;
  }

  static const FacadeResource* member(const std::vector<FacadeResource>& all,
                                      const std::string& type, const std::string& id) {
    for (const FacadeResource& r : all)
      if (r.type == type && r.id == id) return &r;
    return nullptr;
  }

  // The newest result has the word; a study is the sum of its series.
  std::optional<Json> current(const std::vector<ResultIndex::Holder>& holders,
                              const std::string& type, const std::string& id) const {
    std::optional<Json> made;
    const IndexedResult* newest = nullptr;
    const auto rows = rowsOf(holders);
    for (const IndexedResult& row : rows) {
      const auto resources = resourcesOfSeries(row.seriesId);
      const FacadeResource* found = member(resources, type, id);
      if (!found) continue;
      if (made)
        fhir::addSeries(*made, found->resource);
      else
        made = found->resource;
      if (!newest) newest = &row;
      if (type != "ImagingStudy") break;
    }
    if (!made) return std::nullopt;
    return fhir::versioned(*made, std::to_string(newest->revision), toIso8601(newest->storedAt));
  }

  static HttpResponse withTag(const HttpRequest& request, const Json& resource) {
    const std::string tag = "W/\"" + resource.at("meta").at("versionId").get<std::string>() + "\"";
    if (header(request, "if-none-match") == tag) {
      HttpResponse unchanged;
      unchanged.status = 304;
      unchanged.headers["ETag"] = tag;
      return unchanged;
    }
    HttpResponse response = fhirAnswer(resource);
    response.headers["ETag"] = tag;
    return response;
  }

  // nullopt: no result can fit.
  std::optional<IndexFilter> indexed(const FacadeQuery& query) const {
    IndexFilter filter;
    if (!query.patients.empty())
      for (const fhir::Token& token : query.patients.front()) {
        if (token.value.empty())
          throw FacadeError(400, "not-supported", "patient.identifier needs a value");
        filter.patientIds.push_back(token.value);
      }
    if (!query.studies.empty()) filter.studyIds = query.studies.front();
    filter.lowestDay = query.scanDay.low;
    filter.highestDay = query.scanDay.high;
    if (query.scanDay.limited())  // an unknown day fits no condition
      filter.lowestDay = std::max(filter.lowestDay, std::numeric_limits<std::int64_t>::min() + 1);
    filter.lowestMillis = query.updatedMillis.low;
    filter.highestMillis = query.updatedMillis.high;
    filter.fromRevision = query.revision;
    std::set<std::string> series;
    if (const bool byKey = addKeys(query, series); byKey) {
      if (series.empty()) return std::nullopt;
      filter.seriesIds.assign(series.begin(), series.end());
    }
    return filter;
  }

  // False: the query names no single resource.
  bool addKeys(const FacadeQuery& query, std::set<std::string>& series) const {
    const auto add = [&](FacadeKey::Kind kind, const std::string& type, const std::string& value) {
      for (const auto& holder : parts_.index.holders(kind, type, value))
        if (holder.current) series.insert(holder.seriesId);
    };
    if (!query.ids.empty()) {
      for (const std::string& id : query.ids.front()) add(FacadeKey::Kind::Id, query.type, id);
      return true;
    }
    if (!query.identifiers.empty()) {
      for (const fhir::Token& token : query.identifiers.front()) {
        if (token.value.empty())
          throw FacadeError(400, "not-supported", "identifier needs a value");
        add(FacadeKey::Kind::Identifier, query.type, token.value);
      }
      return true;
    }
    if (query.targets.empty()) return false;
    for (const std::string& target : query.targets.front()) {
      const auto slash = target.find('/');
      add(FacadeKey::Kind::Id, target.substr(0, slash), target.substr(slash + 1));
    }
    return true;
  }

  bool isAbout(const IndexedResult& row, const FacadeQuery& query) const {
    for (const auto& any : query.studies)
      if (std::find(any.begin(), any.end(), row.studyId) == any.end()) return false;
    if (query.patients.empty()) return true;
    PatientIdentity patient;
    patient.patientId = row.patientId;
    patient.issuerOfPatientId = row.issuerOfPatientId;
    const auto key = fhir::patientKeyOf(patient, parts_.site);
    return key && std::all_of(query.patients.begin(), query.patients.end(), [&](const auto& any) {
             return std::any_of(any.begin(), any.end(), [&](const fhir::Token& token) {
               return fhir::matches(token, key->system, key->value);
             });
           });
  }

  // What several results share is given once, with the newest of them.
  std::optional<Json> shared(const FacadeResource& resource, const IndexedResult& row) const {
    const auto holders = parts_.index.holders(FacadeKey::Kind::Id, resource.type, resource.id);
    const auto rows = rowsOf(holders);
    if (!rows.empty() && rows.front().revision != row.revision) return std::nullopt;
    return current(holders, resource.type, resource.id);
  }

  std::vector<Json> matchesIn(const IndexedResult& row, const FacadeQuery& query) const {
    std::vector<Json> found;
    for (const FacadeResource& r : resourcesOfSeries(row.seriesId)) {
      if (r.type != query.type || !fhir::matches(query, r.resource)) continue;
      if (r.type != "Device" && r.type != "ImagingStudy")
        found.push_back(
            fhir::versioned(r.resource, std::to_string(row.revision), toIso8601(row.storedAt)));
      else if (auto whole = shared(r, row))
        found.push_back(std::move(*whole));
    }
    return found;
  }

  Page find(const FacadeQuery& query) const {
    Page page;
    auto filter = indexed(query);
    if (!filter) return page;
    filter->limit = kMostExaminedResults + 1;
    const auto rows = parts_.index.find(*filter);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == kMostExaminedResults || page.resources.size() == query.count) {
        page.next = cursorText(rows[i].revision, 0);
        return page;
      }
      if (!isAbout(rows[i], query)) continue;
      const auto found = matchesIn(rows[i], query);
      const auto begin =
          static_cast<std::size_t>(rows[i].revision == query.revision ? query.offset : 0);
      for (std::size_t k = begin; k < found.size(); ++k) {
        if (page.resources.size() == query.count) {
          page.next = cursorText(rows[i].revision, static_cast<std::int64_t>(k));
          return page;
        }
        page.resources.push_back(found[k]);
      }
    }
    return page;
  }

  FhirFacadeParts parts_;
  UtcTime started_;
};

template <typename F>
HttpResponse answered(F answer) {
  try {
    return answer();
  } catch (const FacadeError& e) {
    return fhirAnswer(fhir::operationOutcome("error", e.code, e.what()), e.status);
  }
}

}  // namespace

void addFhirFacadeRoutes(Router& router, FhirFacadeParts parts) {
  const auto facade = std::make_shared<Facade>(std::move(parts));
  router.add({"GET", "/fedpet/fhir/metadata", "FHIR R4: what can be read and searched",
              [facade](const HttpRequest& request, const PathParameters&) {
                return answered([&] { return facade->metadata(request); });
              }});
  router.add({"GET", "/fedpet/fhir/{type}", "FHIR R4: search the results",
              [facade](const HttpRequest& request, const PathParameters& path) {
                return answered([&] { return facade->search(request, path.at("type")); });
              }});
  router.add({"GET", "/fedpet/fhir/{type}/{id}", "FHIR R4: read a resource",
              [facade](const HttpRequest& request, const PathParameters& path) {
                return answered(
                    [&] { return facade->read(request, path.at("type"), path.at("id")); });
              }});
}

}  // namespace fedpet::plugin
