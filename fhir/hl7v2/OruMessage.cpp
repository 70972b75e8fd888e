#include "fhir/hl7v2/OruMessage.h"

#include "fhir/hl7v2/Message.h"
#include "fhir/tiers/Parcel.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace fedpet::fhir {
namespace {

using namespace hl7v2;

// "2026-11-24" or "2026-11-24T11:42:07Z" as HL7 writes them.
std::string hl7Time(const std::string& fhirTime) {
  std::string text;
  for (const char c : fhirTime)
    if (c >= '0' && c <= '9') text += c;
  return fhirTime.ends_with('Z') ? text + "+0000" : text;
}

// Names of coding systems in HL7 table 0396.
std::string schemeOf(const std::string& system) {
  if (system == "http://loinc.org") return "LN";
  if (system == "http://snomed.info/sct") return "SCT";
  if (system == "http://dicom.nema.org/resources/ontology/DCM") return "DCM";
  if (system == "http://unitsofmeasure.org") return "UCUM";
  return "99FEDPET";
}

std::string textOf(const Json& object, const char* key) {
  return object.is_object() ? object.value(key, std::string()) : std::string();
}

const Json& memberOf(const Json& object, const char* key) {
  static const Json none;
  return object.is_object() && object.contains(key) ? object[key] : none;
}

// CE: identifier^text^scheme, with a second coding as the alternate one.
std::string codedElement(const Json& concept_) {
  std::vector<std::string> parts;
  const Json& codings = memberOf(concept_, "coding");
  const std::string text = textOf(concept_, "text");
  for (std::size_t i = 0; i < codings.size() && i < 2; ++i) {
    const std::string display = textOf(codings[i], "display");
    parts.insert(parts.end(), {textOf(codings[i], "code"),
                               i == 0 && !text.empty() ? text
                               : display.empty()       ? text
                                                       : display,
                               schemeOf(textOf(codings[i], "system"))});
  }
  return parts.empty() ? components({"", text}) : components(parts);
}

std::string numberOf(const Json& value) { return value.is_number() ? value.dump() : ""; }

std::string unitOf(const Json& quantity) {
  const std::string code = textOf(quantity, "code");
  return code.empty() ? "" : components({code, textOf(quantity, "unit"), "UCUM"});
}

// At most 20 characters, the length of MSH-10 in 2.5.1: 80 bits of the bundle's SHA-256.
std::string controlIdOf(const std::string& bundle) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(bundle.data(), bundle.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string id;
  for (std::size_t i = 0; i < 10; ++i) {
    constexpr char digits[] = "0123456789ABCDEF";
    id += {digits[digest[i] >> 4], digits[digest[i] & 15]};
  }
  return id;
}

class OruWriter {
 public:
  OruWriter(const Parcel& parcel, const Hl7Names& names) : parcel_(parcel), names_(names) {
    for (const Write& write : parcel.writes)
      if (write.type == "DiagnosticReport") report_ = &write.resource;
    if (!report_) throw std::invalid_argument("not a bundle of ours: it has no report");
  }

  std::string write(const std::string& controlId, const std::string& sentAt) {
    header(controlId, sentAt);
    patient();
    order();
    for (const Write& write : parcel_.writes)
      if (write.type == "Observation") observation(write.resource);
    conclusion();
    document();
    return text_;
  }

 private:
  void add(const Segment& segment) { text_ += segment.text() + "\r"; }

  void header(const std::string& controlId, const std::string& sentAt) {
    add(Segment("MSH")
            .set(3, escaped(names_.sendingApplication))
            .set(4, escaped(names_.sendingFacility))
            .set(5, escaped(names_.receivingApplication))
            .set(6, escaped(names_.receivingFacility))
            .set(7, sentAt)
            .set(9, "ORU^R01^ORU_R01")
            .set(10, controlId)
            .set(11, "P")
            .set(12, "2.5.1")
            .set(18, "UNICODE UTF-8"));  // table 0211
  }

  // PID-3 alone says who it is. PID-5 is required; "U", unspecified, says that we do not tell.
  void patient() {
    const auto [system, id] = patientIdentifier(parcel_.patientQuery);
    constexpr std::string_view oid = "urn:oid:";
    const std::string authority = system.starts_with(oid)
                                      ? join({"", escaped(system.substr(oid.size())), "ISO"}, '&')
                                      : join({"", escaped(system), "URI"}, '&');
    add(Segment("PID")
            .set(1, "1")
            .set(3, join({escaped(id), "", "", authority, "MR"}, '^'))
            .set(5, "^^^^^^U"));
  }

