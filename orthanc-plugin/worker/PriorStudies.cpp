#include "orthanc-plugin/worker/PriorStudies.h"

#include "dicom/DicomError.h"
#include "dicom/PriorStudyReader.h"
#include "dicom/ReportReader.h"
#include "dicom/Segmentation.h"
#include "net/NetError.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace fedpet::plugin {
namespace {

std::span<const std::byte> bytes(const std::string& file) { return std::as_bytes(std::span(file)); }

// Where both sides say something, it must be the same.
bool contradict(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && a != b;
}

bool isOtherPatient(const dicom::ReportHeader& report, const PatientIdentity& patient) {
  return report.patientId != patient.patientId ||
         contradict(report.issuerOfPatientId, patient.issuerOfPatientId) ||
         contradict(report.patientBirthDate, patient.birthDate) ||
         contradict(report.patientSex, patient.sex);
}

bool saysSomethingOfTumours(const PriorStudy& prior) {
  return prior.summary.tmtvMl || prior.summary.sulPeak || prior.summary.suvMax ||
         std::any_of(prior.regions.begin(), prior.regions.end(),
                     [](const PriorRegion& region) { return region.role == RegionRole::Lesion; });
}

// The segmentation that most of the report's regions lie on.
std::string segmentationOf(const dicom::Report& report) {
  std::map<std::string, std::size_t> uses;
  for (const dicom::ReportGroup& group : report.groups)
    for (const dicom::ReportReference& segment : group.segments) ++uses[segment.sopInstanceUid];
  const auto most = std::max_element(
      uses.begin(), uses.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == uses.end() ? "" : most->first;
}

PriorStudy withSegmentation(OrthancClient& client, const dicom::Report& report) {
  std::optional<dicom::SegmentationMask> mask;
  std::string why;
  if (const std::string uid = segmentationOf(report); !uid.empty()) {
    try {
      if (const auto file = client.fileOfSop(uid))
        mask = dicom::readSegmentation(bytes(*file));
      else
        why = "its segmentation is not in this Orthanc";
    } catch (const dicom::DicomError& e) {
      why = std::string("its segmentation cannot be read: ") + e.what();
    }
  }
  PriorStudy prior = dicom::toPriorStudy(report, mask);
  if (!why.empty()) prior.warnings.push_back(why);
  return prior;
}

struct Candidate {
  std::optional<WallClock> writtenAt;
  PriorStudy study;
};

class Search {
 public:
  Search(OrthancClient& client, const PetSeries& now) : client_(client), now_(now) {}

  void read(const StoredReport& place) {
    const std::string file = client_.instanceFile(place.instanceId);
    const dicom::Report report = dicom::readReport(bytes(file));
    if (isOtherPatient(report.header, now_.patient)) {
      warn("a report of " + place.studyDate +
           " has the same PatientID but another issuer, date of birth or sex: it was left out; "
           "check the identity");
      return;
    }
    const std::string& study = report.header.studyInstanceUid;
    if (byStudy_.size() >= kMostStudies && !byStudy_.contains(study)) {
      leftOut_ = true;
      return;
    }
    Candidate candidate{report.header.contentAt, withSegmentation(client_, report)};
    if (!saysSomethingOfTumours(candidate.study)) return;
    auto [at, isNew] = byStudy_.try_emplace(study);
    if (isNew || at->second.writtenAt < candidate.writtenAt) at->second = std::move(candidate);
  }

  void warn(std::string warning) { found_.warnings.push_back(std::move(warning)); }

  EarlierStudies finish() {
    if (leftOut_)
      warn("only the newest " + std::to_string(kMostStudies) +
           " earlier studies were looked at: an older one may be the true baseline");
    for (auto& [uid, candidate] : byStudy_) found_.studies.push_back(std::move(candidate.study));
    return std::move(found_);
  }

 private:
  OrthancClient& client_;
  const PetSeries& now_;
  std::map<std::string, Candidate> byStudy_;
  EarlierStudies found_;
  bool leftOut_ = false;
};

}  // namespace

EarlierStudies findPriorStudies(OrthancClient& client, const std::string& seriesId,
                                const PetSeries& now) {
  Search search(client, now);
  auto stored = client.reportsOfOtherStudies(seriesId);
  std::erase_if(stored, [&](const StoredReport& report) {
    return !now.study.studyDate.empty() && report.studyDate > now.study.studyDate;
  });
  if (stored.size() > kMostReports) {
    search.warn("of " + std::to_string(stored.size()) + " reports of earlier studies the newest " +
                std::to_string(kMostReports) + " were read");
    stored.resize(kMostReports);
  }
  for (const StoredReport& place : stored) {
    try {
      search.read(place);
    } catch (const dicom::DicomError&) {
      // Any SR may lie in a study: a dose report, a protocol. It says nothing of tumours.
    } catch (const SeriesGone&) {
      // Deleted meanwhile.
    }
  }
  return search.finish();
}

}  // namespace fedpet::plugin
