#include "fhir/Outbox.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace fedpet::fhir {
namespace {

constexpr std::array<std::pair<OutboxState, std::string_view>, 4> kStates{{
    {OutboxState::Pending, "Pending"},
    {OutboxState::Delivering, "Delivering"},
    {OutboxState::Delivered, "Delivered"},
    {OutboxState::DeadLetter, "DeadLetter"},
}};

}  // namespace

std::string_view toString(OutboxState state) {
  for (const auto& [known, name] : kStates)
    if (known == state) return name;
  throw std::invalid_argument("outbox state outside its table");
}

OutboxState outboxStateFromString(std::string_view name) {
  for (const auto& [state, known] : kStates)
    if (known == name) return state;
  throw std::invalid_argument("unknown outbox state: " + std::string(name));
}

}  // namespace fedpet::fhir
