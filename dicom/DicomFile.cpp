#include "dicom/DicomFile.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <mutex>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcistrmf.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include "dicom/DatasetReader.h"

namespace fedpet::dicom {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Unusable(RefusalCode::UnreadableDicom, name + ": " + why);
}

// DCMTK calls an input that ends inside an element a success; the element knows better.
bool isComplete(DcmDataset& dataset) {
  for (DcmObject* object = dataset.nextInContainer(nullptr); object;
       object = dataset.nextInContainer(object))
    if (object->transferState() != ERW_ready) return false;
  return true;
}

std::unique_ptr<DcmFileFormat> parse(DcmInputStream& stream, const std::string& name,
                                     ReadDepth depth) {
  prepareDcmtk();
  auto file = std::make_unique<DcmFileFormat>();
  file->transferInit();
  const OFCondition read =
      depth == ReadDepth::Header
          ? file->readUntilTag(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, DCM_PixelData)
          : file->read(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength);
  if (read.bad() && read != EC_EndOfStream) refuse(name, read.text());
  if (file->getDataset()->card() == 0) refuse(name, "not a DICOM file");
  if (!isComplete(*file->getDataset())) refuse(name, "the file ends early");
  file->transferEnd();
  return file;
}

}  // namespace

void prepareDcmtk() {
  static std::once_flag once;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    DcmRLEDecoderRegistration::registerCodecs();
  });
}

std::unique_ptr<DcmFileFormat> parseDicom(std::span<const std::byte> bytes,
                                          const std::string& name, ReadDepth depth) {
  if (!looksLikeDicom(bytes)) refuse(name, "not a DICOM file");
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  return parse(stream, name, depth);
}

std::unique_ptr<DcmFileFormat> parseDicomHeader(const std::filesystem::path& path,
                                                const std::string& name) {
  DcmInputFileStream stream(OFFilename(path.c_str()));
  if (!stream.good()) refuse(name, "the file cannot be opened");
  return parse(stream, name, ReadDepth::Header);
}

std::vector<std::byte> readWholeFile(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (!file || size < 0) refuse(name, "the file cannot be opened");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!file) refuse(name, "the file cannot be read");
  return bytes;
}

bool looksLikeDicom(std::span<const std::byte> bytes) {
  const auto is = [&](std::size_t at, const char* text, std::size_t length) {
    return bytes.size() >= at + length && std::memcmp(bytes.data() + at, text, length) == 0;
  };
  return is(128, "DICM", 4) || is(0, "\x08\0", 2) || is(0, "\0\x08", 2) || is(0, "\x02\0", 2);
}

}  // namespace fedpet::dicom
