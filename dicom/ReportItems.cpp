#include "dicom/ReportItems.h"

#include "dicom/DatasetReader.h"
#include "dicom/DateTimeText.h"
#include "dicom/DicomFile.h"

#include <dcmtk/dcmdata/dctk.h>

#include <cmath>

namespace fedpet::dicom {
namespace {

// All items in one pass: asking a DCMTK sequence for its n-th item walks from its start.
std::vector<DcmItem*> itemsOf(DcmItem& parent, const DcmTagKey& tag) {
  DcmSequenceOfItems* sequence = nullptr;
  std::vector<DcmItem*> items;
  if (parent.findAndGetSequence(tag, sequence).bad()) return items;
  for (DcmObject* next = sequence->nextInContainer(nullptr); next != nullptr;
       next = sequence->nextInContainer(next))
    items.push_back(static_cast<DcmItem*>(next));
  return items;
}

std::optional<WallClock> momentOf(DcmItem& item, const DcmTagKey& date, const DcmTagKey& time) {
  const auto day = parseDate(writtenText(item, date));
  if (!day) return std::nullopt;
  return *day + parseTimeOfDay(writtenText(item, time)).value_or(std::chrono::microseconds(0));
}

// --- content items ------------------------------------------------------------------------------

class TreeReader {
 public:
  TreeReader(TextDecoder& decoder, std::vector<std::string>& warnings)
      : decoder_(decoder), warnings_(warnings) {}

  ReportItem read(DcmItem& dataset) {
    ReportItem item;
    item.relationship = writtenText(dataset, DCM_RelationshipType);
    item.name = codeIn(dataset, DCM_ConceptNameCodeSequence);
    item.valueType = writtenText(dataset, DCM_ValueType);
    item.observationUid = writtenText(dataset, DCM_ObservationUID);
    if (const auto templates = itemsOf(dataset, DCM_ContentTemplateSequence); !templates.empty())
      item.templateId = writtenText(*templates.front(), DCM_TemplateIdentifier);
    readValue(dataset, item);
    for (DcmItem* child : itemsOf(dataset, DCM_ContentSequence))
      item.children.push_back(read(*child));
    return item;
  }

 private:
  std::string text(DcmItem& item, const DcmTagKey& tag, const char* delimiters = "\\") {
    return decoder_.toUtf8(writtenText(item, tag), delimiters);
  }

  Code codeIn(DcmItem& parent, const DcmTagKey& sequence) {
    const auto items = itemsOf(parent, sequence);
    if (items.empty()) return {};
    DcmItem& item = *items.front();
    std::string value = writtenText(item, DCM_CodeValue);
    if (value.empty()) value = writtenText(item, DCM_LongCodeValue);
    if (value.empty()) value = writtenText(item, DCM_URNCodeValue);
    return {decoder_.toUtf8(value), writtenText(item, DCM_CodingSchemeDesignator),
            text(item, DCM_CodeMeaning)};
  }

  void readValue(DcmItem& dataset, ReportItem& item) {
    const std::string& type = item.valueType;
    if (type.empty())
      readPointer(dataset, item);
    else if (type == "TEXT")
      item.text = text(dataset, DCM_TextValue, "");
    else if (type == "PNAME")
      item.text = text(dataset, DCM_PersonName, "\\^=");
    else if (type == "UIDREF")
      item.text = writtenText(dataset, DCM_UID);
    else if (type == "DATE")
      item.text = writtenText(dataset, DCM_Date);
    else if (type == "TIME")
      item.text = writtenText(dataset, DCM_Time);
    else if (type == "DATETIME")
      item.text = writtenText(dataset, DCM_DateTime);
    else if (type == "SCOORD" || type == "SCOORD3D")
      item.text = writtenText(dataset, DCM_GraphicType);
    else if (type == "CODE")
      item.code = codeIn(dataset, DCM_ConceptCodeSequence);
    else if (type == "NUM")
      readNumber(dataset, item);
    else if (type == "IMAGE" || type == "COMPOSITE" || type == "WAVEFORM")
      readReference(dataset, item.reference);
    else if (type != "CONTAINER")
      warnings_.push_back("A content item has the value type '" + type + "', which is not read.");
  }

  // By-reference relationship (PS3.3 C.17.3.2.5): the item is another one of the tree.
  void readPointer(DcmItem& dataset, ReportItem& item) {
    item.valueType = "REFERENCE";
    item.text = writtenText(dataset, DCM_ReferencedContentItemIdentifier);
    for (char& c : item.text)
      if (c == '\\') c = '.';
    if (item.text.empty()) warnings_.push_back("A content item has no value type.");
  }

