#include "dicom/PetSeriesReader.h"
#include "dicom/PetSeriesWriter.h"
#include "dicom/Segmentation.h"
#include "models/imaging/SuvScaling.h"
#include "sample-data/PhantomFiles.h"
#include "sample-data/PhantomSeries.h"
#include "tests/support/PetSeriesFiles.h"
#include "tests/support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

namespace fedpet::sample {
namespace {

namespace fs = std::filesystem;

using fedpet::testing::TemporaryDirectory;

PhantomSpec quickSpec() {
  PhantomSpec spec = fromSeed(8);
  spec.scanner.matrix = 96;
  spec.scanner.voxelMm = {7, 7, 7};
  spec.withoutHead = false;
  drawLesions(spec, 4, 4);
  return spec;
}

const Phantom& quickPhantom() {
  static const Phantom phantom = makePhantom(quickSpec());
  return phantom;
}

std::vector<dicom::DicomBytes> filesOf(const PetSeries& series,
                                       const dicom::PetWritingOptions& options) {
  std::vector<dicom::DicomBytes> files;
  for (int k = 0; k < series.geometry.size[2]; ++k)
    files.push_back({"slice " + std::to_string(k), dicom::petInstance(series, k, options)});
  return files;
}

// A slice's pixels may be off by half of its slope.
float allowedError(const Phantom& phantom, int k, double steps) {
  const VolumeGeometry& g = phantom.image.geometry;
  const float* slice = phantom.image.suvBw.data() + g.offset(0, 0, k);
  const float largest = *std::max_element(slice, slice + g.size[0] * g.size[1]);
  return static_cast<float>(largest / steps * 0.51 + 1e-5 * largest);
}

class PhantomDicom : public ::testing::TestWithParam<dicom::PetEncoding> {};

TEST_P(PhantomDicom, ReadsBackAsTheSuvOfThePhantomWithinQuantisation) {
  const Phantom& phantom = quickPhantom();
  const dicom::PetWritingOptions options{GetParam(), false, 4};
  const auto read = dicom::readPetSeries(filesOf(toPetSeries(phantom), options));
  ASSERT_TRUE(read) << read.error().reasons.front().detail;
  const auto scaling = imaging::suvScaling(*read);
  ASSERT_TRUE(scaling) << scaling.error().reasons.front().detail;
  EXPECT_NEAR(scaling->suvBwPerUnit / suvBwPerBqPerMl(phantom.spec), 1, 1e-6);
  const auto suv = imaging::toSuvVolume(*read, *scaling);
  ASSERT_TRUE(suv);
  const VolumeGeometry& g = phantom.image.geometry;
  ASSERT_EQ(suv->geometry.size, g.size);
  for (std::size_t a = 0; a < 3; ++a) {
    EXPECT_NEAR(suv->geometry.spacingMm[a], g.spacingMm[a], 1e-6);
    EXPECT_NEAR(suv->geometry.originMm[a], g.originMm[a], 1e-6);
  }
  for (int k = 0; k < g.size[2]; ++k) {
    const float tolerance = allowedError(phantom, k, 65535);
    for (std::size_t n = g.offset(0, 0, k); n < g.offset(0, 0, k) + g.offset(0, 0, 1); ++n)
      ASSERT_NEAR(suv->suvBw[n], phantom.image.suvBw[n], tolerance) << "slice " << k;
  }
}
INSTANTIATE_TEST_SUITE_P(InEveryEncoding, PhantomDicom,
                         ::testing::Values(dicom::PetEncoding::ExplicitLittleEndian,
                                           dicom::PetEncoding::ImplicitLittleEndian,
                                           dicom::PetEncoding::DeflatedLittleEndian,
                                           dicom::PetEncoding::RunLength,
                                           dicom::PetEncoding::JpegLossless,
                                           dicom::PetEncoding::JpegLsLossless));

TEST(PhantomSeries, KeepsItsHeaderFactsThroughTheFile) {
  const PetSeries written = toPetSeries(quickPhantom());
  const auto read = dicom::readPetSeries(filesOf(written, {}));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->warnings.empty()) << read->warnings.front();
  EXPECT_EQ(read->patient.patientName, "Synthetic^Phantom 0001");
  EXPECT_EQ(read->patient.patientId, "FEDPET-SYN-0001");
  EXPECT_EQ(read->seriesInstanceUid, written.seriesInstanceUid);
  EXPECT_EQ(read->patientWeightKg, written.patientWeightKg);
  EXPECT_EQ(read->patientHeightM, written.patientHeightM);
  EXPECT_EQ(read->seriesDateTime, written.seriesDateTime);
  EXPECT_EQ(read->radiopharmaceutical.startDateTime, written.radiopharmaceutical.startDateTime);
  EXPECT_EQ(read->radiopharmaceutical.injectedActivityBq,
            written.radiopharmaceutical.injectedActivityBq);
  EXPECT_EQ(read->slices.back().acquisitionDateTime, written.slices.back().acquisitionDateTime);
  EXPECT_EQ(read->slices.back().sopInstanceUid, written.slices.back().sopInstanceUid);
}

TEST(PhantomSeries, ScansSeveralBedsFromTheFeetUpwards) {
  const PetSeries series = toPetSeries(quickPhantom());
  std::set<WallClock> times;
  for (const PetSlice& slice : series.slices) times.insert(*slice.acquisitionDateTime);
  EXPECT_GE(times.size(), 6u);
  EXPECT_EQ(series.slices.front().acquisitionDateTime, series.seriesDateTime);
  EXPECT_GT(*series.slices.back().acquisitionDateTime,
            *series.seriesDateTime + std::chrono::minutes(10));
}

TEST(PhantomSeries, HasTheSameUidsForTheSameSpecAndOthersForAnother) {
  const PetSeries a = toPetSeries(quickPhantom()), b = toPetSeries(quickPhantom());
  EXPECT_EQ(a.study.studyInstanceUid, b.study.studyInstanceUid);
  EXPECT_EQ(a.slices[5].sopInstanceUid, b.slices[5].sopInstanceUid);
  Phantom heavier = quickPhantom();
  heavier.spec.weightKg += 1;
  EXPECT_NE(a.seriesInstanceUid, toPetSeries(heavier).seriesInstanceUid);
  PhantomSeriesFacts second;
  second.patientNumber = 2;
  EXPECT_NE(a.study.studyInstanceUid, toPetSeries(quickPhantom(), second).study.studyInstanceUid);
}

// Hand calculation: 70 kg, 350 MBq, one half-life of uptake: 70000 g / 175e6 Bq.
TEST(PhantomSeries, CountsDecayFromInjectionToScanStart) {
  PhantomSpec spec;
  spec.weightKg = 70;
  spec.injectedActivityBq = 350e6;
  spec.uptakeMinutes = kFluorine18HalfLifeSeconds / 60;
  EXPECT_NEAR(suvBwPerBqPerMl(spec), 4.0e-4, 1e-12);
}

TEST(PetSeriesWriter, WritesNegativePixelsAsSignedNumbers) {
  PetSeries series = toPetSeries(quickPhantom());
  const std::size_t n = series.geometry.offset(10, 10, 3);
  series.pixels[n] = -500;
  const auto read = dicom::readPetSeries(filesOf(series, {}));
  ASSERT_TRUE(read) << read.error().reasons.front().detail;
  EXPECT_NEAR(read->pixels[n], -500, 0.51 * read->slices[3].rescaleSlope);
}

TEST(PetSeriesWriter, WritesWhatASeriesSaysAlsoWhereItIsOdd) {
  PetSeries series = toPetSeries(quickPhantom());
  series.correctedImage = {"DECY"};
  const auto uncorrected = dicom::readPetSeries(filesOf(series, {}));
  ASSERT_FALSE(uncorrected);
  EXPECT_EQ(uncorrected.error().code(), RefusalCode::NotAttenuationCorrected);

  series = toPetSeries(quickPhantom());
  series.manufacturer = "Philips Medical Systems";
  series.units = "CNTS";
  series.philipsSuvFactor = 0.000728;
  const auto philips = dicom::readPetSeries(filesOf(series, {}));
  ASSERT_TRUE(philips) << philips.error().reasons.front().detail;
  const auto scaling = imaging::suvScaling(*philips);
  ASSERT_TRUE(scaling) << scaling.error().reasons.front().detail;
  EXPECT_NEAR(scaling->suvBwPerUnit, 0.000728, 1e-12);
}

TEST(PetSeriesWriter, RefusesWhatIsNoVolume) {
  PetSeries series = toPetSeries(quickPhantom());
  series.pixels.pop_back();
  EXPECT_ANY_THROW(dicom::petInstance(series, 0));
  series = toPetSeries(quickPhantom());
  series.pixels[7] = std::nanf("");
  EXPECT_ANY_THROW(dicom::petInstance(series, 0));
  EXPECT_ANY_THROW(dicom::petInstance(toPetSeries(quickPhantom()), 100000));
}

// dicom3tools judges each file; its exit code says nothing, its Error lines do.
std::string errorsOf(const std::string& command) {
  std::string errors;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  char line[1024];
  while (pipe && std::fgets(line, sizeof line, pipe.get()))
    if (std::string(line).rfind("Error", 0) == 0) errors += line;
  return errors;
}

TEST(PhantomFiles, SatisfyTheValidatorAndAgreeAmongThemselves) {
  if (std::system("command -v dciodvfy > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "dciodvfy (Debian package dicom3tools) is not installed";
  const TemporaryDirectory folder;
  const PhantomPatient patient = writePhantomPatient(quickSpec(), 1, folder.path());
  const fs::path first = patient.petDirectory / "PT0001.dcm";
  EXPECT_EQ(errorsOf("dciodvfy -new '" + first.string() + "'"), "");
  EXPECT_EQ(errorsOf("dciodvfy -new '" + (patient.petDirectory / "PT0100.dcm").string() + "'"), "");
  EXPECT_EQ(errorsOf("dciodvfy -new '" + patient.truthSegmentation.string() + "'"), "");
  EXPECT_EQ(
      errorsOf("dcentvfy '" + first.string() + "' '" + patient.truthSegmentation.string() + "'"),
      "");
}

TEST(PhantomFiles, HoldTheTruthAsSegmentsOfTheSameVolumes) {
  const TemporaryDirectory folder;
  const PhantomPatient patient = writePhantomPatient(quickSpec(), 1, folder.path());
  EXPECT_EQ(patient.lesions, 4);
  const dicom::SegmentationMask mask = dicom::readSegmentation(patient.truthSegmentation);
  EXPECT_EQ(mask.segments.size(), 8u + 4u);  // eight organs and the lesions
  double lesionMl = 0;
  for (const dicom::Segment& segment : mask.segments) {
    if (!dicom::saysLesion(segment)) continue;
    for (const dicom::SegmentFrame& frame : segment.frames)
      lesionMl += mask.geometry.voxelVolumeMl() *
                  static_cast<double>(std::count(frame.pixels.begin(), frame.pixels.end(), 1));
  }
  EXPECT_NEAR(lesionMl, patient.tmtvMl, 1e-6);
  EXPECT_EQ(mask.frameOfReferenceUid, toPetSeries(quickPhantom()).frameOfReferenceUid);

  std::ifstream in(patient.truthJson);
  std::stringstream json;
  json << in.rdbuf();
  EXPECT_NE(json.str().find("\"synthetic\": true"), std::string::npos);
  EXPECT_NE(json.str().find("\"tmtvMl\""), std::string::npos);
}

TEST(PhantomFiles, AreTheSameBytesWhenWrittenAgain) {
  const TemporaryDirectory a, b;
  const PhantomPatient one = writePhantomPatient(quickSpec(), 3, a.path());
  writePhantomPatient(quickSpec(), 3, b.path());
  ASSERT_GT(one.slices, 50);
  int compared = 0;
  for (const auto& entry : fs::recursive_directory_iterator(a.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream x(entry.path(), std::ios::binary),
        y(b.path() / fs::relative(entry.path(), a.path()), std::ios::binary);
    std::stringstream sx, sy;
    sx << x.rdbuf();
    sy << y.rdbuf();
    EXPECT_TRUE(sx.str() == sy.str()) << entry.path().filename();
    ++compared;
  }
  EXPECT_EQ(compared, one.slices + 2);
}

}  // namespace
}  // namespace fedpet::sample
