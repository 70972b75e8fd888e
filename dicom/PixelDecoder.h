// The pixels of one file, decompressed and rescaled. For use inside this room; free of DCMTK in
// its interface.
#pragma once

#include "clinical/PetSeries.h"
#include "dicom/SliceHeader.h"

#include <cstddef>
#include <span>
#include <string>

namespace fedpet::dicom {

// Writes stored value x slope + intercept into `pixels`, format.pixelCount() long. Throws
// Unusable(UnreadableDicom) for a file cut short, pixel data of another size than its matrix,
// damaged compressed data or a transfer syntax that cannot be decoded.
void decodeSlice(std::span<const std::byte> file, const std::string& name,
                 const PixelFormat& format, const PetSlice& slice, std::span<float> pixels);

}  // namespace fedpet::dicom
