#include "dicom/PetSeriesWriter.h"

#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcrlerp.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "dicom/Codes.h"
#include "dicom/DicomError.h"
#include "dicom/ResultHeader.h"
#include "dicom/Tags.h"

namespace fedpet::dicom {
namespace {

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : "\\") + value;
  return text;
}

template <typename Range>
std::string joinedNumbers(const Range& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : "\\") + exactDecimalString(value);
  return text;
}

void putIfKnown(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  if (!value.empty()) put(item, tag, value);
}
void putIfKnown(DcmItem& item, const DcmTagKey& tag, const std::optional<double>& value) {
  if (value) put(item, tag, exactDecimalString(*value));
}

bool contains(const std::vector<std::string>& values, const char* wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

void putPatient(DcmItem& item, const PetSeries& series) {
  const PatientIdentity& patient = series.patient;
  put(item, DCM_PatientName, patient.patientName);
  put(item, DCM_PatientID, patient.patientId);
  putIfKnown(item, DCM_IssuerOfPatientID, patient.issuerOfPatientId);
  put(item, DCM_PatientBirthDate, patient.birthDate);
  put(item, DCM_PatientSex, patient.sex);
  if (patient.ageYears && *patient.ageYears >= 0 && *patient.ageYears < 1000) {
    char age[8];
    std::snprintf(age, sizeof age, "%03dY", static_cast<int>(*patient.ageYears) % 1000);
    put(item, DCM_PatientAge, age);
  }
  putIfKnown(item, DCM_PatientWeight, series.patientWeightKg);
  putIfKnown(item, DCM_PatientSize, series.patientHeightM);
}

void putStudyAndEquipment(DcmItem& item, const PetSeries& series) {
  put(item, DCM_StudyInstanceUID, series.study.studyInstanceUid);
  put(item, DCM_StudyDate, series.study.studyDate);
  put(item, DCM_StudyTime, series.study.studyTime);
  put(item, DCM_StudyID, series.study.studyId);
  put(item, DCM_AccessionNumber, series.study.accessionNumber);
  put(item, DCM_ReferringPhysicianName, series.study.referringPhysicianName);
  putIfKnown(item, DCM_StudyDescription, series.study.studyDescription);
  put(item, DCM_Manufacturer, series.manufacturer);
  putIfKnown(item, DCM_ManufacturerModelName, series.manufacturerModel);
  putIfKnown(item, DCM_StationName, series.stationName);
  putIfKnown(item, DCM_InstitutionName, series.institutionName);
  putIfKnown(item, DCM_SoftwareVersions, series.softwareVersions);
}

// General Series, PET Series and Frame of Reference (C.7.3.1, C.8.9.1, C.7.4.1).
void putSeries(DcmItem& item, const PetSeries& series, int seriesNumber) {
  put(item, DCM_Modality, "PT");
  put(item, DCM_SeriesInstanceUID, series.seriesInstanceUid);
  put(item, DCM_SeriesNumber, std::to_string(seriesNumber));
  putIfKnown(item, DCM_SeriesDescription, series.seriesDescription);
  if (series.seriesDateTime) {
    put(item, DCM_SeriesDate, dateText(*series.seriesDateTime));
    put(item, DCM_SeriesTime, timeText(*series.seriesDateTime));
  }
  put(item, DCM_BodyPartExamined, "WHOLEBODY");
  put(item, DCM_FrameOfReferenceUID, series.frameOfReferenceUid);
  put(item, DCM_PositionReferenceIndicator, series.positionReferenceIndicator);
  put(item, DCM_Units, series.units);
  putIfKnown(item, DCM_SUVType, series.suvType);
  put(item, DCM_CountsSource, "EMISSION");
  put(item, DCM_SeriesType, joined(series.seriesType));
  check(item.putAndInsertUint16(DCM_NumberOfSlices, static_cast<Uint16>(series.slices.size())),
        "NumberOfSlices");
  put(item, DCM_CorrectedImage, joined(series.correctedImage));
  putIfKnown(item, DCM_AttenuationCorrectionMethod, series.attenuationCorrectionMethod);
  putIfKnown(item, DCM_DecayCorrection, series.decayCorrection);
  putIfKnown(item, DCM_ReconstructionMethod, series.reconstructionMethod);
  if (contains(series.correctedImage, "SCAT"))
    put(item, DCM_ScatterCorrectionMethod, "model-based");
  if (contains(series.correctedImage, "RAN")) put(item, DCM_RandomsCorrectionMethod, "DLYD");
  put(item, DCM_CollimatorType, "NONE");
}

// PET Isotope and NM/PET Patient Orientation (C.8.9.2, C.8.4.6).
void putIsotope(DcmItem& item, const Radiopharmaceutical& drug) {
  DcmItem& isotope = addItem(item, DCM_RadiopharmaceuticalInformationSequence);
  putIfKnown(isotope, DCM_Radiopharmaceutical, drug.name);
  if (drug.startTimeOfDay)
    put(isotope, DCM_RadiopharmaceuticalStartTime, timeText(WallClock(*drug.startTimeOfDay)));
  if (drug.startDateTime)
    put(isotope, DCM_RadiopharmaceuticalStartDateTime,
        dateText(*drug.startDateTime) + timeText(*drug.startDateTime));
  putIfKnown(isotope, DCM_RadionuclideTotalDose, drug.injectedActivityBq);
  putIfKnown(isotope, DCM_RadionuclideHalfLife, drug.halfLifeSeconds);
  if (drug.nuclideCode) {
    put(isotope, DCM_RadionuclideCodeSequence, *drug.nuclideCode);
    if (*drug.nuclideCode == codes::fluorine18()) put(isotope, DCM_RadionuclidePositronFraction, "0.967");
  } else {
    check(isotope.insertEmptyElement(DCM_RadionuclideCodeSequence), "RadionuclideCodeSequence");
  }
  if (drug.agentCode) put(isotope, DCM_RadiopharmaceuticalCodeSequence, *drug.agentCode);

  DcmItem& posture = addItem(item, DCM_PatientOrientationCodeSequence);
  put(posture, DCM_CodeValue, "102538003");
  put(posture, DCM_CodingSchemeDesignator, "SCT");
  put(posture, DCM_CodeMeaning, "recumbent");
  put(posture, DCM_PatientOrientationModifierCodeSequence, Code{"40199007", "SCT", "supine"});
  put(item, DCM_PatientGantryRelationshipCodeSequence, Code{"102540008", "SCT", "headfirst"});
}

// Private blocks are reserved by their creator's name (PS3.5, 7.8.1).
void putPrivate(DcmItem& item, const PrivateAttribute& attribute, DcmEVR vr, const std::string& value) {
  const DcmTag creator(attribute.group, 0x10, EVR_LO);
  check(item.putAndInsertString(creator, std::string(attribute.creator).c_str()), "a private creator");
  const auto element = static_cast<Uint16>(0x1000 | attribute.offset);
  check(item.putAndInsertString(DcmTag(attribute.group, element, vr), value.c_str()),
        describe(attribute));
}

void putVendorFacts(DcmItem& item, const PetSeries& series) {
  if (series.gePostInjectionScanDateTime)
    putPrivate(item, tags::kGePostInjectionDateTime, EVR_DT,
               dateText(*series.gePostInjectionScanDateTime) +
                   timeText(*series.gePostInjectionScanDateTime));
  if (series.philipsSuvFactor)
    putPrivate(item, tags::kPhilipsSuvScaleFactor, EVR_DS, exactDecimalString(*series.philipsSuvFactor));
  if (series.philipsActivityFactor)
    putPrivate(item, tags::kPhilipsActivityScaleFactor, EVR_DS,
               exactDecimalString(*series.philipsActivityFactor));
}

// C.8.9.4: the factor by which counts were multiplied to undo decay.
double decayFactor(const PetSeries& series, const PetSlice& slice) {
  const std::optional<double>& halfLife = series.radiopharmaceutical.halfLifeSeconds;
  if (series.decayCorrection != "START" || !slice.frameReferenceTime || !halfLife || *halfLife <= 0)
    return 1;
  return std::exp2(slice.frameReferenceTime->count() / *halfLife);
}

// General Image, Image Plane and PET Image (C.7.6.1, C.7.6.2, C.8.9.4), without pixels.
void putImage(DcmItem& item, const PetSeries& series, int k) {
  const PetSlice& slice = series.slices[static_cast<std::size_t>(k)];
  const VolumeGeometry& g = series.geometry;
  put(item, DCM_SOPClassUID, series.sopClassUid.empty() ? std::string(kPetImageStorage) : series.sopClassUid);
  put(item, DCM_SOPInstanceUID, slice.sopInstanceUid);
  put(item, DCM_ImageType, joined(series.imageType));
  put(item, DCM_InstanceNumber, std::to_string(k + 1));
  check(item.putAndInsertUint16(DCM_ImageIndex, static_cast<Uint16>(k + 1)), "ImageIndex");
  const bool timed = slice.acquisitionDateTime.has_value();
  put(item, DCM_AcquisitionDate, timed ? dateText(*slice.acquisitionDateTime) : "");
  put(item, DCM_AcquisitionTime, timed ? timeText(*slice.acquisitionDateTime) : "");
  if (timed) {
    put(item, DCM_ContentDate, dateText(*slice.acquisitionDateTime));
    put(item, DCM_ContentTime, timeText(*slice.acquisitionDateTime));
  }
  const double referenceMs = slice.frameReferenceTime ? 1000 * slice.frameReferenceTime->count() : 0;
  put(item, DCM_FrameReferenceTime, exactDecimalString(referenceMs));
  put(item, DCM_ActualFrameDuration,
      slice.actualFrameDuration ? std::to_string(std::lround(1000 * slice.actualFrameDuration->count()))
                                : "");
  put(item, DCM_DoseCalibrationFactor, "1");
  if (!series.decayCorrection.empty() && series.decayCorrection != "NONE")
    put(item, DCM_DecayFactor, exactDecimalString(decayFactor(series, slice)));
  if (contains(series.correctedImage, "SCAT")) put(item, DCM_ScatterFractionFactor, "0.35");
  if (contains(series.correctedImage, "DTIM")) put(item, DCM_DeadTimeFactor, "1");

  put(item, DCM_PixelSpacing, joinedNumbers(std::array{g.spacingMm[1], g.spacingMm[0]}));
  std::vector<double> directions(g.rowDirection.begin(), g.rowDirection.end());
  directions.insert(directions.end(), g.columnDirection.begin(), g.columnDirection.end());
  put(item, DCM_ImageOrientationPatient, joinedNumbers(directions));
  put(item, DCM_ImagePositionPatient, joinedNumbers(slice.positionMm));
  put(item, DCM_SliceThickness, exactDecimalString(g.spacingMm[2]));
  put(item, DCM_SliceLocation, exactDecimalString(slice.positionMm[2]));
}

struct StoredSlice {
  std::vector<Uint16> values;
  std::string slope;
};

bool anyNegative(const PetSeries& series) {
  return std::any_of(series.pixels.begin(), series.pixels.end(), [](float v) { return v < 0; });
}

StoredSlice quantised(const float* pixels, std::size_t count, bool isSigned) {
  float largest = 0;
  for (std::size_t n = 0; n < count; ++n) {
    if (!std::isfinite(pixels[n])) throw DicomError("a pixel is not a finite number");
    largest = std::max(largest, std::abs(pixels[n]));
  }
  const double limit = isSigned ? 32767 : 65535;
  StoredSlice stored{std::vector<Uint16>(count), largest > 0 ? exactDecimalString(largest / limit) : "1"};
  // Readers multiply with the slope as it is written, so that is what we divide by.
  const double slope = std::strtod(stored.slope.c_str(), nullptr);
  for (std::size_t n = 0; n < count; ++n) {
    const double value = std::clamp(std::round(pixels[n] / slope), isSigned ? -limit : 0.0, limit);
    stored.values[n] = isSigned ? static_cast<Uint16>(static_cast<Sint16>(value)) : static_cast<Uint16>(value);
  }
  return stored;
}

void putPixels(DcmItem& item, const PetSeries& series, int k, bool isSigned) {
  const VolumeGeometry& g = series.geometry;
  const std::size_t count = static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  const StoredSlice stored =
      quantised(series.pixels.data() + static_cast<std::size_t>(k) * count, count, isSigned);
  auto number = [&](const DcmTagKey& tag, int value) {
    check(item.putAndInsertUint16(tag, static_cast<Uint16>(value)), DcmTag(tag).getTagName());
  };
  number(DCM_SamplesPerPixel, 1);
  put(item, DCM_PhotometricInterpretation, "MONOCHROME2");
  number(DCM_Rows, g.size[1]);
  number(DCM_Columns, g.size[0]);
  number(DCM_BitsAllocated, 16);
  number(DCM_BitsStored, 16);
  number(DCM_HighBit, 15);
  number(DCM_PixelRepresentation, isSigned ? 1 : 0);
  put(item, DCM_RescaleIntercept, "0");  // always 0 in PET (C.8.9.4)
  put(item, DCM_RescaleSlope, stored.slope);
  check(item.putAndInsertUint16Array(DCM_PixelData, stored.values.data(),
                                     static_cast<unsigned long>(stored.values.size())),
        "PixelData");
}

E_TransferSyntax syntaxOf(PetEncoding encoding) {
  switch (encoding) {
    case PetEncoding::ExplicitLittleEndian: return EXS_LittleEndianExplicit;
    case PetEncoding::ImplicitLittleEndian: return EXS_LittleEndianImplicit;
    case PetEncoding::DeflatedLittleEndian: return EXS_DeflatedLittleEndianExplicit;
    case PetEncoding::RunLength: return EXS_RLELossless;
    case PetEncoding::JpegLossless: return EXS_JPEGProcess14SV1;
    case PetEncoding::JpegLsLossless: return EXS_JPEGLSLossless;
  }
  return EXS_LittleEndianExplicit;
}

void compress(DcmDataset& dataset, PetEncoding encoding) {
  [[maybe_unused]] static const bool registered = [] {
    DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_never);
    DJLSEncoderRegistration::registerCodecs();
    DcmRLEEncoderRegistration::registerCodecs();
    return true;
  }();
  const DJ_RPLossless jpeg;
  const DJLSRepresentationParameter jpegLs(0, OFTrue);
  const DcmRLERepresentationParameter runLength;
  const DcmRepresentationParameter* parameter = nullptr;
  if (encoding == PetEncoding::JpegLossless) parameter = &jpeg;
  if (encoding == PetEncoding::JpegLsLossless) parameter = &jpegLs;
  if (encoding == PetEncoding::RunLength) parameter = &runLength;
  if (!parameter) return;
  check(dataset.chooseRepresentation(syntaxOf(encoding), parameter), "compressed pixels");
}

