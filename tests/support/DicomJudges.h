// Independent programs that judge DICOM objects, as in a hospital's acceptance test: dicom3tools,
// DCMTK's dsrdump and PixelMed's SR validator. Each answers with its lines, or nullopt where it is
// not installed (cmake/packages.txt has them all).
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::testing {

using Lines = std::vector<std::string>;

// dciodvfy: the lines that begin with "Error" (its exit code says nothing).
std::optional<Lines> dciodvfyErrors(const std::filesystem::path& file);

// dcentvfy: every line that it writes about files of one study that contradict each other.
std::optional<Lines> dcentvfyComplaints(std::initializer_list<std::filesystem::path> files);

// PixelMed's DicomSRValidator with template checks: the lines that begin with "Error".
// Takes about five seconds and more with the size of the report.
std::optional<Lines> pixelMedErrors(const std::filesystem::path& structuredReport);

// dsrdump's content tree with codes and full text.
std::optional<std::string> dumpedContent(const std::filesystem::path& structuredReport);

}  // namespace fedpet::testing
