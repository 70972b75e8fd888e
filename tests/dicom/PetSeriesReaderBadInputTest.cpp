// Damaged files: each is read or refused with a reason, and never more. Most worth under the
// sanitizers (preset asan); the seeds are fixed, so a failure can be repeated.
#include "dicom/FileMeta.h"
#include "dicom/PetSeriesReader.h"
#include "tests/support/PetSeriesFiles.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

// A damaged length makes DCMTK ask for gigabytes, which it never touches; the sanitizer would mark
// every byte of them. Refuse them here, as the worker's memory limit does.
extern "C" const char* __asan_default_options() {  // NOLINT: the name is the sanitizer's
  return "max_allocation_size_mb=256:allocator_may_return_null=1";
}

namespace fedpet::dicom {
namespace {

using fedpet::testing::aPetSeries;
using fedpet::testing::dicomFiles;
using fedpet::testing::Encoding;

constexpr Encoding kEncodings[] = {Encoding::ImplicitLittleEndian,
                                   Encoding::ExplicitLittleEndian,
                                   Encoding::ExplicitBigEndian,
                                   Encoding::Deflated,
                                   Encoding::Rle,
                                   Encoding::JpegLossless,
                                   Encoding::JpegLsLossless,
                                   Encoding::Jpeg2000Lossless};

class DamagedFile : public ::testing::TestWithParam<Encoding> {
 protected:
  // Whatever comes out is whole: all pixels, or a reason.
  static void expectReadOrRefused(std::vector<DicomBytes> files) {
    const auto series = readPetSeries(std::move(files), PetReadingOptions::anyPet());
    if (series) {
      EXPECT_EQ(series->pixels.size(), series->geometry.voxelCount());
    } else {
      ASSERT_FALSE(series.error().reasons.empty());
    }
  }
};

TEST_P(DamagedFile, CutAnywhereIsRefused) {
  const auto whole = dicomFiles(aPetSeries(), GetParam());
  const std::size_t length = whole[1].bytes.size();
  for (std::size_t cut = 0; cut < length; cut += cut < 2000 ? 7 : 1) {
    auto files = whole;
    files[1].bytes.resize(cut);
    const auto series = readPetSeries(std::move(files));
    // A JPEG that only lost its end marker, and the padding after it, is complete all the same.
    if (series) {
      EXPECT_GE(cut + 12, length) << "cut at " << cut << " of " << length;
    }
  }
}

TEST_P(DamagedFile, WithFlippedBitsIsReadOrRefused) {
  const auto whole = dicomFiles(aPetSeries(), GetParam());
  std::mt19937 random(20261124);
  for (int round = 0; round < 1500; ++round) {
    auto files = whole;
    auto& bytes = files[static_cast<std::size_t>(round) % files.size()].bytes;
    const int flips = 1 + static_cast<int>(random() % 8);
    for (int i = 0; i < flips; ++i)
      bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    expectReadOrRefused(std::move(files));
  }
}

TEST_P(DamagedFile, WithBytesOverwrittenIsReadOrRefused) {
  const auto whole = dicomFiles(aPetSeries(), GetParam());
  std::mt19937 random(1124);
  constexpr unsigned char kNasty[] = {0x00, 0x7f, 0x80, 0xff};
  for (int round = 0; round < 800; ++round) {
    auto files = whole;
    auto& bytes = files[static_cast<std::size_t>(round) % files.size()].bytes;
    const std::size_t from = random() % bytes.size();
    const std::size_t to = std::min(bytes.size(), from + 1 + random() % 8);
    for (std::size_t i = from; i < to; ++i) bytes[i] = static_cast<std::byte>(kNasty[random() % 4]);
    expectReadOrRefused(std::move(files));
  }
}

TEST_P(DamagedFile, WithAPartLostIsReadOrRefused) {
  const auto whole = dicomFiles(aPetSeries(), GetParam());
  std::mt19937 random(42);
  for (int round = 0; round < 400; ++round) {
    auto files = whole;
    auto& bytes = files[2].bytes;
    const std::size_t from = random() % bytes.size();
    const std::size_t to = std::min(bytes.size(), from + 1 + random() % 64);
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                bytes.begin() + static_cast<std::ptrdiff_t>(to));
    expectReadOrRefused(std::move(files));
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamagedFile, ::testing::ValuesIn(kEncodings));

// Undefined-length sequences within items within sequences, in place of the pixels.
std::vector<DicomBytes> nested(int levels, Encoding encoding) {
  auto files = dicomFiles(aPetSeries(), encoding);
  auto& bytes = files[0].bytes;
  const unsigned char level[] = {0x40, 0x00, 0x30, 0xa7, 0xff, 0xff, 0xff, 0xff,
                                 0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff};
  const std::string all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes.resize(all.rfind(std::string("\xe0\x7f\x10\x00", 4)));
  for (int depth = 0; depth < levels; ++depth)
    for (const unsigned char byte : level) bytes.push_back(static_cast<std::byte>(byte));
  return files;
}

TEST(HostileFile, OfDeeplyNestedSequencesIsRefused) {
  // The first is just allowed by the count of items: its recursion must fit the stack.
  for (const int levels : {990, 60000}) {
    const auto series = readPetSeries(nested(levels, Encoding::ImplicitLittleEndian));
    ASSERT_FALSE(series);
    EXPECT_EQ(series.error().code(), RefusalCode::UnreadableDicom);
  }
}

TEST(HostileFile, ThatInflatesToDeeplyNestedSequencesIsRefused) {
  // The nested data set of an implicit file, deflated behind the meta information of a deflated
  // one.
  const auto raw = nested(60000, Encoding::ImplicitLittleEndian)[0].bytes;
  auto files = dicomFiles(aPetSeries(), Encoding::Deflated);
  auto& bytes = files[0].bytes;
  bytes.resize(readFileMeta(bytes)->datasetOffset);
  std::vector<Bytef> packed(compressBound(raw.size()));
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  for (std::size_t i = 0; i < stream.total_out; ++i)
    bytes.push_back(static_cast<std::byte>(packed[i]));
  deflateEnd(&stream);
  const auto series = readPetSeries(std::move(files));
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().code(), RefusalCode::UnreadableDicom);
}

TEST(HostileFile, OfRandomBytesIsRefused) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(200 + random() % 3000));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    if (round % 2 == 0) {  // with a signature, so that the parser goes on
      const char* signature = "DICM";
      for (std::size_t i = 0; i < 4; ++i) bytes[128 + i] = static_cast<std::byte>(signature[i]);
    }
    const auto series = readPetSeries({{"random", std::move(bytes)}});
    ASSERT_FALSE(series);
    EXPECT_EQ(series.error().code(), RefusalCode::UnreadableDicom);
  }
}

}  // namespace
}  // namespace fedpet::dicom
