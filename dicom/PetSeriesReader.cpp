#include "dicom/PetSeriesReader.h"

#include "dicom/DatasetReader.h"
#include "dicom/DicomFile.h"
#include "dicom/Eligibility.h"
#include "dicom/FileMeta.h"
#include "dicom/PixelDecoder.h"
#include "dicom/SeriesAssembly.h"
#include "dicom/SliceHeader.h"
#include "dicom/Tags.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <variant>

namespace fedpet::dicom {
namespace {

namespace fs = std::filesystem;

// A file that is in memory already, or one on disk that is read when its turn comes.
struct Source {
  std::string name;
  std::variant<std::vector<std::byte>, fs::path> content;

  // The content is gone from here afterwards.
  std::vector<std::byte> takeBytes() {
    if (const auto* path = std::get_if<fs::path>(&content)) return readFile(*path, name);
    return std::move(std::get<0>(content));
  }
  std::vector<std::byte> copyBytes() const { return Source(*this).takeBytes(); }
};

[[noreturn]] void refuse(RefusalCode code, std::string detail) {
  throw Unusable(code, std::move(detail));
}

void requirePetImages(const SeriesKind& kind, const std::string& name) {
  if (const auto refusal = whyNotPetImages(kind))
    refuse(refusal->code, name + ": " + refusal->detail);
}

std::unique_ptr<DcmFileFormat> parseHeader(std::span<const std::byte> bytes,
                                           const std::string& name) {
  // Before parsing: Enhanced PET has more items than are parsed here.
  if (const auto meta = readFileMeta(bytes); meta && isEnhancedPet(meta->sopClassUid))
    requirePetImages({"", meta->sopClassUid, "PT", ""}, name);
  return parseDicom(bytes, name, ReadDepth::Header, kMaxItemsOfPetImage);
}

LocatedHeader eligibleHeader(DcmFileFormat& file, const std::string& name, std::size_t index,
                             const PetReadingOptions& options) {
  requirePetImages(readSeriesKind(file), name);
  LocatedHeader located{readSliceHeader(file, name), index};
  std::vector<std::string>& warnings = located.header.facts.warnings;
  if (const auto refusal = whyNotEligible(located.header, options, warnings))
    refuse(refusal->code, name + ": " + refusal->detail);
  return located;
}

// An archive may hold the same instance twice. Two different files of one UID are another matter.
std::vector<LocatedHeader> withoutResends(std::vector<LocatedHeader> headers,
                                          const std::vector<Source>& sources) {
  std::map<std::string, std::size_t> seen;  // SOP instance UID -> index in `kept`
  std::vector<LocatedHeader> kept;
  std::size_t dropped = 0;
  for (LocatedHeader& header : headers) {
    const auto [entry, isNew] =
        seen.emplace(header.header.facts.slices.front().sopInstanceUid, kept.size());
    if (isNew) {
      kept.push_back(std::move(header));
      continue;
    }
    if (sources[header.file].copyBytes() != sources[kept[entry->second].file].copyBytes())
      refuse(RefusalCode::DuplicateSlices, sources[header.file].name + " and " +
                                               sources[kept[entry->second].file].name +
                                               " have one SOPInstanceUID (0008,0018) but differ");
    ++dropped;
  }
  if (dropped > 0)
    kept.front().header.facts.warnings.push_back(
        std::to_string(dropped) + " repeated instance(s) with equal content were left out");
  return kept;
}

PetSeries readPixels(std::vector<Source> sources, std::vector<LocatedHeader> headers,
                     const PetReadingOptions& options) {
  AssembledSeries assembled = assembleSeries(withoutResends(std::move(headers), sources), options);
  PetSeries& series = assembled.series;
  series.pixels.resize(series.geometry.voxelCount());
  const std::size_t slicePixels = assembled.formats.front().pixelCount();
  for (std::size_t k = 0; k < series.slices.size(); ++k) {
    Source& source = sources[assembled.fileOf[k]];
    const std::vector<std::byte> bytes = source.takeBytes();
    decodeSlice(bytes, source.name, assembled.formats[k], series.slices[k],
                std::span(series.pixels).subspan(k * slicePixels, slicePixels));
  }
  return std::move(series);
}

PetSeries readOneSeries(std::vector<Source> sources, const PetReadingOptions& options) {
  if (sources.empty()) refuse(RefusalCode::UnreadableDicom, "no file was given");
  std::vector<LocatedHeader> headers;
  headers.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string& name = sources[i].name;
    const auto file = parseHeader(std::get<0>(sources[i].content), name);
    headers.push_back(eligibleHeader(*file, name, i, options));
  }
  return readPixels(std::move(sources), std::move(headers), options);
}

// --- A folder with more than one series --------------------------------------------------------

struct Candidate {
  SeriesKind kind;
  std::vector<Source> sources;
  std::vector<LocatedHeader> headers;  // of every source, while nothing speaks against it
  std::optional<NotAssessable> whyNot;
};

// Uids and descriptions, so that a person finds the series; no patient attribute.
std::string nameOf(const SeriesKind& kind) {
  if (kind.seriesInstanceUid.empty())
    return std::string("files of ") +
           dcmFindNameOfUID(kind.sopClassUid.c_str(), "an unknown class");
  return "series " + kind.seriesInstanceUid +
         (kind.seriesDescription.empty() ? "" : " '" + kind.seriesDescription + "'");
}

std::vector<fs::path> filesBelow(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  fs::recursive_directory_iterator entries(directory, fs::directory_options::skip_permission_denied,
                                           error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error))
    if (entries->is_regular_file(error) && entries->path().filename() != "DICOMDIR")
      paths.push_back(entries->path());
  if (error) refuse(RefusalCode::UnreadableDicom, "the folder cannot be read: " + error.message());
  std::sort(paths.begin(), paths.end());  // so that the outcome does not depend on the disk
  return paths;
}

