// The one vocabulary of DICOM attributes that the program reads by number: what to call them in a
// message and where they are. Free of DCMTK, so that any room may name an attribute.
// Source: DICOM PS3.6 data dictionary; private groups as their vendors' conformance statements
// name them (Philips PET Private Group, GEMS_PETD_01).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fedpet::dicom {

struct Attribute {
  std::uint16_t group = 0, element = 0;
  std::string_view keyword;
};

// An element of a private block: its number is found through the creator's reservation.
struct PrivateAttribute {
  std::uint16_t group = 0;
  std::uint8_t offset = 0;  // low byte of the element number
  std::string_view creator;
  std::string_view keyword;
};

// "PatientWeight (0010,1030)": how every message names an attribute.
std::string describe(const Attribute&);
std::string describe(const PrivateAttribute&);

namespace tags {
inline constexpr Attribute kSpecificCharacterSet{0x0008, 0x0005, "SpecificCharacterSet"};
inline constexpr Attribute kImageType{0x0008, 0x0008, "ImageType"};
inline constexpr Attribute kSopClassUid{0x0008, 0x0016, "SOPClassUID"};
inline constexpr Attribute kSopInstanceUid{0x0008, 0x0018, "SOPInstanceUID"};
inline constexpr Attribute kStudyDate{0x0008, 0x0020, "StudyDate"};
inline constexpr Attribute kSeriesDate{0x0008, 0x0021, "SeriesDate"};
inline constexpr Attribute kAcquisitionDate{0x0008, 0x0022, "AcquisitionDate"};
inline constexpr Attribute kAcquisitionDateTime{0x0008, 0x002a, "AcquisitionDateTime"};
inline constexpr Attribute kStudyTime{0x0008, 0x0030, "StudyTime"};
inline constexpr Attribute kSeriesTime{0x0008, 0x0031, "SeriesTime"};
inline constexpr Attribute kAcquisitionTime{0x0008, 0x0032, "AcquisitionTime"};
inline constexpr Attribute kAccessionNumber{0x0008, 0x0050, "AccessionNumber"};
inline constexpr Attribute kModality{0x0008, 0x0060, "Modality"};
inline constexpr Attribute kManufacturer{0x0008, 0x0070, "Manufacturer"};
inline constexpr Attribute kInstitutionName{0x0008, 0x0080, "InstitutionName"};
inline constexpr Attribute kReferringPhysicianName{0x0008, 0x0090, "ReferringPhysicianName"};
inline constexpr Attribute kCodeValue{0x0008, 0x0100, "CodeValue"};
inline constexpr Attribute kCodingSchemeDesignator{0x0008, 0x0102, "CodingSchemeDesignator"};
inline constexpr Attribute kCodeMeaning{0x0008, 0x0104, "CodeMeaning"};
inline constexpr Attribute kLongCodeValue{0x0008, 0x0119, "LongCodeValue"};
inline constexpr Attribute kTimezoneOffsetFromUtc{0x0008, 0x0201, "TimezoneOffsetFromUTC"};
inline constexpr Attribute kStationName{0x0008, 0x1010, "StationName"};
inline constexpr Attribute kStudyDescription{0x0008, 0x1030, "StudyDescription"};
inline constexpr Attribute kSeriesDescription{0x0008, 0x103e, "SeriesDescription"};
inline constexpr Attribute kManufacturerModelName{0x0008, 0x1090, "ManufacturerModelName"};
inline constexpr Attribute kPatientName{0x0010, 0x0010, "PatientName"};
inline constexpr Attribute kPatientId{0x0010, 0x0020, "PatientID"};
inline constexpr Attribute kIssuerOfPatientId{0x0010, 0x0021, "IssuerOfPatientID"};
inline constexpr Attribute kPatientBirthDate{0x0010, 0x0030, "PatientBirthDate"};
inline constexpr Attribute kPatientSex{0x0010, 0x0040, "PatientSex"};
inline constexpr Attribute kPatientAge{0x0010, 0x1010, "PatientAge"};
inline constexpr Attribute kPatientSize{0x0010, 0x1020, "PatientSize"};
inline constexpr Attribute kPatientWeight{0x0010, 0x1030, "PatientWeight"};
inline constexpr Attribute kPatientIdentityRemoved{0x0012, 0x0062, "PatientIdentityRemoved"};
inline constexpr Attribute kRadiopharmaceutical{0x0018, 0x0031, "Radiopharmaceutical"};
inline constexpr Attribute kSliceThickness{0x0018, 0x0050, "SliceThickness"};
inline constexpr Attribute kProtocolName{0x0018, 0x1030, "ProtocolName"};
inline constexpr Attribute kSoftwareVersions{0x0018, 0x1020, "SoftwareVersions"};
inline constexpr Attribute kRadiopharmaceuticalStartTime{0x0018, 0x1072,
                                                         "RadiopharmaceuticalStartTime"};
inline constexpr Attribute kRadionuclideTotalDose{0x0018, 0x1074, "RadionuclideTotalDose"};
inline constexpr Attribute kRadionuclideHalfLife{0x0018, 0x1075, "RadionuclideHalfLife"};
inline constexpr Attribute kRadiopharmaceuticalStartDateTime{0x0018, 0x1078,
                                                             "RadiopharmaceuticalStartDateTime"};
inline constexpr Attribute kActualFrameDuration{0x0018, 0x1242, "ActualFrameDuration"};
inline constexpr Attribute kStudyInstanceUid{0x0020, 0x000d, "StudyInstanceUID"};
inline constexpr Attribute kSeriesInstanceUid{0x0020, 0x000e, "SeriesInstanceUID"};
inline constexpr Attribute kStudyId{0x0020, 0x0010, "StudyID"};
inline constexpr Attribute kImagePositionPatient{0x0020, 0x0032, "ImagePositionPatient"};
inline constexpr Attribute kImageOrientationPatient{0x0020, 0x0037, "ImageOrientationPatient"};
inline constexpr Attribute kFrameOfReferenceUid{0x0020, 0x0052, "FrameOfReferenceUID"};
inline constexpr Attribute kPositionReferenceIndicator{0x0020, 0x1040,
                                                       "PositionReferenceIndicator"};
inline constexpr Attribute kSamplesPerPixel{0x0028, 0x0002, "SamplesPerPixel"};
inline constexpr Attribute kPhotometricInterpretation{0x0028, 0x0004, "PhotometricInterpretation"};
inline constexpr Attribute kNumberOfFrames{0x0028, 0x0008, "NumberOfFrames"};
inline constexpr Attribute kRows{0x0028, 0x0010, "Rows"};
inline constexpr Attribute kColumns{0x0028, 0x0011, "Columns"};
inline constexpr Attribute kPixelSpacing{0x0028, 0x0030, "PixelSpacing"};
inline constexpr Attribute kCorrectedImage{0x0028, 0x0051, "CorrectedImage"};
inline constexpr Attribute kBitsAllocated{0x0028, 0x0100, "BitsAllocated"};
inline constexpr Attribute kBitsStored{0x0028, 0x0101, "BitsStored"};
inline constexpr Attribute kHighBit{0x0028, 0x0102, "HighBit"};
inline constexpr Attribute kPixelRepresentation{0x0028, 0x0103, "PixelRepresentation"};
inline constexpr Attribute kRescaleIntercept{0x0028, 0x1052, "RescaleIntercept"};
inline constexpr Attribute kRescaleSlope{0x0028, 0x1053, "RescaleSlope"};
inline constexpr Attribute kLossyImageCompression{0x0028, 0x2110, "LossyImageCompression"};
inline constexpr Attribute kRadiopharmaceuticalInformationSequence{
    0x0054, 0x0016, "RadiopharmaceuticalInformationSequence"};
inline constexpr Attribute kNumberOfSlices{0x0054, 0x0081, "NumberOfSlices"};
inline constexpr Attribute kRadionuclideCodeSequence{0x0054, 0x0300, "RadionuclideCodeSequence"};
inline constexpr Attribute kRadiopharmaceuticalCodeSequence{0x0054, 0x0304,
                                                            "RadiopharmaceuticalCodeSequence"};
inline constexpr Attribute kSeriesType{0x0054, 0x1000, "SeriesType"};
inline constexpr Attribute kUnits{0x0054, 0x1001, "Units"};
inline constexpr Attribute kSuvType{0x0054, 0x1006, "SUVType"};
inline constexpr Attribute kAttenuationCorrectionMethod{0x0054, 0x1101,
                                                        "AttenuationCorrectionMethod"};
inline constexpr Attribute kDecayCorrection{0x0054, 0x1102, "DecayCorrection"};
inline constexpr Attribute kReconstructionMethod{0x0054, 0x1103, "ReconstructionMethod"};
inline constexpr Attribute kFrameReferenceTime{0x0054, 0x1300, "FrameReferenceTime"};
inline constexpr Attribute kPixelData{0x7fe0, 0x0010, "PixelData"};

inline constexpr PrivateAttribute kGePostInjectionDateTime{0x0009, 0x0d, "GEMS_PETD_01",
                                                           "PostInjectionDateTime"};
inline constexpr PrivateAttribute kPhilipsSuvScaleFactor{0x7053, 0x00, "Philips PET Private Group",
                                                         "SUVScaleFactor"};
inline constexpr PrivateAttribute kPhilipsActivityScaleFactor{
    0x7053, 0x09, "Philips PET Private Group", "ActivityConcentrationScaleFactor"};
}  // namespace tags

// SOP classes (PS3.4 annex B).
inline constexpr std::string_view kPetImageStorage = "1.2.840.10008.5.1.4.1.1.128";
inline constexpr std::string_view kEnhancedPetImageStorage = "1.2.840.10008.5.1.4.1.1.130";
inline constexpr std::string_view kLegacyEnhancedPetImageStorage = "1.2.840.10008.5.1.4.1.1.128.1";
inline constexpr std::string_view kSecondaryCaptureImageStorage = "1.2.840.10008.5.1.4.1.1.7";

}  // namespace fedpet::dicom
