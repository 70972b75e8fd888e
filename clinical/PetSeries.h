// One PET series as it was acquired: header facts and rescaled pixels, before any SUV.
// Text is UTF-8 whatever character set the files used; a missing attribute is empty or nullopt.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinical/Concepts.h"
#include "clinical/Geometry.h"

namespace fedpet {

// Wall-clock time of the scanner. Explicit zones have been converted to the series' own zone.
using WallClock = std::chrono::local_time<std::chrono::microseconds>;

// An attribute that results repeat as the source has it: what all instances of a patient or study
// have in common, and nothing here interprets.
struct HeaderAttribute {
  std::uint16_t group = 0, element = 0;
  std::string value;  // as in the file but UTF-8; backslashes part several values
  std::vector<std::vector<HeaderAttribute>> items;  // of a sequence
};

struct PatientIdentity {
  std::string patientId;
  std::string issuerOfPatientId;  // (0010,0021)
  std::string patientName;        // DICOM PN form, "Family^Given"
  std::string birthDate;          // DA, "19410203"
  std::string sex;                // "M", "F", "O" or empty
  std::optional<double> ageYears; // PatientAge, else from the birth date
  bool identityRemoved = false;   // (0012,0062): the source was de-identified, so are the results
};

struct StudyIdentity {
  std::string studyInstanceUid;
  std::string studyId, studyDate, studyTime, studyDescription;
  std::string accessionNumber, referringPhysicianName;
};

struct Radiopharmaceutical {
  std::string name;                            // (0018,0031)
  std::optional<Code> agentCode;               // (0054,0304)
  std::optional<Code> nuclideCode;             // (0054,0300)
  std::optional<double> injectedActivityBq;    // (0018,1074) as written, even if implausible
  std::optional<double> halfLifeSeconds;       // (0018,1075)
  std::optional<WallClock> startDateTime;      // (0018,1078)
  std::optional<std::chrono::microseconds> startTimeOfDay;  // (0018,1072)
};

struct PetSlice {
  std::string sopInstanceUid;
  PointMm positionMm{};                  // ImagePositionPatient
  double rescaleSlope = 1, rescaleIntercept = 0;
  std::optional<WallClock> acquisitionDateTime;
  // (0054,1300), (0018,1242): when the frame's counts were taken, counted from the moment that
  // the pixels are decay corrected to, and how long it lasted.
  std::optional<std::chrono::duration<double>> frameReferenceTime, actualFrameDuration;
};

struct PetSeries {
  PatientIdentity patient;
  StudyIdentity study;
  // Further attributes of patient and study, for the headers of SR and SEG only: they may hold free
  // text about the patient, so they travel to no other place.
  std::vector<HeaderAttribute> repeatedHeader;
  std::string seriesInstanceUid, frameOfReferenceUid, sopClassUid, seriesDescription;
  std::string positionReferenceIndicator;    // (0020,1040), belongs to the frame of reference
  std::string manufacturer, manufacturerModel, stationName, institutionName, softwareVersions;
  std::vector<std::string> imageType;        // ORIGINAL, PRIMARY, ...
  std::vector<std::string> seriesType;       // (0054,1000): STATIC, IMAGE; WHOLE BODY, IMAGE
  std::vector<std::string> correctedImage;   // (0028,0051): ATTN, DECY, ...
  std::string attenuationCorrectionMethod;   // (0054,1101)
  std::string units;                         // (0054,1001): BQML, CNTS, GML, ...
  std::string suvType;                       // (0054,1006): BW, LBM, BSA, IBW or empty
  std::string decayCorrection;               // (0054,1102): START, ADMIN, NONE or empty
  std::string reconstructionMethod;          // (0054,1103)
  Radiopharmaceutical radiopharmaceutical;
  std::optional<double> patientWeightKg;     // as written: 0 stays 0
  std::optional<double> patientHeightM;      // (0010,1020) as written
  std::optional<WallClock> seriesDateTime;
  std::optional<WallClock> gePostInjectionScanDateTime;   // GE private (0009,100d)
  std::optional<double> philipsSuvFactor;        // (7053,1000)
  std::optional<double> philipsActivityFactor;   // (7053,1009)

  std::vector<PetSlice> slices;   // sorted along geometry.sliceDirection, one per k
  VolumeGeometry geometry;
  // stored value x slope + intercept of its own slice, in `units`; geometry.voxelCount() long.
  std::vector<float> pixels;
  // Oddities that did not stop the reading, for the reader of the report.
  std::vector<std::string> warnings;
};

}  // namespace fedpet
