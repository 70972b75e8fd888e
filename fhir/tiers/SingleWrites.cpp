#include "fhir/tiers/SingleWrites.h"

#include "fhir/labels/JsonView.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace fedpet::fhir {
namespace {

using nlohmann::json;

template <typename T>
using OrOutcome = tl::expected<T, DeliveryOutcome>;

tl::unexpected<DeliveryOutcome> failed(DeliveryOutcome outcome) {
  return tl::make_unexpected(std::move(outcome));
}

// What a search found.
struct Found {
  std::string id;
  std::string issued;  // of the resource, for those that have it
};

// hl7.org/fhir/R4/datatypes.html#id; anything else must not get into a URL.
bool isId(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
  });
}

// The id in "https://ehr/fhir/Device/17/_history/2" or "Device/17"; empty when there is none.
std::string idIn(const std::string& location, const std::string& type) {
  const std::size_t at = location.rfind(type + "/");
  if (at == std::string::npos || (at > 0 && location[at - 1] != '/')) return {};
  const std::string rest = location.substr(at + type.size() + 1);
  return rest.substr(0, rest.find('/'));
}

class Writer {
 public:
  Writer(EhrConnection& connection, const ServerCapability* server, const std::string& requestId,
         const std::stop_token& stop)
      : connection_(connection), server_(server), requestId_(requestId), stop_(stop) {}

  // Exactly one, or the outcome that says why not.
  OrOutcome<std::string> patient(const std::string& query) {
    const auto found = search("Patient", query.substr(query.find('?') + 1));
    if (!found) return failed(found.error());
    if (found->size() == 1) return found->front().id;
    return failed(Rejected{found->empty() ? "the EHR knows no patient with this number"
                                          : "the EHR knows more than one patient with this number",
                           {}});
  }

  OrOutcome<std::string> write(const Write& what) {
    const ServerCapability::Resource can = capabilityOf(what.type);
    if (what.isOurs && can.conditionalUpdate)
      return written(what, call("PUT", what.type + "?" + what.condition, what.resource, {}));
    if (!what.isOurs && can.conditionalCreate) return create(what, can);
    const auto found = search(what.type, what.condition);
    if (!found) return failed(found.error());
    if (found->size() > 1)
      return failed(
          Rejected{"the EHR holds " + what.type + " more than once under one identifier", {}});
    if (found->empty()) return create(what, can);
    return what.isOurs ? replace(what, can, found->front())
                       : OrOutcome<std::string>(found->front().id);
  }

  // Of a type that we cannot write: the site's own, when there is one.
  std::optional<std::string> existing(const Write& what) {
    const ServerCapability::Resource can = capabilityOf(what.type);
    if (!server_ || !can.search) return std::nullopt;
    const auto found = search(what.type, what.condition);
    return found && found->size() == 1 ? std::optional(found->front().id) : std::nullopt;
  }

 private:
  ServerCapability::Resource capabilityOf(const std::string& type) const {
    ServerCapability::Resource any;
    any.create = any.update = any.search = true;
    if (!server_ || server_->resources.empty()) return any;
    const auto* listed = server_->find(type);
    return listed ? *listed : ServerCapability::Resource{};
  }

  OrOutcome<net::HttpResponse> call(const std::string& method, const std::string& below,
                                    const Json& body, net::Headers headers) {
    headers.push_back({"X-Request-Id", requestId_});
    if (!body.is_null()) headers.push_back({"Prefer", "return=minimal"});
    try {
      net::HttpResponse answer = connection_.send(
          method, below, body.is_null() ? std::string() : body.dump(), std::move(headers), stop_);
      if (answer.status / 100 == 2) return answer;
      return failed(failureOf(answer, connection_.now()));
    } catch (...) {
      return failed(failureOfCurrentException());
    }
  }

  OrOutcome<std::vector<Found>> search(const std::string& type, const std::string& condition) {
    const auto answer = call("GET", type + "?" + condition + "&_count=2", {}, {});
    if (!answer) return failed(answer.error());
    const json bundle = json::parse(answer->body, nullptr, false);
    if (textAt(bundle, "resourceType") != "Bundle" || textAt(bundle, "type") != "searchset")
      return failed(unintelligible("the answer to a search is no searchset Bundle"));
    std::vector<Found> found;
    for (const json& entry : listAt(bundle, "entry")) {
      const json& resource = at(entry, "resource");
      const std::string mode = textAt(at(entry, "search"), "mode");
      if (textAt(resource, "resourceType") != type || (!mode.empty() && mode != "match")) continue;
      found.push_back({textAt(resource, "id"), textAt(resource, "issued")});
      if (!isId(found.back().id))
        return failed(unintelligible("a search found a resource without id"));
    }
    return found;
  }

  OrOutcome<std::string> create(const Write& what, const ServerCapability::Resource& can) {
    net::Headers headers;
    if (can.conditionalCreate) headers.push_back({"If-None-Exist", what.condition});
    return written(what, call("POST", what.type, what.resource, std::move(headers)));
  }

  OrOutcome<std::string> replace(const Write& what, const ServerCapability::Resource& can,
                                 const Found& old) {
    if (can.update) {
      Json resource = what.resource;
      resource["id"] = old.id;
      return written(what, call("PUT", what.type + "/" + old.id, resource, {}));
    }
    // Of one run everything was issued at the same second: the same instant is the same content.
    const std::string issued = what.resource.value("issued", "");
    if (old.issued.substr(0, 19) == issued.substr(0, 19)) return old.id;
    return failed(
        Rejected{"the EHR holds the " + what.type + " of an earlier run and cannot update it", {}});
  }

  OrOutcome<std::string> written(const Write& what, const OrOutcome<net::HttpResponse>& answer) {
    if (!answer) return failed(answer.error());
    for (const char* header : {"Location", "Content-Location"})
      if (const auto value = net::headerValue(answer->headers, header))
        if (const std::string id = idIn(*value, what.type); isId(id)) return id;
    const json body = json::parse(answer->body, nullptr, false);
    if (textAt(body, "resourceType") == what.type && isId(textAt(body, "id")))
      return textAt(body, "id");
    // It says neither: then it must find what it has just taken.
    const auto found = search(what.type, what.condition);
    if (!found) return failed(found.error());
    if (found->size() == 1) return found->front().id;
    return failed(unintelligible("the server took a " + what.type + " and does not say where"));
  }

  EhrConnection& connection_;
  const ServerCapability* server_;
  const std::string& requestId_;
  const std::stop_token& stop_;
};

}  // namespace

DeliveryOutcome writeSingly(EhrConnection& connection, const ServerCapability* server,
                            const TierChoice& choice, Parcel parcel, const std::string& requestId,
                            const std::stop_token& stop) {
  orderByReference(parcel);
  Writer writer(connection, server, requestId, stop);
  const auto patient = writer.patient(parcel.patientQuery);
  if (!patient) return patient.error();
  Replacements replacements{{parcel.patientQuery, {{"reference", "Patient/" + *patient}}}};
  Delivered delivered;
  for (Write& what : parcel.writes) {
    replaceReferences(what.resource, replacements);
    if (choice.omitted.contains(what.type)) {
      const auto id = what.isOurs ? std::nullopt : writer.existing(what);
      replacements[what.self] =
          id ? Json{{"reference", what.type + "/" + *id}} : logicalReference(what);
      continue;
    }
    const auto id = writer.write(what);
    if (!id) return id.error();
    delivered.locations.push_back(what.type + "/" + *id);
    replacements[what.self] = {{"reference", delivered.locations.back()}};
  }
  return delivered;
}

}  // namespace fedpet::fhir
