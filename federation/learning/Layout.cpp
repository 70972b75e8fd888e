#include "federation/learning/Layout.h"

#include "federation/wire/Cbor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace fedpet::federation {

std::size_t SumLayout::length() const {
  std::size_t sum = 0;
  for (const SumField& field : fields) sum += field.length;
  return sum;
}

std::size_t SumLayout::offsetOf(std::string_view name) const {
  std::size_t offset = 0;
  for (const SumField& field : fields) {
    if (field.name == name) return offset;
    offset += field.length;
  }
  throw std::out_of_range("the sum has no field " + std::string(name));
}

namespace {

template <typename Number>
std::span<Number> part(const SumLayout& layout, std::span<Number> values, std::string_view name) {
  if (values.size() != layout.length())
    throw std::invalid_argument("a vector has another length than its layout");
  std::size_t offset = 0;
  for (const SumField& field : layout.fields) {
    if (field.name == name) return values.subspan(offset, field.length);
    offset += field.length;
  }
  throw std::out_of_range("the sum has no field " + std::string(name));
}

void add(std::vector<double>& sum, const std::vector<double>& other) {
  if (other.size() != sum.size())
    throw std::invalid_argument("a vector has another length than its layout");
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
}

}  // namespace

std::span<const double> fieldOf(const SumLayout& layout, std::span<const double> values,
                                std::string_view name) {
  return part(layout, values, name);
}
std::span<double> fieldOf(const SumLayout& layout, std::span<double> values,
                          std::string_view name) {
  return part(layout, values, name);
}
std::vector<double> copyOf(std::span<const double> values) {
  return {values.begin(), values.end()};
}

std::vector<double> totalOf(const SumLayout& layout, const RoundSum& sum) {
  std::vector<double> total(layout.length());
  if (!sum.values.empty()) {
    add(total, sum.values);
  } else if (!sum.groupSums.empty()) {
    for (const auto& [values, count] : sum.groupSums) add(total, values);
  } else {
    for (const auto& values : sum.single) add(total, values);
  }
  return total;
}

nlohmann::json settingsOf(const RoundInput& input) {
  nlohmann::json settings = nlohmann::json::parse(input.settingsJson, nullptr, false);
  if (!settings.is_object()) throw std::invalid_argument("a round's settings are no JSON object");
  return settings;
}

Bytes stateFrom(const nlohmann::json& state) { return nlohmann::json::to_cbor(state); }

nlohmann::json stateOf(const Progress& progress) {
  if (progress.state.empty()) return nlohmann::json::object();
  // As large as its model; what is large in it is a few strings of bytes.
  return fromCbor(progress.state, std::numeric_limits<std::size_t>::max());
}

nlohmann::json packed(const std::vector<double>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(double));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return nlohmann::json::binary(std::move(bytes));
}

std::vector<double> unpacked(const nlohmann::json& json) {
  const auto& bytes = json.get_binary();
  std::vector<double> values(bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

nlohmann::json finiteOrNull(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

}  // namespace fedpet::federation
