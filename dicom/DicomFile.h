// One DICOM file in memory or on disk, parsed by DCMTK with the checks that DCMTK leaves out.
// For use inside this room; sees DCMTK.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fedpet::dicom {

// Registers the decoders (JPEG, JPEG-LS, RLE) once per process and silences DCMTK's own log:
// what matters is in our refusals and warnings, and its lines may quote patient attributes.
void prepareDcmtk();

enum class ReadDepth {
  Header,  // up to PixelData (7FE0,0010), which is not read
  Whole,
};

// Throws Unusable(UnreadableDicom) naming `name` when the data is not DICOM, is damaged, ends
// early, or has more sequence items than `maxItems` (see kMaxItemsOfPetImage: DCMTK recurses). The
// bytes are copied by DCMTK and may go afterwards.
std::unique_ptr<DcmFileFormat> parseDicom(std::span<const std::byte> bytes, const std::string& name,
                                          ReadDepth depth, std::size_t maxItems = SIZE_MAX);

// Throw Unusable(UnreadableDicom).
std::vector<std::byte> readFile(const std::filesystem::path& file, const std::string& name);
std::vector<std::byte> readFirstBytes(const std::filesystem::path& file, const std::string& name,
                                      std::size_t atMost);

// For files that are no PET series: the same, whole, with DicomError "<cannot>: <why>" instead.
std::unique_ptr<DcmFileFormat> loadDicom(std::span<const std::byte> bytes, const std::string& name,
                                         const std::string& cannot);
std::unique_ptr<DcmFileFormat> loadDicom(const std::filesystem::path&, const std::string& cannot);

// All values of an attribute as they are written, padding off; "" when absent.
std::string writtenText(DcmItem&, const DcmTagKey&);

}  // namespace fedpet::dicom
