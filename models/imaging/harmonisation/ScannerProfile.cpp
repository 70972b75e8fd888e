#include "models/imaging/harmonisation/ScannerProfile.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/harmonisation/JsonFields.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

namespace fedpet::imaging {
namespace {

using Json = JsonFields::Json;

using Fact = const std::string PetSeries::*;
constexpr std::array<std::pair<const char*, Fact>, 7> kFacts{{
    {"manufacturer", &PetSeries::manufacturer},
    {"model", &PetSeries::manufacturerModel},
    {"station", &PetSeries::stationName},
    {"institution", &PetSeries::institutionName},
    {"software", &PetSeries::softwareVersions},
    {"reconstruction", &PetSeries::reconstructionMethod},
    {"seriesDescription", &PetSeries::seriesDescription},
}};

constexpr auto kSyntax = std::regex::ECMAScript | std::regex::icase;

std::string plain(const std::string& text) {
  const auto isBlank = [](unsigned char c) { return std::isspace(c) != 0; };
  const auto begin = std::find_if_not(text.begin(), text.end(), isBlank);
  const auto end = std::find_if_not(text.rbegin(), text.rend(), isBlank).base();
  std::string result(begin, std::max(begin, end));
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// --- reading -------------------------------------------------------------------------------------

FactPattern patternFrom(JsonFields& fields, const std::string& fact, const Json& json) {
  if (json.is_string()) {
    if (plain(json.get<std::string>()).empty()) fields.fail(fact, "must not be empty");
    return {fact, json.get<std::string>(), false};
  }
  if (!json.is_object()) fields.fail(fact, R"(must be a text or {"regex": "..."})");
  JsonFields object(json, fields.pathOf(fact));
  FactPattern pattern{fact, object.text("regex"), true};
  object.requireNothingElse();
  try {
    std::regex(pattern.pattern, kSyntax);
  } catch (const std::regex_error& error) {
    object.fail("regex", std::string("is not a regular expression (") + error.what() + ")");
  }
  return pattern;
}

std::vector<FactPattern> matchFrom(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  std::vector<FactPattern> match;
  for (const auto& [fact, unused] : kFacts)
    if (const Json* found = fields.find(fact)) match.push_back(patternFrom(fields, fact, *found));
  fields.requireNothingElse();
  if (match.empty()) fields.fail("", "must name at least one fact by which the scanner is known");
  return match;
}

std::string_view diameterText(const RecoveryLimits& limits) {
  static constexpr std::string_view kTexts[] = {"37", "28", "22", "17", "13", "10"};
  const auto spheres = earl1Limits();
  return kTexts[static_cast<std::size_t>(&limits - spheres.data())];
}

std::vector<MeasuredRecovery> recoveryFrom(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  std::vector<MeasuredRecovery> recovery;
  for (const RecoveryLimits& sphere : earl1Limits())
    recovery.push_back({sphere.diameterMm, {}, {}});
  std::size_t count = 0;
  for (const char* kind : {"max", "mean"}) {
    const Json* found = fields.find(kind);
    if (found == nullptr) continue;
    JsonFields spheres(*found, fields.pathOf(kind));
    for (std::size_t n = 0; n < recovery.size(); ++n) {
      const std::string diameter(diameterText(earl1Limits()[n]));
      const Json* value = spheres.find(diameter);
      if (value == nullptr) continue;
      auto& target = kind == std::string_view("max") ? recovery[n].max : recovery[n].mean;
      target = spheres.numberIn(*value, diameter, 0.05, 2);  // per cent would be far above
      ++count;
    }
    spheres.requireNothingElse();
  }
  fields.requireNothingElse();
  std::erase_if(recovery, [](const MeasuredRecovery& m) { return !m.max && !m.mean; });
  const bool anySmall = std::any_of(recovery.begin(), recovery.end(),
                                    [](const auto& m) { return m.diameterMm <= 17; });
  if (count < 4 || recovery.size() < 3 || !anySmall)
    fields.fail("",
                "needs at least four numbers of at least three spheres, one of them of 17 mm "
                "or less: the small spheres tell how sharp the images are");
  return recovery;
}

ScannerProfile profileFrom(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  ScannerProfile profile;
  profile.name = fields.text("name");
  if (plain(profile.name).empty()) fields.fail("name", "must not be empty");
  profile.match = matchFrom(fields.at("match"), fields.pathOf("match"));
  profile.accreditation = fields.text("class", "");
  if (profile.accreditation != "" && profile.accreditation != "EARL-1" &&
      profile.accreditation != "EARL-2")
    fields.fail("class", R"(must be "EARL-1" or "EARL-2", or left out when there is none)");
  if (const Json* recovery = fields.find("recovery"))
    profile.recovery = recoveryFrom(*recovery, fields.pathOf("recovery"));
  if (fields.find("psfFwhmMm") != nullptr) profile.psfFwhmMm = fields.number("psfFwhmMm", 1, 20);
  fields.requireNothingElse();
  if (profile.psfFwhmMm && !profile.recovery.empty())
    fields.fail("", "has both recovery and psfFwhmMm: leave the less certain one out");
  if (profile.accreditation == "EARL-1" && !isWithinEarl1(profile.recovery))
    fields.fail("recovery",
                "lies outside the limits of EARL-1, but the class says EARL-1: correct "
                "the one or the other");
  return profile;
}

}  // namespace

std::vector<ScannerProfile> scannerProfilesFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded()) throw HarmonisationError("the description of the scanners is not JSON");
  JsonFields fields(json, "");
  const Json& list = fields.list("scanners");
  fields.requireNothingElse();
  std::vector<ScannerProfile> profiles;
  for (std::size_t n = 0; n < list.size(); ++n) {
    const std::string path = "scanners[" + std::to_string(n) + "]";
    ScannerProfile profile = profileFrom(list[n], path);
    for (const ScannerProfile& other : profiles)
      if (plain(other.name) == plain(profile.name))
        throw HarmonisationError(path + ".name is \"" + profile.name +
                                 "\", which another scanner has already");
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

std::vector<ScannerProfile> readScannerProfiles(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw HarmonisationError(path.string() + " cannot be read");
  try {
    return scannerProfilesFromJson(text);
  } catch (const HarmonisationError& error) {
    throw HarmonisationError(path.filename().string() + ": " + error.what());
  }
}

bool matches(const ScannerProfile& profile, const PetSeries& series) {
  return std::all_of(profile.match.begin(), profile.match.end(), [&](const FactPattern& wanted) {
    const auto fact = std::find_if(kFacts.begin(), kFacts.end(),
                                   [&](const auto& f) { return f.first == wanted.fact; });
    if (fact == kFacts.end()) return false;
    const std::string found = series.*(fact->second);
    return wanted.isExpression ? std::regex_search(found, std::regex(wanted.pattern, kSyntax))
                               : plain(found) == plain(wanted.pattern);
  });
}

tl::expected<const ScannerProfile*, std::string> findScanner(
    const std::vector<ScannerProfile>& profiles, const PetSeries& series) {
  const ScannerProfile* found = nullptr;
  std::string names;
  for (const ScannerProfile& profile : profiles) {
    if (!matches(profile, series)) continue;
    names += (found == nullptr ? "\"" : " and \"") + profile.name + "\"";
    if (found != nullptr) return tl::unexpected(names);
    found = &profile;
  }
  return found;
}

FilterPlan planToEarl1(const ScannerProfile& profile) {
  FilterPlan plan;
  if (profile.psfFwhmMm) {
    plan.psf = EffectivePsf{*profile.psfFwhmMm, 0};
  } else if (!profile.recovery.empty()) {
    const PsfFit fit = effectivePsfOf(profile.recovery);
    plan.fitRms = fit.rms;
    plan.psf = fit.psf;
  }
  if (profile.accreditation == "EARL-1" ||
      (!profile.recovery.empty() && isWithinEarl1(profile.recovery))) {
    plan.reachesTarget = true;
    plan.reason = profile.accreditation == "EARL-1"
                      ? "the scanner is accredited for EARL-1"
                      : "its recovery coefficients lie within the limits of EARL-1";
  } else if (!plan.psf) {
    plan.reason =
        "neither its recovery coefficients nor its resolution are described, so no filter "
        "can be derived";
  } else if (plan.fitRms && *plan.fitRms > kLargestFitRms) {
    plan.reason = formatted(
        "its recovery coefficients are not those of a blurred sphere at a "
        "contrast of 10:1 (they differ by %.2f), so no filter can be derived",
        *plan.fitRms);
    plan.psf.reset();
  } else if (const double fwhmMm = filterToEarl1FwhmMm(*plan.psf); fwhmMm > 0) {
    plan.fwhmMm = fwhmMm;
    plan.reason = formatted("effective resolution %.1f mm, that of EARL-1 is %.1f mm",
                            plan.psf->fwhmMm, earl1FwhmMm());
  } else {
    plan.reason = formatted(
        "it is as coarse as EARL-1 or coarser (%.1f mm against %.1f mm) and "
        "nothing is sharpened; the numbers of small lesions stay low",
        plan.psf->fwhmMm, earl1FwhmMm());
  }
  if (plan.psf) {
    std::vector<MeasuredRecovery> after;
    for (const RecoveryLimits& sphere : earl1Limits()) {
      plan.recovery.push_back(recoveryOf(sphere.diameterMm, *plan.psf, plan.fwhmMm.value_or(0)));
      after.push_back({sphere.diameterMm, plan.recovery.back().max, plan.recovery.back().mean});
    }
    plan.reachesTarget |= isWithinEarl1(after);
  }
  return plan;
}

}  // namespace fedpet::imaging