class Candidates {
 public:
  explicit Candidates(const PetReadingOptions& options) : options_(options) {}

  // Other kinds of files are told by their first bytes and not read any further, so that neither
  // their number nor their state matters.
  void add(Source source) {
    constexpr std::size_t kMetaInformation = 4096;
    const auto& path = std::get<fs::path>(source.content);
    const auto first = readFirstBytes(path, source.name, kMetaInformation);
    if (!looksLikeDicom(first)) return;
    const auto meta = readFileMeta(first);
    if (meta && !meta->sopClassUid.empty() && meta->sopClassUid != kPetImageStorage)
      addOther({"", meta->sopClassUid, "", ""});
    else
      addPet(std::move(source));
  }

  std::vector<Candidate> take() { return std::move(candidates_); }

 private:
  Candidate& candidate(const std::string& key, const SeriesKind& kind) {
    const auto [entry, isNew] = indexOf_.emplace(key, candidates_.size());
    if (isNew) candidates_.push_back({kind, {}, {}, std::nullopt});
    return candidates_[entry->second];
  }

  void addOther(const SeriesKind& kind) {
    const auto why = whyNotPetImages(kind);
    candidate(kind.sopClassUid, kind).whyNot = NotAssessable(why->code, why->detail);
  }

  // A damaged file refuses the folder: which series it belongs to cannot be known, and a slice of
  // ours at either end would not be missed.
  void addPet(Source source) {
    const auto bytes = readFile(std::get<fs::path>(source.content), source.name);
    const auto file = parseHeader(bytes, source.name);
    const SeriesKind kind = readSeriesKind(*file);
    Candidate& series = candidate(kind.seriesInstanceUid, kind);
    try {
      if (!series.whyNot)
        series.headers.push_back(
            eligibleHeader(*file, source.name, series.sources.size(), options_));
    } catch (const Unusable& unusable) {
      series.whyNot = unusable.why;
    }
    series.sources.push_back(std::move(source));
  }

  const PetReadingOptions& options_;
  std::vector<Candidate> candidates_;
  std::map<std::string, std::size_t> indexOf_;  // series or class UID -> index in candidates_
};

std::vector<Candidate> candidatesIn(const fs::path& directory, const PetReadingOptions& options) {
  Candidates candidates(options);
  for (const fs::path& path : filesBelow(directory))
    candidates.add({path.lexically_relative(directory).string(), path});
  return candidates.take();
}

// All candidates with their reasons; what came closest to being ours decides.
NotAssessable noneFits(const std::vector<Candidate>& candidates) {
  const auto distance = [](const Refusal& refusal) {
    return refusal.code == RefusalCode::NotPet ? 2 : meansNotOurs(refusal.code) ? 1 : 0;
  };
  NotAssessable why;
  for (const Candidate& candidate : candidates)
    for (const Refusal& refusal : candidate.whyNot->reasons)
      why.reasons.push_back({refusal.code, nameOf(candidate.kind) + ": " + refusal.detail});
  std::stable_sort(why.reasons.begin(), why.reasons.end(),
                   [&](const Refusal& a, const Refusal& b) { return distance(a) < distance(b); });
  if (why.reasons.empty()) why = {RefusalCode::NotPet, "the folder holds no DICOM series"};
  return why;
}

Candidate theOneThatFits(std::vector<Candidate> candidates) {
  const auto fits = [](const Candidate& candidate) { return !candidate.whyNot; };
  const auto count = std::count_if(candidates.begin(), candidates.end(), fits);
  if (count == 0) throw Unusable(noneFits(candidates));
  if (count > 1) {
    std::string names;
    for (const Candidate& candidate : candidates)
      if (fits(candidate)) names += (names.empty() ? "" : ", ") + nameOf(candidate.kind);
    refuse(RefusalCode::InconsistentSeries,
           "more than one series fits, and only one can be measured: " + names);
  }
  return std::move(*std::find_if(candidates.begin(), candidates.end(), fits));
}

template <typename Read>
tl::expected<PetSeries, NotAssessable> asValue(const Read& read) {
  try {
    return read();
  } catch (const Unusable& unusable) {
    return tl::unexpected(unusable.why);
  } catch (const std::bad_alloc&) {
    // Damaged length fields ask for gigabytes; the series is to blame, not the machine.
    return tl::unexpected(
        NotAssessable(RefusalCode::UnreadableDicom, "reading needs more memory than there is"));
  }
}

}  // namespace

tl::expected<PetSeries, NotAssessable> readPetSeries(std::vector<DicomBytes> files,
                                                     const PetReadingOptions& options) {
  return asValue([&] {
    std::vector<Source> sources;
    sources.reserve(files.size());
    for (DicomBytes& file : files) sources.push_back({std::move(file.name), std::move(file.bytes)});
    return readOneSeries(std::move(sources), options);
  });
}

tl::expected<PetSeries, NotAssessable> readPetSeriesFromDirectory(
    const fs::path& directory, const PetReadingOptions& options) {
  return asValue([&] {
    Candidate chosen = theOneThatFits(candidatesIn(directory, options));
    return readPixels(std::move(chosen.sources), std::move(chosen.headers), options);
  });
}

}  // namespace fedpet::dicom
