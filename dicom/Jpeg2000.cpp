#include "dicom/Jpeg2000.h"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace fedpet::dicom {
namespace {

// OpenJPEG reads through callbacks; this is the memory they read from.
struct Cursor {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T readSome(void* buffer, OPJ_SIZE_T size, void* user) {
  auto& cursor = *static_cast<Cursor*>(user);
  const std::size_t count = std::min<std::size_t>(size, cursor.bytes.size() - cursor.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(buffer, cursor.bytes.data() + cursor.at, count);
  cursor.at += count;
  return count;
}

OPJ_OFF_T skipSome(OPJ_OFF_T distance, void* user) {
  auto& cursor = *static_cast<Cursor*>(user);
  if (distance < 0) return -1;
  const std::size_t left = cursor.bytes.size() - cursor.at;
  const std::size_t count = std::min(static_cast<std::size_t>(distance), left);
  cursor.at += count;
  return count == 0 && distance > 0 ? -1 : static_cast<OPJ_OFF_T>(count);
}

OPJ_BOOL seekTo(OPJ_OFF_T position, void* user) {
  auto& cursor = *static_cast<Cursor*>(user);
  if (position < 0 || static_cast<std::size_t>(position) > cursor.bytes.size()) return OPJ_FALSE;
  cursor.at = static_cast<std::size_t>(position);
  return OPJ_TRUE;
}

void ignore(const char*, void*) {}

// OpenJPEG's stream and codec are one C type, so each handle names the function that frees it.
template <auto destroy>
struct Free {
  template <typename T>
  void operator()(T* handle) const {
    destroy(handle);
  }
};
using Stream = std::unique_ptr<opj_stream_t, Free<opj_stream_destroy>>;
using Codec = std::unique_ptr<opj_codec_t, Free<opj_destroy_codec>>;
using Image = std::unique_ptr<opj_image_t, Free<opj_image_destroy>>;

Stream streamOver(Cursor& cursor) {
  Stream stream(opj_stream_default_create(OPJ_TRUE));
  opj_stream_set_user_data(stream.get(), &cursor, nullptr);
  opj_stream_set_user_data_length(stream.get(), cursor.bytes.size());
  opj_stream_set_read_function(stream.get(), readSome);
  opj_stream_set_skip_function(stream.get(), skipSome);
  opj_stream_set_seek_function(stream.get(), seekTo);
  return stream;
}

bool isJp2File(std::span<const std::byte> bytes) {
  constexpr unsigned char kSignature[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  return bytes.size() >= sizeof kSignature &&
         std::memcmp(bytes.data(), kSignature, sizeof kSignature) == 0;
}

}  // namespace

tl::expected<Jpeg2000Samples, std::string> decodeJpeg2000(std::span<const std::byte> codeStream,
                                                          int columns, int rows) {
  const auto fail = [](const char* why) { return tl::unexpected(std::string(why)); };
  Cursor cursor{codeStream};
  const auto stream = streamOver(cursor);
  const Codec codec(opj_create_decompress(isJp2File(codeStream) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  opj_set_info_handler(codec.get(), ignore, nullptr);
  opj_set_warning_handler(codec.get(), ignore, nullptr);
  opj_set_error_handler(codec.get(), ignore, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  if (!opj_setup_decoder(codec.get(), &parameters)) return fail("OpenJPEG could not be set up");

  opj_image_t* header = nullptr;
  const bool headerRead = opj_read_header(stream.get(), codec.get(), &header) != 0;
  const Image image(header);
  if (!headerRead || !image) return fail("the JPEG 2000 header is damaged");
  if (image->numcomps != 1 || image->x1 - image->x0 != static_cast<OPJ_UINT32>(columns) ||
      image->y1 - image->y0 != static_cast<OPJ_UINT32>(rows))
    return fail("the JPEG 2000 image has another size than Rows and Columns say");
  if (!opj_decode(codec.get(), stream.get(), image.get()) ||
      !opj_end_decompress(codec.get(), stream.get()))
    return fail("the JPEG 2000 data is damaged");

  const opj_image_comp_t& component = image->comps[0];
  if (!component.data || component.w != static_cast<OPJ_UINT32>(columns) ||
      component.h != static_cast<OPJ_UINT32>(rows) || component.prec > 31)
    return fail("the JPEG 2000 image has another size than Rows and Columns say");
  Jpeg2000Samples samples;
  samples.values.assign(component.data, component.data + std::size_t{component.w} * component.h);
  samples.precisionBits = component.prec;
  samples.isSigned = component.sgnd != 0;
  return samples;
}

}  // namespace fedpet::dicom
