#include "dicom/StructuredReportParts.h"

#include "dicom/Codes.h"
#include "dicom/DeterministicUid.h"

namespace fedpet::dicom::sr {
namespace {

// A region that is not there is a failed measurement; everything else was not even tried.
Code qualifierOf(RefusalCode refusal) {
  if (refusal == RefusalCode::RegionNotFound) return codes::measurementFailure();
  return codes::measurementNotAttempted();
}

}  // namespace

std::string sentence(const Refusal& refusal) {
  std::string text(explain(refusal.code));
  if (!refusal.detail.empty()) text += " (" + refusal.detail + ")";
  return text;
}

void addRefusal(Item& parent, Relation relation, const Refusal& refusal) {
  parent.add(code(relation, codeOf(PrivateConcept::RefusalReason), codeOf(refusal.code)))
      .add(text(kProperty, codeOf(PrivateConcept::RefusalDetail), sentence(refusal)));
}

Item refusedItem(Code name, const Refusal& refusal) {
  Item item = noNumber(kContains, std::move(name), qualifierOf(refusal.code));
  addRefusal(item, kModifier, refusal);
  return item;
}

Item numberOrReason(Code name, const tl::expected<double, Refusal>& value, std::string_view ucum) {
  if (value) return number(kContains, std::move(name), *value, ucum);
  return refusedItem(std::move(name), value.error());
}

Item measurementItem(const Measurement& m) {
  const QuantityCodes about = codesOf(m.quantity);
  Item item = numberOrReason(about.quantity, m.value, ucumUnit(m.quantity));
  item.observationUid = m.observationUid;
  if (about.method) item.add(code(kModifier, codes::measurementMethod(), *about.method));
  if (about.derivation) item.add(code(kModifier, codes::derivation(), *about.derivation));
  if (about.site) item.add(code(kModifier, codes::findingSite(), *about.site));
  item.add(text(kModifier, codes::equivalentMeaning(), std::string(title(m.quantity))));
  if (!m.definition.empty())
    item.add(text(kModifier, codeOf(PrivateConcept::Definition), m.definition));
  return item;
}

void addAlgorithm(Item& parent, std::string name, std::string version,
                  const std::vector<std::string>& parameters) {
  for (std::string* text : {&name, &version})  // both are mandatory
    if (text->empty()) *text = "unknown";
  parent.add(text(kModifier, codes::algorithmName(), std::move(name)));
  parent.add(text(kModifier, codes::algorithmVersion(), std::move(version)));
  for (const std::string& parameter : parameters)
    if (!parameter.empty()) parent.add(text(kModifier, codes::algorithmParameters(), parameter));
}

Item measurementGroup(std::string templateId, std::string trackingId, std::string trackingUid) {
  return container(codes::measurementGroup(), std::move(templateId))
      .with(text(kObsContext, codes::trackingIdentifier(), std::move(trackingId)))
      .with(uid(kObsContext, codes::trackingUniqueIdentifier(), std::move(trackingUid)));
}

Item groupOfStudy(const ResponseAssessment& a, const std::string& name) {
  return measurementGroup("1501", name,
                          deterministicUid({"group", a.identity.srSopInstanceUid, name}));
}

}  // namespace fedpet::dicom::sr
