#include "dicom/StructuredReportFollowUp.h"

#include "dicom/Codes.h"
#include "dicom/ResultHeader.h"
#include "dicom/StructuredReportParts.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace fedpet::dicom::sr {
namespace {

std::string fourDigits(double value) {
  std::array<char, 40> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4);
  return {text.data(), end.ptr};
}

void append(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!text.empty()) text += "; ";
  text += more;
}

// "SULpeak 8.2 -> 5.1 g/ml", with "not measured" for the one that is missing; "" for neither
std::string transition(const char* what, const std::optional<double>& earlier,
                       const std::optional<double>& now, const char* unit) {
  if (!earlier && !now) return {};
  const auto shown = [](const std::optional<double>& value) {
    return value ? fourDigits(*value) : std::string("not measured");
  };
  return std::string(what) + ' ' + shown(earlier) + " -> " + shown(now) + ' ' + unit;
}

std::string only(const char* what, const std::optional<double>& value, const char* unit) {
  return value ? std::string(what) + ' ' + fourDigits(*value) + ' ' + unit : std::string();
}

// The numbers of this study stand in the lesion's own group: here they are only for comparison.
std::string inWords(const LesionChange& change) {
  std::string words;
  if (change.fate == LesionFate::Matched) {
    append(words, transition("SULpeak", change.earlierSulPeak, change.sulPeak, "g/ml"));
    append(words, transition("SUVmax", change.earlierSuvMax, change.suvMax, "g/ml"));
    append(words, transition("volume", change.earlierVolumeMl, change.volumeMl, "ml"));
    append(words, fourDigits(change.distanceMm) + " mm from its earlier place after alignment");
  } else if (change.fate == LesionFate::Resolved) {
    append(words, only("earlier SULpeak", change.earlierSulPeak, "g/ml"));
    append(words, only("earlier SUVmax", change.earlierSuvMax, "g/ml"));
    append(words, only("earlier volume", change.earlierVolumeMl, "ml"));
  }
  append(words, change.note);
  return words;
}

// --- PERCIST ------------------------------------------------------------------------------------

// The group's site is the reference region; the hottest lesion may be anywhere, and is named.
Item readingItem(const ResponseAssessment& a, const Measurement& m) {
  Item item = measurementItem(m);
  if (m.quantity != Quantity::SulPeak) return item;
  item.add(code(kModifier, codes::findingSite(), codes::entireBody()));
  const std::string& uidOfHottest = a.percist->hottestTrackingUid;
  const auto hottest = std::find_if(a.regions.begin(), a.regions.end(), [&](const Region& r) {
    return !uidOfHottest.empty() && r.trackingUid == uidOfHottest;
  });
  if (hottest == a.regions.end()) return item;
  item.add(text(kObsContext, codes::trackingIdentifier(), hottest->trackingId));
  item.add(uid(kObsContext, codes::trackingUniqueIdentifier(), hottest->trackingUid));
  return item;
}

void addReading(Item& group, const ResponseAssessment& a) {
  const PercistReading& reading = *a.percist;
  group.add(code(kModifier, codes::findingSite(), siteOf(reading.reference)));
  for (const Measurement& m : reading.numbers) group.add(readingItem(a, m));
  group.add(code(kContains, codeOf(PrivateConcept::PercistMeasurable),
                 reading.measurable ? codes::yes() : codes::no()));
  if (!reading.definition.empty())
    group.add(text(kContains, codeOf(PrivateConcept::Definition), reading.definition));
}

// --- comparison ---------------------------------------------------------------------------------

bool isKnown(WallClock at) { return at != WallClock{}; }

std::string isoDate(WallClock at) {
  std::string date = dateText(at);  // "20260524"
  date.insert(6, 1, '-');
  date.insert(4, 1, '-');
  return date;
}

Item responseItem(PrivateConcept concept_, const tl::expected<MetabolicResponse, Refusal>& response,
                  const std::string& observationUid) {
  Item item = response ? code(kContains, codeOf(concept_), codeOf(*response))
                       : refusedItem(codeOf(concept_), response.error());
  item.observationUid = observationUid;
  return item;
}

Item resolvedItem(const LesionChange& change) {
  Item item = fateItem(change);
  item.add(text(kProperty, codes::trackingIdentifier(), change.trackingId));
  if (!change.trackingUid.empty())
    item.add(uid(kProperty, codes::trackingUniqueIdentifier(), change.trackingUid));
  return item;
}

void addEarlierStudy(Item& group, const StudySummary& earlier) {
  if (isKnown(earlier.scannedAt))
    group.add({kContains,
               codeOf(PrivateConcept::ComparedStudyDate),
               DateTimeValue{dateText(earlier.scannedAt) + timeText(earlier.scannedAt)},
               {},
               {}});
  if (canBeReferredTo(earlier))
    group.add({kContains,
               codes::priorReport(),
               CompositeValue{earlier.srSopClassUid, earlier.srSopInstanceUid},
               {},
               {}});
}

}  // namespace

Item percistGroup(const ResponseAssessment& a) {
  Item group = groupOfStudy(a, "PERCIST 1.0");
  if (a.percist)
    addReading(group, a);
  else
    group.add(refusedItem(codeOf(PrivateConcept::PercistMeasurable), *a.percistRefusal));
  return group;
}

Item comparisonGroup(const ResponseAssessment& a) {
  const Comparison& c = *a.comparison;
  Item group = groupOfStudy(a, isKnown(c.earlier.scannedAt)
                                   ? "Comparison with " + isoDate(c.earlier.scannedAt)
                                   : "Comparison with an earlier study");
  group.add(code(kContains, codes::finding(), codes::neoplasm()));
  for (const Measurement& m : c.changes) group.add(measurementItem(m));
  group.add(responseItem(PrivateConcept::PercistResponse, c.percist, c.percistUid));
  group.add(responseItem(PrivateConcept::ImmunePercistResponse, c.iPercist, c.iPercistUid));
  for (const LesionChange& change : c.lesions)
    if (change.fate == LesionFate::Resolved) group.add(resolvedItem(change));
  for (const std::string& reason : c.reasons)
    if (!reason.empty()) group.add(text(kContains, codeOf(PrivateConcept::ResponseReason), reason));
  if (!c.alignment.empty())
    group.add(text(kContains, codeOf(PrivateConcept::Definition), c.alignment));
  for (const std::string& warning : c.warnings)
    if (!warning.empty()) group.add(text(kContains, codeOf(PrivateConcept::InputWarning), warning));
  addEarlierStudy(group, c.earlier);
  return group;
}

const LesionChange* changeOf(const ResponseAssessment& a, const Region& region) {
  if (!a.comparison || region.role != RegionRole::Lesion) return nullptr;
  for (const LesionChange& change : a.comparison->lesions)
    if (change.fate != LesionFate::Resolved && change.trackingUid == region.trackingUid)
      return &change;
  return nullptr;
}

Item fateItem(const LesionChange& change) {
  Item item = code(kContains, codeOf(PrivateConcept::LesionFate), codeOf(change.fate));
  if (std::string words = inWords(change); !words.empty())
    item.add(text(kProperty, codes::comment(), std::move(words)));
  return item;
}

bool canBeReferredTo(const StudySummary& study) {
  return !study.studyInstanceUid.empty() && !study.seriesInstanceUid.empty() &&
         !study.srSopInstanceUid.empty() && !study.srSopClassUid.empty();
}

}  // namespace fedpet::dicom::sr
