#include "tests/report/PdfText.h"

#include "tests/support/TemporaryDirectory.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace fedpet::testing {
namespace {

std::string outputOf(const std::string& command) {
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen((command + " 2>&1").c_str(), "r"), close);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string output;
  std::array<char, 65536> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), n);
  return output;
}

// Runs `tool` on the document; "FILE" stands for it.
std::optional<std::string> run(const std::string& tool, const std::string& arguments,
                               std::span<const std::byte> pdf) {
  if (outputOf("command -v " + tool).empty()) return std::nullopt;
  const TemporaryDirectory folder;
  const auto file = folder.path() / "report.pdf";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(pdf.data()), static_cast<std::streamsize>(pdf.size()));
  std::string command = tool + ' ' + arguments;
  command.replace(command.find("FILE"), 4, "'" + file.string() + "'");
  return outputOf("TZ=UTC " + command);
}

std::string simplified(const std::string& text) {
  std::string simple;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool noBreak = text.compare(i, 2, "\u00a0") == 0;
    const char c = noBreak ? ' ' : text[i];
    if (noBreak) ++i;
    if (c == ' ' || c == '\n' || c == '\t') {
      if (!simple.empty() && simple.back() != ' ') simple += ' ';
    } else {
      simple += c;
    }
  }
  return simple;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::optional<std::vector<std::string>> pdfPages(std::span<const std::byte> pdf) {
  const auto text = run("pdftotext", "-layout FILE -", pdf);
  if (!text) return std::nullopt;
  std::vector<std::string> pages;
  for (std::size_t from = 0; from < text->size();) {
    const std::size_t to = std::min(text->find('\f', from), text->size());
    pages.push_back(simplified(text->substr(from, to - from)));
    from = to + 1;
  }
  return pages;
}

std::optional<std::vector<PdfWord>> pdfWords(std::span<const std::byte> pdf) {
  const auto text = run("pdftotext", "-bbox FILE -", pdf);
  if (!text) return std::nullopt;
  static const std::regex pattern(
      R"re(<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*)</word>)re");
  std::vector<PdfWord> words;
  int page = 0;
  for (const std::string& line : linesOf(*text)) {
    if (line.find("<page ") != std::string::npos) ++page;
    std::smatch m;
    if (std::regex_search(line, m, pattern))
      words.push_back(
          {page, std::stod(m[1]), std::stod(m[2]), std::stod(m[3]), std::stod(m[4]), m[5]});
  }
  return words;
}

std::optional<std::string> pdfInfo(std::span<const std::byte> pdf) {
  return run("pdfinfo", "-isodates FILE", pdf);
}

std::optional<std::vector<std::string>> pdfFonts(std::span<const std::byte> pdf) {
  const auto text = run("pdffonts", "FILE", pdf);
  if (!text) return std::nullopt;
  auto lines = linesOf(*text);
  if (lines.size() < 2) throw std::runtime_error("pdffonts gave no verdict: " + *text);
  lines.erase(lines.begin(), lines.begin() + 2);
  return lines;
}

}  // namespace fedpet::testing
