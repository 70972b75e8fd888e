#include "dicom/PetSeriesReader.h"
#include "tests/support/PetSeriesFiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>

namespace fedpet::dicom {
namespace {

using fedpet::testing::aPetSeries;
using fedpet::testing::at;
using fedpet::testing::dicomFiles;
using fedpet::testing::Encoding;
using fedpet::testing::PetSeriesBuilder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

tl::expected<PetSeries, NotAssessable> read(const PetSeriesBuilder& builder) {
  return readPetSeries(dicomFiles(builder));
}

// The decisive refusal as "Code: detail", or "" for a series that was read.
std::string refusalOf(const tl::expected<PetSeries, NotAssessable>& series) {
  if (series) return "";
  return std::string(toString(series.error().code())) + ": " + series.error().reasons[0].detail;
}

// --- Encodings ---------------------------------------------------------------------------------

struct Stored {
  const char* name;
  Encoding encoding;
  int bitsAllocated, bitsStored;
  bool isSigned;
  double meanError;  // in stored units; only the lossy encodings may have one
};
void PrintTo(const Stored& stored, std::ostream* out) { *out << stored.name; }

class PixelEncoding : public ::testing::TestWithParam<Stored> {};

TEST_P(PixelEncoding, GivesBackThePixelsThatWereWritten) {
  const Stored& stored = GetParam();
  const auto builder =
      aPetSeries()
          .withPixelFormat(stored.bitsAllocated, stored.bitsStored, stored.isSigned)
          .withSlopes({1, 0.5, 2, 0.25});
  const PetSeries written = builder;
  // Lossy compression makes an image DERIVED (PS3.3 C.7.6.1.1.5), which an assessment refuses.
  const auto series =
      readPetSeries(dicomFiles(builder, stored.encoding), PetReadingOptions::anyPet());
  ASSERT_EQ(refusalOf(series), "");
  ASSERT_EQ(series->pixels.size(), written.pixels.size());
  const auto slicePixels = written.pixels.size() / written.slices.size();
  double meanError = 0;  // in stored units; zero means that every pixel is the same
  for (std::size_t i = 0; i < written.pixels.size(); ++i)
    meanError += std::abs(series->pixels[i] - written.pixels[i]) /
                 written.slices[i / slicePixels].rescaleSlope /
                 static_cast<double>(written.pixels.size());
  EXPECT_LE(meanError, stored.meanError);
}

INSTANTIATE_TEST_SUITE_P(
    All, PixelEncoding,
    ::testing::Values(
        Stored{"ImplicitSigned16", Encoding::ImplicitLittleEndian, 16, 16, true, 0},
        Stored{"ExplicitUnsigned16", Encoding::ExplicitLittleEndian, 16, 16, false, 0},
        Stored{"ExplicitSigned12Of16", Encoding::ExplicitLittleEndian, 16, 12, true, 0},
        Stored{"ExplicitUnsigned15Of16", Encoding::ExplicitLittleEndian, 16, 15, false, 0},
        Stored{"ExplicitUnsigned8", Encoding::ExplicitLittleEndian, 8, 8, false, 0},
        Stored{"ImplicitSigned8", Encoding::ImplicitLittleEndian, 8, 8, true, 0},
        Stored{"ExplicitSigned32", Encoding::ExplicitLittleEndian, 32, 32, true, 0},
        Stored{"ExplicitUnsigned24Of32", Encoding::ExplicitLittleEndian, 32, 24, false, 0},
        Stored{"BigEndianSigned16", Encoding::ExplicitBigEndian, 16, 16, true, 0},
        Stored{"DeflatedSigned16", Encoding::Deflated, 16, 16, true, 0},
        Stored{"RleSigned16", Encoding::Rle, 16, 16, true, 0},
        Stored{"RleUnsigned8", Encoding::Rle, 8, 8, false, 0},
        Stored{"JpegBaselineUnsigned8", Encoding::JpegBaseline, 8, 8, false, 3},
        Stored{"JpegLosslessSigned16", Encoding::JpegLossless, 16, 16, true, 0},
        Stored{"JpegLosslessUnsigned12Of16", Encoding::JpegLossless, 16, 12, false, 0},
        Stored{"JpegLossless8", Encoding::JpegLossless, 8, 8, false, 0},
        Stored{"JpegLsSigned16", Encoding::JpegLsLossless, 16, 16, true, 0},
        Stored{"JpegLsUnsigned12Of16", Encoding::JpegLsLossless, 16, 12, false, 0},
        Stored{"Jpeg2000Signed16", Encoding::Jpeg2000Lossless, 16, 16, true, 0},
        Stored{"Jpeg2000Unsigned16", Encoding::Jpeg2000Lossless, 16, 16, false, 0},
        Stored{"Jpeg2000Signed12Of16", Encoding::Jpeg2000Lossless, 16, 12, true, 0},
        Stored{"Jpeg2000Unsigned8", Encoding::Jpeg2000Lossless, 8, 8, false, 0},
        Stored{"Jpeg2000LossyUnsigned12Of16", Encoding::Jpeg2000Lossy, 16, 12, false, 2}),
    [](const auto& stored) { return std::string(stored.param.name); });

TEST(PetSeriesReader, SaysThatPixelsWereCompressedWithLoss) {
  auto files = dicomFiles(aPetSeries().withPixelFormat(8, 8, false), Encoding::JpegBaseline);
  EXPECT_THAT(refusalOf(readPetSeries(files)), HasSubstr("NotOriginalAxial"));
  const auto series = readPetSeries(std::move(files), PetReadingOptions::anyPet());
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_THAT(series->warnings, Contains(HasSubstr("with loss")));
}

// --- Geometry ----------------------------------------------------------------------------------

TEST(PetSeriesReader, SortsSlicesFromTheFeetWhateverTheOrderOfTheFiles) {
  const PetSeries written = aPetSeries().withSlices(9);
  auto files = dicomFiles(aPetSeries().withSlices(9));
  std::shuffle(files.begin(), files.end(), std::mt19937(7));
  const auto series = readPetSeries(std::move(files));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->pixels, written.pixels);
  EXPECT_EQ(series->geometry.size, (std::array{16, 12, 9}));
  EXPECT_NEAR(series->geometry.spacingMm[2], 3, 1e-9);
  EXPECT_EQ(series->geometry.originMm, (PointMm{-32, -24, -300}));
  EXPECT_EQ(series->slices.front().sopInstanceUid, written.slices.front().sopInstanceUid);
  EXPECT_THAT(series->warnings, IsEmpty());
}

TEST(PetSeriesReader, KeepsRowsAndColumnsApartWhereTheirSpacingDiffers) {
  const auto series = read(aPetSeries().with([](PetSeries& s) {
    s.geometry.spacingMm = {4, 5, 3};
  }));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->geometry.spacingMm[0], 4);
  EXPECT_EQ(series->geometry.spacingMm[1], 5);
}

