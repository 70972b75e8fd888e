#include "federation/site/Policy.h"

#include "federation/privacy/RdpAccountant.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>

namespace fedpet::federation {
namespace {

using Json = nlohmann::ordered_json;

// Two ways to add the same terms may differ in the last bits.
constexpr double kRounding = 1e-9;

std::string rounded(double epsilon) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", epsilon);
  return text;
}

bool hasNoise(const Plan& plan) { return plan.privacy.noise != NoiseKind::None; }

void objectToPrivacy(const Plan& plan, const SitePolicy& policy, double spentElsewhere,
                     std::vector<std::string>& objections) {
  if (!hasNoise(plan)) {
    if (policy.requireNoise)
      objections.push_back("the plan adds no noise, which this site's policy requires");
    return;
  }
  if (policy.maximumEpsilon <= 0) {
    objections.push_back("the plan spends privacy budget and this site's policy grants none");
  } else if (spentElsewhere + plan.privacy.epsilon > policy.maximumEpsilon + kRounding) {
    objections.push_back("the plan may spend epsilon " + rounded(plan.privacy.epsilon) + "; with " +
                         rounded(spentElsewhere) + " spent by other plans that is more than the " +
                         rounded(policy.maximumEpsilon) + " of this site's policy");
  }
}

}  // namespace

std::vector<std::string> objectionsTo(const Plan& plan, const SitePolicy& policy,
                                      double epsilonSpentElsewhere) {
  std::vector<std::string> objections;
  const auto& purposes = policy.allowedPurposes;
  if (!purposes.empty() &&
      std::find(purposes.begin(), purposes.end(), plan.purpose) == purposes.end())
    objections.push_back("the purpose \"" + plan.purpose + "\" is not among those allowed here");
  if (plan.minimumPatients < policy.minimumPatients)
    objections.push_back("the plan lets sites with " + std::to_string(plan.minimumPatients) +
                         " patients take part; this site's policy asks for at least " +
                         std::to_string(policy.minimumPatients));
  if (policy.requireMasking && plan.masking == Masking::None)
    objections.push_back(
        "the plan shows single contributions to the coordinator; this site's "
        "policy requires masking");
  objectToPrivacy(plan, policy, epsilonSpentElsewhere, objections);
  return objections;
}

double epsilonAfter(const Plan& plan, int rounds) {
  if (!hasNoise(plan) || rounds <= 0) return 0;
  return epsilonOf(spendingOf(plan, rounds), plan.privacy.delta);
}

tl::expected<double, std::string> priceOfOneMoreRound(const Plan& plan, const SitePolicy& policy,
                                                      const BudgetQuestion& asked) {
  if (!hasNoise(plan)) return 0.0;
  const double after = epsilonAfter(plan, asked.roundsCharged + 1);
  if (!std::isfinite(after) || after > plan.privacy.epsilon + kRounding)
    return tl::unexpected("one more round would cost epsilon " + rounded(after) +
                          ", the plan allows " + rounded(plan.privacy.epsilon));
  if (asked.epsilonSpentElsewhere + after > policy.maximumEpsilon + kRounding)
    return tl::unexpected("one more round would bring all plans to epsilon " +
                          rounded(asked.epsilonSpentElsewhere + after) +
                          ", this site's policy allows " + rounded(policy.maximumEpsilon));
  return after;
}

bool isWithin(const std::optional<std::pair<int, int>>& hoursOfDay, int hour) {
  if (!hoursOfDay || hoursOfDay->first == hoursOfDay->second) return true;
  const auto [from, to] = *hoursOfDay;
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

int localHourOf(std::chrono::sys_seconds time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts.tm_hour;
}

namespace {

[[noreturn]] void refuse(const std::string& member, const char* must) {
  throw std::invalid_argument("site policy: \"" + member + "\" must be " + must);
}

std::pair<int, int> hoursFrom(const Json& value) {
  const auto isHour = [](const Json& v) {
    return v.is_number_integer() && v.get<int>() >= 0 && v.get<int>() <= 24;
  };
  if (!value.is_array() || value.size() != 2 || !isHour(value[0]) || !isHour(value[1]))
    refuse("hoursOfDay", "null or two hours from 0 to 24, such as [20, 6]");
  return {value[0].get<int>() % 24, value[1].get<int>() % 24};
}

std::vector<std::string> purposesFrom(const Json& value) {
  if (!value.is_array() ||
      !std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); }))
    refuse("allowedPurposes", "a list of words, such as [\"research\"]");
  return value.get<std::vector<std::string>>();
}

bool yesOrNoFrom(const std::string& member, const Json& value) {
  if (!value.is_boolean()) refuse(member, "true or false");
  return value.get<bool>();
}

void read(SitePolicy& policy, const std::string& member, const Json& value) {
  if (member == "allowedPurposes") {
    policy.allowedPurposes = purposesFrom(value);
  } else if (member == "minimumPatients") {
    if (!value.is_number_integer() || value.get<long long>() < 1 ||
        value.get<long long>() > 1'000'000'000)
      refuse(member, "a whole number from 1");
    policy.minimumPatients = value.get<int>();
  } else if (member == "maximumEpsilon") {
    if (!value.is_number() || !(value.get<double>() >= 0)) refuse(member, "a number from 0");
    policy.maximumEpsilon = value.get<double>();
  } else if (member == "requireNoise") {
    policy.requireNoise = yesOrNoFrom(member, value);
  } else if (member == "requireMasking") {
    policy.requireMasking = yesOrNoFrom(member, value);
  } else if (member == "approveAutomatically") {
    policy.approveAutomatically = yesOrNoFrom(member, value);
  } else if (member == "hoursOfDay") {
    if (!value.is_null()) policy.hoursOfDay = hoursFrom(value);
  } else {
    throw std::invalid_argument("site policy: \"" + member + "\" is not known");
  }
}

}  // namespace

SitePolicy policyFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw std::invalid_argument("site policy: not a JSON object");
  SitePolicy policy;
  for (const auto& [member, value] : json.items()) read(policy, member, value);
  return policy;
}

std::string toReadableJson(const SitePolicy& policy) {
  Json json{{"allowedPurposes", policy.allowedPurposes},
            {"minimumPatients", policy.minimumPatients},
            {"maximumEpsilon", policy.maximumEpsilon},
            {"requireNoise", policy.requireNoise},
            {"requireMasking", policy.requireMasking},
            {"approveAutomatically", policy.approveAutomatically},
            {"hoursOfDay", nullptr}};
  if (policy.hoursOfDay) json["hoursOfDay"] = {policy.hoursOfDay->first, policy.hoursOfDay->second};
  return json.dump(2) + "\n";
}

}  // namespace fedpet::federation
