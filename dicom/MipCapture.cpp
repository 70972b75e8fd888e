#include "dicom/MipCapture.h"

#include "dicom/Codes.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/ResultHeader.h"

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>

#include <mutex>

namespace fedpet::dicom {
namespace {

constexpr E_TransferSyntax kSyntax = EXS_JPEGProcess14SV1;

void require(bool holds, const char* what) {
  if (!holds) throw DicomError(std::string("cannot write the projection: ") + what);
}

void requireInput(const ResponseAssessment& a, const CineLoop& loop) {
  require(!a.identity.mipSeriesUid.empty() && !a.identity.mipSopInstanceUid.empty() &&
              !a.series.study.studyInstanceUid.empty(),
          "the assessment lacks a UID");
  require(!loop.frames.empty(), "it has no frame");
  require(loop.width > 0 && loop.height > 0 && loop.width <= 65535 && loop.height <= 65535,
          "the picture's size is outside 1 to 65535");
  require(loop.pixelMm > 0 && loop.frameSeconds > 0, "spacing and frame time must be above 0");
  const auto pixels = static_cast<std::size_t>(loop.width) * static_cast<std::size_t>(loop.height);
  for (const auto& frame : loop.frames) require(frame.size() == pixels, "a frame has another size");
}

void addSources(DcmItem& dataset, const ResponseAssessment& a) {
  for (const PetSlice& slice : a.series.slices) {
    DcmItem& item = addItem(dataset, DCM_SourceImageSequence);
    put(item, DCM_ReferencedSOPClassUID, a.series.sopClassUid);
    put(item, DCM_ReferencedSOPInstanceUID, slice.sopInstanceUid);
  }
}

void putImage(DcmItem& dataset, const CineLoop& loop) {
  put(dataset, DCM_ImageType, "DERIVED\\SECONDARY\\MIP");
  put(dataset, DCM_ConversionType, "WSD");   // made by a workstation
  put(dataset, DCM_PatientOrientation, "");  // turns
  put(dataset, DCM_BodyPartExamined, "WHOLEBODY");
  put(dataset, DCM_BurnedInAnnotation, "YES");
  put(dataset, DCM_LossyImageCompression, "00");
  put(dataset, DCM_PhotometricInterpretation, "MONOCHROME2");
  put(dataset, DCM_PresentationLUTShape, "IDENTITY");
  put(dataset, DCM_RescaleIntercept, "0");
  put(dataset, DCM_RescaleSlope, "1");
  put(dataset, DCM_RescaleType, "US");
  put(dataset, DCM_WindowCenter, "128");
  put(dataset, DCM_WindowWidth, "256");
  const std::string spacing = exactDecimalString(loop.pixelMm);
  put(dataset, DCM_PixelSpacing, spacing + '\\' + spacing);
  const std::pair<DcmTagKey, int> numbers[] = {
      {DCM_Rows, loop.height},     {DCM_Columns, loop.width}, {DCM_SamplesPerPixel, 1},
      {DCM_BitsAllocated, 8},      {DCM_BitsStored, 8},       {DCM_HighBit, 7},
      {DCM_PixelRepresentation, 0}};
  for (const auto& [tag, value] : numbers)
    check(dataset.putAndInsertUint16(tag, static_cast<Uint16>(value)), DcmTag(tag).getTagName());
}

// After the pixels: the encoder adds words of its own.
void putDerivation(DcmItem& dataset, const CineLoop& loop) {
  delete dataset.remove(DCM_DerivationCodeSequence);
  put(dataset, DCM_DerivationDescription, fitted(loop.description, 1024));
  put(dataset, DCM_DerivationCodeSequence, codes::maximumIntensityProjection());
}

// Cine and multi-frame modules: frames at even times, played in a circle.
void putCine(DcmItem& dataset, const CineLoop& loop) {
  put(dataset, DCM_NumberOfFrames, std::to_string(loop.frames.size()));
  check(dataset.putAndInsertTagKey(DCM_FrameIncrementPointer, DCM_FrameTime), "the frame time");
  put(dataset, DCM_FrameTime, exactDecimalString(loop.frameSeconds * 1000));
  const auto perSecond = static_cast<int>(1 / loop.frameSeconds + 0.5);
  put(dataset, DCM_RecommendedDisplayFrameRate, std::to_string(perSecond));
  put(dataset, DCM_CineRate, std::to_string(perSecond));
  check(dataset.putAndInsertUint16(DCM_PreferredPlaybackSequencing, 0), "the sequence of frames");
}

void putPixels(DcmDataset& dataset, const CineLoop& loop) {
  std::vector<Uint8> bytes;
  bytes.reserve(loop.frames.size() * loop.frames.front().size() + 1);
  for (const auto& frame : loop.frames) bytes.insert(bytes.end(), frame.begin(), frame.end());
  if (bytes.size() % 2 != 0) bytes.push_back(0);
  check(dataset.putAndInsertUint8Array(DCM_PixelData, bytes.data(),
                                       static_cast<unsigned long>(bytes.size())),
        "the pixels");
  static std::once_flag once;
  std::call_once(once, [] { DJEncoderRegistration::registerCodecs(); });
  const DJ_RPLossless firstOrder(1, 0);  // selection value 1, nothing shifted off: exact
  check(dataset.chooseRepresentation(kSyntax, &firstOrder), "the compressed pixels");
}

}  // namespace

std::vector<std::byte> writeMipCapture(const ResponseAssessment& a, const CineLoop& loop) {
  prepareDcmtk();
  requireInput(a, loop);
  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  setResultHeader(dataset, a,
                  {.sopClassUid = std::string(kGrayscaleByteCaptureStorage),
                   .sopInstanceUid = a.identity.mipSopInstanceUid,
                   .seriesUid = a.identity.mipSeriesUid,
                   .modality = "OT",
                   .description = "fedpet rotating MIP (research use only)",
                   .seriesNumber = 9004});
  putImage(dataset, loop);
  putCine(dataset, loop);
  addSources(dataset, a);
  putPixels(dataset, loop);
  putDerivation(dataset, loop);
  return partTen(file, kSyntax);
}

}  // namespace fedpet::dicom
