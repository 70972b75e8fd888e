#include "tests/support/DicomJudges.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace fedpet::testing {
namespace {

std::string quoted(const std::filesystem::path& path) { return '\'' + path.string() + '\''; }

// Standard output and error of a command.
std::string outputOf(const std::string& command) {
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen((command + " 2>&1").c_str(), "r"), close);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), n);
  return output;
}

bool installed(const std::string& program) {
  return !outputOf("command -v " + program).empty();
}

Lines linesOf(const std::string& text, const std::string& prefix = "") {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty() && line.rfind(prefix, 0) == 0) lines.push_back(line);
  return lines;
}

// Fails loudly where a judge did not judge: silence would pass as approval.
void requireVerdict(const std::string& output, const std::string& sign, const std::string& judge) {
  if (output.find(sign) == std::string::npos)
    throw std::runtime_error(judge + " gave no verdict: " + output.substr(0, 2000));
}

}  // namespace

// As dciodvfy calls the objects that it knows, once it has judged one.
constexpr std::array kJudgedObjects{"Comprehensive3DSR", "Segmentation", "EncapsulatedPDF",
                                    "MultiframeGrayscaleByteSCImage"};

std::optional<Lines> dciodvfyErrors(const std::filesystem::path& file) {
  if (!installed("dciodvfy")) return std::nullopt;
  const std::string output = outputOf("dciodvfy -new " + quoted(file));
  const bool named =
      std::any_of(kJudgedObjects.begin(), kJudgedObjects.end(),
                  [&](const char* name) { return output.find(name) != std::string::npos; });
  if (!named) throw std::runtime_error("dciodvfy gave no verdict: " + output.substr(0, 2000));
  return linesOf(output, "Error");
}

std::optional<Lines> dcentvfyComplaints(std::initializer_list<std::filesystem::path> files) {
  if (!installed("dcentvfy")) return std::nullopt;
  std::string command = "dcentvfy";
  for (const auto& file : files) command += ' ' + quoted(file);
  return linesOf(outputOf(command));
}

std::optional<Lines> pixelMedErrors(const std::filesystem::path& structuredReport) {
  const std::filesystem::path jar = "/usr/share/java/pixelmed.jar";
  if (!installed("java") || !std::filesystem::exists(jar)) return std::nullopt;
  // Without the limits lifted, the validator stops with JAXP0801003 on today's Java.
  const std::string output = outputOf(
      "java -Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprOpLimit=0 "
      "-Djdk.xml.xpathExprGrpLimit=0 -cp " +
      quoted(jar) + " com.pixelmed.validate.DicomSRValidator -checktemplateid " +
      quoted(structuredReport));
  requireVerdict(output, "Root Template Validation Complete", "PixelMed");
  return linesOf(output, "Error");
}

std::optional<std::string> dumpedContent(const std::filesystem::path& structuredReport) {
  if (!installed("dsrdump")) return std::nullopt;
  return outputOf("dsrdump +Pc +Pl -Ph " + quoted(structuredReport));
}

}  // namespace fedpet::testing
