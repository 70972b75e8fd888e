#include "fhir/Mapping.h"
#include "fhir/Terminology.h"

namespace fedpet::fhir {
namespace {

struct DicomObject {
  const char *sopClass, *title;
  const std::string &seriesUid, &sopInstanceUid;
  CodeableConcept type;
};

// A WADO-RS instance (DICOM PS3.18, 10.4).
std::string wadoUrl(const Context& context, const DicomObject& object) {
  std::string root = context.site.wadoRoot;
  while (root.ends_with('/')) root.pop_back();
  return root + "/studies/" + context.assessment.series.study.studyInstanceUid + "/series/" +
         object.seriesUid + "/instances/" + object.sopInstanceUid;
}

NamedDocument documentOf(const Context& context, const DicomObject& object) {
  DocumentReference document;
  document.identifier = {dicomUid(object.sopInstanceUid)};
  document.type = object.type;
  document.docStatus = "preliminary";
  document.subject = context.patient;
  document.date = instantOf(context.assessment);
  document.description = object.title;
  document.securityLabel = {aiAsserted()};
  document.attachment = Attachment{"application/dicom",
                                   object.title,
                                   instantOf(context.assessment),
                                   {},
                                   wadoUrl(context, object)};
  // SOP classes in the DICOM UID registry, as IHE XDS-I.b codes its formats.
  document.format = {"urn:oid:1.2.840.10008.2.6.1", object.sopClass, {}};
  document.related = Json::array({context.study});
  return {bundleReference("document " + object.sopInstanceUid), std::move(document)};
}

}  // namespace

std::vector<NamedDocument> dicomObjectsOf(const Context& context) {
  const ResultIdentity& identity = context.assessment.identity;
  if (context.site.wadoRoot.empty()) return {};
  std::vector<NamedDocument> documents{
      documentOf(context, {"1.2.840.10008.5.1.4.1.1.88.34",
                           "Measurements and predictions (DICOM SR)",
                           identity.srSeriesUid,
                           identity.srSopInstanceUid,
                           {{{"http://loinc.org", "18748-4", "Diagnostic imaging study"}},
                            "DICOM Structured Report"}})};
  if (!identity.segSopInstanceUid.empty())
    documents.push_back(documentOf(
        context, {"1.2.840.10008.5.1.4.1.1.66.4",
                  "Lesions and organs (DICOM Segmentation)",
                  identity.segSeriesUid,
                  identity.segSopInstanceUid,
                  {{codingOf({"113076", "DCM", "Segmentation"})}, "DICOM Segmentation"}}));
  return documents;
}

}  // namespace fedpet::fhir
