#include "dicom/StructuredReport.h"

#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/ResultHeader.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReportContent.h"
#include "dicom/StructuredReportFollowUp.h"

#include <dcmtk/dcmsr/dsrdoc.h>

namespace fedpet::dicom {
namespace {

using sr::Item;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

DSRCodedEntryValue coded(const Code& code) {
  return DSRCodedEntryValue(code.value.c_str(), code.scheme.c_str(),
                            fitted(code.meaning.empty() ? code.value : code.meaning).c_str());
}

DSRTypes::E_RelationshipType relationOf(sr::Relation relation) {
  switch (relation) {
    case sr::Relation::Contains:
      return DSRTypes::RT_contains;
    case sr::Relation::HasObsContext:
      return DSRTypes::RT_hasObsContext;
    case sr::Relation::HasConceptMod:
      return DSRTypes::RT_hasConceptMod;
    case sr::Relation::HasAcqContext:
      return DSRTypes::RT_hasAcqContext;
    case sr::Relation::HasProperties:
      return DSRTypes::RT_hasProperties;
    case sr::Relation::InferredFrom:
      return DSRTypes::RT_inferredFrom;
  }
  throw DicomError("relationship outside its table");
}

DSRTypes::E_ValueType valueTypeOf(const Item::Value& value) {
  return std::visit(Overloaded{[](const sr::Container&) { return DSRTypes::VT_Container; },
                               [](const sr::CodeValue&) { return DSRTypes::VT_Code; },
                               [](const sr::TextValue&) { return DSRTypes::VT_Text; },
                               [](const sr::UidValue&) { return DSRTypes::VT_UIDRef; },
                               [](const sr::DateTimeValue&) { return DSRTypes::VT_DateTime; },
                               [](const sr::DateValue&) { return DSRTypes::VT_Date; },
                               [](const sr::TimeValue&) { return DSRTypes::VT_Time; },
                               [](const sr::NumberValue&) { return DSRTypes::VT_Num; },
                               [](const sr::ImageValue&) { return DSRTypes::VT_Image; },
                               [](const sr::CompositeValue&) { return DSRTypes::VT_Composite; }},
                    value);
}

std::string nameOf(const Item& item) {
  return item.name ? "content item \"" + item.name->meaning + '"' : "content item";
}

OFCondition setNumber(DSRContentItem& content, const sr::NumberValue& number) {
  DSRNumericMeasurementValue value;
  const OFCondition state = value.setValue(number.decimal.c_str(), coded(number.unit));
  return state.good() ? content.setNumericValue(value) : state;
}

OFCondition setImage(DSRContentItem& content, const sr::ImageValue& image) {
  DSRImageReferenceValue reference(image.sopClassUid.c_str(), image.sopInstanceUid.c_str());
  if (image.segmentNumber) reference.getSegmentList().addItem(*image.segmentNumber);
  return content.setImageReference(reference);
}

OFCondition setComposite(DSRContentItem& content, const sr::CompositeValue& composite) {
  return content.setCompositeReference(
      DSRCompositeReferenceValue(composite.sopClassUid.c_str(), composite.sopInstanceUid.c_str()));
}

void fill(DSRContentItem& content, const Item& item) {
  if (item.name) check(content.setConceptName(coded(*item.name)), nameOf(item));
  const OFCondition state = std::visit(
      Overloaded{
          [&](const sr::Container& c) {
            return c.templateId.empty()
                       ? OFCondition(EC_Normal)
                       : content.setTemplateIdentification(c.templateId.c_str(), "DCMR");
          },
          [&](const sr::CodeValue& c) { return content.setCodeValue(coded(c.code)); },
          [&](const sr::TextValue& t) { return content.setStringValue(t.utf8.c_str()); },
          [&](const sr::UidValue& u) { return content.setStringValue(u.uid.c_str()); },
          [&](const sr::DateTimeValue& d) { return content.setStringValue(d.dateTime.c_str()); },
          [&](const sr::DateValue& d) { return content.setStringValue(d.date.c_str()); },
          [&](const sr::TimeValue& t) { return content.setStringValue(t.time.c_str()); },
          [&](const sr::NumberValue& n) { return setNumber(content, n); },
          [&](const sr::ImageValue& i) { return setImage(content, i); },
          [&](const sr::CompositeValue& c) { return setComposite(content, c); }},
      item.value);
  check(state, nameOf(item));
  if (!item.observationUid.empty())
    check(content.setObservationUID(item.observationUid.c_str()), nameOf(item));
}

// Adds the children of the item at the tree's cursor and leaves the cursor where it was.
void addChildren(DSRDocumentTree& tree, const Item& parent) {
  bool first = true;
  for (const Item& child : parent.children) {
    const auto place = first ? DSRTypes::AM_belowCurrent : DSRTypes::AM_afterCurrent;
    if (tree.addContentItem(relationOf(child.relation), valueTypeOf(child.value), place) == 0)
      throw DicomError("an SR does not allow " + nameOf(child) + " below " + nameOf(parent));
    fill(tree.getCurrentContentItem(), child);
    addChildren(tree, child);
    first = false;
  }
  if (!first) tree.goUp();
}

void addTree(DSRDocument& document, const Item& root) {
  DSRDocumentTree& tree = document.getTree();
  if (tree.addContentItem(DSRTypes::RT_isRoot, DSRTypes::VT_Container) == 0)
    throw DicomError("cannot start the content tree");
  fill(tree.getCurrentContentItem(), root);
  addChildren(tree, root);
}

// Every instance that the content refers to, once (PS3.3 C.17.2, "hierarchical" reference).
void addEvidence(DSRDocument& document, const ResponseAssessment& a) {
  auto& evidence = document.getCurrentRequestedProcedureEvidence();
  const char* study = a.series.study.studyInstanceUid.c_str();
  for (const PetSlice& slice : a.series.slices)
    check(evidence.addItem(study, a.series.seriesInstanceUid.c_str(), a.series.sopClassUid.c_str(),
                           slice.sopInstanceUid.c_str()),
          "the reference to a PET instance");
  if (!a.regions.empty())
    check(evidence.addItem(study, a.identity.segSeriesUid.c_str(),
                           std::string(kSegmentationStorage).c_str(),
                           a.identity.segSopInstanceUid.c_str()),
          "the reference to the segmentation");
  if (a.comparison && sr::canBeReferredTo(a.comparison->earlier)) {
    const StudySummary& earlier = a.comparison->earlier;
    const bool sameStudy = earlier.studyInstanceUid == a.series.study.studyInstanceUid;
    auto& others = sameStudy ? evidence : document.getPertinentOtherEvidence();
    check(others.addItem(earlier.studyInstanceUid.c_str(), earlier.seriesInstanceUid.c_str(),
                         earlier.srSopClassUid.c_str(), earlier.srSopInstanceUid.c_str()),
          "the reference to the earlier report");
  }
}

void declarePrivateCodes(DSRDocument& document) {
  auto& schemes = document.getCodingSchemeIdentification();
  check(schemes.addItem(std::string(kPrivateScheme).c_str()), "the coding scheme");
  check(schemes.setCodingSchemeUID(std::string(kPrivateSchemeUid).c_str()), "the coding scheme");
  check(schemes.setCodingSchemeName(std::string(kPrivateSchemeName).c_str()), "the coding scheme");
  check(schemes.setCodingSchemeResponsibleOrganization(std::string(kManufacturer).c_str()),
        "the coding scheme");
}

void requireIdentity(const ResponseAssessment& a) {
  const bool complete = !a.identity.srSopInstanceUid.empty() && !a.identity.srSeriesUid.empty() &&
                        !a.identity.deviceUid.empty() && !a.series.study.studyInstanceUid.empty() &&
                        !a.series.seriesInstanceUid.empty() &&
                        (a.regions.empty() || !a.identity.segSopInstanceUid.empty());
  if (!complete) throw DicomError("cannot write the report: the assessment lacks a UID");
}

}  // namespace

std::vector<std::byte> writeStructuredReport(const ResponseAssessment& a) {
  prepareDcmtk();
  requireIdentity(a);
  DSRDocument document(DSRTypes::DT_Comprehensive3DSR);
  check(document.setSpecificCharacterSetType(DSRTypes::CS_UTF8), "the character set");
  addTree(document, sr::contentOf(a));
  addEvidence(document, a);
  declarePrivateCodes(document);
  check(document.completeDocument(), "the completion flag");
  check(document.setPreliminaryFlag(DSRTypes::PF_Preliminary), "the preliminary flag");

  DcmFileFormat file;
  check(document.write(*file.getDataset()), "the report");
  setResultHeader(*file.getDataset(), a,
                  {.sopClassUid = std::string(kComprehensive3dSrStorage),
                   .sopInstanceUid = a.identity.srSopInstanceUid,
                   .seriesUid = a.identity.srSeriesUid,
                   .modality = "SR",
                   .description = "fedpet PET measurements (research use only)",
                   .seriesNumber = 9001});
  return partTen(file);
}

}  // namespace fedpet::dicom
