#include "dicom/ReportReader.h"

#include "dicom/Codes.h"
#include "dicom/DatasetReader.h"
#include "dicom/DatasetShape.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/ReportItems.h"
#include "dicom/RetiredCodes.h"

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace fedpet::dicom {
namespace {

constexpr const char* kCannot = "cannot read the structured report";

[[noreturn]] void fail(const std::string& why) {
  throw DicomError(std::string(kCannot) + ": " + why);
}

bool named(const ReportItem& item, const Code& name) { return meansTheSame(item.name, name); }

bool isContainer(const ReportItem& item) { return item.valueType == "CONTAINER"; }

void putIfNew(std::vector<Code>& codes, const Code& code) {
  if (!code.value.empty() && std::find(codes.begin(), codes.end(), code) == codes.end())
    codes.push_back(code);
}

// --- groups -------------------------------------------------------------------------------------

ReportNumber numberOf(ReportItem& item) {
  ReportNumber n;
  n.name = std::move(item.name);
  n.unit = std::move(item.unit);
  n.value = item.number;
  if (!item.qualifier.value.empty()) n.qualifier = std::move(item.qualifier);
  n.observationUid = std::move(item.observationUid);
  for (ReportItem& child : item.children)
    if (child.valueType == "CODE" && named(child, codes::derivation()) && !n.derivation)
      n.derivation = std::move(child.code);
    else if (child.valueType == "CODE" && named(child, codes::measurementMethod()) && !n.method)
      n.method = std::move(child.code);
    else if (child.valueType == "CODE" && named(child, codes::findingSite()))
      putIfNew(n.findingSites, child.code);
    else
      n.properties.push_back(std::move(child));
  return n;
}

ReportEvaluation evaluationOf(ReportItem& item) {
  ReportEvaluation e;
  e.name = std::move(item.name);
  if (item.valueType == "CODE") e.code = std::move(item.code);
  e.text = std::move(item.text);
  e.observationUid = std::move(item.observationUid);
  e.properties = std::move(item.children);
  return e;
}

bool isEvaluation(const ReportItem& item) {
  return item.relationship == "CONTAINS" && (item.valueType == "CODE" || item.valueType == "TEXT");
}

// A single place of the group: false where it is taken already, so that the item is kept as other.
bool put(std::string& place, const ReportItem& item) {
  if (!place.empty()) return false;
  place = item.text;
  return true;
}
bool put(std::optional<Code>& place, const ReportItem& item) {
  if (place || item.code.value.empty()) return false;
  place = item.code;
  return true;
}

// The rows of TID 1410, 1411 and 1501 that have a name of their own.
bool takeText(ReportGroup& group, const ReportItem& item) {
  if (named(item, codes::trackingIdentifier())) return put(group.trackingId, item);
  if (named(item, codes::trackingUniqueIdentifier())) return put(group.trackingUid, item);
  if (named(item, codes::activitySession())) return put(group.activitySession, item);
  if (named(item, codes::timePoint())) return put(group.timePoint, item);
  if (item.valueType == "UIDREF" && named(item, codes::sourceSeriesForSegmentation())) {
    group.sourceSeriesUids.push_back(item.text);
    return true;
  }
  return false;
}

bool takeCode(ReportGroup& group, const ReportItem& item) {
  if (named(item, codes::finding())) return put(group.finding, item);
  if (named(item, codes::findingCategory())) return put(group.findingCategory, item);
  if (named(item, codes::measurementMethod())) return put(group.method, item);
  if (!named(item, codes::findingSite())) return false;
  putIfNew(group.findingSites, item.code);
  return true;
}

// Rows of TID 1410 and 1411; what stands below the item (a contour's image) decides nothing.
bool takeReference(ReportGroup& group, const ReportItem& item) {
  if (item.valueType == "COMPOSITE" && named(item, codes::realWorldValueMap())) {
    if (group.realWorldValueMap) return false;
    group.realWorldValueMap = item.reference;
    return true;
  }
  if (item.valueType != "IMAGE" || !item.children.empty()) return false;
  if (named(item, codes::referencedSegment()) ||
      named(item, codes::referencedSegmentationFrame())) {
    group.segments.push_back(item.reference);
    group.hasRegion = true;
  } else {
    group.sourceImages.push_back(item.reference);
  }
  return true;
}

bool take(ReportGroup& group, const ReportItem& item) {
  if (item.valueType == "TEXT" || item.valueType == "UIDREF") return takeText(group, item);
  if (item.valueType == "CODE") return takeCode(group, item);
  return takeReference(group, item);
}

ReportGroup groupOf(ReportItem& container) {
  ReportGroup group;
  group.templateId = std::move(container.templateId);
  for (ReportItem& item : container.children) {
    if (item.valueType == "SCOORD" || item.valueType == "SCOORD3D") group.hasRegion = true;
    if (take(group, item)) continue;
    if (item.valueType == "NUM")
      group.numbers.push_back(numberOf(item));
    else if (isEvaluation(item))
      group.evaluations.push_back(evaluationOf(item));
    else
      group.others.push_back(std::move(item));
  }
  return group;
}

// --- the parts of TID 1500 ----------------------------------------------------------------------

void readLibrary(Report& report, ReportItem& library) {
  for (ReportItem& item : library.children) {
    if (!isContainer(item)) {  // TID 1600 allows images without a group in older reports
      if (report.imageLibrary.empty()) report.imageLibrary.emplace_back();
      auto& group = report.imageLibrary.front();
      (item.valueType == "IMAGE" ? group.images : group.descriptors).push_back(std::move(item));
      continue;
    }
    ReportLibraryGroup group;
    for (ReportItem& entry : item.children)
      (entry.valueType == "IMAGE" ? group.images : group.descriptors).push_back(std::move(entry));
    report.imageLibrary.push_back(std::move(group));
  }
}

void readMeasurements(Report& report, ReportItem& container) {
  for (ReportItem& item : container.children)
    if (isContainer(item) && named(item, codes::measurementGroup()))
      report.groups.push_back(groupOf(item));
    else if (item.relationship == "HAS CONCEPT MOD")
      report.algorithm.push_back(std::move(item));
    else
      report.others.push_back(std::move(item));
}

void readEvaluations(Report& report, ReportItem& container) {
  for (ReportItem& item : container.children)
    if (isEvaluation(item))
      report.evaluations.push_back(evaluationOf(item));
    else
      report.others.push_back(std::move(item));
}

void readPart(Report& report, ReportItem& item) {
  if (isContainer(item) && named(item, codes::imageLibrary()))
    readLibrary(report, item);
  else if (isContainer(item) && (named(item, codes::imagingMeasurements()) ||
                                 named(item, codes::derivedImagingMeasurements())))
    readMeasurements(report, item);
  else if (isContainer(item) && named(item, codes::qualitativeEvaluations()))
    readEvaluations(report, item);
  else if (item.relationship == "HAS OBS CONTEXT")
    report.observers.push_back(std::move(item));
  else if (item.valueType == "CODE" && named(item, codes::language()) && !report.language)
    report.language = std::move(item.code);
  else if (item.valueType == "CODE" && named(item, codes::procedureReported()))
    report.proceduresReported.push_back(std::move(item.code));
  else
    report.others.push_back(std::move(item));
}

// Producers forget the template's number more often than the container that it begins with.
void requireMeasurementReport(const ReportItem& root) {
  const bool hasMeasurements =
      std::any_of(root.children.begin(), root.children.end(), [](const ReportItem& item) {
        return isContainer(item) && (named(item, codes::imagingMeasurements()) ||
                                     named(item, codes::derivedImagingMeasurements()));
      });
  if (root.templateId == "1500" || hasMeasurements) return;
  fail("it is no measurement report (TID 1500) but '" + root.name.meaning + "'" +
       (root.templateId.empty() ? "" : " (TID " + root.templateId + ")"));
}

void requireReportClass(const std::string& sopClass) {
  constexpr std::array<std::string_view, 4> known{
      "1.2.840.10008.5.1.4.1.1.88.22",   // Enhanced
      "1.2.840.10008.5.1.4.1.1.88.33",   // Comprehensive
      "1.2.840.10008.5.1.4.1.1.88.34",   // Comprehensive 3D
      "1.2.840.10008.5.1.4.1.1.88.35"};  // Extensible
  if (std::find(known.begin(), known.end(), sopClass) == known.end())
    fail("its SOP class is " + (sopClass.empty() ? "missing" : sopClass) +
         ", not an Enhanced, Comprehensive, Comprehensive 3D or Extensible SR");
}

void removeRepeated(std::vector<std::string>& warnings) {
  std::set<std::string> seen;
  std::erase_if(warnings, [&](const std::string& w) { return !seen.insert(w).second; });
}

Report reportOf(DcmDataset& dataset) {
  TextDecoder decoder(writtenText(dataset, DCM_SpecificCharacterSet));
  Report report;
  report.header = reportHeaderOf(dataset, decoder);
  requireReportClass(report.header.sopClassUid);
  ReportItem root = rootItemOf(dataset, decoder, report.warnings);
  requireMeasurementReport(root);
  report.title = std::move(root.name);
  for (ReportItem& item : root.children) readPart(report, item);
  report.evidence = evidenceOf(dataset);
  if (decoder.replacedSomething())
    report.warnings.push_back("Some text does not fit the character set that the file declares.");
  removeRepeated(report.warnings);
  return report;
}

}  // namespace

Report readReport(std::span<const std::byte> file) {
  const DatasetShape shape = requireHarmless(file, kCannot);
  if (shape.contentItems > kMaxContentItems)
    fail("it has more than " + std::to_string(kMaxContentItems) + " content items");
  return reportOf(*loadDicom(file, "structured report", kCannot)->getDataset());
}

Report readReport(const std::filesystem::path& path) try {
  return readReport(readFile(path, path.filename().string()));
} catch (const Unusable& unusable) {
  fail(unusable.why.reasons.front().detail);
}

const ReportItem* childNamed(const std::vector<ReportItem>& items, const Code& name) {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const ReportItem& item) { return named(item, name); });
  return found == items.end() ? nullptr : &*found;
}

bool saysNoValue(const ReportEvaluation& evaluation) {
  const bool dcm = evaluation.code && evaluation.code->scheme == "DCM";
  return dcm && evaluation.code->value >= "114000" && evaluation.code->value <= "114011";
}

}  // namespace fedpet::dicom
