// Inside of federation/learning: how vectors are taken apart and put together.
#pragma once

#include "federation/learning/Task.h"

#include <nlohmann/json.hpp>

#include <span>

namespace fedpet::federation {

// The numbers of one field. Throws std::invalid_argument when `values` has another length than the
// layout, std::out_of_range for a name that is not there.
std::span<const double> fieldOf(const SumLayout&, std::span<const double> values,
                                std::string_view name);
std::span<double> fieldOf(const SumLayout&, std::span<double> values, std::string_view name);
std::vector<double> copyOf(std::span<const double>);

// The sum over all sites, also when groups were opened. Throws std::invalid_argument on another
// length than the layout's.
std::vector<double> totalOf(const SumLayout&, const RoundSum&);

// Upper triangle of a symmetric matrix, row by row.
inline std::size_t triangleLength(std::size_t n) { return n * (n + 1) / 2; }

// RoundInput::settingsJson as an object. Throws std::invalid_argument.
nlohmann::json settingsOf(const RoundInput&);

// Progress::state: CBOR with long vectors as byte strings.
Bytes stateFrom(const nlohmann::json&);
nlohmann::json stateOf(const Progress&);
nlohmann::json packed(const std::vector<double>&);
std::vector<double> unpacked(const nlohmann::json&);

// Numbers of CBOR and JSON are finite; what is not becomes null.
nlohmann::json finiteOrNull(double);

}  // namespace fedpet::federation
