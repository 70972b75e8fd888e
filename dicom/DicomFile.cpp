#include "dicom/DicomFile.h"

#include "dicom/DatasetReader.h"
#include "dicom/DicomError.h"
#include "dicom/FileMeta.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>
#include <fstream>
#include <mutex>

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

std::unique_ptr<DcmFileFormat> parseDicom(std::span<const std::byte> bytes, const std::string& name,
                                          ReadDepth depth, std::size_t maxItems) {
  const auto meta = readFileMeta(bytes);
  if (!meta) refuse(name, "not a DICOM file, or its meta information is damaged");
  const auto items = countItems(bytes, *meta, maxItems);
  if (!items) refuse(name, "the deflated data set is damaged");
  if (*items > maxItems) refuse(name, "more sequence items than an image of its kind has");

  prepareDcmtk();
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  auto file = std::make_unique<DcmFileFormat>();
  file->transferInit();
  const OFCondition read =
      depth == ReadDepth::Header
          ? file->readUntilTag(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, DCM_PixelData)
          : file->read(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength);
  if (read.bad() && read != EC_EndOfStream) refuse(name, read.text());
  if (file->getDataset()->card() == 0) refuse(name, "the data set is empty");
  if (!isComplete(*file->getDataset())) refuse(name, "the file ends early");
  file->transferEnd();
  return file;
}

std::vector<std::byte> readFirstBytes(const std::filesystem::path& path, const std::string& name,
                                      std::size_t atMost) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (!file || size < 0) refuse(name, "the file cannot be opened");
  std::vector<std::byte> bytes(std::min(static_cast<std::size_t>(size), atMost));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) refuse(name, "the file cannot be read");
  return bytes;
}

std::vector<std::byte> readFile(const std::filesystem::path& path, const std::string& name) {
  return readFirstBytes(path, name, SIZE_MAX);
}

std::unique_ptr<DcmFileFormat> loadDicom(std::span<const std::byte> bytes, const std::string& name,
                                         const std::string& cannot) try {
  prepareDcmtk();
  return parseDicom(bytes, name, ReadDepth::Whole);
} catch (const Unusable& unusable) {
  throw DicomError(cannot + ": " + unusable.why.reasons.front().detail);
}

std::unique_ptr<DcmFileFormat> loadDicom(const std::filesystem::path& path,
                                         const std::string& cannot) try {
  const std::string name = path.filename().string();
  return loadDicom(readFile(path, name), name, cannot);
} catch (const Unusable& unusable) {
  throw DicomError(cannot + ": " + unusable.why.reasons.front().detail);
}

std::string writtenText(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value).bad()) return {};
  std::string text(value.c_str(), value.size());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  return text;
}

}  // namespace fedpet::dicom
