// What the site's own rules say to a plan, and what its privacy may still cost.
#pragma once

#include "federation/site/Site.h"

namespace fedpet::federation {

// Sentences; empty: the policy allows the plan. `epsilonSpentElsewhere`: by all other plans here.
std::vector<std::string> objectionsTo(const Plan&, const SitePolicy&, double epsilonSpentElsewhere);

// What `rounds` rounds of the plan have cost this site's patients; 0 for a plan without noise,
// which promises nothing.
double epsilonAfter(const Plan&, int rounds);

// What may be spent. Over several plans epsilons are simply added (basic composition, Dwork and
// Roth 2014, theorem 3.16): a person can check that sum, and it errs on the safe side.
struct BudgetQuestion {
  int roundsCharged = 0;  // of this plan, before this round
  double epsilonSpentElsewhere = 0;
};
// The plan's epsilon after one more round, or why that round must not run.
tl::expected<double, std::string> priceOfOneMoreRound(const Plan&, const SitePolicy&,
                                                      const BudgetQuestion&);

// `hour` 0 to 23. A window [22, 6) reaches over midnight; [x, x) is the whole day.
bool isWithin(const std::optional<std::pair<int, int>>& hoursOfDay, int hour);
int localHourOf(std::chrono::sys_seconds);

// The policy as a person writes it: SitePolicy's members, of which all may be absent; hoursOfDay is
// null or two hours, [20, 6]. Unknown members and wrong types are refused: std::invalid_argument
// with the member's name.
SitePolicy policyFromJson(std::string_view);
std::string toReadableJson(const SitePolicy&);

}  // namespace fedpet::federation
