#include "tests/support/PetSeriesFiles.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcrlerp.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace fedpet::testing {
namespace {

namespace tags = dicom::tags;
using dicom::Attribute;

void check(const OFCondition& condition) {
  if (condition.bad()) throw std::runtime_error(std::string("DCMTK: ") + condition.text());
}

DcmTagKey keyOf(const Attribute& attribute) { return {attribute.group, attribute.element}; }

std::string text(double number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : "\\") + value;
  return all;
}

std::string dateText(WallClock time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04d%02u%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return buffer;
}

std::string timeText(std::chrono::microseconds sinceMidnight) {
  const std::chrono::hh_mm_ss time(sinceMidnight);
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "%02ld%02ld%02ld.%06ld", time.hours().count(),
                time.minutes().count(), time.seconds().count(),
                static_cast<long>(time.subseconds().count()));
  return buffer;
}

std::chrono::microseconds timeOfDay(WallClock time) {
  return time - std::chrono::floor<std::chrono::days>(time);
}

class Writer {
 public:
  explicit Writer(DcmItem& item) : item_(item) {}
  void put(const Attribute& attribute, const std::string& value) {
    // putOFStringArray would stop at what some tests write on purpose.
    check(item_.putAndInsertString(DcmTag(keyOf(attribute)), value.c_str()));
  }
  void put(const Attribute& attribute, const std::optional<double>& value) {
    if (value) put(attribute, text(*value));
  }
  void putInteger(const Attribute& attribute, int value) {
    check(item_.putAndInsertUint16(DcmTag(keyOf(attribute)), static_cast<Uint16>(value)));
  }
  void put(const Attribute& sequence, const std::optional<Code>& code) {
    if (!code) return;
    DcmItem* item = nullptr;
    check(item_.findOrCreateSequenceItem(DcmTag(keyOf(sequence)), item, 0));
    Writer writer(*item);
    writer.put(tags::kCodeValue, code->value);
    writer.put(tags::kCodingSchemeDesignator, code->scheme);
    writer.put(tags::kCodeMeaning, code->meaning);
  }
  void put(const dicom::PrivateAttribute& attribute, DcmEVR vr, const std::string& value) {
    const std::string creator(attribute.creator);
    check(item_.putAndInsertString(DcmTag(attribute.group, 0x10, EVR_LO), creator.c_str()));
    check(item_.putAndInsertString(
        DcmTag(attribute.group, static_cast<Uint16>(0x1000 | attribute.offset), vr),
        value.c_str()));
  }

 private:
  DcmItem& item_;
};

void putPatientAndStudy(Writer& writer, const PetSeries& series) {
  writer.put(tags::kPatientId, series.patient.patientId);
  writer.put(tags::kPatientName, series.patient.patientName);
  writer.put(tags::kPatientBirthDate, series.patient.birthDate);
  writer.put(tags::kPatientSex, series.patient.sex);
  writer.put(tags::kPatientWeight, series.patientWeightKg);
  writer.put(tags::kPatientSize, series.patientHeightM);
  writer.put(tags::kStudyInstanceUid, series.study.studyInstanceUid);
  writer.put(tags::kStudyDate, series.study.studyDate);
  writer.put(tags::kStudyTime, series.study.studyTime);
}

void putSeries(Writer& writer, const PetSeries& series) {
  writer.put(tags::kSopClassUid, series.sopClassUid);
  writer.put(tags::kModality, "PT");
  writer.put(tags::kSeriesInstanceUid, series.seriesInstanceUid);
  writer.put(tags::kFrameOfReferenceUid, series.frameOfReferenceUid);
  writer.put(tags::kSeriesDescription, series.seriesDescription);
  writer.put(tags::kManufacturer, series.manufacturer);
  writer.put(tags::kImageType, joined(series.imageType));
  writer.put(tags::kSeriesType, joined(series.seriesType));
  writer.put(tags::kCorrectedImage, joined(series.correctedImage));
  writer.put(tags::kAttenuationCorrectionMethod, series.attenuationCorrectionMethod);
  writer.put(tags::kUnits, series.units);
  if (!series.suvType.empty()) writer.put(tags::kSuvType, series.suvType);
  writer.put(tags::kDecayCorrection, series.decayCorrection);
  writer.putInteger(tags::kNumberOfSlices, series.geometry.size[2]);
  if (series.seriesDateTime) {
    writer.put(tags::kSeriesDate, dateText(*series.seriesDateTime));
    writer.put(tags::kSeriesTime, timeText(timeOfDay(*series.seriesDateTime)));
  }
  if (series.gePostInjectionScanDateTime)
    writer.put(tags::kGePostInjectionDateTime, EVR_DT,
               dateText(*series.gePostInjectionScanDateTime) +
                   timeText(timeOfDay(*series.gePostInjectionScanDateTime)));
  if (series.philipsSuvFactor)
    writer.put(tags::kPhilipsSuvScaleFactor, EVR_DS, text(*series.philipsSuvFactor));
  if (series.philipsActivityFactor)
    writer.put(tags::kPhilipsActivityScaleFactor, EVR_DS, text(*series.philipsActivityFactor));
}