TEST(PetSeriesReader, ReadsAProneSeriesInItsOwnDirections) {
  const auto series = read(aPetSeries().with([](PetSeries& s) {
    s.geometry.rowDirection = {-1, 0, 0};
    s.geometry.columnDirection = {0, -1, 0};
  }));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->geometry.rowDirection, (std::array<double, 3>{-1, 0, 0}));
  EXPECT_EQ(series->geometry.sliceDirection, (std::array<double, 3>{0, 0, 1}));
}

TEST(PetSeriesReader, LeavesOutAnIdenticalResendAndSaysSo) {
  auto files = dicomFiles(aPetSeries());
  files.push_back(files[2]);
  const auto series = readPetSeries(std::move(files));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->slices.size(), 4U);
  EXPECT_THAT(series->warnings, ElementsAre(HasSubstr("1 repeated instance")));
}

TEST(PetSeriesReader, RefusesTwoDifferentImagesOfOneUid) {
  auto files = dicomFiles(aPetSeries());
  files.push_back(dicomFiles(aPetSeries().withSlopes({7}))[2]);
  EXPECT_THAT(refusalOf(readPetSeries(std::move(files))),
              HasSubstr("DuplicateSlices: slice2.dcm and slice2.dcm have one SOPInstanceUID"));
}

