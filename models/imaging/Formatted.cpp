#include "models/imaging/Formatted.h"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace fedpet::imaging {

std::string formatted(const char* format, ...) {
  std::array<char, 500> text{};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  return text.data();
}

}  // namespace fedpet::imaging
