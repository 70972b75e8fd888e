#include "orthanc-plugin/cli/ReportText.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <optional>

namespace fedpet::plugin {
namespace {

using dicom::Report;
using dicom::ReportEvaluation;
using dicom::ReportGroup;
using dicom::ReportItem;
using dicom::ReportNumber;
using dicom::ReportReference;

std::string shown(const Code& code) {
  return code.meaning.empty() ? code.value + " (" + code.scheme + ")" : code.meaning;
}

std::string shown(WallClock at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

// "0.31" and not "0.31 1": these units say that there is none.
std::string withUnit(double value, const Code& unit) {
  if (unit.value.empty() || unit.value == "1" || unit.value == "{ratio}" || unit.value == "{count}")
    return fmt::format("{}", value);
  return fmt::format("{} {}", value, unit.value);
}

std::string joined(const std::vector<std::string>& parts, const char* between = ", ") {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string shown(const std::vector<Code>& codes) {
  std::vector<std::string> parts;
  for (const Code& code : codes) parts.push_back(shown(code));
  return joined(parts);
}

std::string shown(const ReportReference& reference) {
  std::string text = reference.sopInstanceUid;
  if (!reference.segments.empty())
    text = fmt::format("{} of {}", fmt::join(reference.segments, ", "), text);
  if (!reference.frames.empty())
    text += fmt::format(", frames {}", fmt::join(reference.frames, ", "));
  return text;
}

std::string valueOf(const ReportItem& item) {
  if (item.valueType == "CODE") return shown(item.code);
  if (item.valueType == "NUM") return item.number ? withUnit(*item.number, item.unit) : "no value";
  if (!item.reference.sopInstanceUid.empty()) return shown(item.reference);
  return item.text;
}

// --- for people ---------------------------------------------------------------------------------

class Lines {
 public:
  // Nothing for an empty value.
  void field(int indent, const std::string& name, const std::string& value) {
    if (value.empty()) return;
    line(indent, fmt::format("{:<{}} {}", name, std::max(1, 26 - 2 * indent), value));
  }
  void line(int indent, const std::string& text) {
    // A text of several lines stays in its column.
    const std::string margin(static_cast<std::size_t>(2 * indent), ' ');
    text_ += margin;
    for (const char c : text)
      if (c == '\n' || c == '\r')
        text_ += "\n" + margin + "  ";
      else
        text_ += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    text_ += '\n';
  }
  void item(int indent, const ReportItem& item) {
    field(indent, item.name.value.empty() ? item.valueType : shown(item.name), valueOf(item));
    if (valueOf(item).empty() && !item.children.empty()) line(indent, shown(item.name));
    for (const ReportItem& child : item.children) this->item(indent + 1, child);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string nameOf(const ReportNumber& number) {
  std::string name = shown(number.name);
  if (number.derivation) name += ", " + shown(*number.derivation);
  return name;
}

void addNumber(Lines& out, const ReportNumber& number) {
  std::string value = "no value";
  if (number.value) value = withUnit(*number.value, number.unit);
  if (number.qualifier) value += " (" + shown(*number.qualifier) + ")";
  if (!number.findingSites.empty()) value += " in: " + shown(number.findingSites);
  out.line(2, fmt::format("{:<36} {}", nameOf(number), value));
  if (number.method) out.field(3, "method", shown(*number.method));
  for (const ReportItem& property : number.properties) out.item(3, property);
}

void addEvaluation(Lines& out, int indent, const ReportEvaluation& evaluation) {
  std::string value = evaluation.code ? shown(*evaluation.code) : evaluation.text;
  if (saysNoValue(evaluation)) value = "no value: " + value;
  out.line(indent, fmt::format("{:<{}} {}", shown(evaluation.name), 40 - 2 * indent, value));
  for (const ReportItem& property : evaluation.properties) out.item(indent + 1, property);
}

void addGroup(Lines& out, const ReportGroup& group) {
  out.line(0, "");
  out.line(0, fmt::format("Group '{}'{}", group.trackingId,
                          group.templateId.empty() ? "" : " (TID " + group.templateId + ")"));
  out.field(1, "Tracking UID", group.trackingUid);
  out.field(1, "Activity session", group.activitySession);
  out.field(1, "Time point", group.timePoint);
  if (group.findingCategory) out.field(1, "Finding category", shown(*group.findingCategory));
  if (group.finding) out.field(1, "Finding", shown(*group.finding));
  out.field(1, "Finding site", shown(group.findingSites));
  if (group.method) out.field(1, "Method", shown(*group.method));
  for (const ReportReference& segment : group.segments) out.field(1, "Segment", shown(segment));
  out.field(1, "Source series", joined(group.sourceSeriesUids));
  for (const ReportReference& image : group.sourceImages)
    out.field(1, "Source image", shown(image));
  if (group.realWorldValueMap)
    out.field(1, "Real world value map", shown(*group.realWorldValueMap));
  for (const ReportNumber& number : group.numbers) addNumber(out, number);
  for (const ReportEvaluation& evaluation : group.evaluations) addEvaluation(out, 2, evaluation);
  for (const ReportItem& item : group.others) out.item(2, item);
}

void addHeader(Lines& out, const Report& report) {
  const dicom::ReportHeader& h = report.header;
  out.line(0, shown(report.title));
  std::vector<std::string> maker{h.manufacturer, h.manufacturerModel, h.softwareVersions};
  std::erase(maker, "");
  out.field(1, "Made by", joined(maker, " "));
  if (h.contentAt) out.field(1, "Written", shown(*h.contentAt));
  std::string status = h.completion;
  for (const std::string* flag : {&h.verification, &h.preliminary})
    if (!flag->empty()) status += ", " + *flag;
  out.field(1, "Status", status);
  out.field(1, "Patient ID", h.patientId);
  out.field(1, "Study", h.studyInstanceUid);
  if (h.studyAt) out.field(1, "Study date", shown(*h.studyAt));
  out.field(1, "Report", h.sopInstanceUid);
  out.field(1, "Procedure", shown(report.proceduresReported));
  for (const ReportItem& observer : report.observers) out.item(1, observer);
  for (const ReportItem& item : report.algorithm) out.item(1, item);
}

void addLibrary(Lines& out, const Report& report) {
  for (const dicom::ReportLibraryGroup& group : report.imageLibrary) {
    out.line(0, "");
    out.line(0, fmt::format("Image library: {} images", group.images.size()));
    for (const ReportItem& item : group.descriptors) out.item(1, item);
  }
}

void addPrior(Lines& out, const PriorStudy& prior) {
  const StudySummary& s = prior.summary;
  const auto number = [&](const char* name, const std::optional<double>& value, const char* unit) {
    if (value) out.field(1, name, fmt::format("{} {}", *value, unit));
  };
  out.line(0, "");
  out.line(0, "As an earlier study, for a comparison");
  out.field(1, "Scanned", s.scannedAt == WallClock{} ? "" : shown(s.scannedAt));
  out.field(1, "Scanner", prior.scannerModel);
  number("Uptake time", prior.uptakeMinutes, "min");
  out.field(1, "Lesions by", s.lesionDefinition);
  int lesions = 0;
  for (const PriorRegion& region : prior.regions) lesions += region.role == RegionRole::Lesion;
  out.field(1, "Regions",
            fmt::format("{} lesion(s), {} organ(s)", lesions,
                        static_cast<int>(prior.regions.size()) - lesions));
  number("TMTV", s.tmtvMl, "ml");
  number("TLG", s.tlgG, "g");
  number("SUVmax", s.suvMax, "g/ml");
  number("SULpeak", s.sulPeak, "g/ml");
  number("PERCIST threshold", prior.percistThreshold, "g/ml");
  if (s.percist) out.field(1, "PERCIST", std::string(title(*s.percist)));
  if (s.iPercist) out.field(1, "iPERCIST", std::string(title(*s.iPercist)));
  for (const std::string& warning : prior.warnings) out.field(1, "Remark", warning);
}

// --- for programs -------------------------------------------------------------------------------

using Json = nlohmann::ordered_json;

Json json(const std::string&);
Json json(const ReportItem&);
Json json(const ReportNumber&);
Json json(const ReportEvaluation&);
Json json(const ReportGroup&);
Json json(const dicom::ReportLibraryGroup&);
Json json(const PriorRegion&);

Json json(const Code& code) {
  return {{"value", code.value}, {"scheme", code.scheme}, {"meaning", code.meaning}};
}

Json json(const ReportReference& reference) {
  Json result{{"sopClassUid", reference.sopClassUid}, {"sopInstanceUid", reference.sopInstanceUid}};
  if (!reference.segments.empty()) result["segments"] = reference.segments;
  if (!reference.frames.empty()) result["frames"] = reference.frames;
  return result;
}

void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
void put(Json& object, const char* key, const std::optional<Code>& code) {
  if (code && !code->value.empty()) object[key] = json(*code);
}
void put(Json& object, const char* key, const std::optional<double>& number) {
  if (number) object[key] = *number;
}

template <typename Value>
Json list(const std::vector<Value>& values) {
  Json result = Json::array();
  for (const Value& value : values) result.push_back(json(value));
  return result;
}
template <typename Value>
void put(Json& object, const char* key, const std::vector<Value>& values) {
  if (!values.empty()) object[key] = list(values);
}

Json json(const std::string& text) { return text; }

Json json(const ReportItem& item) {
  Json result{{"relationship", item.relationship}, {"type", item.valueType}};
  put(result, "name", std::optional(item.name));
  put(result, "text", item.text);
  put(result, "code", std::optional(item.code));
  put(result, "number", item.number);
  put(result, "unit", std::optional(item.unit));
  put(result, "qualifier", std::optional(item.qualifier));
  if (!item.reference.sopInstanceUid.empty()) result["reference"] = json(item.reference);
  put(result, "observationUid", item.observationUid);
  put(result, "templateId", item.templateId);
  put(result, "children", item.children);
  return result;
}

Json json(const ReportNumber& number) {
  Json result{{"name", json(number.name)}, {"value", nullptr}, {"unit", json(number.unit)}};
  put(result, "value", number.value);
  put(result, "derivation", number.derivation);
  put(result, "method", number.method);
  put(result, "findingSites", number.findingSites);
  put(result, "qualifier", number.qualifier);
  put(result, "observationUid", number.observationUid);
  put(result, "properties", number.properties);
  return result;
}

Json json(const ReportEvaluation& evaluation) {
  Json result{{"name", json(evaluation.name)}};
  put(result, "code", evaluation.code);
  put(result, "text", evaluation.text);
  put(result, "observationUid", evaluation.observationUid);
  put(result, "properties", evaluation.properties);
  return result;
}

Json json(const ReportGroup& group) {
  Json result{{"trackingId", group.trackingId}, {"trackingUid", group.trackingUid}};
  put(result, "templateId", group.templateId);
  put(result, "activitySession", group.activitySession);
  put(result, "timePoint", group.timePoint);
  put(result, "findingCategory", group.findingCategory);
  put(result, "finding", group.finding);
  put(result, "findingSites", group.findingSites);
  put(result, "method", group.method);
  put(result, "segments", group.segments);
  put(result, "sourceSeriesUids", group.sourceSeriesUids);
  put(result, "sourceImages", group.sourceImages);
  if (group.realWorldValueMap) result["realWorldValueMap"] = json(*group.realWorldValueMap);
  result["numbers"] = list(group.numbers);
  result["evaluations"] = list(group.evaluations);
  put(result, "others", group.others);
  return result;
}

Json json(const dicom::ReportLibraryGroup& group) {
  return {{"descriptors", list(group.descriptors)}, {"images", list(group.images)}};
}

Json json(const dicom::ReportHeader& h) {
  Json result{{"sopClassUid", h.sopClassUid},
              {"sopInstanceUid", h.sopInstanceUid},
              {"studyInstanceUid", h.studyInstanceUid},
              {"seriesInstanceUid", h.seriesInstanceUid},
              {"patientId", h.patientId},
              {"manufacturer", h.manufacturer},
              {"manufacturerModel", h.manufacturerModel},
              {"softwareVersions", h.softwareVersions},
              {"completion", h.completion},
              {"verification", h.verification},
              {"preliminary", h.preliminary}};
  if (h.studyAt) result["studyAt"] = shown(*h.studyAt);
  if (h.contentAt) result["contentAt"] = shown(*h.contentAt);
  return result;
}

Json json(const PriorRegion& region) {
  Json result{{"role", toString(region.role)},
              {"trackingId", region.trackingId},
              {"trackingUid", region.trackingUid}};
  if (region.organ) result["organ"] = toString(*region.organ);
  put(result, "volumeMl", region.volumeMl);
  put(result, "glycolysisG", region.glycolysisG);
  put(result, "suvMax", region.suvMax);
  put(result, "suvMean", region.suvMean);
  put(result, "suvPeak", region.suvPeak);
  put(result, "sulPeak", region.sulPeak);
  return result;
}

Json json(const PriorStudy& prior) {
  const StudySummary& s = prior.summary;
  Json result{{"producer", s.producer},
              {"lesionDefinition", s.lesionDefinition},
              {"scannerModel", prior.scannerModel}};
  if (s.scannedAt != WallClock{}) result["scannedAt"] = shown(s.scannedAt);
  put(result, "uptakeMinutes", prior.uptakeMinutes);
  put(result, "tmtvMl", s.tmtvMl);
  put(result, "tlgG", s.tlgG);
  put(result, "suvMax", s.suvMax);
  put(result, "sulPeak", s.sulPeak);
  if (s.lesionCount) result["lesionCount"] = *s.lesionCount;
  put(result, "referenceSulMean", prior.referenceSulMean);
  put(result, "referenceSulSd", prior.referenceSulSd);
  put(result, "percistThreshold", prior.percistThreshold);
  if (prior.reference) result["reference"] = toString(*prior.reference);
  if (s.percist) result["percist"] = toString(*s.percist);
  if (s.iPercist) result["iPercist"] = toString(*s.iPercist);
  result["regions"] = list(prior.regions);
  result["warnings"] = prior.warnings;
  return result;
}

}  // namespace

std::string reportText(const Report& report, const PriorStudy& asPrior) {
  Lines out;
  addHeader(out, report);
  addLibrary(out, report);
  for (const ReportGroup& group : report.groups) addGroup(out, group);
  if (!report.evaluations.empty()) {
    out.line(0, "");
    out.line(0, "Of the whole study");
    for (const ReportEvaluation& evaluation : report.evaluations) addEvaluation(out, 1, evaluation);
  }
  if (!report.others.empty()) {
    out.line(0, "");
    out.line(0, "Other items");
    for (const ReportItem& item : report.others) out.item(1, item);
  }
  addPrior(out, asPrior);
  return out.take();
}

nlohmann::ordered_json reportJson(const Report& report, const PriorStudy& asPrior) {
  Json result{{"header", json(report.header)}, {"title", json(report.title)}};
  put(result, "language", report.language);
  put(result, "proceduresReported", report.proceduresReported);
  put(result, "observers", report.observers);
  put(result, "algorithm", report.algorithm);
  put(result, "imageLibrary", report.imageLibrary);
  result["groups"] = list(report.groups);
  result["evaluations"] = list(report.evaluations);
  put(result, "others", report.others);
  result["warnings"] = report.warnings;
  result["asPrior"] = json(asPrior);
  return result;
}

}  // namespace fedpet::plugin
