#include "clinical/Concepts.h"

#include <array>
#include <stdexcept>

#include "clinical/ResponseAssessment.h"

namespace fedpet {
namespace {

template <typename Key>
struct Named {
  Key key;
  std::string_view name;
};

template <typename Key, std::size_t N>
std::string_view nameOf(const std::array<Named<Key>, N>& table, Key key) {
  for (const auto& entry : table)
    if (entry.key == key) return entry.name;
  throw std::invalid_argument("value outside its table");
}

template <typename Key, std::size_t N>
Key keyOf(const std::array<Named<Key>, N>& table, std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.key;
  throw std::invalid_argument("unknown name: " + std::string(name));
}

constexpr std::array kOrgans{
    Named{Organ::Brain, "Brain"},           Named{Organ::Heart, "Heart"},
    Named{Organ::Liver, "Liver"},           Named{Organ::Spleen, "Spleen"},
    Named{Organ::LumbarMarrow, "LumbarMarrow"}, Named{Organ::LeftKidney, "LeftKidney"},
    Named{Organ::RightKidney, "RightKidney"},   Named{Organ::Bladder, "Bladder"},
};

constexpr std::array kRoles{
    Named{RegionRole::Lesion, "Lesion"},
    Named{RegionRole::Physiological, "Physiological"},
    Named{RegionRole::Reference, "Reference"},
};

constexpr std::array kEndpoints{
    Named{Endpoint::DurableClinicalBenefit, "DCB"},
    Named{Endpoint::ProgressionFreeSurvival, "PFS"},
    Named{Endpoint::OverallSurvival, "OS"},
};

struct QuantityEntry {
  Quantity quantity;
  std::string_view name, unit, title;
};

constexpr std::array kQuantities{
    QuantityEntry{Quantity::SuvMax, "SUVmax", "g/ml{SUVbw}", "Maximum SUV (body weight)"},
    QuantityEntry{Quantity::SuvMean, "SUVmean", "g/ml{SUVbw}", "Mean SUV (body weight)"},
    QuantityEntry{Quantity::SuvPeak, "SUVpeak", "g/ml{SUVbw}", "Peak SUV (1 ml sphere, body weight)"},
    QuantityEntry{Quantity::SuvMin, "SUVmin", "g/ml{SUVbw}", "Minimum SUV (body weight)"},
    QuantityEntry{Quantity::MetabolicVolume, "MTV", "ml", "Metabolic volume"},
    QuantityEntry{Quantity::Glycolysis, "LesionGlycolysis", "g", "Lesion glycolysis"},
    QuantityEntry{Quantity::OrganVolume, "Volume", "ml", "Volume"},
    QuantityEntry{Quantity::Tmtv, "TMTV", "ml", "Total metabolic tumour volume"},
    QuantityEntry{Quantity::TotalLesionGlycolysis, "TLG", "g", "Total lesion glycolysis"},
    QuantityEntry{Quantity::LesionCount, "LesionCount", "{count}", "Number of lesions"},
    QuantityEntry{Quantity::Dmax, "Dmax", "mm", "Largest distance between two lesions"},
    QuantityEntry{Quantity::SpleenToLiverRatio, "SLR", "{ratio}", "Spleen-to-liver SUVmean ratio"},
    QuantityEntry{Quantity::MarrowToLiverRatio, "BLR", "{ratio}",
                  "Bone-marrow-to-liver SUVmean ratio"},
    QuantityEntry{Quantity::LiverSuvMean, "LiverSUVmean", "g/ml{SUVbw}",
                  "Liver reference mean SUV (body weight)"},
    QuantityEntry{Quantity::LiverSuvSd, "LiverSUVsd", "g/ml{SUVbw}",
                  "Liver reference standard deviation of SUV (body weight)"},
};

const QuantityEntry& entryOf(Quantity quantity) {
  for (const auto& entry : kQuantities)
    if (entry.quantity == quantity) return entry;
  throw std::invalid_argument("quantity outside its table");
}

}  // namespace

std::string_view toString(Organ organ) { return nameOf(kOrgans, organ); }
Organ organFromString(std::string_view name) { return keyOf(kOrgans, name); }

Code siteOf(Organ organ) {
  switch (organ) {
    case Organ::Brain: return {"12738006", "SCT", "Brain"};
    case Organ::Heart: return {"80891009", "SCT", "Heart"};
    case Organ::Liver: return {"10200004", "SCT", "Liver"};
    case Organ::Spleen: return {"78961009", "SCT", "Spleen"};
    case Organ::LumbarMarrow: return {"14016003", "SCT", "Bone marrow"};
    case Organ::LeftKidney: return {"18639004", "SCT", "Left kidney"};
    case Organ::RightKidney: return {"9846003", "SCT", "Right kidney"};
    case Organ::Bladder: return {"89837001", "SCT", "Urinary bladder"};
  }
  throw std::invalid_argument("organ outside its table");
}

std::string_view toString(Quantity quantity) { return entryOf(quantity).name; }
std::string_view ucumUnit(Quantity quantity) { return entryOf(quantity).unit; }
std::string_view title(Quantity quantity) { return entryOf(quantity).title; }

Quantity quantityFromString(std::string_view name) {
  for (const auto& entry : kQuantities)
    if (entry.name == name) return entry.quantity;
  throw std::invalid_argument("unknown quantity: " + std::string(name));
}

std::string_view toString(RegionRole role) { return nameOf(kRoles, role); }
RegionRole regionRoleFromString(std::string_view name) { return keyOf(kRoles, name); }

std::string_view toString(Endpoint endpoint) { return nameOf(kEndpoints, endpoint); }
Endpoint endpointFromString(std::string_view name) { return keyOf(kEndpoints, name); }

std::string_view title(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::DurableClinicalBenefit: return "Durable clinical benefit";
    case Endpoint::ProgressionFreeSurvival: return "Progression-free survival";
    case Endpoint::OverallSurvival: return "Overall survival";
  }
  throw std::invalid_argument("endpoint outside its table");
}

}  // namespace fedpet
