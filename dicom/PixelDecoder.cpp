#include "dicom/PixelDecoder.h"

#include "dicom/DatasetReader.h"
#include "dicom/DicomFile.h"
#include "dicom/FileMeta.h"
#include "dicom/Jpeg2000.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <cassert>
#include <cstdint>
#include <vector>

namespace fedpet::dicom {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Unusable(RefusalCode::UnreadableDicom, name + ": " + why);
}

// Stored bits to a value: PS3.5 8.1.1, with whatever lies outside HighBit..0 dropped (overlays
// used to hide there).
class StoredValue {
 public:
  explicit StoredValue(const PixelFormat& format)
      : shift_(static_cast<unsigned>(format.highBit + 1 - format.bitsStored)),
        mask_(format.bitsStored == 32 ? 0xffffffffU : (1U << format.bitsStored) - 1),
        signBit_(format.isSigned ? 1U << (format.bitsStored - 1) : 0) {}

  double operator()(std::uint32_t word) const {
    const std::uint32_t bits = (word >> shift_) & mask_;
    // Two's complement: the sign bit counts negatively.
    return static_cast<double>(bits & ~signBit_) - static_cast<double>(bits & signBit_);
  }

 private:
  unsigned shift_;
  std::uint32_t mask_, signBit_;
};

template <typename Word>
void rescale(const Word* words, const StoredValue& stored, const PetSlice& slice,
             std::span<float> pixels) {
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<float>(
        stored(static_cast<std::uint32_t>(words[i])) * slice.rescaleSlope + slice.rescaleIntercept);
}

std::vector<std::byte> concatenatedFragments(DcmPixelData& data, const std::string& name) {
  E_TransferSyntax syntax = EXS_Unknown;
  const DcmRepresentationParameter* parameter = nullptr;
  data.getOriginalRepresentationKey(syntax, parameter);
  DcmPixelSequence* sequence = nullptr;
  if (data.getEncapsulatedRepresentation(syntax, parameter, sequence).bad() || !sequence)
    refuse(name, "PixelData (7fe0,0010) holds no compressed image");
  std::vector<std::byte> stream;
  // Item 0 is the offset table; a single frame may be cut into many fragments.
  for (unsigned long i = 1; i < sequence->card(); ++i) {
    DcmPixelItem* item = nullptr;
    Uint8* bytes = nullptr;
    if (sequence->getItem(item, i).bad() || !item || item->getUint8Array(bytes).bad() || !bytes)
      refuse(name, "a fragment of PixelData (7fe0,0010) is damaged");
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    stream.insert(stream.end(), begin, begin + item->getLength());
  }
  return stream;
}

void decodeJpeg2000Slice(DcmPixelData& data, const std::string& name, const PixelFormat& format,
                         const PetSlice& slice, std::span<float> pixels) {
  const auto samples =
      decodeJpeg2000(concatenatedFragments(data, name), format.columns, format.rows);
  if (!samples) refuse(name, samples.error());
  if (samples->precisionBits > static_cast<unsigned>(format.bitsAllocated))
    refuse(name, "the JPEG 2000 samples have more bits than BitsAllocated says");
  rescale(samples->values.data(), StoredValue(format), slice, pixels);
}

void decodeNativeSlice(DcmElement& data, E_TransferSyntax original, const std::string& name,
                       const PixelFormat& format, const PetSlice& slice, std::span<float> pixels) {
  const std::size_t needed =
      format.pixelCount() * static_cast<std::size_t>(format.bitsAllocated) / 8;
  const std::size_t given = data.getLength();
  if (given < needed || given > needed + 1)
    refuse(name, "PixelData (7fe0,0010) has " + std::to_string(given) + " bytes, but its matrix " +
                     std::to_string(needed));
  const StoredValue stored(format);
  Uint8* bytes = nullptr;
  Uint16* words = nullptr;
  const bool ok = format.bitsAllocated == 8 ? data.getUint8Array(bytes).good() && bytes
                                            : data.getUint16Array(words).good() && words;
  if (!ok) refuse(name, "PixelData (7fe0,0010) cannot be read");
  if (format.bitsAllocated == 8) return rescale(bytes, stored, slice, pixels);
  if (format.bitsAllocated == 16) return rescale(words, stored, slice, pixels);
  // DCMTK swaps 16-bit words only, which leaves the halves of a big endian pixel exchanged.
  const std::size_t low = original == EXS_BigEndianExplicit ? 1 : 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::uint32_t word = static_cast<std::uint32_t>(words[2 * i + low]) |
                               static_cast<std::uint32_t>(words[2 * i + 1 - low]) << 16;
    pixels[i] = static_cast<float>(stored(word) * slice.rescaleSlope + slice.rescaleIntercept);
  }
}

// Decoders may widen or narrow the pixels, and say so in the data set.
PixelFormat formatAfterDecoding(DcmDataset& dataset, const PixelFormat& before,
                                const std::string& name) {
  const auto value = [&](const DcmTagKey& key) {
    Uint16 number = 0;
    if (dataset.findAndGetUint16(key, number).bad())
      refuse(name, "the decoded image lost an attribute");
    return static_cast<int>(number);
  };
  PixelFormat format = before;
  format.bitsAllocated = value(DCM_BitsAllocated);
  format.bitsStored = value(DCM_BitsStored);
  format.highBit = value(DCM_HighBit);
  const int allocated = format.bitsAllocated;
  const bool sound = (allocated == 8 || allocated == 16 || allocated == 32) &&
                     format.bitsStored >= 1 && format.bitsStored <= allocated &&
                     format.highBit >= format.bitsStored - 1 && format.highBit < allocated &&
                     value(DCM_Rows) == before.rows && value(DCM_Columns) == before.columns;
  if (!sound) refuse(name, "the decoded image contradicts its header");
  return format;
}

}  // namespace

void decodeSlice(std::span<const std::byte> bytes, const std::string& name,
                 const PixelFormat& format, const PetSlice& slice, std::span<float> pixels) {
  assert(pixels.size() == format.pixelCount());
  const auto file = parseDicom(bytes, name, ReadDepth::Whole, kMaxItemsOfPetImage);
  DcmDataset& dataset = *file->getDataset();
  const E_TransferSyntax syntax = dataset.getOriginalXfer();
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(DCM_PixelData, element).bad() || !element)
    refuse(name, "PixelData (7fe0,0010) is missing");
  if (syntax == EXS_JPEG2000LosslessOnly || syntax == EXS_JPEG2000) {
    auto* data = dynamic_cast<DcmPixelData*>(element);
    if (!data) refuse(name, "PixelData (7fe0,0010) cannot be read");
    return decodeJpeg2000Slice(*data, name, format, slice, pixels);
  }
  if (DcmXfer(syntax).isEncapsulated() &&
      (dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad() ||
       dataset.findAndGetElement(DCM_PixelData, element).bad() || !element))
    refuse(name, std::string("cannot decode ") + DcmXfer(syntax).getXferName());
  decodeNativeSlice(*element, syntax, name, formatAfterDecoding(dataset, format, name), slice,
                    pixels);
}

}  // namespace fedpet::dicom