TEST(PetSeriesReader, TellsWhereAGapIs) {
  EXPECT_EQ(refusalOf(read(aPetSeries().withSlices(20).omittingSlice(7))),
            "MissingSlices: a gap of 6.00 mm at -282.00 mm in a series with slices every 3.00 mm");
}

TEST(PetSeriesReader, RefusesEveryOtherGeometryThatIsNoStraightAxialBox) {
  using tags::kImageOrientationPatient;
  const auto coronal = aPetSeries().writing(kImageOrientationPatient, "1\\0\\0\\0\\0\\-1");
  EXPECT_THAT(refusalOf(read(coronal)), HasSubstr("NotOriginalAxial"));
  const auto tilted =
      aPetSeries().writingInSlice(2, kImageOrientationPatient, "1\\0\\0\\0\\0.9998\\0.02");
  EXPECT_THAT(refusalOf(read(tilted)), HasSubstr("InconsistentSeries: ImageOrientationPatient"));
  const auto sheared =
      aPetSeries().writingInSlice(2, tags::kImagePositionPatient, "-32\\-20\\-294");
  EXPECT_THAT(refusalOf(read(sheared)), HasSubstr("InconsistentSeries: the slices are shifted"));
  const auto uneven = aPetSeries().writingInSlice(3, tags::kImagePositionPatient, "-32\\-24\\-290");
  EXPECT_THAT(refusalOf(read(uneven)), HasSubstr("InconsistentSeries: the slice spacing changes"));
  const auto spacing = aPetSeries().writingInSlice(1, tags::kPixelSpacing, "4.1\\4.1");
  EXPECT_THAT(refusalOf(read(spacing)), HasSubstr("InconsistentSeries: PixelSpacing"));
  const auto zero = aPetSeries().writing(kImageOrientationPatient, "0\\0\\0\\0\\0\\0");
  EXPECT_THAT(refusalOf(read(zero)), HasSubstr("UnreadableDicom"));
}

// --- Matrices ----------------------------------------------------------------------------------

TEST(PetSeriesReader, RefusesAMatrixThatNoScannerWrites) {
  for (const auto& [rows, columns] : {std::pair("1", "1"), std::pair("65535", "65535"),
                                      std::pair("12", "65535"), std::pair("0", "16")}) {
    const auto series =
        read(aPetSeries().writing(tags::kRows, rows).writing(tags::kColumns, columns));
    EXPECT_THAT(refusalOf(series), HasSubstr("UnreadableDicom"));
    EXPECT_THAT(refusalOf(series), HasSubstr("is not that of a PET image"));
  }
}

TEST(PetSeriesReader, RefusesPixelDataThatIsShorterThanItsMatrix) {
  EXPECT_THAT(refusalOf(read(aPetSeries().writing(tags::kRows, "2000"))),
              HasSubstr("has 384 bytes, but its matrix 64000"));
  EXPECT_THAT(refusalOf(read(aPetSeries().omitting(tags::kPixelData))),
              HasSubstr("PixelData (7fe0,0010) is missing"));
}

TEST(PetSeriesReader, RefusesAVolumeAboveTheLimitBeforeItIsAllocated) {
  PetReadingOptions options;
  options.maxVolumeBytes = 16 * 12 * 4 * sizeof(float) - 1;
  EXPECT_THAT(refusalOf(readPetSeries(dicomFiles(aPetSeries()), options)),
              HasSubstr("larger than the limit"));
}

