#include "dicom/RepeatedHeader.h"

#include "dicom/ResultHeader.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <optional>

namespace fedpet::dicom {
namespace {

// PS3.3: Patient (C.7.1.1), Clinical Trial Subject (C.7.1.3), General Study (C.7.2.1), Patient
// Study (C.7.2.2) and Clinical Trial Study (C.7.2.3) modules, without what PetSeries has a field
// for and without references to a photograph. Weight, size and age are here too, for their digits.
const DcmTagKey kRepeated[] = {
    // Patient
    DCM_IssuerOfPatientIDQualifiersSequence,
    DCM_TypeOfPatientID,
    DCM_PatientBirthTime,
    DCM_PatientBirthDateInAlternativeCalendar,
    DCM_PatientDeathDateInAlternativeCalendar,
    DCM_PatientAlternativeCalendar,
    DCM_QualityControlSubject,
    DCM_ReferencedPatientSequence,
    DCM_RETIRED_OtherPatientIDs,
    DCM_OtherPatientIDsSequence,
    DCM_OtherPatientNames,
    DCM_EthnicGroup,
    DCM_PatientComments,
    DCM_SourcePatientGroupIdentificationSequence,
    DCM_GroupOfPatientsIdentificationSequence,
    DCM_PatientSpeciesDescription,
    DCM_PatientSpeciesCodeSequence,
    DCM_PatientBreedDescription,
    DCM_PatientBreedCodeSequence,
    DCM_BreedRegistrationSequence,
    DCM_StrainDescription,
    DCM_StrainNomenclature,
    DCM_StrainCodeSequence,
    DCM_ResponsiblePerson,
    DCM_ResponsiblePersonRole,
    DCM_ResponsibleOrganization,
    DCM_PatientIdentityRemoved,
    DCM_DeidentificationMethod,
    DCM_DeidentificationMethodCodeSequence,
    // Clinical Trial Subject
    DCM_ClinicalTrialSponsorName,
    DCM_ClinicalTrialProtocolID,
    DCM_ClinicalTrialProtocolName,
    DCM_ClinicalTrialSiteID,
    DCM_ClinicalTrialSiteName,
    DCM_ClinicalTrialSubjectID,
    DCM_ClinicalTrialSubjectReadingID,
    DCM_ClinicalTrialProtocolEthicsCommitteeName,
    DCM_ClinicalTrialProtocolEthicsCommitteeApprovalNumber,
    // General Study
    DCM_ReferringPhysicianIdentificationSequence,
    DCM_ConsultingPhysicianName,
    DCM_ConsultingPhysicianIdentificationSequence,
    DCM_IssuerOfAccessionNumberSequence,
    DCM_PhysiciansOfRecord,
    DCM_PhysiciansOfRecordIdentificationSequence,
    DCM_NameOfPhysiciansReadingStudy,
    DCM_PhysiciansReadingStudyIdentificationSequence,
    DCM_RequestingService,
    DCM_RequestingServiceCodeSequence,
    DCM_ReferencedStudySequence,
    DCM_ProcedureCodeSequence,
    DCM_ReasonForPerformedProcedureCodeSequence,
    // Patient Study
    DCM_AdmittingDiagnosesDescription,
    DCM_AdmittingDiagnosesCodeSequence,
    DCM_PatientAge,
    DCM_PatientSize,
    DCM_PatientWeight,
    DCM_PatientBodyMassIndex,
    DCM_MeasuredAPDimension,
    DCM_MeasuredLateralDimension,
    DCM_PatientSizeCodeSequence,
    DCM_MedicalAlerts,
    DCM_Allergies,
    DCM_SmokingStatus,
    DCM_PregnancyStatus,
    DCM_LastMenstrualDate,
    DCM_PatientState,
    DCM_Occupation,
    DCM_AdditionalPatientHistory,
    DCM_AdmissionID,
    DCM_IssuerOfAdmissionIDSequence,
    DCM_ServiceEpisodeID,
    DCM_ServiceEpisodeDescription,
    DCM_IssuerOfServiceEpisodeIDSequence,
    DCM_PatientSexNeutered,
    DCM_ReasonForVisit,
    DCM_ReasonForVisitCodeSequence,
    // Clinical Trial Study
    DCM_ClinicalTrialTimePointID,
    DCM_ClinicalTrialTimePointDescription,
    DCM_LongitudinalTemporalOffsetFromEvent,
    DCM_LongitudinalTemporalEventType,
    DCM_ConsentForClinicalTrialUseSequence,
    // SOP Common (C.12.1), for results carry the study's dates, which a de-identifier has moved
    DCM_LongitudinalTemporalInformationModified,
};

constexpr Uint32 kMaxBytes = 1 << 16;  // above any lawful value of these VRs but UT
constexpr int kMaxDepth = 4;           // the deepest lawful sequence here has three levels

std::optional<std::vector<HeaderAttribute>> readItem(DcmItem&, TextDecoder&, int depth);

std::string utf8Of(DcmElement& element, TextDecoder& decoder) {
  OFString all;
  if (element.getOFStringArray(all).bad()) return {};
  const std::string raw = all.c_str();
  switch (element.ident()) {
    case EVR_PN:
      return decoder.toUtf8(raw, "\\^=");
    case EVR_LO:
    case EVR_SH:
    case EVR_LT:
    case EVR_ST:
    case EVR_UC:
    case EVR_UT:
      return decoder.toUtf8(raw);
    default:
      return validUtf8(raw);
  }
}

bool isRepeatable(DcmElement& element) {
  if (element.getTag().isPrivate() || element.getLength() > kMaxBytes) return false;
  if (DcmTag(element.getTag().getXTag()).getEVR() != element.ident()) return false;
  switch (element.ident()) {
    case EVR_PN:
    case EVR_LO:
    case EVR_SH:
    case EVR_LT:
    case EVR_ST:
    case EVR_UC:
    case EVR_UT:
    case EVR_CS:
    case EVR_UI:
    case EVR_US:
    case EVR_FD:
      return true;
    // Repeating these as they stand is only right where they are what they should be.
    case EVR_AS:
    case EVR_DA:
    case EVR_DS:
    case EVR_DT:
    case EVR_IS:
    case EVR_TM:
      return element.checkValue("1-n").good();
    default:
      return false;
  }
}

std::optional<HeaderAttribute> readElement(DcmElement& element, TextDecoder& decoder, int depth) {
  HeaderAttribute attribute{element.getGTag(), element.getETag(), {}, {}};
  if (element.ident() == EVR_SQ) {
    auto& sequence = static_cast<DcmSequenceOfItems&>(element);
    for (unsigned long i = 0; i < sequence.card(); ++i) {
      auto item = readItem(*sequence.getItem(i), decoder, depth + 1);
      if (!item) return std::nullopt;
      attribute.items.push_back(std::move(*item));
    }
    return attribute;
  }
  if (!isRepeatable(element)) return std::nullopt;
  attribute.value = utf8Of(element, decoder);
  return attribute;
}

// nullopt when an item goes too deep: half a sequence could say something else than the whole.
std::optional<std::vector<HeaderAttribute>> readItem(DcmItem& item, TextDecoder& decoder,
                                                     int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  std::vector<HeaderAttribute> attributes;
  for (DcmObject* object = item.nextInContainer(nullptr); object;
       object = item.nextInContainer(object)) {
    auto& element = static_cast<DcmElement&>(*object);
    if (element.getTag().getXTag() == DCM_SpecificCharacterSet) continue;  // results are UTF-8
    auto attribute = readElement(element, decoder, depth);
    if (attribute)
      attributes.push_back(std::move(*attribute));
    else if (element.ident() == EVR_SQ)
      return std::nullopt;
  }
  return attributes;
}

}  // namespace

std::vector<HeaderAttribute> readRepeatedHeader(DcmItem& item, TextDecoder& decoder) {
  std::vector<HeaderAttribute> attributes;
  for (const DcmTagKey& key : kRepeated) {
    DcmElement* element = nullptr;
    if (item.findAndGetElement(key, element).bad() || !element) continue;
    if (auto attribute = readElement(*element, decoder, 0))
      attributes.push_back(std::move(*attribute));
  }
  return attributes;
}

void writeRepeatedHeader(DcmItem& item, const std::vector<HeaderAttribute>& attributes) {
  for (const HeaderAttribute& attribute : attributes) {
    const DcmTagKey key(attribute.group, attribute.element);
    if (attribute.value.empty())
      put(item, key, "");  // a sequence starts empty, too
    else  // not put(), which DCMTK would refuse for US
      check(item.putAndInsertString(key, attribute.value.c_str()), DcmTag(key).getTagName());
    for (const auto& content : attribute.items) writeRepeatedHeader(addItem(item, key), content);
  }
}

}  // namespace fedpet::dicom
