// What poppler's tools, which are not ours, read in a PDF. Each answers nullopt where the package
// poppler-utils is not installed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fedpet::testing {

// The text page by page, line by line across all columns; no-break spaces as spaces, runs of white
// space as one.
std::optional<std::vector<std::string>> pdfPages(std::span<const std::byte> pdf);

struct PdfWord {
  int page = 0;
  double left = 0, top = 0, right = 0, bottom = 0;  // points
  std::string text;
};
std::optional<std::vector<PdfWord>> pdfWords(std::span<const std::byte> pdf);

// "Title", "Author", "CreationDate" ... as pdfinfo prints them.
std::optional<std::string> pdfInfo(std::span<const std::byte> pdf);
// One line a font, without the head.
std::optional<std::vector<std::string>> pdfFonts(std::span<const std::byte> pdf);

}  // namespace fedpet::testing
