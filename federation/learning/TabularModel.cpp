#include "federation/learning/TabularModel.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace fedpet::federation {
namespace {

constexpr const char* kFormat = "fedpet-tabular-model";

std::vector<int> hiddenUnitsOf(const Plan& plan) {
  if (plan.model.architecture == "linear") return {};
  if (plan.model.architecture == "mlp" && !plan.model.hiddenUnits.empty())
    return plan.model.hiddenUnits;
  throw std::invalid_argument("the architecture must be \"linear\", or \"mlp\" with hidden units");
}

nlohmann::json describeFeatures(const Plan& plan) {
  nlohmann::json features = nlohmann::json::array();
  for (const Feature& f : plan.features) {
    features.push_back({{"name", f.name}, {"unit", f.unit}, {"categories", f.categories}});
    if (!f.reference.empty()) features.back()["reference"] = f.reference;
  }
  return features;
}

}  // namespace

int timeIntervalsOf(const Plan& plan) {
  return plan.endpoint.kind == EndpointKind::Survival && plan.privacy.noise != NoiseKind::None
             ? kTimeIntervals
             : 0;
}

std::vector<double> timeIntervalEnds() {
  std::vector<double> ends;
  for (int k = 1; k < kTimeIntervals; ++k) ends.push_back(2.0 * k / (kTimeIntervals - 1));
  return ends;
}

std::vector<ParameterBlock> parameterBlocks(const Plan& plan, std::size_t inputs) {
  std::vector<ParameterBlock> blocks;
  int layer = 1;
  for (const int units : hiddenUnitsOf(plan)) {
    if (units < 1) throw std::invalid_argument("a hidden layer needs at least one unit");
    const auto rows = static_cast<std::size_t>(units);
    blocks.push_back({"hidden" + std::to_string(layer) + ".weight", rows, inputs});
    blocks.push_back({"hidden" + std::to_string(layer) + ".bias", rows, 1});
    inputs = rows;
    ++layer;
  }
  blocks.push_back({"output.weight", 1, inputs});
  if (plan.endpoint.kind == EndpointKind::Binary) blocks.push_back({"output.bias", 1, 1});
  if (const int k = timeIntervalsOf(plan); k > 0)
    blocks.push_back({"logHazard", static_cast<std::size_t>(k), 1});
  return blocks;
}

std::size_t parameterCount(const Plan& plan, std::size_t inputs) {
  std::size_t count = 0;
  for (const ParameterBlock& block : parameterBlocks(plan, inputs))
    count += block.rows * block.columns;
  return count;
}

std::vector<double> initialParameters(const Plan& plan, const Scaling& scaling) {
  const std::size_t inputs = scaling.columns() + scaling.indicated.size();
  const bool linear = plan.model.architecture == "linear";
  std::mt19937_64 random(plan.seed);
  std::vector<double> parameters;
  std::size_t layerInputs = inputs;
  for (const ParameterBlock& block : parameterBlocks(plan, inputs)) {
    const std::size_t length = block.rows * block.columns;
    if (block.name == "logHazard") {
      const double share = std::clamp(scaling.events / std::max(1.0, scaling.patients), 0.05, 1.0);
      parameters.insert(parameters.end(), length, std::log(share));
      continue;
    }
    if (block.name.ends_with(".weight")) layerInputs = block.columns;
    const double reach = linear ? 0 : 1 / std::sqrt(static_cast<double>(layerInputs));
    for (std::size_t i = 0; i < length; ++i)
      parameters.push_back(reach * (static_cast<double>(random() >> 11) * 0x1.0p-52 - 1));
  }
  return parameters;
}

std::vector<double> scoresOf(const Plan& plan, const std::vector<double>& parameters,
                             const Design& design) {
  if (parameters.size() != parameterCount(plan, design.columns))
    throw std::invalid_argument("the model has another number of parameters than its architecture");
  std::vector<double> activations = design.values;
  std::size_t inputs = design.columns;
  const double* at = parameters.data();
  const auto layer = [&](std::size_t units, bool hasBias) {
    const double* weight = at;
    const double* bias = weight + units * inputs;
    at = bias + (hasBias ? units : 0);
    std::vector<double> out(design.rows * units);
    for (std::size_t r = 0; r < design.rows; ++r)
      for (std::size_t u = 0; u < units; ++u) {
        double sum = hasBias ? bias[u] : 0;
        for (std::size_t c = 0; c < inputs; ++c)
          sum += weight[u * inputs + c] * activations[r * inputs + c];
        out[r * units + u] = sum;
      }
    activations = std::move(out);
    inputs = units;
  };
  for (const int units : hiddenUnitsOf(plan)) {
    layer(static_cast<std::size_t>(units), true);
    for (double& a : activations) a = std::max(0.0, a);
  }
  layer(1, plan.endpoint.kind == EndpointKind::Binary);
  return activations;
}

nlohmann::json describeModel(const Plan& plan, const Scaling& scaling) {
  const bool binary = plan.endpoint.kind == EndpointKind::Binary;
  nlohmann::json parameters = nlohmann::json::array();
  for (const ParameterBlock& block :
       parameterBlocks(plan, scaling.columns() + scaling.indicated.size()))
    parameters.push_back({{"name", block.name}, {"shape", {block.rows, block.columns}}});
  return {{"format", kFormat},
          {"version", 1},
          {"architecture", plan.model.architecture},
          {"hiddenUnits", plan.model.hiddenUnits},
          {"features", describeFeatures(plan)},
          {"endpoint",
           {{"kind", binary ? "binary" : "survival"},
            {"column", plan.endpoint.column},
            {"timeColumn", plan.endpoint.timeColumn},
            {"eventColumn", plan.endpoint.eventColumn},
            {"timeUnit", plan.endpoint.timeUnit}}},
          {"inputs", designNames(plan, scaling)},
          {"scaling", toJson(scaling)},
          {"timeIntervals", timeIntervalsOf(plan)},
          {"score", binary ? "logit of the probability of 1" : "log hazard, relative"},
          {"parameters", parameters}};
}

DescribedModel modelFromDescription(const nlohmann::json& description) {
  try {
    if (description.at("format") != kFormat || description.at("version") != 1)
      throw std::invalid_argument("this is no description of a tabular model of version 1");
    DescribedModel model;
    description.at("architecture").get_to(model.plan.model.architecture);
    description.at("hiddenUnits").get_to(model.plan.model.hiddenUnits);
    for (const auto& f : description.at("features"))
      model.plan.features.push_back(
          {f.at("name"), f.at("unit"), f.at("categories"), f.value("reference", std::string())});
    const auto& endpoint = description.at("endpoint");
    model.plan.endpoint.kind =
        endpoint.at("kind") == "binary" ? EndpointKind::Binary : EndpointKind::Survival;
    endpoint.at("column").get_to(model.plan.endpoint.column);
    endpoint.at("timeColumn").get_to(model.plan.endpoint.timeColumn);
    endpoint.at("eventColumn").get_to(model.plan.endpoint.eventColumn);
    endpoint.at("timeUnit").get_to(model.plan.endpoint.timeUnit);
    model.plan.privacy.noise =
        description.at("timeIntervals") == 0 ? NoiseKind::None : NoiseKind::Local;
    model.scaling = scalingFromJson(description.at("scaling"));
    return model;
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("a model's description is broken: ") + error.what());
  }
}

}  // namespace fedpet::federation
