#include "dicom/ResultHeader.h"

#include <dcmtk/dcmdata/dcostrmb.h>

#include <array>
#include <charconv>
#include <cstdio>

#include "dicom/DicomError.h"
#include "dicom/RepeatedHeader.h"
#include "dicom/StructuredReportTree.h"

namespace fedpet::dicom {
namespace {

void putIfKnown(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  if (!value.empty()) put(item, tag, value);
}

void setPatient(DcmItem& item, const PetSeries& series) {
  put(item, DCM_PatientName, series.patient.patientName);
  put(item, DCM_PatientID, series.patient.patientId);
  putIfKnown(item, DCM_IssuerOfPatientID, series.patient.issuerOfPatientId);
  put(item, DCM_PatientBirthDate, series.patient.birthDate);
  put(item, DCM_PatientSex, series.patient.sex);
  if (series.patientWeightKg)
    put(item, DCM_PatientWeight, sr::decimalString(*series.patientWeightKg));
  if (series.patientHeightM) put(item, DCM_PatientSize, sr::decimalString(*series.patientHeightM));
}

void setStudy(DcmItem& item, const StudyIdentity& study) {
  put(item, DCM_StudyInstanceUID, study.studyInstanceUid);
  put(item, DCM_StudyDate, study.studyDate);
  put(item, DCM_StudyTime, study.studyTime);
  put(item, DCM_StudyID, study.studyId);
  put(item, DCM_AccessionNumber, study.accessionNumber);
  put(item, DCM_ReferringPhysicianName, study.referringPhysicianName);
  putIfKnown(item, DCM_StudyDescription, study.studyDescription);
}

void setEquipment(DcmItem& item, const ResponseAssessment& a) {
  put(item, DCM_Manufacturer, std::string(kManufacturer));
  put(item, DCM_ManufacturerModelName, std::string(kProduct));
  put(item, DCM_DeviceSerialNumber, a.identity.deviceUid);
  put(item, DCM_SoftwareVersions, fitted(a.softwareVersion.empty() ? "unknown" : a.softwareVersion));
  putIfKnown(item, DCM_InstitutionName, a.series.institutionName);
}

}  // namespace

void setResultHeader(DcmDataset& dataset, const ResponseAssessment& a, const ResultSeries& result) {
  put(dataset, DCM_SpecificCharacterSet, "ISO_IR 192");
  setPatient(dataset, a.series);
  setStudy(dataset, a.series.study);
  // Last: "71.0" stays "71.0", though the number was read as 71.
  writeRepeatedHeader(dataset, a.series.repeatedHeader);
  setEquipment(dataset, a);

  const std::string date = dateText(a.assessedAt), time = timeText(a.assessedAt);
  put(dataset, DCM_SOPClassUID, result.sopClassUid);
  put(dataset, DCM_SOPInstanceUID, result.sopInstanceUid);
  put(dataset, DCM_InstanceCreationDate, date);
  put(dataset, DCM_InstanceCreationTime, time);
  put(dataset, DCM_Modality, result.modality);
  put(dataset, DCM_SeriesInstanceUID, result.seriesUid);
  put(dataset, DCM_SeriesNumber, std::to_string(result.seriesNumber));
  put(dataset, DCM_SeriesDescription, result.description);
  put(dataset, DCM_SeriesDate, date);
  put(dataset, DCM_SeriesTime, time);
  put(dataset, DCM_ContentDate, date);
  put(dataset, DCM_ContentTime, time);
  put(dataset, DCM_InstanceNumber, "1");
  // DCMTK writes its own name here, which would change the bytes with DCMTK's version only.
  delete dataset.remove(DCM_InstanceCreatorUID);
}

std::vector<std::byte> partTen(DcmFileFormat& file, E_TransferSyntax syntax) {
  check(file.validateMetaInfo(syntax, EWM_createNewMeta), "the meta header");
  std::vector<std::byte> bytes;
  std::vector<char> chunk(1 << 18);
  DcmOutputBufferStream stream(chunk.data(), static_cast<offile_off_t>(chunk.size()));
  file.transferInit();
  auto take = [&] {
    void* written = nullptr;
    offile_off_t length = 0;
    stream.flushBuffer(written, length);
    const auto* first = static_cast<const std::byte*>(written);
    bytes.insert(bytes.end(), first, first + length);
  };
  OFCondition state = EC_Normal;
  do {
    state = file.write(stream, syntax, EET_ExplicitLength, nullptr);
    take();
  } while (state == EC_StreamNotifyClient);
  // A deflated stream holds data back until it is told that there is no more.
  while (state.good() && !stream.isFlushed()) {
    stream.flush();
    take();
  }
  file.transferEnd();
  check(state, "the file");
  return bytes;
}

std::string fitted(std::string_view utf8, std::size_t maxCharacters) {
  std::string text;
  std::size_t characters = 0, beforeLast = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    const bool startsCharacter = (byte & 0xC0) != 0x80;
    if (startsCharacter && characters == maxCharacters) {
      text.resize(beforeLast);
      return text + "\u2026";
    }
    if (startsCharacter) {
      beforeLast = text.size();
      ++characters;
    }
    text += byte < 0x20 || byte == 0x7F ? ' ' : c == '\\' ? '/' : c;
  }
  return text;
}

std::string exactDecimalString(double value) {
  constexpr std::size_t kLongest = 16;  // PS3.5 6.2, VR DS
  std::array<char, 64> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  for (int digits = 15; static_cast<std::size_t>(end.ptr - buffer.data()) > kLongest; --digits)
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                        std::chars_format::general, digits);
  return {buffer.data(), end.ptr};
}

std::string dateText(WallClock at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02u", static_cast<int>(date.year()) % 10000,
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

std::string timeText(WallClock at) {
  const std::chrono::hh_mm_ss time(at - std::chrono::floor<std::chrono::days>(at));
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%02d%02d%02d.%06d",
                static_cast<int>(time.hours().count()) % 100,
                static_cast<int>(time.minutes().count()) % 100,
                static_cast<int>(time.seconds().count()) % 100,
                static_cast<int>(time.subseconds().count()) % 1000000);
  return text.data();
}

void put(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  check(value.empty() ? item.insertEmptyElement(tag)
                      : item.putAndInsertOFStringArray(tag, value.c_str()),
        DcmTag(tag).getTagName());
}

void put(DcmItem& item, const DcmTagKey& tag, const Code& code) {
  DcmItem& sequenceItem = addItem(item, tag);
  put(sequenceItem, DCM_CodeValue, code.value);
  put(sequenceItem, DCM_CodingSchemeDesignator, code.scheme);
  put(sequenceItem, DCM_CodeMeaning, fitted(code.meaning));
}

DcmItem& addItem(DcmItem& item, const DcmTagKey& sequence) {
  DcmItem* added = nullptr;
  check(item.findOrCreateSequenceItem(sequence, added, -2), DcmTag(sequence).getTagName());
  return *added;
}

void check(const OFCondition& condition, std::string_view what) {
  if (condition.good()) return;
  throw DicomError("cannot write " + std::string(what) + ": " + condition.text());
}

}  // namespace fedpet::dicom
