// The first bytes of a DICOM file, read before any parser is let loose on the rest: what the file
// is, and whether its structure is one that can be parsed without harm. Free of DCMTK.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

struct FileMeta {
  std::string sopClassUid, transferSyntaxUid;  // "" in a bare data set
  std::size_t datasetOffset = 0;
};

// Part 10 (PS3.10 7.1) with or without its preamble, or a bare data set that begins with group
// 0008. nullopt for anything else, and when the meta information is damaged or longer than `bytes`.
std::optional<FileMeta> readFileMeta(std::span<const std::byte> bytes);

inline constexpr std::string_view kDeflatedTransferSyntax = "1.2.840.10008.1.2.1.99";

// True where the first bytes are those of any of the three, damaged or not.
bool looksLikeDicom(std::span<const std::byte> firstBytes);

// DCMTK reads nested sequences by recursion, so a small file can exhaust the stack. Nesting cannot
// be deeper than there are items, and a PET image has a few dozen.
inline constexpr std::size_t kMaxItemsOfPetImage = 1000;
// Counts item tags (FFFE,E000) in both byte orders, inside a deflated data set too; stops counting
// once above `enough`. nullopt when a deflated data set is damaged or larger than 256 MiB.
std::optional<std::size_t> countItems(std::span<const std::byte> file, const FileMeta&,
                                      std::size_t enough);

// What a file in kDeflatedTransferSyntax holds; nullopt when it is damaged or larger than 256 MiB.
std::optional<std::vector<std::byte>> inflatedDataset(std::span<const std::byte> file,
                                                      const FileMeta&);

}  // namespace fedpet::dicom