void putInjection(DcmItem& dataset, const Radiopharmaceutical& drug) {
  DcmItem* item = nullptr;
  check(dataset.findOrCreateSequenceItem(
      DcmTag(keyOf(tags::kRadiopharmaceuticalInformationSequence)), item, 0));
  Writer writer(*item);
  writer.put(tags::kRadiopharmaceutical, drug.name);
  writer.put(tags::kRadiopharmaceuticalCodeSequence, drug.agentCode);
  writer.put(tags::kRadionuclideCodeSequence, drug.nuclideCode);
  writer.put(tags::kRadionuclideTotalDose, drug.injectedActivityBq);
  writer.put(tags::kRadionuclideHalfLife, drug.halfLifeSeconds);
  if (drug.startDateTime)
    writer.put(tags::kRadiopharmaceuticalStartDateTime,
               dateText(*drug.startDateTime) + timeText(timeOfDay(*drug.startDateTime)));
  if (drug.startTimeOfDay)
    writer.put(tags::kRadiopharmaceuticalStartTime, timeText(*drug.startTimeOfDay));
}

void putSlice(Writer& writer, const PetSeries& series, const PetSlice& slice) {
  writer.put(tags::kSopInstanceUid, slice.sopInstanceUid);
  const auto vector = [](const std::array<double, 3>& v) {
    return text(v[0]) + "\\" + text(v[1]) + "\\" + text(v[2]);
  };
  writer.put(tags::kImagePositionPatient, vector(slice.positionMm));
  writer.put(tags::kImageOrientationPatient,
             vector(series.geometry.rowDirection) + "\\" + vector(series.geometry.columnDirection));
  writer.put(tags::kPixelSpacing,
             text(series.geometry.spacingMm[1]) + "\\" + text(series.geometry.spacingMm[0]));
  writer.put(tags::kRescaleSlope, std::optional(slice.rescaleSlope));
  writer.put(tags::kRescaleIntercept, std::optional(slice.rescaleIntercept));
  if (slice.acquisitionDateTime) {
    writer.put(tags::kAcquisitionDate, dateText(*slice.acquisitionDateTime));
    writer.put(tags::kAcquisitionTime, timeText(timeOfDay(*slice.acquisitionDateTime)));
  }
  if (slice.frameReferenceTime)
    writer.put(tags::kFrameReferenceTime, std::optional(slice.frameReferenceTime->count() * 1000));
  if (slice.actualFrameDuration)
    writer.put(tags::kActualFrameDuration,
               std::to_string(std::lround(slice.actualFrameDuration->count() * 1000)));
}

void putPixels(DcmItem& dataset, const PetSeriesBuilder& builder, const PetSeries& series,
               int slice) {
  Writer writer(dataset);
  writer.putInteger(tags::kSamplesPerPixel, 1);
  writer.put(tags::kPhotometricInterpretation, "MONOCHROME2");
  writer.putInteger(tags::kRows, series.geometry.size[1]);
  writer.putInteger(tags::kColumns, series.geometry.size[0]);
  writer.putInteger(tags::kBitsAllocated, builder.bitsAllocated());
  writer.putInteger(tags::kBitsStored, builder.bitsStored());
  writer.putInteger(tags::kHighBit, builder.bitsStored() - 1);
  writer.putInteger(tags::kPixelRepresentation, builder.isSigned() ? 1 : 0);
  const auto count = static_cast<std::size_t>(series.geometry.size[0] * series.geometry.size[1]);
  const std::uint64_t mask = (std::uint64_t{1} << builder.bitsStored()) - 1;
  std::vector<Uint8> bytes;
  std::vector<Uint16> words;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<std::uint64_t>(builder.storedValue(slice, i)) & mask;
    if (builder.bitsAllocated() == 8)
      bytes.push_back(static_cast<Uint8>(value));
    else
      words.push_back(static_cast<Uint16>(value));
    if (builder.bitsAllocated() == 32) words.push_back(static_cast<Uint16>(value >> 16));
  }
  if (builder.bitsAllocated() == 8)
    check(dataset.putAndInsertUint8Array(DcmTag(DCM_PixelData), bytes.data(), bytes.size()));
  else
    check(dataset.putAndInsertUint16Array(DcmTag(DCM_PixelData), words.data(), words.size()));
}