TEST(PetSeriesReader, RefusesPixelsThatAreNotOnePlaneOfGreys) {
  EXPECT_THAT(
      refusalOf(read(aPetSeries().writing(tags::kPhotometricInterpretation, "MONOCHROME1"))),
      HasSubstr("UnreadableDicom"));
  EXPECT_THAT(refusalOf(read(aPetSeries().writing(tags::kSamplesPerPixel, "3"))),
              HasSubstr("SamplesPerPixel (0028,0002) is not 1"));
  EXPECT_THAT(refusalOf(read(aPetSeries().writing(tags::kNumberOfFrames, "7"))),
              HasSubstr("NumberOfFrames (0028,0008) is not 1"));
  EXPECT_THAT(refusalOf(read(aPetSeries().writing(tags::kBitsStored, "17"))),
              HasSubstr("contradict each other"));
}

// --- Numbers -----------------------------------------------------------------------------------

struct BadNumber {
  const char* name;
  Attribute attribute;
  const char* text;
  const char* refusal;
};
void PrintTo(const BadNumber& bad, std::ostream* out) { *out << bad.name; }
class TextInANumber : public ::testing::TestWithParam<BadNumber> {};

TEST_P(TextInANumber, IsRefusedByTheNameOfItsAttribute) {
  const BadNumber& bad = GetParam();
  const std::string refusal =
      refusalOf(read(aPetSeries().writingInSlice(1, bad.attribute, bad.text)));
  EXPECT_THAT(refusal, HasSubstr(bad.refusal));
  EXPECT_THAT(refusal, HasSubstr("slice1.dcm: " + describe(bad.attribute)));
}

