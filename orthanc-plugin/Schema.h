// The plugin's tables: intake, jobs, assessments, outbox.
#pragma once

#include "storage/Database.h"

#include <span>

namespace fedpet::plugin {

using storage::Database;
using storage::DatabaseError;

std::span<const char* const> schema();

}  // namespace fedpet::plugin