bool belongsToInjection(const Attribute& attribute) {
  for (const Attribute& one :
       {tags::kRadiopharmaceutical, tags::kRadionuclideTotalDose, tags::kRadionuclideHalfLife,
        tags::kRadiopharmaceuticalStartTime, tags::kRadiopharmaceuticalStartDateTime,
        tags::kRadiopharmaceuticalCodeSequence, tags::kRadionuclideCodeSequence})
    if (one.group == attribute.group && one.element == attribute.element) return true;
  return false;
}

// A number where the file needs one, text elsewhere.
void putRaw(DcmItem& item, const Attribute& attribute, const std::string& value) {
  const DcmTag tag(keyOf(attribute));
  if (tag.getEVR() == EVR_US)
    check(item.putAndInsertUint16(tag, static_cast<Uint16>(std::stoi(value))));
  else
    check(item.putAndInsertString(tag, value.c_str(), static_cast<Uint32>(value.size())));
}

void applyEdits(DcmDataset& dataset, const PetSeriesBuilder& builder, int slice) {
  for (const PetSeriesBuilder::Edit& edit : builder.edits()) {
    if (edit.slice != -1 && edit.slice != slice) continue;
    DcmItem* target = &dataset;
    if (belongsToInjection(edit.attribute))
      check(dataset.findOrCreateSequenceItem(
          DcmTag(keyOf(tags::kRadiopharmaceuticalInformationSequence)), target, 0));
    if (edit.value)
      putRaw(*target, edit.attribute, *edit.value);
    else
      check(target->findAndDeleteElement(keyOf(edit.attribute)));
  }
}

// --- Compression -------------------------------------------------------------------------------

OPJ_SIZE_T appendTo(void* buffer, OPJ_SIZE_T size, void* user) {
  auto& out = *static_cast<std::vector<Uint8>*>(user);
  out.insert(out.end(), static_cast<Uint8*>(buffer), static_cast<Uint8*>(buffer) + size);
  return size;
}

std::vector<Uint8> jpeg2000(const PetSeriesBuilder& builder, const PetSeries& series, int slice,
                            bool lossless) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.irreversible = lossless ? 0 : 1;
  parameters.tcp_numlayers = 1;
  parameters.tcp_rates[0] = 0;  // all of it: the loss is that of the irreversible transform
  parameters.cp_disto_alloc = 1;
  parameters.numresolution = 3;
  opj_image_cmptparm_t component{};
  component.dx = component.dy = 1;
  component.w = static_cast<OPJ_UINT32>(series.geometry.size[0]);
  component.h = static_cast<OPJ_UINT32>(series.geometry.size[1]);
  component.prec = static_cast<OPJ_UINT32>(builder.bitsStored());
  component.sgnd = builder.isSigned() ? 1 : 0;
  opj_image_t* image = opj_image_create(1, &component, OPJ_CLRSPC_GRAY);
  image->x1 = component.w;
  image->y1 = component.h;
  for (std::size_t i = 0; i < std::size_t{component.w} * component.h; ++i)
    image->comps[0].data[i] = static_cast<OPJ_INT32>(builder.storedValue(slice, i));
  std::vector<Uint8> out;
  opj_codec_t* codec = opj_create_compress(OPJ_CODEC_J2K);
  opj_stream_t* stream = opj_stream_default_create(OPJ_FALSE);
  opj_stream_set_user_data(stream, &out, nullptr);
  opj_stream_set_write_function(stream, appendTo);
  const bool ok = opj_setup_encoder(codec, &parameters, image) &&
                  opj_start_compress(codec, image, stream) && opj_encode(codec, stream) &&
                  opj_end_compress(codec, stream);
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  if (!ok) throw std::runtime_error("OpenJPEG could not encode");
  return out;
}

void encapsulate(DcmDataset& dataset, std::vector<Uint8> stream, E_TransferSyntax syntax) {
  if (stream.size() % 2 != 0) stream.push_back(0);
  auto* sequence = new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB));
  check(sequence->insert(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB))));  // empty offset table
  // Two fragments for the one frame, as some archives cut them.
  const std::size_t cut = stream.size() / 4 * 2;
  for (const auto& [from, to] : {std::pair(std::size_t{0}, cut), std::pair(cut, stream.size())}) {
    auto* item = new DcmPixelItem(DcmTag(DCM_Item, EVR_OB));
    check(item->putUint8Array(stream.data() + from, static_cast<unsigned long>(to - from)));
    check(sequence->insert(item));
  }
  auto* data = new DcmPixelData(DcmTag(DCM_PixelData, EVR_OB));
  data->putOriginalRepresentation(syntax, nullptr, sequence);
  check(dataset.insert(data, OFTrue));
}

