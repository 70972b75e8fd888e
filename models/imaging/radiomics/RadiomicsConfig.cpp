#include "models/imaging/radiomics/RadiomicsConfig.h"

#include "models/imaging/Formatted.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

namespace fedpet::imaging {
namespace {

using Json = nlohmann::ordered_json;

template <typename Enum>
using Names = std::vector<std::pair<Enum, std::string_view>>;

const Names<RadiomicsConvention> kConventions{{RadiomicsConvention::Ibsi, "ibsi"},
                                              {RadiomicsConvention::PyRadiomics, "pyradiomics"}};
const Names<InterpolationMethod> kInterpolations{{InterpolationMethod::Nearest, "nearest"},
                                                 {InterpolationMethod::Linear, "linear"},
                                                 {InterpolationMethod::Cubic, "cubic"}};
const Names<GridAlignment> kGrids{{GridAlignment::Centre, "centre"},
                                  {GridAlignment::Corner, "corner"}};
const Names<DiscretisationMethod> kDiscretisations{
    {DiscretisationMethod::None, "none"},
    {DiscretisationMethod::FixedBinSize, "fixedBinSize"},
    {DiscretisationMethod::FixedBinNumber, "fixedBinNumber"}};
const Names<Aggregation> kAggregations{
    {Aggregation::Averaged2D, "2D_avg"},           {Aggregation::SliceMerged2D, "2D_comb"},
    {Aggregation::DirectionMerged25D, "2_5D_avg"}, {Aggregation::Merged25D, "2_5D_comb"},
    {Aggregation::Averaged3D, "3D_avg"},           {Aggregation::Merged3D, "3D_comb"}};
const Names<FeatureFamily> kFamilies{
    {FeatureFamily::Morphology, "morphology"},
    {FeatureFamily::SpatialAutocorrelation, "spatialAutocorrelation"},
    {FeatureFamily::LocalIntensity, "localIntensity"},
    {FeatureFamily::Statistics, "statistics"},
    {FeatureFamily::IntensityHistogram, "intensityHistogram"},
    {FeatureFamily::IntensityVolumeHistogram, "intensityVolumeHistogram"},
    {FeatureFamily::Glcm, "glcm"},
    {FeatureFamily::Glrlm, "glrlm"},
    {FeatureFamily::Glszm, "glszm"},
    {FeatureFamily::Gldzm, "gldzm"},
    {FeatureFamily::Ngtdm, "ngtdm"},
    {FeatureFamily::Ngldm, "ngldm"}};

template <typename Enum>
std::string_view nameOf(const Names<Enum>& names, Enum value) {
  return std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == value; })
      ->second;
}

template <typename Enum>
std::vector<Enum> valuesOf(const Names<Enum>& names) {
  std::vector<Enum> values;
  for (const auto& [value, name] : names) values.push_back(value);
  return values;
}

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw RadiomicsConfigError("radiomics configuration: " + path + " " + why);
}

// --- reading -----------------------------------------------------------------------------------

