#include "dicom/SliceHeader.h"

#include "dicom/DatasetReader.h"
#include "dicom/RepeatedHeader.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fedpet::dicom {
namespace {

using std::chrono::minutes;

[[noreturn]] void unreadable(std::string detail) {
  throw Unusable(RefusalCode::UnreadableDicom, std::move(detail));
}

std::string required(const DatasetReader& reader, const Attribute& attribute) {
  std::string value = validUtf8(reader.rawText(attribute));
  if (value.empty()) unreadable(describe(attribute) + " is missing");
  return value;
}

std::optional<WallClock> joined(std::optional<std::chrono::local_days> date,
                                std::optional<std::chrono::microseconds> time) {
  if (!date || !time) return std::nullopt;
  return *date + *time;
}

// AS "059Y", "018M", "012W", "300D"; else the full years from birth to study.
std::optional<double> ageYears(const DatasetReader& reader) {
  const std::string age = reader.rawText(tags::kPatientAge);
  if (age.size() == 4) {
    const auto count = parseNumber(age.substr(0, 3));
    const double perYear = age[3] == 'Y'   ? 1
                           : age[3] == 'M' ? 12
                           : age[3] == 'W' ? 365.25 / 7
                           : age[3] == 'D' ? 365.25
                                           : 0;
    if (count && *count >= 0 && perYear > 0) return *count / perYear;
  }
  const auto birth = reader.date(tags::kPatientBirthDate);
  const auto study = reader.date(tags::kStudyDate);
  if (!birth || !study || *study < *birth) return std::nullopt;
  const double years = static_cast<double>((*study - *birth).count()) / 365.25;
  return years > 130 ? std::nullopt : std::optional(std::floor(years));
}

PatientIdentity patientOf(const DatasetReader& reader) {
  PatientIdentity patient;
  patient.patientId = reader.text(tags::kPatientId);
  patient.issuerOfPatientId = reader.text(tags::kIssuerOfPatientId);
  patient.patientName = reader.personName(tags::kPatientName);
  if (reader.date(tags::kPatientBirthDate))
    patient.birthDate = reader.rawText(tags::kPatientBirthDate);
  std::erase(patient.birthDate, '.');
  const std::string sex = reader.rawText(tags::kPatientSex);
  if (sex == "M" || sex == "F" || sex == "O") patient.sex = sex;
  patient.ageYears = ageYears(reader);
  patient.identityRemoved = reader.rawText(tags::kPatientIdentityRemoved) == "YES";
  return patient;
}

StudyIdentity studyOf(const DatasetReader& reader) {
  StudyIdentity study;
  study.studyInstanceUid = required(reader, tags::kStudyInstanceUid);
  study.studyId = reader.text(tags::kStudyId);
  study.studyDate = validUtf8(reader.rawText(tags::kStudyDate));
  study.studyTime = validUtf8(reader.rawText(tags::kStudyTime));
  study.studyDescription = reader.text(tags::kStudyDescription);
  study.accessionNumber = reader.text(tags::kAccessionNumber);
  study.referringPhysicianName = reader.personName(tags::kReferringPhysicianName);
  return study;
}

Radiopharmaceutical radiopharmaceuticalOf(const DatasetReader& reader,
                                          std::optional<minutes> zone) {
  if (reader.itemCount(tags::kRadiopharmaceuticalInformationSequence) > 1)
    throw Unusable(RefusalCode::InconsistentSeries,
                   describe(tags::kRadiopharmaceuticalInformationSequence) +
                       " tells of more than one injection");
  Radiopharmaceutical drug;
  const auto item = reader.item(tags::kRadiopharmaceuticalInformationSequence, 0);
  if (!item) return drug;
  drug.name = item->text(tags::kRadiopharmaceutical);
  drug.agentCode = item->code(tags::kRadiopharmaceuticalCodeSequence);
  drug.nuclideCode = item->code(tags::kRadionuclideCodeSequence);
  drug.injectedActivityBq = item->number(tags::kRadionuclideTotalDose, RefusalCode::DoseMissing);
  drug.halfLifeSeconds = item->number(tags::kRadionuclideHalfLife, RefusalCode::HalfLifeMissing);
  drug.startDateTime = item->dateTime(tags::kRadiopharmaceuticalStartDateTime, zone);
  drug.startTimeOfDay = item->timeOfDay(tags::kRadiopharmaceuticalStartTime);
  return drug;
}

// Height decides only whether there is a SUL, so text in it is no reason to refuse.
std::optional<double> heightOf(const DatasetReader& reader) {
  const std::string raw = reader.rawText(tags::kPatientSize);
  const auto height = parseNumber(raw);
  if (!raw.empty() && !height)
    reader.warn(describe(tags::kPatientSize) + " does not hold a number and is ignored");
  return height;
}

std::optional<double> philipsFactor(const DatasetReader& reader, const PrivateAttribute& attribute,
                                    bool philips) {
  const std::string raw = reader.privateText(attribute, philips);
  const auto factor = parseNumber(raw);
  if (!raw.empty() && !factor)
    reader.warn(describe(attribute) + " does not hold a number and is ignored");
  return factor;
}

void readDevice(const DatasetReader& reader, PetSeries& facts) {
  facts.manufacturer = reader.text(tags::kManufacturer);
  facts.manufacturerModel = reader.text(tags::kManufacturerModelName);
  facts.stationName = reader.text(tags::kStationName);
  facts.institutionName = reader.text(tags::kInstitutionName);
  facts.softwareVersions = reader.text(tags::kSoftwareVersions);
}

void readPetModules(const DatasetReader& reader, PetSeries& facts, std::optional<minutes> zone) {
  facts.imageType = reader.values(tags::kImageType);
  facts.seriesType = reader.values(tags::kSeriesType);
  facts.correctedImage = reader.values(tags::kCorrectedImage);
  facts.attenuationCorrectionMethod = reader.text(tags::kAttenuationCorrectionMethod);
  facts.units = validUtf8(reader.rawText(tags::kUnits));
  facts.suvType = validUtf8(reader.rawText(tags::kSuvType));
  facts.decayCorrection = validUtf8(reader.rawText(tags::kDecayCorrection));
  facts.reconstructionMethod = reader.text(tags::kReconstructionMethod);
  facts.radiopharmaceutical = radiopharmaceuticalOf(reader, zone);
  facts.patientWeightKg = reader.number(tags::kPatientWeight, RefusalCode::WeightMissing);
  facts.patientHeightM = heightOf(reader);
  facts.seriesDateTime =
      joined(reader.date(tags::kSeriesDate), reader.timeOfDay(tags::kSeriesTime));
  facts.gePostInjectionScanDateTime = reader.privateDateTime(tags::kGePostInjectionDateTime, zone);
  const bool philips = facts.manufacturer.find("hilips") != std::string::npos ||
                       facts.manufacturer.find("HILIPS") != std::string::npos;
  facts.philipsSuvFactor = philipsFactor(reader, tags::kPhilipsSuvScaleFactor, philips);
  facts.philipsActivityFactor = philipsFactor(reader, tags::kPhilipsActivityScaleFactor, philips);
}

void readRescale(const DatasetReader& reader, const PixelFormat& format, PetSlice& slice) {
  const auto slope = reader.number(tags::kRescaleSlope, RefusalCode::RescaleInvalid);
  const auto intercept = reader.number(tags::kRescaleIntercept, RefusalCode::RescaleInvalid);
  if (!slope || *slope <= 0)
    throw Unusable(RefusalCode::RescaleInvalid,
                   describe(tags::kRescaleSlope) + (slope ? " is not positive" : " is missing"));
  // PS3.3 C.8.9.4 fixes the intercept of PET at zero, so a missing one is no question.
  if (!intercept) reader.warn(describe(tags::kRescaleIntercept) + " is missing: taken as 0");
  slice.rescaleSlope = *slope;
  slice.rescaleIntercept = intercept.value_or(0);
  const double largest =
      std::ldexp(slice.rescaleSlope, format.bitsStored) + std::abs(slice.rescaleIntercept);
  if (largest > std::numeric_limits<float>::max())
    throw Unusable(RefusalCode::RescaleInvalid,
                   describe(tags::kRescaleSlope) + " makes pixel values overflow");
}

PetSlice sliceOf(const DatasetReader& reader, const PixelFormat& format,
                 std::optional<minutes> zone) {
  PetSlice slice;
  slice.sopInstanceUid = required(reader, tags::kSopInstanceUid);
  const auto position =
      reader.numbers(tags::kImagePositionPatient, 3, RefusalCode::UnreadableDicom);
  if (!position) unreadable(describe(tags::kImagePositionPatient) + " is missing");
  std::copy(position->begin(), position->end(), slice.positionMm.begin());
  readRescale(reader, format, slice);
  slice.acquisitionDateTime =
      joined(reader.date(tags::kAcquisitionDate), reader.timeOfDay(tags::kAcquisitionTime));
  if (!slice.acquisitionDateTime)
    slice.acquisitionDateTime = reader.dateTime(tags::kAcquisitionDateTime, zone);
  // Both inform the decay reference only in rare files; text in them counts as absent.
  const auto milliseconds = [&](const Attribute& attribute) {
    const auto number = parseNumber(reader.rawText(attribute));
    return number ? std::optional(std::chrono::duration<double>(*number / 1000)) : std::nullopt;
  };
  slice.frameReferenceTime = milliseconds(tags::kFrameReferenceTime);
  slice.actualFrameDuration = milliseconds(tags::kActualFrameDuration);
  return slice;
}

int requiredInteger(const DatasetReader& reader, const Attribute& attribute) {
  const auto number = reader.integer(attribute);
  if (!number) unreadable(describe(attribute) + " is missing");
  return *number;
}

PixelFormat formatOf(const DatasetReader& reader) {
  if (reader.rawText(tags::kPhotometricInterpretation) != "MONOCHROME2")
    unreadable(describe(tags::kPhotometricInterpretation) + " is not MONOCHROME2");
  if (requiredInteger(reader, tags::kSamplesPerPixel) != 1)
    unreadable(describe(tags::kSamplesPerPixel) + " is not 1");
  if (reader.integer(tags::kNumberOfFrames).value_or(1) != 1)
    unreadable(describe(tags::kNumberOfFrames) + " is not 1");
  PixelFormat format;
  format.rows = requiredInteger(reader, tags::kRows);
  format.columns = requiredInteger(reader, tags::kColumns);
  if (std::min(format.rows, format.columns) < kMinMatrix ||
      std::max(format.rows, format.columns) > kMaxMatrix)
    unreadable("a matrix of " + std::to_string(format.columns) + " x " +
               std::to_string(format.rows) + " pixels is not that of a PET image");
  format.bitsAllocated = requiredInteger(reader, tags::kBitsAllocated);
  format.bitsStored = requiredInteger(reader, tags::kBitsStored);
  format.highBit = reader.integer(tags::kHighBit).value_or(format.bitsStored - 1);
  const int pixelRepresentation = requiredInteger(reader, tags::kPixelRepresentation);
  format.isSigned = pixelRepresentation == 1;
  const int allocated = format.bitsAllocated;
  const bool sound = (allocated == 8 || allocated == 16 || allocated == 32) &&
                     format.bitsStored >= 1 && format.bitsStored <= allocated &&
                     format.highBit >= format.bitsStored - 1 && format.highBit < allocated &&
                     (pixelRepresentation == 0 || pixelRepresentation == 1);
  if (!sound)
    unreadable("BitsAllocated, BitsStored, HighBit and PixelRepresentation contradict each other");
  return format;
}

void readPlane(const DatasetReader& reader, SliceHeader& header) {
  const auto spacing = reader.numbers(tags::kPixelSpacing, 2, RefusalCode::UnreadableDicom);
  if (!spacing || spacing->front() <= 0 || spacing->back() <= 0 || spacing->front() > 100 ||
      spacing->back() > 100)
    unreadable(describe(tags::kPixelSpacing) + " is missing or not a spacing in mm");
  // DICOM gives the distance between rows first.
  header.spacingMm = {spacing->back(), spacing->front()};
  const auto axes = reader.numbers(tags::kImageOrientationPatient, 6, RefusalCode::UnreadableDicom);
  if (!axes) unreadable(describe(tags::kImageOrientationPatient) + " is missing");
  std::copy_n(axes->begin(), 3, header.rowDirection.begin());
  std::copy_n(axes->begin() + 3, 3, header.columnDirection.begin());
  const auto dot = [](const auto& a, const auto& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  constexpr double kTolerance = 1e-3;
  if (std::abs(dot(header.rowDirection, header.rowDirection) - 1) > kTolerance ||
      std::abs(dot(header.columnDirection, header.columnDirection) - 1) > kTolerance ||
      std::abs(dot(header.rowDirection, header.columnDirection)) > kTolerance)
    unreadable(describe(tags::kImageOrientationPatient) +
               " is no pair of perpendicular unit vectors");
}

}  // namespace

SeriesKind readSeriesKind(DcmFileFormat& file) {
  std::vector<std::string> warnings;
  TextDecoder decoder("");
  DatasetReader bare(*file.getDataset(), decoder, warnings);
  TextDecoder declared(bare.rawText(tags::kSpecificCharacterSet));
  const DatasetReader reader(*file.getDataset(), declared, warnings);
  return {validUtf8(reader.rawText(tags::kSeriesInstanceUid)),
          validUtf8(reader.rawText(tags::kSopClassUid)), validUtf8(reader.rawText(tags::kModality)),
          reader.text(tags::kSeriesDescription)};
}

SliceHeader readSliceHeader(DcmFileFormat& file, const std::string& name) {
  SliceHeader header;
  std::vector<std::string>& warnings = header.facts.warnings;
  TextDecoder plain("");
  DatasetReader bare(*file.getDataset(), plain, warnings);
  TextDecoder decoder(bare.rawText(tags::kSpecificCharacterSet));
  const DatasetReader reader(*file.getDataset(), decoder, warnings);
  try {
    const auto zone = parseZone(reader.rawText(tags::kTimezoneOffsetFromUtc));
    PetSeries& facts = header.facts;
    facts.patient = patientOf(reader);
    facts.study = studyOf(reader);
    facts.repeatedHeader = readRepeatedHeader(*file.getDataset(), decoder);
    facts.seriesInstanceUid = required(reader, tags::kSeriesInstanceUid);
    facts.sopClassUid = required(reader, tags::kSopClassUid);
    facts.frameOfReferenceUid = validUtf8(reader.rawText(tags::kFrameOfReferenceUid));
    facts.positionReferenceIndicator = reader.text(tags::kPositionReferenceIndicator);
    facts.seriesDescription = reader.text(tags::kSeriesDescription);
    readDevice(reader, facts);
    readPetModules(reader, facts, zone);
    header.format = formatOf(reader);
    readPlane(reader, header);
    facts.slices = {sliceOf(reader, header.format, zone)};
    header.sliceThicknessMm = parseNumber(reader.rawText(tags::kSliceThickness));
    header.numberOfSlices = reader.integer(tags::kNumberOfSlices);
    if (reader.rawText(tags::kLossyImageCompression) == "01")
      reader.warn("the pixels were compressed with loss at some time");
  } catch (Unusable& unusable) {
    for (Refusal& refusal : unusable.why.reasons) refusal.detail = name + ": " + refusal.detail;
    throw;
  }
  if (decoder.replacedSomething())
    reader.warn("text that does not fit the declared character set was replaced");
  return header;
}

}  // namespace fedpet::dicom