  void order() {
    const Json& report = *report_;
    std::string accession;
    if (const Json& orders = memberOf(report, "basedOn"); orders.is_array() && !orders.empty())
      accession = textOf(memberOf(orders.front(), "identifier"), "value");
    const std::string issued = hl7Time(textOf(report, "issued"));
    add(Segment("OBR")
            .set(1, "1")
            .set(3, components({srUid(), "", "2.25", "ISO"}))
            .set(4, codedElement(memberOf(report, "code")))
            .set(7, hl7Time(textOf(report, "effectiveDateTime")))
            .set(18, escaped(accession))
            .set(22, issued)
            .set(24, "NMS")
            .set(25, "P"));
    note("Result of a computer program, not validated by a physician. Research use only.");
  }

  std::string srUid() const {
    const std::string value = textOf(memberOf(*report_, "identifier").front(), "value");
    constexpr std::string_view oid = "urn:oid:";
    return value.starts_with(oid) ? value.substr(oid.size()) : value;
  }

  void note(const std::string& text) {
    if (!text.empty()) add(Segment("NTE").set(1, "1").set(3, escaped(text)));
  }

  Segment result(const std::string& type, const Json& code) {
    Segment segment("OBX");
    segment.set(1, std::to_string(++results_)).set(2, type).set(3, codedElement(code));
    // OBX-4 tells repeated codes apart, of lesions for instance.
    segment.set(4, std::to_string(observations_)).set(11, "P");
    return segment;
  }

  void quantity(const Json& holder, const Json& resource) {
    const Json& value = memberOf(holder, "valueQuantity");
    add(result("NM", memberOf(holder, "code"))
            .set(5, numberOf(memberOf(value, "value")))
            .set(6, unitOf(value))
            .set(14, hl7Time(textOf(resource, "effectiveDateTime")))
            .set(17, codedElement(memberOf(resource, "method"))));
  }

  void observation(const Json& resource) {
    const bool isGroup = resource.contains("hasMember");
    const Json& absent = memberOf(resource, "dataAbsentReason");
    ++observations_;
    if (resource.contains("valueQuantity")) {
      quantity(resource, resource);
    } else if (const Json& coded = memberOf(resource, "valueCodeableConcept"); !coded.is_null()) {
      add(result("CE", memberOf(resource, "code")).set(5, codedElement(coded)));
    } else if (!absent.is_null()) {
      // X: results cannot be obtained (table 0085); why stands in the note.
      add(result("NM", memberOf(resource, "code")).set(11, "X"));
      note("Not given: " + absenceOf(absent));
    } else if (isGroup) {
      return;
    }
    for (const Json& component : memberOf(resource, "component")) quantity(component, resource);
  }

  static std::string absenceOf(const Json& absent) {
    if (const std::string text = textOf(absent, "text"); !text.empty()) return text;
    std::string codes;
    for (const Json& coding : memberOf(absent, "coding"))
      codes += (codes.empty() ? "" : ", ") + textOf(coding, "code");
    return codes;
  }

  void conclusion() {
    ++observations_;
    const Json code = {{"coding", Json::array({{{"system", "http://loinc.org"},
                                                {"code", "55110-1"},
                                                {"display", "Conclusions"}}})}};
    add(result("FT", code).set(5, escaped(textOf(*report_, "conclusion"), ".br")));
  }

  void document() {
    const Json& forms = memberOf(*report_, "presentedForm");
    if (!forms.is_array() || forms.empty()) return;
    ++observations_;
    const Json code = {{"coding", Json::array({{{"system", "http://loinc.org"},
                                                {"code", "18748-4"},
                                                {"display", "Diagnostic imaging study"}}})}};
    // ED (2.A.24): source^type^subtype^encoding^data; table 0191 and 0291.
    add(result("ED", code)
            .set(5, join({"", "AP", "PDF", "Base64", textOf(forms.front(), "data")}, '^')));
  }

  const Parcel& parcel_;
  const Hl7Names& names_;
  const Json* report_ = nullptr;
  std::string text_;
  int results_ = 0, observations_ = 0;
};

}  // namespace

OruMessage oruMessage(const std::string& bundle, const Hl7Names& names, const std::string& sentAt) {
  const Parcel parcel = parcelOf(bundle);
  OruMessage message;
  message.controlId = controlIdOf(bundle);
  message.text = OruWriter(parcel, names).write(message.controlId, sentAt);
  return message;
}

}  // namespace fedpet::fhir
