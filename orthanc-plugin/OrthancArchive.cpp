#include "orthanc-plugin/OrthancArchive.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

// nullopt for 404; ArchiveError for anything else that is not the JSON we asked for.
std::optional<json> getJson(const OrthancCore& core, const std::string& uri) {
  CoreReply reply;
  try {
    reply = core.get(uri);
  } catch (const std::exception& e) {
    throw ArchiveError(e.what());
  }
  if (reply.status == 404) return std::nullopt;
  if (reply.status != 200)
    throw ArchiveError("GET " + uri + " answered " + std::to_string(reply.status));
  json answer = json::parse(reply.body, nullptr, false);
  if (answer.is_discarded()) throw ArchiveError("GET " + uri + " did not answer JSON");
  return answer;
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::vector<std::string> split(const std::string& values) {
  std::vector<std::string> list;
  std::size_t begin = 0;
  while (begin <= values.size()) {
    const std::size_t end = std::min(values.find('\\', begin), values.size());
    std::string value = values.substr(begin, end - begin);
    while (!value.empty() && value.back() == ' ') value.pop_back();
    value.erase(0, value.find_first_not_of(' '));
    list.push_back(std::move(value));
    begin = end + 1;
  }
  return list;
}

std::vector<double> numbers(const std::string& values) {
  std::vector<double> list;
  for (const std::string& value : split(values)) {
    try {
      list.push_back(std::stod(value));
    } catch (const std::logic_error&) {
      return {};
    }
  }
  return list;
}

std::optional<Code> codeOf(const json& item, const char* sequence) {
  const auto it = item.find(sequence);
  if (it == item.end() || !it->is_array() || it->empty()) return std::nullopt;
  const json& code = it->front();
  Code result{text(code, "CodeValue"), text(code, "CodingSchemeDesignator"),
              text(code, "CodeMeaning")};
  if (result.value.empty()) return std::nullopt;
  return result;
}

Radiopharmaceutical radiopharmaceutical(const json& tags) {
  Radiopharmaceutical drug;
  const auto it = tags.find("RadiopharmaceuticalInformationSequence");
  if (it == tags.end() || !it->is_array() || it->empty()) return drug;
  drug.name = text(it->front(), "Radiopharmaceutical");
  drug.agentCode = codeOf(it->front(), "RadiopharmaceuticalCodeSequence");
  drug.nuclideCode = codeOf(it->front(), "RadionuclideCodeSequence");
  return drug;
}

ArchiveChange::Kind kindOf(const std::string& changeType) {
  if (changeType == "NewInstance") return ArchiveChange::Kind::NewInstance;
  if (changeType == "NewSeries") return ArchiveChange::Kind::NewSeries;
  if (changeType == "StableSeries") return ArchiveChange::Kind::StableSeries;
  return ArchiveChange::Kind::Other;
}

// What tells one content of an instance from another: the digest of its file; where Orthanc keeps
// none, the name of its file, which changes when the instance is overwritten.
std::string instanceContent(const OrthancCore& core, const json& instance) {
  const std::string id = text(instance, "ID");
  const CoreReply md5 = core.get("/instances/" + id + "/attachments/dicom/md5");
  const bool known = md5.status == 200 && md5.body.size() == 32;
  return id + " " + (known ? md5.body : text(instance, "FileUuid"));
}

void describeInstances(const OrthancCore& core, const json& instances, SeriesFacts& facts) {
  std::vector<PointMm> positions;
  std::vector<std::string> contents;
  std::vector<double> orientation;
  for (const json& instance : instances) {
    contents.push_back(instanceContent(core, instance));
    const json tags = instance.value("MainDicomTags", json::object());
    const auto p = numbers(text(tags, "ImagePositionPatient"));
    if (p.size() == 3) positions.push_back({p[0], p[1], p[2]});
    if (orientation.empty()) orientation = numbers(text(tags, "ImageOrientationPatient"));
  }
  facts.instances = instances.size();
  facts.fingerprint = contentFingerprint(std::move(contents));
  const auto thickness = numbers(facts.tags["SliceThickness"]);
  // A few unreadable positions must not shorten the body: then the worker decides.
  if (positions.size() == instances.size())
    facts.bodyCoverageMm =
        coverageMm(positions, orientation, thickness.empty() ? 0 : thickness.front());
}

}  // namespace

std::string OrthancArchive::identity() {
  try {
    return core_.archiveIdentity();
  } catch (const std::exception& e) {
    throw ArchiveError(e.what());
  }
}

std::int64_t OrthancArchive::lastSequence() {
  const auto page = getJson(core_, "/changes?last");
  if (!page) throw ArchiveError("GET /changes?last answered 404");
  return page->value("Last", std::int64_t{0});
}

ChangesPage OrthancArchive::changesAfter(std::int64_t sequence, int limit) {
  const std::string uri =
      "/changes?since=" + std::to_string(sequence) + "&limit=" + std::to_string(limit);
  const auto answer = getJson(core_, uri);
  if (!answer || !answer->contains("Changes")) throw ArchiveError("GET " + uri + ": no changes");
  ChangesPage page;
  for (const json& change : answer->at("Changes"))
    page.changes.push_back({change.value("Seq", std::int64_t{0}),
                            kindOf(text(change, "ChangeType")), text(change, "ID")});
  page.last = page.changes.empty() ? sequence : page.changes.back().sequence;
  page.done = answer->value("Done", true);
  return page;
}

std::optional<std::string> OrthancArchive::seriesOfInstance(const std::string& instanceId) {
  const auto instance = getJson(core_, "/instances/" + instanceId);
  return instance ? std::optional(text(*instance, "ParentSeries")) : std::nullopt;
}

std::optional<bool> OrthancArchive::isStable(const std::string& seriesId) {
  const auto series = getJson(core_, "/series/" + seriesId);
  return series ? std::optional(series->value("IsStable", false)) : std::nullopt;
}

std::optional<SeriesFacts> OrthancArchive::seriesFacts(const std::string& seriesId) {
  const auto series = getJson(core_, "/series/" + seriesId);
  if (!series) return std::nullopt;
  const json main = series->value("MainDicomTags", json::object());
  SeriesFacts facts;
  facts.seriesId = seriesId;
  facts.studyId = text(*series, "ParentStudy");
  facts.seriesInstanceUid = text(main, "SeriesInstanceUID");
  facts.modality = text(main, "Modality");
  facts.stable = series->value("IsStable", true);
  if (facts.modality != "PT") return facts;

  const auto instances = getJson(core_, "/series/" + seriesId + "/instances");
  if (!instances || !instances->is_array() || instances->empty()) return std::nullopt;
  const auto tags =
      getJson(core_, "/instances/" + text(instances->front(), "ID") + "/tags?simplify");
  if (!tags) return std::nullopt;
  for (const auto& [keyword, value] : tags->items())
    if (value.is_string()) facts.tags[keyword] = value.get<std::string>();
  facts.sopClassUid = facts.tags["SOPClassUID"];
  facts.seriesDescription = facts.tags["SeriesDescription"];
  facts.imageType = split(facts.tags["ImageType"]);
  facts.correctedImage = split(facts.tags["CorrectedImage"]);
  facts.radiopharmaceutical = radiopharmaceutical(*tags);
  describeInstances(core_, *instances, facts);
  return facts;
}

}  // namespace fedpet::plugin
