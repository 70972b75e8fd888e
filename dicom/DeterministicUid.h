// UIDs that a re-run reproduces: the same source and the same model give the same result UIDs, so
// a repeated job replaces its first result instead of piling up beside it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace fedpet::dicom {

// "2.25." and the decimal value of the UUIDv5 (RFC 4122, 4.3) of `parts` in the project's
// namespace: PS3.5 B.2 allows a UUID as a UID in this form, at most 44 characters long.
// Each part enters with its length, so {"ab", "c"} and {"a", "bc"} give different UIDs.
// The namespace and the joining never change: stored results would otherwise lose their identity.
std::string deterministicUid(std::initializer_list<std::string_view> parts);

}  // namespace fedpet::dicom
