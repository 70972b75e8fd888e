#include "models/imaging/harmonisation/Combat.h"

#include "models/imaging/harmonisation/JsonFields.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

namespace fedpet::imaging {
namespace {

using Json = JsonFields::Json;

constexpr const char* kFormat = "fedpet-combat";
constexpr int kVersion = 1;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

template <typename T>
std::optional<double> number(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

using Covariates = const ClinicalCovariates&;
struct Covariate {
  const char* name;
  std::optional<double> (*value)(Covariates);
};
constexpr std::array kCovariates{
    Covariate{"age", [](Covariates c) { return c.ageYears; }},
    Covariate{"male", [](Covariates c) { return number(c.male); }},
    Covariate{"smoker", [](Covariates c) { return number(c.smoker); }},
    Covariate{"steroids", [](Covariates c) { return number(c.steroids); }},
    Covariate{"liverMetastases", [](Covariates c) { return number(c.liverMetastases); }},
    Covariate{"ecog", [](Covariates c) { return number(c.ecog); }},
    Covariate{"pdl1TpsPercent", [](Covariates c) { return c.pdl1TpsPercent; }},
    Covariate{"dNlr", [](Covariates c) { return c.dNlr; }},
    Covariate{"nlr", [](Covariates c) { return c.nlr; }},
    Covariate{"ldhPerUln", [](Covariates c) { return c.ldhPerUln; }},
    Covariate{"albuminGPerDl", [](Covariates c) { return c.albuminGPerDl; }},
};

const CombatInput* findInput(const CombatModel& model, std::string_view name) {
  for (const CombatInput& input : model.inputs)
    if (input.input == name) return &input;
  return nullptr;
}

// --- JSON ----------------------------------------------------------------------------------------

CombatInput inputFrom(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  CombatInput input;
  input.input = fields.text("input");
  try {
    quantityFromString(input.input);
  } catch (const std::invalid_argument&) {
    fields.fail("input", "is \"" + input.input + "\", which is no quantity of this program");
  }
  input.logarithm = fields.flag("log");
  input.mean = fields.number("mean", -1e9, 1e9);
  input.sd = fields.number("sd", 1e-12, 1e9);
  if (const Json* covariates = fields.find("covariates")) {
    JsonFields betas(*covariates, fields.pathOf("covariates"));
    for (const auto& [name, beta] : covariates->items()) {
      if (covariateNamed(name) != name)
        betas.fail(name, "is no covariate of this program; known are: " + covariateNames());
      input.covariates[name] = betas.numberIn(beta, name, -1e9, 1e9);
    }
  }
  fields.requireNothingElse();
  return input;
}

CombatShift shiftFrom(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  CombatShift shift;
  shift.patients = static_cast<std::size_t>(fields.number("patients", 1, 1e9));
  shift.rawShift = fields.number("rawShift", -1e6, 1e6);
  shift.rawScale = fields.number("rawScale", 1e-9, 1e9);
  shift.shift = fields.number("shift", -1e6, 1e6);
  shift.scale = fields.number("scale", 1e-9, 1e9);
  fields.requireNothingElse();
  return shift;
}

CombatScanner scannerFrom(const Json& json, const std::string& path, const CombatModel& model) {
  JsonFields fields(json, path);
  CombatScanner scanner;
  scanner.scanner = fields.text("scanner");
  const Json& inputs = fields.at("inputs");
  JsonFields shifts(inputs, fields.pathOf("inputs"));
  for (const auto& [name, shift] : inputs.items()) {
    if (findInput(model, name) == nullptr) shifts.fail(name, "is none of the file's inputs");
    scanner.inputs[name] = shiftFrom(shift, shifts.pathOf(name));
  }
  fields.requireNothingElse();
  return scanner;
}

Json toJson(const CombatInput& input) {
  Json json{
      {"input", input.input}, {"log", input.logarithm}, {"mean", input.mean}, {"sd", input.sd}};
  if (!input.covariates.empty()) json["covariates"] = input.covariates;
  return json;
}

Json toJson(const CombatScanner& scanner) {
  Json inputs = Json::object();
  for (const auto& [name, s] : scanner.inputs)
    inputs[name] = {{"patients", s.patients},
                    {"rawShift", s.rawShift},
                    {"rawScale", s.rawScale},
                    {"shift", s.shift},
                    {"scale", s.scale}};
  return {{"scanner", scanner.scanner}, {"inputs", std::move(inputs)}};
}

}  // namespace

CombatModel combatFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded()) throw HarmonisationError("the parameters of ComBat are not JSON");
  JsonFields fields(json, "");
  if (fields.text("format") != kFormat) fields.fail("format", std::string("must be ") + kFormat);
  fields.number("version", kVersion, kVersion);
  CombatModel model;
  model.reference = fields.text("reference", "");
  model.empiricalBayes = fields.flag("empiricalBayes");
  model.imagesFilteredTo = fields.text("imagesFilteredTo", "");
  if (model.imagesFilteredTo != "" && model.imagesFilteredTo != "EARL-1")
    fields.fail("imagesFilteredTo", R"(must be "" or "EARL-1")");
  for (const Json& input : fields.list("inputs")) {
    const std::string path = "inputs[" + std::to_string(model.inputs.size()) + "]";
    CombatInput read = inputFrom(input, path);
    if (findInput(model, read.input) != nullptr)
      throw HarmonisationError(path + ".input stands there twice");
    model.inputs.push_back(std::move(read));
  }
  for (const Json& scanner : fields.list("scanners"))
    model.scanners.push_back(
        scannerFrom(scanner, "scanners[" + std::to_string(model.scanners.size()) + "]", model));
  fields.requireNothingElse();
  return model;
}