void registerEncoders() {
  static const bool once = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJEncoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs();
    DcmRLEEncoderRegistration::registerCodecs();
    return true;
  }();
  static_cast<void>(once);
}

E_TransferSyntax encode(DcmDataset& dataset, const PetSeriesBuilder& builder,
                        const PetSeries& series, int slice, Encoding encoding) {
  registerEncoders();
  const auto represent = [&](E_TransferSyntax syntax, const DcmRepresentationParameter* parameter) {
    check(dataset.chooseRepresentation(syntax, parameter));
    return syntax;
  };
  switch (encoding) {
    case Encoding::ImplicitLittleEndian:
      return EXS_LittleEndianImplicit;
    case Encoding::ExplicitLittleEndian:
      return EXS_LittleEndianExplicit;
    case Encoding::ExplicitBigEndian:
      return EXS_BigEndianExplicit;
    case Encoding::Deflated:
      return EXS_DeflatedLittleEndianExplicit;
    case Encoding::Rle:
      return represent(EXS_RLELossless, nullptr);
    case Encoding::JpegBaseline: {
      const DJ_RPLossy quality(95);
      represent(EXS_JPEGProcess1, &quality);
      // The encoder takes the rescale for a display matter, and resets it.
      Writer writer(dataset);
      const PetSlice& facts = series.slices[static_cast<std::size_t>(slice)];
      writer.put(tags::kRescaleSlope, std::optional(facts.rescaleSlope));
      writer.put(tags::kRescaleIntercept, std::optional(facts.rescaleIntercept));
      return EXS_JPEGProcess1;
    }
    case Encoding::JpegLossless: {
      const DJ_RPLossless parameter(1, 0);
      return represent(EXS_JPEGProcess14SV1, &parameter);
    }
    case Encoding::JpegLsLossless: {
      const DJLSRepresentationParameter parameter(0, OFTrue);
      return represent(EXS_JPEGLSLossless, &parameter);
    }
    case Encoding::Jpeg2000Lossless:
      encapsulate(dataset, jpeg2000(builder, series, slice, true), EXS_JPEG2000LosslessOnly);
      return EXS_JPEG2000LosslessOnly;
    case Encoding::Jpeg2000Lossy:
      encapsulate(dataset, jpeg2000(builder, series, slice, false), EXS_JPEG2000);
      return EXS_JPEG2000;
  }
  throw std::logic_error("no such encoding");
}

std::vector<std::byte> bytesOf(DcmFileFormat& file, E_TransferSyntax syntax) {
  std::vector<std::byte> buffer(4 << 20);
  DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  file.transferInit();
  check(file.write(stream, syntax, EET_UndefinedLength, nullptr));
  stream.flush();  // the deflater holds back what it can
  file.transferEnd();
  void* written = nullptr;
  offile_off_t length = 0;
  stream.flushBuffer(written, length);
  buffer.resize(static_cast<std::size_t>(length));
  return buffer;
}

}  // namespace

std::vector<dicom::DicomBytes> dicomFiles(const PetSeriesBuilder& builder, Encoding encoding) {
  const PetSeries series = builder.build();
  std::vector<dicom::DicomBytes> files;
  for (int k = 0; k < series.geometry.size[2]; ++k) {
    if (std::count(builder.omittedSlices().begin(), builder.omittedSlices().end(), k) > 0) continue;
    DcmFileFormat file;
    DcmDataset& dataset = *file.getDataset();
    Writer writer(dataset);
    putPatientAndStudy(writer, series);
    putSeries(writer, series);
    putInjection(dataset, series.radiopharmaceutical);
    putSlice(writer, series, series.slices[static_cast<std::size_t>(k)]);
    putPixels(dataset, builder, series, k);
    const E_TransferSyntax syntax = encode(dataset, builder, series, k, encoding);
    applyEdits(dataset, builder, k);
    files.push_back({"slice" + std::to_string(k) + ".dcm", bytesOf(file, syntax)});
  }
  return files;
}

void writeTo(const std::filesystem::path& directory, const std::vector<dicom::DicomBytes>& files) {
  std::filesystem::create_directories(directory);
  for (const dicom::DicomBytes& file : files) {
    std::ofstream out(directory / file.name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.bytes.data()),
              static_cast<std::streamsize>(file.bytes.size()));
    if (!out) throw std::runtime_error("cannot write " + file.name);
  }
}

}  // namespace fedpet::testing
