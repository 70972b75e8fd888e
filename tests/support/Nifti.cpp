#include "tests/support/Nifti.h"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace fedpet::testing {
namespace {

std::vector<unsigned char> inflated(const std::filesystem::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::vector<unsigned char> all, part(1 << 20);
  for (int count; (count = gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0;)
    all.insert(all.end(), part.begin(), part.begin() + count);
  gzclose(file);
  return all;
}

template <typename T>
T valueAt(const std::vector<unsigned char>& bytes, std::size_t offset) {
  if (offset + sizeof(T) > bytes.size()) throw std::runtime_error("NIfTI file is too short");
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
std::vector<double> voxels(const std::vector<unsigned char>& bytes, std::size_t count) {
  // NIfTI-1 header: vox_offset at 108, scl_slope at 112, scl_inter at 116.
  const auto start = static_cast<std::size_t>(valueAt<float>(bytes, 108));
  const float slope = valueAt<float>(bytes, 112), intercept = valueAt<float>(bytes, 116);
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto stored = static_cast<double>(valueAt<T>(bytes, start + i * sizeof(T)));
    result[i] = slope == 0 ? stored : stored * slope + intercept;
  }
  return result;
}

}  // namespace

NiftiVolume readNifti(const std::filesystem::path& path) {
  const auto bytes = inflated(path);
  if (valueAt<std::int32_t>(bytes, 0) != 348) throw std::runtime_error("not little endian NIfTI-1");
  NiftiVolume volume;
  std::size_t count = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    volume.size[a] = valueAt<std::int16_t>(bytes, 42 + 2 * a);
    volume.spacingMm[a] = static_cast<double>(valueAt<float>(bytes, 80 + 4 * a));
    count *= static_cast<std::size_t>(volume.size[a]);
  }
  switch (const auto datatype = valueAt<std::int16_t>(bytes, 70)) {
    case 2:
      volume.voxels = voxels<std::uint8_t>(bytes, count);
      break;
    case 4:
      volume.voxels = voxels<std::int16_t>(bytes, count);
      break;
    case 8:
      volume.voxels = voxels<std::int32_t>(bytes, count);
      break;
    case 16:
      volume.voxels = voxels<float>(bytes, count);
      break;
    case 64:
      volume.voxels = voxels<double>(bytes, count);
      break;
    case 256:
      volume.voxels = voxels<std::int8_t>(bytes, count);
      break;
    case 512:
      volume.voxels = voxels<std::uint16_t>(bytes, count);
      break;
    default:
      throw std::runtime_error("NIfTI datatype " + std::to_string(datatype));
  }
  return volume;
}

}  // namespace fedpet::testing
