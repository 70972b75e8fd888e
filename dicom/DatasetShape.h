// How deeply a DICOM file nests, found without recursion and before DCMTK, which recurses, is let
// loose on it: a small file can nest a hundred thousand sequences and so exhaust the stack.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace fedpet::dicom {

struct DatasetShape {
  std::size_t depth = 0;         // of items within items; 0 for a file without sequences
  std::size_t items = 0;         // of all sequences
  std::size_t contentItems = 0;  // those of ContentSequence (0040,A730)
};

// Walks the encoding (PS3.5 chapter 7) in the transfer syntax that the file names, deflated ones
// included. nullopt for anything that is not exactly well-formed from the first byte to the last.
std::optional<DatasetShape> shapeOf(std::span<const std::byte> file);

// Objects that nest less than this are harmless; no real one comes near.
inline constexpr std::size_t kMaxDepth = 64;

// Throws DicomError "<cannot>: <why>" for a file that is malformed or nests deeper.
DatasetShape requireHarmless(std::span<const std::byte> file, const std::string& cannot);

}  // namespace fedpet::dicom
