#include "dicom/PriorStudyReader.h"

#include "dicom/Codes.h"
#include "dicom/DateTimeText.h"
#include "dicom/DicomError.h"
#include "dicom/PriorLabels.h"
#include "dicom/PriorNumbers.h"
#include "dicom/ResultHeader.h"
#include "dicom/RetiredCodes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace fedpet::dicom {
namespace {

constexpr std::array kAllOrgans{Organ::Brain,       Organ::Heart,        Organ::Liver,
                                Organ::Spleen,      Organ::LumbarMarrow, Organ::LeftKidney,
                                Organ::RightKidney, Organ::Bladder,      Organ::BloodPool};

std::optional<Organ> organOf(const Code& site) {
  for (const Organ organ : kAllOrgans)
    if (meansTheSame(siteOf(organ), site)) return organ;
  return std::nullopt;
}

// --- image library ------------------------------------------------------------------------------

const ReportItem* descriptor(const ReportLibraryGroup& group, const Code& name) {
  if (const ReportItem* common = childNamed(group.descriptors, name)) return common;
  if (group.images.empty()) return nullptr;
  // Below the images instead: it counts when all of them say the same.
  const ReportItem* first = childNamed(group.images.front().children, name);
  for (const ReportItem& image : group.images) {
    const ReportItem* own = childNamed(image.children, name);
    if (first == nullptr || own == nullptr || own->text != first->text ||
        own->number != first->number || !(own->code == first->code))
      return nullptr;
  }
  return first;
}

bool isPet(const ReportLibraryGroup& group) {
  const ReportItem* modality = descriptor(group, codes::modality());
  return modality != nullptr && modality->code == codes::positronEmissionTomography();
}

// Null: none, or it is not clear which.
const ReportLibraryGroup* petGroup(const Report& report) {
  const auto& groups = report.imageLibrary;
  const auto pet = std::find_if(groups.begin(), groups.end(), isPet);
  if (pet != groups.end()) return &*pet;
  return groups.size() == 1 && descriptor(groups[0], codes::modality()) == nullptr ? &groups[0]
                                                                                   : nullptr;
}

std::string textOf(const ReportLibraryGroup& group, const Code& name) {
  const ReportItem* item = descriptor(group, name);
  return item == nullptr ? std::string() : item->text;
}

std::optional<WallClock> momentOf(const ReportLibraryGroup& group, const Code& date,
                                  const Code& time) {
  const auto day = parseDate(textOf(group, date));
  const auto timeOfDay = parseTimeOfDay(textOf(group, time));
  if (!day || !timeOfDay) return std::nullopt;
  return *day + *timeOfDay;
}

std::optional<double> uptakeMinutesOf(const ReportLibraryGroup& group) {
  const ReportItem* item = descriptor(group, codes::petIncubationTime());
  if (item == nullptr || !item->number) return std::nullopt;
  return convertedTo("min", *item->number, item->unit);
}

std::optional<WallClock> scannedAt(const ReportLibraryGroup& group,
                                   const std::optional<double>& uptakeMinutes) {
  using namespace std::chrono;
  const auto injected = parseDateTime(textOf(group, codes::radiopharmaceuticalStart()));
  if (injected && uptakeMinutes)
    return injected->wallClock + microseconds(std::llround(*uptakeMinutes * 60e6));
  return momentOf(group, codes::acquisitionDate(), codes::acquisitionTime());
}

// --- regions ------------------------------------------------------------------------------------

const ReportEvaluation* evaluationNamed(const std::vector<ReportEvaluation>& evaluations,
                                        const Code& name) {
  const auto found = std::find_if(evaluations.begin(), evaluations.end(),
                                  [&](const ReportEvaluation& e) { return e.name == name; });
  return found == evaluations.end() ? nullptr : &*found;
}

bool isRegion(const ReportGroup& group) {
  return group.hasRegion || !group.sourceSeriesUids.empty() || group.templateId == "1410" ||
         group.templateId == "1411";
}

std::optional<RegionRole> writtenRole(const ReportGroup& group) {
  const auto* role = evaluationNamed(group.evaluations, codeOf(PrivateConcept::RegionRole));
  if (role == nullptr || !role->code) return std::nullopt;
  for (const RegionRole known :
       {RegionRole::Lesion, RegionRole::Physiological, RegionRole::Reference})
    if (codeOf(known) == *role->code) return known;
  return std::nullopt;
}

std::optional<Organ> organOf(const ReportGroup& group) {
  if (group.finding)
    if (const auto organ = organOf(*group.finding)) return organ;
  if (group.findingSites.size() != 1) return std::nullopt;
  return organOf(group.findingSites.front());
}

RegionRole usualRole(Organ organ) {
  switch (organ) {
    case Organ::Liver:
    case Organ::Spleen:
    case Organ::LumbarMarrow:
    case Organ::BloodPool:
      return RegionRole::Reference;
    default:
      return RegionRole::Physiological;
  }
}

// What the group is about: a lesion, an organ, or neither.
bool setSubject(PriorRegion& region, const ReportGroup& group) {
  const auto written = writtenRole(group);
  if (written == RegionRole::Lesion || (!written && group.finding && saysLesion(*group.finding))) {
    region.role = RegionRole::Lesion;
    return true;
  }
  region.organ = organOf(group);
  // A finding in an organ ("nodule", lung) is not the organ.
  const bool aboutOrgan = !group.finding || meansTheSame(*group.finding, codes::organ()) ||
                          meansTheSame(*group.finding, codes::anatomicalStructure()) ||
                          organOf(*group.finding).has_value();
  if (!region.organ || !aboutOrgan) return false;
  region.role = written.value_or(usualRole(*region.organ));
  return true;
}

PriorRegion regionOf(const ReportGroup& group, PriorNumbers& numbers) {
  PriorRegion region;
  region.trackingId = group.trackingId;
  region.trackingUid = group.trackingUid;
  region.volumeMl = numbers.valueOf(group, Quantity::MetabolicVolume, Quantity::OrganVolume);
  region.glycolysisG =
      numbers.valueOf(group, Quantity::Glycolysis, Quantity::TotalLesionGlycolysis);
  region.suvMax = numbers.valueOf(group, Quantity::SuvMax);
  region.suvMean = numbers.valueOf(group, Quantity::SuvMean);
  region.suvPeak = numbers.valueOf(group, Quantity::SuvPeak);
  region.sulPeak = numbers.valueOf(group, Quantity::SulPeak);
  return region;
}

// The groups that regions were made from, in the same order.
using RegionGroups = std::vector<const ReportGroup*>;

RegionGroups addRegions(PriorStudy& prior, const Report& report, PriorNumbers& numbers) {
  RegionGroups groups;
  for (const ReportGroup& group : report.groups) {
    if (!isRegion(group)) continue;
    PriorRegion subject;
    if (!setSubject(subject, group)) {
      numbers.warn(&group, "neither a lesion nor an organ that is known here; it is left out");
      continue;
    }
    PriorRegion region = regionOf(group, numbers);
    region.role = subject.role;
    region.organ = subject.organ;
    prior.regions.push_back(std::move(region));
    groups.push_back(&group);
  }
  numbers.warnOfUnused(groups);
  return groups;
}

// --- whole body ---------------------------------------------------------------------------------

// The largest of all lesions, where every lesion has one; a maximum of some would be a guess.
std::optional<double> largest(const std::vector<PriorRegion>& regions,
                              std::optional<double> PriorRegion::*value) {
  std::optional<double> most;
  for (const PriorRegion& region : regions) {
    if (region.role != RegionRole::Lesion) continue;
    if (!(region.*value)) return std::nullopt;
    most = std::max(most.value_or(*(region.*value)), *(region.*value));
  }
  return most;
}

bool isPercistReading(const ReportGroup& group) {
  return evaluationNamed(group.evaluations, codeOf(PrivateConcept::PercistMeasurable)) != nullptr;
}

void readPercist(PriorStudy& prior, const ReportGroup& group, PriorNumbers& numbers) {
  prior.referenceSulMean = numbers.valueOf(group, Quantity::ReferenceSulMean);
  prior.referenceSulSd = numbers.valueOf(group, Quantity::ReferenceSulSd);
  prior.percistThreshold = numbers.valueOf(group, Quantity::PercistThreshold);
  prior.summary.sulPeak = numbers.valueOf(group, Quantity::SulPeak);
  if (group.findingSites.size() == 1) prior.reference = organOf(group.findingSites.front());
}

void readTotals(StudySummary& summary, const ReportGroup& group, PriorNumbers& numbers) {
  const auto take = [&](std::optional<double>& place, Quantity quantity) {
    if (!place) place = numbers.valueOf(group, quantity);
  };
  take(summary.tmtvMl, Quantity::Tmtv);
  take(summary.tlgG, Quantity::TotalLesionGlycolysis);
  take(summary.suvMax, Quantity::SuvMax);
  if (const auto count = numbers.valueOf(group, Quantity::LesionCount))
    if (*count >= 0 && *count < 1e6 && *count == std::floor(*count))
      summary.lesionCount = static_cast<int>(*count);
}

std::optional<MetabolicResponse> responseIn(const ReportGroup& group, PrivateConcept name,
                                            PriorNumbers& numbers) {
  const auto* evaluation = evaluationNamed(group.evaluations, codeOf(name));
  if (evaluation == nullptr || !evaluation->code || saysNoValue(*evaluation)) return std::nullopt;
  if (evaluation->code->scheme == kPrivateScheme) try {
      return metabolicResponseFromString(evaluation->code->value);
    } catch (const std::invalid_argument&) {
    }
  numbers.warn(&group, "the category '" + evaluation->code->value + "' is not understood");
  return std::nullopt;
}

bool isAboutTheTumour(const ReportGroup& group) {
  return group.finding && saysLesion(*group.finding);
}

void readStudyGroups(PriorStudy& prior, const Report& report, PriorNumbers& numbers) {
  for (const ReportGroup& group : report.groups) {
    if (isRegion(group)) continue;
    if (isPercistReading(group)) readPercist(prior, group, numbers);
    if (isAboutTheTumour(group)) readTotals(prior.summary, group, numbers);
    StudySummary& s = prior.summary;
    if (!s.percist) s.percist = responseIn(group, PrivateConcept::PercistResponse, numbers);
    if (!s.iPercist) s.iPercist = responseIn(group, PrivateConcept::ImmunePercistResponse, numbers);
  }
  StudySummary& s = prior.summary;
  if (!s.suvMax) s.suvMax = largest(prior.regions, &PriorRegion::suvMax);
  if (!s.sulPeak) s.sulPeak = largest(prior.regions, &PriorRegion::sulPeak);
  const bool anyLesion = std::any_of(prior.regions.begin(), prior.regions.end(),
                                     [](const auto& r) { return r.role == RegionRole::Lesion; });
  if (anyLesion && !s.tmtvMl)
    numbers.warn(nullptr, "The report gives no total tumour volume; its lesions need not be all.");
}

// --- who, when, how -----------------------------------------------------------------------------

std::string joined(const std::string& first, const std::string& second) {
  if (first.empty() || second.empty()) return first + second;
  return first + ' ' + second;
}

std::string producerOf(const ReportHeader& header) {
  const std::string& maker = header.manufacturer;
  const bool named = header.manufacturerModel == kProduct && maker == fedpet::dicom::kManufacturer;
  return joined(joined(named ? "" : maker, header.manufacturerModel), header.softwareVersions);
}

// Ours says it once for all lesions; others may say it with each.
std::string lesionDefinitionOf(const Report& report, const RegionGroups& groups) {
  constexpr std::string_view kPrefix = "lesions: ";
  const ReportItem* algorithm = childNamed(report.algorithm, codes::algorithmName());
  if (algorithm != nullptr && algorithm->text == kMeasurementAlgorithm)
    for (const ReportItem& item : report.algorithm)
      if (item.name == codes::algorithmParameters() && item.text.starts_with(kPrefix))
        return item.text.substr(kPrefix.size());
  std::optional<std::string> common;
  for (const ReportGroup* group : groups) {
    if (!group->finding || !saysLesion(*group->finding)) continue;
    const auto* own = evaluationNamed(group->evaluations, codeOf(PrivateConcept::Definition));
    if (own == nullptr || (common && *common != own->text)) return {};
    common = own->text;
  }
  return common.value_or("");
}

void readCircumstances(PriorStudy& prior, const Report& report) {
  std::optional<WallClock> at, ofStudy = report.header.studyAt;
  if (const ReportLibraryGroup* library = petGroup(report)) {
    prior.uptakeMinutes = uptakeMinutesOf(*library);
    prior.frameOfReferenceUid = textOf(*library, codes::frameOfReferenceUid());
    prior.scannerModel = joined(textOf(*library, codes::deviceManufacturer()),
                                textOf(*library, codes::deviceModelName()));
    at = scannedAt(*library, prior.uptakeMinutes);
    if (const auto study = momentOf(*library, codes::studyDate(), codes::studyTime()))
      ofStudy = study;
  } else if (!report.imageLibrary.empty()) {
    prior.warnings.push_back("The report's image library does not say which images are the PET.");
  }
  prior.summary.scannedAt = at.value_or(ofStudy.value_or(WallClock{}));
  if (!at)
    prior.warnings.push_back(ofStudy ? "The report does not say when the PET was acquired; the "
                                       "time of its study is taken."
                                     : "The report does not say when its study was made.");
}

StudySummary identityOf(const ReportHeader& header) {
  StudySummary summary;
  summary.studyInstanceUid = header.studyInstanceUid;
  summary.seriesInstanceUid = header.seriesInstanceUid;
  summary.srSopInstanceUid = header.sopInstanceUid;
  summary.srSopClassUid = header.sopClassUid;
  summary.producer = producerOf(header);
  return summary;
}

}  // namespace

PriorStudy toPriorStudy(const Report& report, const std::optional<SegmentationMask>& mask) {
  PriorStudy prior;
  prior.warnings = report.warnings;
  prior.summary = identityOf(report.header);
  PriorNumbers numbers(prior.warnings);
  readCircumstances(prior, report);
  const RegionGroups groups = addRegions(prior, report, numbers);
  readStudyGroups(prior, report, numbers);
  prior.summary.lesionDefinition = lesionDefinitionOf(report, groups);
  if (mask) addLabels(prior, groups, *mask);
  return prior;
}

PriorStudy readPriorStudy(std::span<const std::byte> report,
                          std::span<const std::byte> segmentation) {
  const Report read = readReport(report);
  if (segmentation.empty()) return toPriorStudy(read, std::nullopt);
  try {
    return toPriorStudy(read, readSegmentation(segmentation));
  } catch (const DicomError& error) {
    PriorStudy prior = toPriorStudy(read, std::nullopt);
    prior.warnings.push_back(std::string("Its segmentation is not used: ") + error.what());
    return prior;
  }
}

}  // namespace fedpet::dicom