  void readNumber(DcmItem& dataset, ReportItem& item) {
    item.qualifier = codeIn(dataset, DCM_NumericValueQualifierCodeSequence);
    const auto measured = itemsOf(dataset, DCM_MeasuredValueSequence);
    if (measured.empty()) return;
    DcmItem& value = *measured.front();
    item.unit = codeIn(value, DCM_MeasurementUnitsCodeSequence);
    double exact = 0;  // FloatingPointValue, where the decimal text was not exact enough
    if (value.findAndGetFloat64(DCM_FloatingPointValue, exact).good() && std::isfinite(exact)) {
      item.number = exact;
      return;
    }
    const std::string decimal = writtenText(value, DCM_NumericValue);
    item.number = parseNumber(decimal);
    if (!item.number && !decimal.empty())
      warnings_.push_back("The value of '" + item.name.meaning + "' is not one number.");
  }

  void readReference(DcmItem& dataset, ReportReference& reference) {
    const auto instances = itemsOf(dataset, DCM_ReferencedSOPSequence);
    if (instances.empty()) {
      warnings_.push_back("A content item refers to no instance.");
      return;
    }
    DcmItem& instance = *instances.front();
    reference.sopClassUid = writtenText(instance, DCM_ReferencedSOPClassUID);
    reference.sopInstanceUid = writtenText(instance, DCM_ReferencedSOPInstanceUID);
    Uint16 segment = 0;
    for (unsigned long i = 0;
         instance.findAndGetUint16(DCM_ReferencedSegmentNumber, segment, i).good(); ++i)
      reference.segments.push_back(segment);
    Sint32 frame = 0;
    for (unsigned long i = 0; instance.findAndGetSint32(DCM_ReferencedFrameNumber, frame, i).good();
         ++i)
      reference.frames.push_back(frame);
  }

  TextDecoder& decoder_;
  std::vector<std::string>& warnings_;
};

void addEvidence(std::vector<ReportEvidence>& evidence, DcmDataset& dataset,
                 const DcmTagKey& sequence, bool ofOtherProcedure) {
  for (DcmItem* study : itemsOf(dataset, sequence))
    for (DcmItem* series : itemsOf(*study, DCM_ReferencedSeriesSequence))
      for (DcmItem* instance : itemsOf(*series, DCM_ReferencedSOPSequence))
        evidence.push_back(
            {writtenText(*study, DCM_StudyInstanceUID), writtenText(*series, DCM_SeriesInstanceUID),
             writtenText(*instance, DCM_ReferencedSOPClassUID),
             writtenText(*instance, DCM_ReferencedSOPInstanceUID), ofOtherProcedure});
}

}  // namespace

ReportHeader reportHeaderOf(DcmDataset& dataset, TextDecoder& decoder) {
  const auto text = [&](const DcmTagKey& tag) { return decoder.toUtf8(writtenText(dataset, tag)); };
  ReportHeader h;
  h.sopClassUid = writtenText(dataset, DCM_SOPClassUID);
  h.sopInstanceUid = writtenText(dataset, DCM_SOPInstanceUID);
  h.studyInstanceUid = writtenText(dataset, DCM_StudyInstanceUID);
  h.seriesInstanceUid = writtenText(dataset, DCM_SeriesInstanceUID);
  h.patientId = text(DCM_PatientID);
  h.issuerOfPatientId = text(DCM_IssuerOfPatientID);
  h.patientBirthDate = writtenText(dataset, DCM_PatientBirthDate);
  h.patientSex = writtenText(dataset, DCM_PatientSex);
  h.studyDescription = text(DCM_StudyDescription);
  h.seriesDescription = text(DCM_SeriesDescription);
  h.manufacturer = text(DCM_Manufacturer);
  h.manufacturerModel = text(DCM_ManufacturerModelName);
  h.softwareVersions = text(DCM_SoftwareVersions);
  h.studyAt = momentOf(dataset, DCM_StudyDate, DCM_StudyTime);
  h.contentAt = momentOf(dataset, DCM_ContentDate, DCM_ContentTime);
  h.completion = writtenText(dataset, DCM_CompletionFlag);
  h.verification = writtenText(dataset, DCM_VerificationFlag);
  h.preliminary = writtenText(dataset, DCM_PreliminaryFlag);
  return h;
}

std::vector<ReportEvidence> evidenceOf(DcmDataset& dataset) {
  std::vector<ReportEvidence> evidence;
  addEvidence(evidence, dataset, DCM_CurrentRequestedProcedureEvidenceSequence, false);
  addEvidence(evidence, dataset, DCM_PertinentOtherEvidenceSequence, true);
  return evidence;
}

ReportItem rootItemOf(DcmDataset& dataset, TextDecoder& decoder,
                      std::vector<std::string>& warnings) {
  return TreeReader(decoder, warnings).read(dataset);
}

}  // namespace fedpet::dicom