void checkIsVolume(const PetSeries& series) {
  if (series.geometry.size[0] <= 0 || series.geometry.size[1] <= 0 ||
      series.slices.size() != static_cast<std::size_t>(series.geometry.size[2]) ||
      series.pixels.size() != series.geometry.voxelCount())
    throw DicomError("a PET series whose slices, size and pixels do not agree cannot be written");
}

std::vector<std::byte> instance(const PetSeries& series, int k, const PetWritingOptions& options,
                                bool isSigned) {
  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  put(dataset, DCM_SpecificCharacterSet, "ISO_IR 192");
  putPatient(dataset, series);
  putStudyAndEquipment(dataset, series);
  putSeries(dataset, series, options.seriesNumber);
  putIsotope(dataset, series.radiopharmaceutical);
  putVendorFacts(dataset, series);
  putImage(dataset, series, k);
  putPixels(dataset, series, k, isSigned);
  compress(dataset, options.encoding);
  return partTen(file, syntaxOf(options.encoding));
}

}  // namespace

std::vector<std::byte> petInstance(const PetSeries& series, int k, const PetWritingOptions& options) {
  checkIsVolume(series);
  if (k < 0 || k >= series.geometry.size[2]) throw DicomError("there is no such slice");
  return instance(series, k, options, options.signedPixels || anyNegative(series));
}

void writePetSeries(const PetSeries& series, const std::filesystem::path& directory,
                    const PetWritingOptions& options) {
  checkIsVolume(series);
  const bool isSigned = options.signedPixels || anyNegative(series);
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) throw DicomError("cannot create the folder: " + failed.message());
  for (int k = 0; k < series.geometry.size[2]; ++k) {
    const std::vector<std::byte> bytes = instance(series, k, options, isSigned);
    char name[24];
    std::snprintf(name, sizeof name, "PT%04d.dcm", k + 1);
    std::ofstream out(directory / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw DicomError(std::string("cannot write ") + name);
  }
}

}  // namespace fedpet::dicom
