#include "models/response/ModelInputs.h"

#include <array>
#include <cmath>
#include <stdexcept>

namespace fedpet::response {
namespace {

using Pet = const PetMeasures&;
using Clinical = const ClinicalCovariates&;
using Value = std::optional<double>;

template <typename T>
Value number(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

constexpr std::string_view kYesNo = "{1=yes}";
constexpr auto kIdentity = Transform::Identity;

// Plausible limits are ours: wide enough for any living patient, narrow enough to catch a wrong
// unit (Dmax in cm, albumin in g/l, LDH in U/l).
constexpr std::array kInputs{
    InputSpec{"TMTV", "ml", "total metabolic tumour volume", true, true, true, Transform::Log, 1e-3,
              2e4, [](Pet p, Clinical) -> Value { return p.tmtvMl; }},
    InputSpec{"Dmax", "mm", "largest distance between two lesions, 0 for a single one", true, false,
              true, kIdentity, 0, 2200, [](Pet p, Clinical) -> Value { return p.dmaxMm; }},
    InputSpec{"SLR", "{ratio}", "spleen-to-liver ratio of SUVmean", true, false, true, kIdentity,
              0.05, 6, [](Pet p, Clinical) -> Value { return p.spleenToLiverRatio; }},
    InputSpec{"BLR", "{ratio}", "bone-marrow-to-liver ratio of SUVmean", true, false, true,
              kIdentity, 0.05, 6, [](Pet p, Clinical) -> Value { return p.marrowToLiverRatio; }},
    InputSpec{"Age", "a", "age at the PET", false, false, true, kIdentity, 18, 110,
              [](Pet, Clinical c) -> Value { return c.ageYears; }},
    InputSpec{"PD-L1 TPS", "%", "PD-L1 tumour proportion score", false, false, true, kIdentity, 0,
              100, [](Pet, Clinical c) -> Value { return c.pdl1TpsPercent; }},
    InputSpec{"dNLR", "{ratio}", "derived neutrophil-to-lymphocyte ratio, N / (WBC - N)", false,
              false, true, Transform::Log, 0.05, 100,
              [](Pet, Clinical c) -> Value { return c.dNlr; }},
    InputSpec{"NLR", "{ratio}", "neutrophil-to-lymphocyte ratio", false, false, true,
              Transform::Log, 0.05, 200, [](Pet, Clinical c) -> Value { return c.nlr; }},
    InputSpec{"LDH", "{times_ULN}", "lactate dehydrogenase over its upper limit of normal", false,
              false, true, Transform::Log, 0.1, 40,
              [](Pet, Clinical c) -> Value { return c.ldhPerUln; }},
    InputSpec{"Albumin", "g/dL", "serum albumin", false, false, true, kIdentity, 0.8, 6.5,
              [](Pet, Clinical c) -> Value { return c.albuminGPerDl; }},
    InputSpec{"ECOG", "{score}", "ECOG performance status, used as 2 or more", false, false, false,
              Transform::AtLeastTwo, 0, 4, [](Pet, Clinical c) { return number(c.ecog); }},
    InputSpec{"Male", kYesNo, "male sex", false, false, false, kIdentity, 0, 1,
              [](Pet, Clinical c) { return number(c.male); }},
    InputSpec{"Smoker", kYesNo, "ever smoked", false, false, false, kIdentity, 0, 1,
              [](Pet, Clinical c) { return number(c.smoker); }},
    InputSpec{"Steroids", kYesNo, "steroids of at least 10 mg prednisone equivalent at start",
              false, false, false, kIdentity, 0, 1,
              [](Pet, Clinical c) { return number(c.steroids); }},
    InputSpec{"Liver metastases", kYesNo, "metastases in the liver", false, false, false, kIdentity,
              0, 1, [](Pet, Clinical c) { return number(c.liverMetastases); }},
};

void add(std::vector<Measurement>& out, Quantity quantity, const Value& value) {
  Measurement m;
  m.quantity = quantity;
  if (value) {
    m.value = *value;
  } else {
    m.value = tl::unexpected(Refusal{RefusalCode::InputMissing, "not recorded"});
  }
  out.push_back(std::move(m));
}

}  // namespace

std::string_view toString(Transform transform) {
  switch (transform) {
    case Transform::Identity:
      return "identity";
    case Transform::Log:
      return "log";
    case Transform::AtLeastTwo:
      return "at-least-2";
  }
  throw std::invalid_argument("transform outside its table");
}

double InputSpec::transformed(double raw) const {
  if (transform == Transform::Log) return std::log(raw);
  if (transform == Transform::AtLeastTwo) return raw >= 2 ? 1 : 0;
  return raw;
}

double InputSpec::untransformed(double z) const {
  return transform == Transform::Log ? std::exp(z) : z;
}

std::span<const InputSpec> modelInputs() { return kInputs; }

const InputSpec* findInput(std::string_view name) {
  for (const InputSpec& input : kInputs)
    if (input.name == name) return &input;
  return nullptr;
}

ResponseInputs responseInputsOf(const CohortRecord& record) {
  ResponseInputs inputs;
  inputs.clinical = record.clinical;
  add(inputs.wholeBody, Quantity::Tmtv, record.pet.tmtvMl);
  add(inputs.wholeBody, Quantity::Dmax, record.pet.dmaxMm);
  add(inputs.wholeBody, Quantity::LesionCount, number(record.pet.lesionCount));
  add(inputs.wholeBody, Quantity::SpleenToLiverRatio, record.pet.spleenToLiverRatio);
  add(inputs.wholeBody, Quantity::MarrowToLiverRatio, record.pet.marrowToLiverRatio);
  return inputs;
}

PetMeasures petMeasuresOf(std::span<const Measurement> measurements) {
  PetMeasures pet;
  for (const Measurement& m : measurements) {
    if (!m.value) continue;
    switch (m.quantity) {
      case Quantity::Tmtv:
        pet.tmtvMl = *m.value;
        break;
      case Quantity::TotalLesionGlycolysis:
        pet.tlgG = *m.value;
        break;
      case Quantity::Dmax:
        pet.dmaxMm = *m.value;
        break;
      case Quantity::SpleenToLiverRatio:
        pet.spleenToLiverRatio = *m.value;
        break;
      case Quantity::MarrowToLiverRatio:
        pet.marrowToLiverRatio = *m.value;
        break;
      case Quantity::LesionCount:
        // A count that is not one stays unknown rather than overflowing an int.
        if (*m.value >= 0 && *m.value < 1e6) pet.lesionCount = static_cast<int>(*m.value);
        break;
      default:
        break;
    }
  }
  if (!pet.dmaxMm && pet.lesionCount == 1) pet.dmaxMm = 0;
  return pet;
}

}  // namespace fedpet::response
