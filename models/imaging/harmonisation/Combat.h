// ComBat: location and scale of each scanner in the inputs of a model, estimated once on a table of
// patients and applied to each new one (Johnson 2007, Biostatistics 8:118; Fortin 2018, NeuroImage
// 167:104; for PET: Orlhac 2022, J Nucl Med 63:172). For patient j on scanner i:
//   y_ij = mean + x_j beta + sd (shift_i + sqrt(scale_i) e_ij),   e_ij ~ N(0, 1)
//   adjusted = mean + x_j beta + sd (z - shift_i) / sqrt(scale_i),  z = (y - mean - x_j beta) / sd
// y is the value or its natural logarithm. mean, sd, shift and scale mean what they do in
// federation/learning/Statistics.h: scale is a variance ratio, sd is pooled within scanners with
// the number of patients as divisor.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "models/imaging/harmonisation/HarmonisationError.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging {

struct CombatInput {
  std::string input;  // toString(Quantity): "TMTV", "SLR"
  bool logarithm = false;
  double mean = 0, sd = 1;                   // mean: at covariates of 0
  std::map<std::string, double> covariates;  // name -> beta
};

// Of one scanner in one input.
struct CombatShift {
  std::size_t patients = 0;
  double rawShift = 0, rawScale = 1;  // gamma-hat, delta-hat squared
  double shift = 0, scale = 1;  // gamma*, delta* squared: by empirical Bayes, or as the raw ones
};

struct CombatScanner {
  std::string scanner;                        // ScannerProfile::name
  std::map<std::string, CombatShift> inputs;  // by CombatInput::input
};

struct CombatModel {
  std::string reference;  // scanner that the others are brought to; empty: their mean
  bool empiricalBayes = true;
  // What the images had been filtered to when the table was measured, "" or "EARL-1": parameters
  // of unfiltered images are wrong for filtered ones, and the other way round.
  std::string imagesFilteredTo;
  std::vector<CombatInput> inputs;
  std::vector<CombatScanner> scanners;
};

// Throws HarmonisationError that names the place and what is wrong.
CombatModel combatFromJson(std::string_view text);
CombatModel readCombat(const std::filesystem::path&);
std::string combatToJson(const CombatModel&);  // indented, ends with a newline

// Names of covariates: "age", "male", "smoker", ... A name that people write otherwise ("sex",
// "Age") is turned into ours; nullopt for one that no assessment knows.
std::optional<std::string> covariateNamed(std::string_view);
std::string covariateNames();  // all, for a message
std::optional<double> covariateOf(const ClinicalCovariates&, std::string_view name);

// The adjusted value, or why there is none, as the end of a sentence.
tl::expected<double, std::string> combatAdjusted(const CombatModel&, std::string_view scanner,
                                                 std::string_view input, double value,
                                                 const ClinicalCovariates&);

// --- estimation ----------------------------------------------------------------------------------

struct CombatTable {
  struct Row {
    std::string scanner;
    std::vector<std::optional<double>> inputs, covariates;  // in the order of the names
  };
  std::vector<std::string> inputs, covariates;
  std::vector<bool> logarithm;  // by input
  std::vector<Row> rows;
};

struct CombatSettings {
  std::string reference{};     // M-ComBat (Da-ano 2020): mean and sd are those of this scanner
  bool empiricalBayes = true;  // parametric priors over the inputs of a scanner
  std::string imagesFilteredTo{};
  // Mean and sd by input from a consortium's statistics: only this site's shifts are estimated.
  std::map<std::string, std::pair<double, double>> federated{};
};

struct CombatEstimate {
  CombatModel model;
  std::vector<std::string> warnings;  // sentences: few patients, no shrinkage, ...
};
// A row without one of the covariates is left out; a row without one input counts for the others.
// Throws HarmonisationError for a table that allows no estimate: one scanner only (unless
// federated), a scanner with fewer than two patients, an input that does not vary, a logarithm of
// 0, covariates that the scanner or one another determine.
CombatEstimate estimateCombat(const CombatTable&, const CombatSettings& = {});
inline constexpr std::size_t kFewPatientsPerScanner = 20;  // below: a warning

}  // namespace fedpet::imaging