INSTANTIATE_TEST_SUITE_P(
    All, TextInANumber,
    ::testing::Values(
        BadNumber{"Weight", tags::kPatientWeight, "seventy", "WeightMissing"},
        BadNumber{"WeightWithComma", tags::kPatientWeight, "70,5", "WeightMissing"},
        BadNumber{"TwoWeights", tags::kPatientWeight, "70\\71", "WeightMissing"},
        BadNumber{"WeightWithUnit", tags::kPatientWeight, "70 kg", "WeightMissing"},
        BadNumber{"WeightInfinite", tags::kPatientWeight, "inf", "WeightMissing"},
        BadNumber{"Dose", tags::kRadionuclideTotalDose, "350 MBq", "DoseMissing"},
        BadNumber{"HalfLife", tags::kRadionuclideHalfLife, "109.77 min", "HalfLifeMissing"},
        BadNumber{"Slope", tags::kRescaleSlope, "one", "RescaleInvalid"},
        BadNumber{"SlopeNan", tags::kRescaleSlope, "nan", "RescaleInvalid"},
        BadNumber{"SlopeInfinite", tags::kRescaleSlope, "1e999", "RescaleInvalid"},
        BadNumber{"SlopeZero", tags::kRescaleSlope, "0", "RescaleInvalid"},
        BadNumber{"SlopeNegative", tags::kRescaleSlope, "-1", "RescaleInvalid"},
        BadNumber{"SlopeOverflows", tags::kRescaleSlope, "1e38", "RescaleInvalid"},
        BadNumber{"Intercept", tags::kRescaleIntercept, "-inf", "RescaleInvalid"},
        BadNumber{"Position", tags::kImagePositionPatient, "a\\b\\c", "UnreadableDicom"},
        BadNumber{"PositionOfTwo", tags::kImagePositionPatient, "1\\2", "UnreadableDicom"},
        BadNumber{"Spacing", tags::kPixelSpacing, "4\\", "UnreadableDicom"},
        BadNumber{"SpacingZero", tags::kPixelSpacing, "0\\0", "UnreadableDicom"}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(PetSeriesReader, RefusesAnAbsentRescaleSlope) {
  EXPECT_THAT(refusalOf(read(aPetSeries().omitting(tags::kRescaleSlope))),
              HasSubstr("RescaleInvalid: slice0.dcm: RescaleSlope (0028,1053) is missing"));
}

// PS3.5 6.2, DS: a leading plus, an exponent and padding are legal.
TEST(PetSeriesReader, ReadsEveryLegalDecimalString) {
  for (const char* text : {"+70", " 70 ", "70.", "7E1", "0.7e+02", "70.000000000000"}) {
    const auto series = read(aPetSeries().writing(tags::kPatientWeight, text));
    ASSERT_EQ(refusalOf(series), "") << text;
    EXPECT_EQ(series->patientWeightKg, 70) << text;
  }
}

TEST(PetSeriesReader, IgnoresATimeThatIsNoTimeAndSaysSo) {
  const auto series = read(aPetSeries().writing(tags::kAcquisitionTime, "noon"));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_FALSE(series->slices.front().acquisitionDateTime);
  EXPECT_THAT(series->warnings, Contains(HasSubstr("AcquisitionTime (0008,0032)")));
}

// --- Facts -------------------------------------------------------------------------------------

TEST(PetSeriesReader, CarriesTheFactsOver) {
  const PetSeries written = aPetSeries();
  const auto series = read(aPetSeries());
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->patient.patientName, "Test^Paulette");
  EXPECT_EQ(series->patient.birthDate, "19560102");
  EXPECT_EQ(series->patient.ageYears, 70);
  EXPECT_EQ(series->study.studyInstanceUid, written.study.studyInstanceUid);
  EXPECT_EQ(series->frameOfReferenceUid, written.frameOfReferenceUid);
  EXPECT_EQ(series->correctedImage, written.correctedImage);
  EXPECT_EQ(series->radiopharmaceutical.agentCode, written.radiopharmaceutical.agentCode);
  EXPECT_EQ(series->radiopharmaceutical.startDateTime, at(10, 0));
  EXPECT_EQ(series->radiopharmaceutical.startTimeOfDay, std::chrono::hours(10));
  EXPECT_EQ(series->seriesDateTime, at(11, 0));
  EXPECT_EQ(series->slices.back().acquisitionDateTime, at(11, 0));
  EXPECT_EQ(series->units, "BQML");
}

TEST(PetSeriesReader, FindsPrivateAttributesByTheirCreatorOnly) {
  // The same element number under another creator is another attribute.
  const Attribute creator{0x7053, 0x0010, "PrivateCreator"};
  const auto counts = aPetSeries().withUnits("CNTS").withPhilipsFactors(0.000728, 1.6);
  const auto own = read(counts);
  ASSERT_EQ(refusalOf(own), "");
  EXPECT_EQ(own->philipsSuvFactor, 0.000728);
  EXPECT_EQ(own->philipsActivityFactor, 1.6);
  auto renamed = counts;
  const auto other = read(renamed.writing(creator, "SOMEONE ELSE"));
  ASSERT_EQ(refusalOf(other), "");
  EXPECT_FALSE(other->philipsSuvFactor);
}

TEST(PetSeriesReader, RefusesWhatIsNotClassicPet) {
  const auto ofClass = [](std::string_view sopClass, const char* modality) {
    return aPetSeries()
        .writing(tags::kSopClassUid, std::string(sopClass))
        .writing(tags::kModality, modality);
  };
  EXPECT_THAT(refusalOf(read(ofClass(kSecondaryCaptureImageStorage, "PT"))),
              HasSubstr("NotOriginalAxial"));
  EXPECT_THAT(refusalOf(read(ofClass(kEnhancedPetImageStorage, "PT"))),
              HasSubstr("EnhancedPetUnsupported"));
  EXPECT_THAT(refusalOf(read(ofClass(kLegacyEnhancedPetImageStorage, "PT"))),
              HasSubstr("EnhancedPetUnsupported"));
  EXPECT_THAT(refusalOf(read(ofClass("1.2.840.10008.5.1.4.1.1.2", "CT"))), HasSubstr("NotPet"));
  EXPECT_THAT(refusalOf(read(aPetSeries().writing(tags::kSeriesType, "DYNAMIC\\IMAGE"))),
              HasSubstr("NotOriginalAxial"));
}

TEST(PetSeriesReader, AsksForOriginalImagesOnlyWhereAnAssessmentIsMade) {
  const auto derived = aPetSeries().writing(tags::kImageType, "DERIVED\\SECONDARY");
  EXPECT_THAT(refusalOf(read(derived)), HasSubstr("NotOriginalAxial"));
  const auto series = readPetSeries(dicomFiles(derived), PetReadingOptions::anyPet());
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_THAT(series->warnings, Contains(HasSubstr("DERIVED\\SECONDARY")));
}

TEST(PetSeriesReader, RefusesNoFileAtAll) {
  EXPECT_THAT(refusalOf(readPetSeries({})), HasSubstr("UnreadableDicom: no file"));
}

// --- Text --------------------------------------------------------------------------------------

struct Name {
  const char* name;
  const char* characterSet;
  std::string raw, utf8;
};
void PrintTo(const Name& name, std::ostream* out) { *out << name.name; }
class PatientName : public ::testing::TestWithParam<Name> {};

TEST_P(PatientName, BecomesUtf8) {
  const Name& name = GetParam();
  const auto series = read(aPetSeries()
                               .writing(tags::kSpecificCharacterSet, name.characterSet)
                               .writing(tags::kPatientName, name.raw));
  ASSERT_EQ(refusalOf(series), "");
  EXPECT_EQ(series->patient.patientName, name.utf8);
  EXPECT_THAT(series->warnings, IsEmpty());
}

// Examples of PS3.5 annexes H (Japanese), I (Korean), J (Chinese) and K; the others by hand.
INSTANTIATE_TEST_SUITE_P(
    All, PatientName,
    ::testing::Values(
        Name{"Latin1", "ISO_IR 100", "Buc^J\xe9r\xf4me", "Buc^J\xc3\xa9r\xc3\xb4me"},
        Name{"Utf8", "ISO_IR 192", "Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1",
             "Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1"},
        Name{"Greek", "ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
             "\xce\x94\xce\xb9\xce\xbf\xce\xbd\xcf\x85\xcf\x83\xce\xb9\xce\xbf\xcf\x82"},
        Name{"Cyrillic", "ISO_IR 144", "\xbb\xee\xda", "\xd0\x9b\xd1\x8e\xd0\xba"},
        Name{"Japanese", "\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
             "Yamada^Tarou=\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e"},
        Name{
            "JapaneseKatakana", "ISO 2022 IR 13\\ISO 2022 IR 87",
            "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "\xef\xbe\x94\xef\xbe\x8f\xef\xbe\x80\xef\xbe\x9e^\xef\xbe\x80\xef\xbe\x9b\xef\xbd\xb3="
            "\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e"},
        Name{"Korean", "\\ISO 2022 IR 149", "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
             "Hong^Gildong=\xe6\xb4\xaa^\xe5\x90\x89\xe6\xb4\x9e"},
        Name{"Gb18030", "GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab",
             "Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe4\xb8\x9c"}),
    [](const auto& name) { return std::string(name.param.name); });

TEST(PetSeriesReader, NeverLetsBrokenTextOut) {
  for (const char* characterSet : {"", "ISO_IR 192", "ISO_IR 999", "ISO_IR 6"}) {
    const auto series = read(aPetSeries()
                                 .writing(tags::kSpecificCharacterSet, characterSet)
                                 .writing(tags::kPatientName, "M\xfcller^\xff\xc3"));
    ASSERT_EQ(refusalOf(series), "");
    EXPECT_EQ(series->patient.patientName, "M\xef\xbf\xbdller^\xef\xbf\xbd\xef\xbf\xbd")
        << characterSet;
    EXPECT_THAT(series->warnings, Contains(HasSubstr("character set"))) << characterSet;
  }
}

}  // namespace
}  // namespace fedpet::dicom
