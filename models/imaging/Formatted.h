// Numbers in sentences, for definitions and refusals. std::format is not in GCC 12.
#pragma once

#include <string>

namespace fedpet::imaging {

// As printf; the compiler checks the arguments. Truncated at 500 characters.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

}  // namespace fedpet::imaging
