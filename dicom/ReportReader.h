// Anybody's measurement report as plain values: TID 1500 "Measurement Report" (PS3.16) in an
// Enhanced, Comprehensive, Comprehensive 3D or Extensible SR. Codes are kept as they were written;
// dicom/RetiredCodes.h compares them. What is not understood is kept as a generic item, never
// dropped and never guessed at.
#pragma once

#include "clinical/Concepts.h"
#include "clinical/PetSeries.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

struct ReportReference {
  std::string sopClassUid, sopInstanceUid;
  std::vector<std::uint16_t> segments;
  std::vector<int> frames;
};

// One content item with all below it (PS3.3 C.17.3). Text is UTF-8.
struct ReportItem {
  std::string relationship;  // "CONTAINS", "HAS CONCEPT MOD", ...; empty at the root
  std::string valueType;     // "NUM", "CODE", ...; "REFERENCE" for one that points to another item
  Code name;                 // empty where the item has none
  // TEXT, PNAME, UIDREF, DATE, TIME, DATETIME: the value. SCOORD and SCOORD3D: the graphic type.
  // REFERENCE: the place of the other item, "1.3.2"; it is not followed, so that a circle is
  // harmless.
  std::string text;
  Code code;                     // CODE
  std::optional<double> number;  // NUM; finite
  Code unit, qualifier;          // NUM: its unit, and of CID 42 why there is no value
  ReportReference reference;     // IMAGE, COMPOSITE, WAVEFORM
  std::string observationUid, templateId;
  std::vector<ReportItem> children;
};

struct ReportNumber {
  Code name, unit;
  std::optional<double> value;    // nullopt: the report gives none, `qualifier` may say why
  std::optional<Code> qualifier;  // CID 42
  std::optional<Code> derivation, method;
  std::vector<Code> findingSites;  // where they differ from the group's
  std::string observationUid;
  std::vector<ReportItem> properties;  // all else that stands below the number
};

// A CODE or TEXT that says something in place of a number.
struct ReportEvaluation {
  Code name;
  std::optional<Code> code;  // else `text`
  std::string text, observationUid;
  std::vector<ReportItem> properties;
};

struct ReportGroup {
  std::string templateId;  // "1410", "1411", "1501"; often not written
  std::string trackingId, trackingUid, activitySession, timePoint;
  std::optional<Code> findingCategory, finding, method;
  std::vector<Code> findingSites;
  std::vector<ReportReference> segments;  // with the segment numbers
  std::vector<ReportReference> sourceImages;
  std::vector<std::string> sourceSeriesUids;
  std::optional<ReportReference> realWorldValueMap;
  bool hasRegion = false;  // a segment, a contour or a surface: it is about a place
  std::vector<ReportNumber> numbers;
  std::vector<ReportEvaluation> evaluations;
  std::vector<ReportItem> others;
};

struct ReportLibraryGroup {
  std::vector<ReportItem> descriptors;  // modality, radionuclide, ...: of all its images
  std::vector<ReportItem> images;       // each with descriptors of its own, if any
};

struct ReportEvidence {
  std::string studyInstanceUid, seriesInstanceUid, sopClassUid, sopInstanceUid;
  bool ofOtherProcedure = false;  // PertinentOtherEvidenceSequence
};

struct ReportHeader {
  std::string sopClassUid, sopInstanceUid, studyInstanceUid, seriesInstanceUid;
  std::string patientId, issuerOfPatientId, patientBirthDate, patientSex;
  std::string studyDescription, seriesDescription;
  std::string manufacturer, manufacturerModel, softwareVersions;
  std::optional<WallClock> studyAt, contentAt;
  std::string completion, verification;  // "COMPLETE", "UNVERIFIED"
  std::string preliminary;               // "PRELIMINARY", "FINAL" or empty
};

struct Report {
  ReportHeader header;
  Code title;
  std::optional<Code> language;
  std::vector<Code> proceduresReported;
  std::vector<ReportItem> observers;  // TID 1001
  std::vector<ReportLibraryGroup> imageLibrary;
  std::vector<ReportItem> algorithm;  // TID 4019 of the measurements as a whole
  std::vector<ReportGroup> groups;
  std::vector<ReportEvaluation> evaluations;  // of the whole study
  std::vector<ReportItem> others;
  std::vector<ReportEvidence> evidence;
  std::vector<std::string> warnings;  // what was odd
};

// A whole-body report with three hundred lesions has about 25 000 content items.
inline constexpr std::size_t kMaxContentItems = 200'000;

// Throw DicomError, saying what is wrong: no DICOM, damaged or cut short, not a structured report,
// an SR that is no measurement report, more than kMaxContentItems, nested too deeply.
Report readReport(std::span<const std::byte> file);
Report readReport(const std::filesystem::path&);

// The first child with this name, or null.
const ReportItem* childNamed(const std::vector<ReportItem>&, const Code& name);
// CID 42: what stands in the place of a number or category that there is not.
bool saysNoValue(const ReportEvaluation&);

}  // namespace fedpet::dicom