// One JSON object that must be used up: a key that nobody asked for is a typing error.
class Section {
 public:
  Section(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json_.is_object()) fail(path_.empty() ? "the file" : path_, "must be an object");
  }
  std::string pathOf(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  const Json* find(const std::string& key) {
    known_.insert(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  void number(const std::string& key, double& value) {
    if (const Json* json = find(key)) value = numberIn(*json, pathOf(key));
  }
  void integer(const std::string& key, int& value) {
    const Json* json = find(key);
    if (json == nullptr) return;
    if (!json->is_number_integer()) fail(pathOf(key), "must be a whole number");
    value = json->get<int>();
  }
  void flag(const std::string& key, bool& value) {
    const Json* json = find(key);
    if (json == nullptr) return;
    if (!json->is_boolean()) fail(pathOf(key), "must be true or false");
    value = json->get<bool>();
  }
  void optionalNumber(const std::string& key, std::optional<double>& value) {
    if (const Json* json = find(key)) value = optionalNumberIn(*json, pathOf(key));
  }
  template <typename Enum>
  bool choice(const std::string& key, const Names<Enum>& names, Enum& value) {
    const Json* json = find(key);
    if (json != nullptr) value = choiceIn(*json, names, pathOf(key));
    return json != nullptr;
  }
  template <typename Enum>
  void choices(const std::string& key, const Names<Enum>& names, std::vector<Enum>& values) {
    const Json* json = find(key);
    if (json == nullptr) return;
    if (!json->is_array() || json->empty()) fail(pathOf(key), "must be a list that is not empty");
    std::vector<Enum> chosen;
    for (const Json& item : *json) chosen.push_back(choiceIn(item, names, pathOf(key)));
    values.clear();  // in the order of the names, each once
    for (const auto& [value, name] : names)
      if (std::find(chosen.begin(), chosen.end(), value) != chosen.end()) values.push_back(value);
  }
  void requireNothingElse() const {
    for (const auto& [key, value] : json_.items())
      if (!known_.contains(key)) {
        std::string names;
        for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
        fail(pathOf(key), "is not known; known here: " + names);
      }
  }

  static double numberIn(const Json& json, const std::string& path) {
    if (!json.is_number()) fail(path, "must be a number");
    return json.get<double>();
  }
  static std::optional<double> optionalNumberIn(const Json& json, const std::string& path) {
    if (json.is_null()) return std::nullopt;
    return numberIn(json, path);
  }

 private:
  template <typename Enum>
  static Enum choiceIn(const Json& json, const Names<Enum>& names, const std::string& path) {
    std::string known;
    for (const auto& [value, name] : names) {
      if (json.is_string() && json.get<std::string>() == name) return value;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    fail(path, "is " + json.dump() + "; it must be one of: " + known);
  }

  const Json& json_;
  std::string path_;
  std::set<std::string> known_;
};

void readInterpolation(Section& parent, RadiomicsConfig& config) {
  InterpolationConfig& interpolation = config.interpolation;
  const bool asPyRadiomics = config.convention == RadiomicsConvention::PyRadiomics;
  if (asPyRadiomics) {
    interpolation.grid = GridAlignment::Corner;
    interpolation.mask = InterpolationMethod::Nearest;
  }
  const Json* json = parent.find("interpolation");
  if (json == nullptr) return;
  Section section(*json, parent.pathOf("interpolation"));
  if (const Json* spacing = section.find("spacingMm")) {
    const std::string path = section.pathOf("spacingMm");
    interpolation.spacingMm.reset();
    if (spacing->is_array()) {
      if (spacing->size() != 3) fail(path, "must have three numbers: along i, j and k");
      interpolation.spacingMm.emplace();
      for (std::size_t a = 0; a < 3; ++a)
        (*interpolation.spacingMm)[a] = Section::numberIn((*spacing)[a], path);
    } else if (!spacing->is_null()) {
      const double cube = Section::numberIn(*spacing, path);
      interpolation.spacingMm = {cube, cube, cube};
    }
  }
  section.choice("image", kInterpolations, interpolation.image);
  section.choice("mask", kInterpolations, interpolation.mask);
  section.number("maskThreshold", interpolation.maskThreshold);
  section.flag("roundIntensities", interpolation.roundIntensities);
  section.choice("grid", kGrids, interpolation.grid);
  section.requireNothingElse();
}

void readResegmentation(Section& parent, ResegmentationConfig& resegmentation) {
  const Json* json = parent.find("resegmentation");
  if (json == nullptr) return;
  Section section(*json, parent.pathOf("resegmentation"));
  if (const Json* range = section.find("range")) {
    const std::string path = section.pathOf("range");
    resegmentation.lowest.reset();
    resegmentation.highest.reset();
    if (!range->is_null()) {
      if (!range->is_array() || range->size() != 2)
        fail(path, "must be null or [lowest, highest], either of which may be null");
      resegmentation.lowest = Section::optionalNumberIn((*range)[0], path);
      resegmentation.highest = Section::optionalNumberIn((*range)[1], path);
    }
  }
  section.optionalNumber("outlierSigmas", resegmentation.outlierSigmas);
  section.requireNothingElse();
}

void readDiscretisation(Section& parent, const std::string& key, DiscretisationConfig& config) {
  const Json* json = parent.find(key);
  if (json == nullptr) return;
  Section section(*json, parent.pathOf(key));
  section.choice("method", kDiscretisations, config.method);
  const bool bySize = config.method == DiscretisationMethod::FixedBinSize;
  const bool byNumber = config.method == DiscretisationMethod::FixedBinNumber;
  if (section.find("binSize") != nullptr && !bySize)
    fail(section.pathOf("binSize"), "only goes with \"method\": \"fixedBinSize\"");
  if (section.find("binCount") != nullptr && !byNumber)
    fail(section.pathOf("binCount"), "only goes with \"method\": \"fixedBinNumber\"");
  section.number("binSize", config.binSize);
  section.integer("binCount", config.binCount);
  section.requireNothingElse();
}

void readTexture(Section& parent, TextureConfig& texture) {
  const Json* json = parent.find("texture");
  if (json == nullptr) return;
  Section section(*json, parent.pathOf("texture"));
  section.integer("glcmDistance", texture.glcmDistance);
  section.integer("ngtdmDistance", texture.ngtdmDistance);
  section.integer("ngldmDistance", texture.ngldmDistance);
  section.number("ngldmCoarseness", texture.ngldmCoarseness);
  section.requireNothingElse();
}

// --- writing -----------------------------------------------------------------------------------

Json jsonOf(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json jsonOf(const DiscretisationConfig& config) {
  Json json{{"method", nameOf(kDiscretisations, config.method)}};
  if (config.method == DiscretisationMethod::FixedBinSize) json["binSize"] = config.binSize;
  if (config.method == DiscretisationMethod::FixedBinNumber) json["binCount"] = config.binCount;
  return json;
}

Json jsonOf(const InterpolationConfig& config) {
  return {{"spacingMm", config.spacingMm ? Json(*config.spacingMm) : Json(nullptr)},
          {"image", nameOf(kInterpolations, config.image)},
          {"mask", nameOf(kInterpolations, config.mask)},
          {"maskThreshold", config.maskThreshold},
          {"roundIntensities", config.roundIntensities},
          {"grid", nameOf(kGrids, config.grid)}};
}

void requireRange(bool good, const std::string& path, const char* why) {
  if (!good) fail(path, why);
}

void requireValid(const DiscretisationConfig& config, const std::string& path) {
  if (config.method == DiscretisationMethod::FixedBinSize)
    requireRange(std::isfinite(config.binSize) && config.binSize > 0, path + ".binSize",
                 "must be above 0");
  if (config.method == DiscretisationMethod::FixedBinNumber)
    requireRange(config.binCount >= 2 && config.binCount <= 65535, path + ".binCount",
                 "must lie between 2 and 65535");
}

}  // namespace

std::string_view toString(Aggregation value) { return nameOf(kAggregations, value); }
std::string_view toString(FeatureFamily value) { return nameOf(kFamilies, value); }

const std::vector<Aggregation>& allAggregations() {
  static const std::vector<Aggregation> all = valuesOf(kAggregations);
  return all;
}
const std::vector<FeatureFamily>& allFeatureFamilies() {
  static const std::vector<FeatureFamily> all = valuesOf(kFamilies);
  return all;
}

RadiomicsConfig petRadiomicsConfig() {
  RadiomicsConfig config;
  config.resegmentation.lowest = 0;
  config.discretisation = {DiscretisationMethod::FixedBinSize, 0.25, 0};
  config.intensityVolumeHistogram = {DiscretisationMethod::FixedBinSize, 0.1, 0};
  return config;
}

RadiomicsConfig radiomicsConfigFromJson(std::string_view text, const RadiomicsConfig& defaults) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded()) throw RadiomicsConfigError("radiomics configuration: it is not JSON");
  RadiomicsConfig config = defaults;
  Section section(json, "");
  section.choice("convention", kConventions, config.convention);
  readInterpolation(section, config);
  readResegmentation(section, config.resegmentation);
  readDiscretisation(section, "discretisation", config.discretisation);
  readDiscretisation(section, "intensityVolumeHistogram", config.intensityVolumeHistogram);
  readTexture(section, config.texture);
  section.choices("aggregations", kAggregations, config.aggregations);
  section.choices("families", kFamilies, config.families);
  section.flag("diagnostics", config.diagnostics);
  section.requireNothingElse();
  requireValid(config);
  return config;
}

void requireValid(const RadiomicsConfig& config) {
  const InterpolationConfig& interpolation = config.interpolation;
  if (interpolation.spacingMm)
    for (const double spacing : *interpolation.spacingMm)
      requireRange(spacing == 0 || (spacing >= 0.05 && spacing <= 100), "interpolation.spacingMm",
                   "must be 0 (as in the image) or lie between 0.05 and 100 mm");
  requireRange(interpolation.mask != InterpolationMethod::Cubic, "interpolation.mask",
               "must be nearest or linear");
  requireRange(interpolation.maskThreshold > 0 && interpolation.maskThreshold <= 1,
               "interpolation.maskThreshold", "must lie above 0 and not above 1");
  const ResegmentationConfig& range = config.resegmentation;
  for (const auto& bound : {range.lowest, range.highest})
    requireRange(!bound || std::isfinite(*bound), "resegmentation.range", "must be finite");
  requireRange(!range.lowest || !range.highest || *range.lowest < *range.highest,
               "resegmentation.range", "must begin below its end");
  requireRange(!range.outlierSigmas || *range.outlierSigmas > 0, "resegmentation.outlierSigmas",
               "must be above 0");
  requireValid(config.discretisation, "discretisation");
  requireValid(config.intensityVolumeHistogram, "intensityVolumeHistogram");
  const TextureConfig& texture = config.texture;
  for (const auto& [distance, name] : {std::pair{texture.glcmDistance, "texture.glcmDistance"},
                                       std::pair{texture.ngtdmDistance, "texture.ngtdmDistance"},
                                       std::pair{texture.ngldmDistance, "texture.ngldmDistance"}})
    requireRange(distance >= 1 && distance <= 20, name, "must lie between 1 and 20 voxels");
  requireRange(texture.ngldmCoarseness >= 0, "texture.ngldmCoarseness", "must not be negative");
}

std::string toJson(const RadiomicsConfig& config) {
  Json aggregations = Json::array(), families = Json::array();
  for (const Aggregation a : config.aggregations) aggregations.push_back(toString(a));
  for (const FeatureFamily f : config.families) families.push_back(toString(f));
  const ResegmentationConfig& range = config.resegmentation;
  const TextureConfig& texture = config.texture;
  const Json json{{"convention", nameOf(kConventions, config.convention)},
                  {"interpolation", jsonOf(config.interpolation)},
                  {"resegmentation",
                   {{"range", Json::array({jsonOf(range.lowest), jsonOf(range.highest)})},
                    {"outlierSigmas", jsonOf(range.outlierSigmas)}}},
                  {"discretisation", jsonOf(config.discretisation)},
                  {"intensityVolumeHistogram", jsonOf(config.intensityVolumeHistogram)},
                  {"texture",
                   {{"glcmDistance", texture.glcmDistance},
                    {"ngtdmDistance", texture.ngtdmDistance},
                    {"ngldmDistance", texture.ngldmDistance},
                    {"ngldmCoarseness", texture.ngldmCoarseness}}},
                  {"aggregations", aggregations},
                  {"families", families},
                  {"diagnostics", config.diagnostics}};
  return json.dump(2);
}

std::string configHash(const RadiomicsConfig& config) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a, draft-eastlake-fnv
  for (const char c : toJson(config))
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return formatted("%016llx", static_cast<unsigned long long>(hash));
}

}  // namespace fedpet::imaging
