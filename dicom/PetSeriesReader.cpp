#include "dicom/PetSeriesReader.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <new>
#include <optional>
#include <variant>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include "dicom/DatasetReader.h"
#include "dicom/DicomFile.h"
#include "dicom/Eligibility.h"
#include "dicom/PixelDecoder.h"
#include "dicom/SeriesAssembly.h"
#include "dicom/SliceHeader.h"
#include "dicom/Tags.h"

namespace fedpet::dicom {
namespace {

namespace fs = std::filesystem;

// A file that is in memory already, or one on disk that is read when its turn comes.
struct Source {
  std::string name;
  std::variant<std::vector<std::byte>, fs::path> content;

  std::unique_ptr<DcmFileFormat> header() const {
    if (const auto* path = std::get_if<fs::path>(&content)) return parseDicomHeader(*path, name);
    return parseDicom(std::get<0>(content), name, ReadDepth::Header);
  }
  // The content is gone from here afterwards.
  std::vector<std::byte> takeBytes() {
    if (const auto* path = std::get_if<fs::path>(&content)) return readWholeFile(*path, name);
    return std::move(std::get<0>(content));
  }
  std::vector<std::byte> copyBytes() const {
    return Source(*this).takeBytes();
  }
};

[[noreturn]] void refuse(RefusalCode code, std::string detail) {
  throw Unusable(code, std::move(detail));
}

LocatedHeader readEligibleHeader(const std::vector<Source>& sources, std::size_t index,
                                 const PetReadingOptions& options) {
  const Source& source = sources[index];
  const auto file = source.header();
  if (const auto refusal = whyNotPetImages(readSeriesKind(*file)))
    refuse(refusal->code, source.name + ": " + refusal->detail);
  LocatedHeader located{readSliceHeader(*file, source.name), index};
  std::vector<std::string>& warnings = located.header.facts.warnings;
  if (const auto refusal = whyNotEligible(located.header, options, warnings))
    refuse(refusal->code, source.name + ": " + refusal->detail);
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
      refuse(RefusalCode::DuplicateSlices,
             sources[header.file].name + " and " + sources[kept[entry->second].file].name +
                 " have one SOPInstanceUID (0008,0018) but differ");
    ++dropped;
  }
  if (dropped > 0)
    kept.front().header.facts.warnings.push_back(
        std::to_string(dropped) + " repeated instance(s) with equal content were left out");
  return kept;
}

PetSeries readSources(std::vector<Source> sources, const PetReadingOptions& options) {
  if (sources.empty()) refuse(RefusalCode::UnreadableDicom, "no file was given");
  std::vector<LocatedHeader> headers;
  headers.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    headers.push_back(readEligibleHeader(sources, i, options));
    // Before 1000 headers of someone else's series are read.
    if (headers.back().header.facts.seriesInstanceUid !=
        headers.front().header.facts.seriesInstanceUid)
      refuse(RefusalCode::InconsistentSeries,
             describe(tags::kSeriesInstanceUid) + " differs between slices");
  }
  AssembledSeries assembled =
      assembleSeries(withoutResends(std::move(headers), sources), options);

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

// --- A folder with more than one series --------------------------------------------------------

struct Candidate {
  SeriesKind kind;
  std::vector<Source> sources;
  std::optional<NotAssessable> whyNot;
};

// Uids and descriptions, so that a person finds the series; no patient attribute.
std::string nameOf(const SeriesKind& kind) {
  return "series " + kind.seriesInstanceUid +
         (kind.seriesDescription.empty() ? "" : " '" + kind.seriesDescription + "'");
}

bool startsLikeDicom(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> first(kSignatureLength);
  file.read(reinterpret_cast<char*>(first.data()), static_cast<std::streamsize>(first.size()));
  first.resize(static_cast<std::size_t>(file.gcount()));
  return looksLikeDicom(first);
}

std::vector<fs::path> filesBelow(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  fs::recursive_directory_iterator entries(
      directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error))
    if (entries->is_regular_file(error) && entries->path().filename() != "DICOMDIR")
      paths.push_back(entries->path());
  if (error)
    refuse(RefusalCode::UnreadableDicom, "the folder cannot be read: " + error.message());
  std::sort(paths.begin(), paths.end());  // so that the outcome does not depend on the disk
  return paths;
}

// One header per file; which series a damaged one belongs to cannot be known, and it may be ours.
std::vector<Candidate> candidatesIn(const fs::path& directory) {
  std::vector<Candidate> candidates;
  std::map<std::string, std::size_t> bySeries;
  for (const fs::path& path : filesBelow(directory)) {
    if (!startsLikeDicom(path)) continue;
    Source source{path.lexically_relative(directory).string(), path};
    const SeriesKind kind = readSeriesKind(*source.header());
    if (kind.seriesInstanceUid.empty()) continue;  // no image: a DICOMDIR by another name
    const auto [entry, isNew] = bySeries.emplace(kind.seriesInstanceUid, candidates.size());
    if (isNew) candidates.push_back({kind, {}, std::nullopt});
    candidates[entry->second].sources.push_back(std::move(source));
  }
  return candidates;
}

void judge(Candidate& candidate, const PetReadingOptions& options) {
  if (const auto refusal = whyNotPetImages(candidate.kind)) {
    candidate.whyNot = NotAssessable(refusal->code, refusal->detail);
    return;
  }
  try {
    readEligibleHeader(candidate.sources, 0, options);
  } catch (const Unusable& unusable) {
    candidate.whyNot = unusable.why;
  }
}

// All candidates with their reasons; PET first, since that is what the reader looks for.
NotAssessable noneFits(const std::vector<Candidate>& candidates) {
  NotAssessable why;
  for (const bool pet : {true, false})
    for (const Candidate& candidate : candidates)
      for (const Refusal& refusal : candidate.whyNot->reasons)
        if (pet == (refusal.code != RefusalCode::NotPet))
          why.reasons.push_back({refusal.code, nameOf(candidate.kind) + ": " + refusal.detail});
  if (why.reasons.empty()) why = {RefusalCode::NotPet, "the folder holds no DICOM series"};
  return why;
}

std::vector<Source> theOneThatFits(std::vector<Candidate> candidates,
                                   const PetReadingOptions& options) {
  for (Candidate& candidate : candidates) judge(candidate, options);
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
  return std::move(std::find_if(candidates.begin(), candidates.end(), fits)->sources);
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
    for (DicomBytes& file : files)
      sources.push_back({std::move(file.name), std::move(file.bytes)});
    return readSources(std::move(sources), options);
  });
}

tl::expected<PetSeries, NotAssessable> readPetSeriesFromDirectory(
    const fs::path& directory, const PetReadingOptions& options) {
  return asValue([&] {
    return readSources(theOneThatFits(candidatesIn(directory), options), options);
  });
}

}  // namespace fedpet::dicom
