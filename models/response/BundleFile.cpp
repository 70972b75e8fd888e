#include "models/response/BundleManifest.h"
#include "models/response/ModelBundle.h"
#include "models/response/ResponseModel.h"

#include <openssl/evp.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::response {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;
using Tensors = c10::Dict<std::string, Tensor>;

// A linear model needs kilobytes; larger files are refused before they are read.
constexpr std::uintmax_t kLargestFileBytes = 16u << 20;
constexpr const char* kCorrelationTensor = "inputs.correlation";

[[noreturn]] void fail(BundleProblem problem, const fs::path& file, const std::string& what) {
  throw BundleError(
      problem, file.string() + " " + what + "; obtain the bundle again from where it was released");
}

std::vector<char> readFile(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error || !fs::is_regular_file(file, error))
    fail(BundleProblem::NotFound, file, "cannot be found");
  if (size > kLargestFileBytes)
    fail(BundleProblem::Unreadable, file, "is far too large for a bundle");
  std::vector<char> bytes(static_cast<std::size_t>(size));
  std::ifstream in(file, std::ios::binary);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    fail(BundleProblem::Unreadable, file, "cannot be read");
  return bytes;
}

// Written beside its place and renamed, so that a reader never sees half a file.
void writeFile(const fs::path& file, std::string_view bytes) {
  const fs::path temporary = file.string() + ".new";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush())
      throw BundleError(BundleProblem::NotWritable,
                        temporary.string() + " cannot be written; check the disk and permissions");
  }
  std::error_code error;
  fs::rename(temporary, file, error);
  if (error)
    throw BundleError(BundleProblem::NotWritable,
                      file.string() + " cannot be replaced: " + error.message());
}

std::string sha256Hex(std::span<const char> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw BundleError(BundleProblem::Unreadable, "SHA-256 is not available in this OpenSSL");
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

Tensor tensorOf(std::span<const double> values, std::vector<std::int64_t> shape) {
  return torch::tensor(std::vector<double>(values.begin(), values.end()), torch::kDouble)
      .reshape(shape);
}

Tensor tensorOf(const Matrix& m) {
  return tensorOf(m.values,
                  {static_cast<std::int64_t>(m.rows), static_cast<std::int64_t>(m.columns)});
}

Tensors tensorsOf(const ModelBundle& bundle) {
  Tensors tensors;
  tensors.insert(kCorrelationTensor, tensorOf(bundle.inputCorrelation));
  for (const BundleOutput& output : bundle.outputs) {
    tensors.insert(output.id() + ".intercept", tensorOf(std::array{output.intercept}, {1}));
    tensors.insert(
        output.id() + ".coefficients",
        tensorOf(output.coefficients, {static_cast<std::int64_t>(output.coefficients.size())}));
    tensors.insert(output.id() + ".covariance", tensorOf(output.covariance));
  }
  return tensors;
}

// The tensor of that name, of exactly that shape, finite.
std::vector<double> take(const Tensors& tensors, const std::string& name,
                         const std::vector<std::int64_t>& shape) {
  const fs::path file = kWeightsFile;
  if (!tensors.contains(name)) fail(BundleProblem::WrongContent, file, "lacks the tensor " + name);
  const Tensor t = tensors.at(name);
  if (!t.defined() || t.layout() != torch::kStrided || t.scalar_type() != torch::kDouble ||
      !t.device().is_cpu() || t.sizes() != c10::IntArrayRef(shape))
    fail(BundleProblem::WrongContent, file, "has a tensor of another type or shape: " + name);
  const Tensor flat = t.contiguous().flatten();
  const double* data = flat.data_ptr<double>();
  std::vector<double> values(data, data + flat.numel());
  for (const double value : values)
    if (!std::isfinite(value))
      fail(BundleProblem::NotFinite, file, "has a value that is not finite: " + name);
  return values;
}

Matrix takeSquare(const Tensors& tensors, const std::string& name, std::size_t size) {
  const auto n = static_cast<std::int64_t>(size);
  Matrix m(size, size);
  m.values = take(tensors, name, {n, n});
  return m;
}

Tensors unpickled(const std::vector<char>& bytes, const fs::path& file) {
  try {
    const torch::IValue value = torch::pickle_load(bytes);
    if (!value.isGenericDict())
      fail(BundleProblem::WrongContent, file, "is not a dictionary of tensors");
    const auto dictionary = value.toGenericDict();
    Tensors tensors;
    for (const auto& entry : dictionary) {
      if (!entry.key().isString() || !entry.value().isTensor())
        fail(BundleProblem::WrongContent, file, "is not a dictionary of tensors");
      tensors.insert(entry.key().toStringRef(), entry.value().toTensor());
    }
    return tensors;
  } catch (const BundleError&) {
    throw;
  } catch (const std::exception&) {  // c10::Error and what the unpickler lets through
    fail(BundleProblem::Unreadable, file, "is not a file that LibTorch can read");
  }
}

void fillWeights(ModelBundle& bundle, const Tensors& tensors) {
  const std::size_t count = bundle.coefficientCount();
  bundle.inputCorrelation = takeSquare(tensors, kCorrelationTensor, bundle.inputs.size());
  for (BundleOutput& output : bundle.outputs) {
    output.intercept = take(tensors, output.id() + ".intercept", {1}).front();
    output.coefficients =
        take(tensors, output.id() + ".coefficients", {static_cast<std::int64_t>(count)});
    output.covariance = takeSquare(tensors, output.id() + ".covariance", count + 1);
  }
}

}  // namespace

ModelBundle writeBundle(const ModelBundle& bundle, const fs::path& directory) {
  for (const BundleOutput& output : bundle.outputs)
    if (output.evaluations.empty())
      throw BundleError(
          BundleProblem::NotEvaluated,
          output.id() + " has no metrics on held-out patients; evaluate before writing");
  ModelBundle written = ResponseModel(bundle).bundle();  // checks that the parts fit together
  const std::vector<char> weights = torch::pickle_save(torch::IValue(tensorsOf(written)));
  written.weightsSha256 = sha256Hex(weights);
  std::error_code error;
  fs::create_directories(directory, error);
  if (error)
    throw BundleError(BundleProblem::NotWritable,
                      directory.string() + " cannot be created: " + error.message());
  writeFile(directory / kWeightsFile, {weights.data(), weights.size()});
  writeFile(directory / kManifestFile, manifestText(written));
  return written;
}

ModelBundle readBundle(const fs::path& directory) {
  const std::vector<char> manifest = readFile(directory / kManifestFile);
  ModelBundle bundle = bundleFromManifest({manifest.data(), manifest.size()});
  const fs::path file = directory / kWeightsFile;
  const std::vector<char> weights = readFile(file);
  // Before the unpickler sees a single byte.
  if (sha256Hex(weights) != bundle.weightsSha256)
    fail(BundleProblem::WrongHash, file,
         "does not match the SHA-256 of its manifest: truncated or changed");
  fillWeights(bundle, unpickled(weights, file));
  for (const BundleOutput& output : bundle.outputs)
    if (output.evaluations.empty())
      fail(BundleProblem::NotEvaluated, directory, "holds no metrics for " + output.id());
  return bundle;
}

}  // namespace fedpet::response