CombatModel readCombat(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw HarmonisationError(path.string() + " cannot be read");
  try {
    return combatFromJson(text);
  } catch (const HarmonisationError& error) {
    throw HarmonisationError(path.filename().string() + ": " + error.what());
  }
}

std::string combatToJson(const CombatModel& model) {
  Json inputs = Json::array(), scanners = Json::array();
  for (const CombatInput& input : model.inputs) inputs.push_back(toJson(input));
  for (const CombatScanner& scanner : model.scanners) scanners.push_back(toJson(scanner));
  const Json json{{"format", kFormat},
                  {"version", kVersion},
                  {"reference", model.reference},
                  {"empiricalBayes", model.empiricalBayes},
                  {"imagesFilteredTo", model.imagesFilteredTo},
                  {"inputs", std::move(inputs)},
                  {"scanners", std::move(scanners)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<std::string> covariateNamed(std::string_view name) {
  const std::string wanted = lower(name) == "sex" ? "male" : lower(name);
  for (const Covariate& covariate : kCovariates)
    if (lower(covariate.name) == wanted) return covariate.name;
  return std::nullopt;
}

std::string covariateNames() {
  std::string names;
  for (const Covariate& covariate : kCovariates)
    names += (names.empty() ? "" : ", ") + std::string(covariate.name);
  return names;
}

std::optional<double> covariateOf(const ClinicalCovariates& covariates, std::string_view name) {
  for (const Covariate& covariate : kCovariates)
    if (covariate.name == name) return covariate.value(covariates);
  return std::nullopt;
}

tl::expected<double, std::string> combatAdjusted(const CombatModel& model, std::string_view scanner,
                                                 std::string_view input, double value,
                                                 const ClinicalCovariates& covariates) {
  const CombatInput* parameters = findInput(model, input);
  if (parameters == nullptr) return tl::unexpected<std::string>("ComBat has no parameters for it");
  const auto own = std::find_if(model.scanners.begin(), model.scanners.end(),
                                [&](const auto& s) { return s.scanner == scanner; });
  if (own == model.scanners.end() || !own->inputs.contains(parameters->input))
    return tl::unexpected("ComBat has no parameters for it on scanner \"" + std::string(scanner) +
                          "\"");
  const CombatShift& shift = own->inputs.at(parameters->input);
  if (parameters->logarithm && !(value > 0))
    return tl::unexpected<std::string>("it is 0 and has no logarithm");
  double expected = parameters->mean;
  for (const auto& [name, beta] : parameters->covariates) {
    const auto x = covariateOf(covariates, name);
    if (!x) return tl::unexpected("the patient's \"" + name + "\" is not known");
    expected += beta * *x;
  }
  const double z = ((parameters->logarithm ? std::log(value) : value) - expected) / parameters->sd;
  const double adjusted = expected + parameters->sd * (z - shift.shift) / std::sqrt(shift.scale);
  const double result = parameters->logarithm ? std::exp(adjusted) : adjusted;
  if (!std::isfinite(result) || (value >= 0 && result < 0))
    return tl::unexpected<std::string>("the adjusted value would be impossible");
  return result;
}

}  // namespace fedpet::imaging
