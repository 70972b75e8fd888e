// What a site need not keep: rounds that are over, rosters that nobody goes by, files whose round
// is gone. The log, plans, decisions and the budget stay.
#pragma once

#include "federation/site/Identity.h"
#include "federation/site/SiteStore.h"

namespace fedpet::federation {

// `before`: what ended, or was written, earlier may go. Returns a sentence; empty: nothing went.
std::string clearAttic(SiteStore&, const SiteFiles&, std::chrono::sys_seconds now,
                       std::chrono::seconds retention);

}  // namespace fedpet::federation
