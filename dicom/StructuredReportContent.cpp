#include "dicom/StructuredReportContent.h"

#include "dicom/Codes.h"
#include "dicom/DateTimeText.h"
#include "dicom/ResultHeader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/RetiredCodes.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReportFollowUp.h"
#include "dicom/StructuredReportParts.h"

#include <algorithm>

namespace fedpet::dicom::sr {
namespace {

// --- the parts of TID 1500 ----------------------------------------------------------------------

// TID 1001, 1002, 1004
void addObserver(Item& root, const ResponseAssessment& a) {
  root.add(code(kObsContext, codes::observerType(), codes::device()));
  root.add(uid(kObsContext, codes::deviceObserverUid(), a.identity.deviceUid));
  root.add(text(kObsContext, codes::deviceObserverName(), std::string(kProduct)));
  root.add(text(kObsContext, codes::deviceObserverManufacturer(), std::string(kManufacturer)));
  root.add(text(kObsContext, codes::deviceObserverModelName(),
                std::string(kProduct) + ' ' + a.softwareVersion + ", model " + a.model.name + ' ' +
                    a.model.version));
}

// The moment that all slices share, if they do: beds of a whole-body scan differ in time.
std::optional<WallClock> commonAcquisition(const PetSeries& series) {
  if (series.slices.empty()) return std::nullopt;
  const auto first = series.slices.front().acquisitionDateTime;
  const bool shared = std::all_of(series.slices.begin(), series.slices.end(),
                                  [&](const auto& s) { return s.acquisitionDateTime == first; });
  return shared ? first : std::nullopt;
}

// TID 1602: when and by what. The scanner is not in the template, which may be extended; its codes
// are those of TID 1021. The SR's own equipment is this program.
void addAcquisition(Item& group, const PetSeries& series) {
  const auto date = parseDate(series.study.studyDate);
  const auto time = parseTimeOfDay(series.study.studyTime);
  if (date) {
    const WallClock at = *date + time.value_or(std::chrono::microseconds(0));
    group.add({kAcqContext, codes::studyDate(), DateValue{dateText(at)}, {}, {}});
    if (time) group.add({kAcqContext, codes::studyTime(), TimeValue{timeText(at)}, {}, {}});
  }
  if (const auto at = commonAcquisition(series)) {
    group.add({kAcqContext, codes::acquisitionDate(), DateValue{dateText(*at)}, {}, {}});
    group.add({kAcqContext, codes::acquisitionTime(), TimeValue{timeText(*at)}, {}, {}});
  }
  if (!series.manufacturer.empty())
    group.add(text(kAcqContext, codes::deviceManufacturer(), series.manufacturer));
  if (!series.manufacturerModel.empty())
    group.add(text(kAcqContext, codes::deviceModelName(), series.manufacturerModel));
}

// TID 1602, 1604: what all slices have in common
void addGeometry(Item& group, const PetSeries& series) {
  const VolumeGeometry& g = series.geometry;
  if (!series.frameOfReferenceUid.empty())
    group.add(uid(kAcqContext, codes::frameOfReferenceUid(), series.frameOfReferenceUid));
  if (g.size[0] <= 0 || g.size[1] <= 0) return;  // unknown in a study refused as unreadable
  group.add(number(kAcqContext, codes::pixelDataRows(), g.size[1], "{pixels}"));
  group.add(number(kAcqContext, codes::pixelDataColumns(), g.size[0], "{pixels}"));
  group.add(number(kAcqContext, codes::horizontalPixelSpacing(), g.spacingMm[0], "mm"));
  group.add(number(kAcqContext, codes::verticalPixelSpacing(), g.spacingMm[1], "mm"));
  group.add(number(kAcqContext, codes::spacingBetweenSlices(), g.spacingMm[2], "mm"));
}

std::optional<Code> current(const std::optional<Code>& old) {
  if (!old || old->value.empty() || old->scheme.empty()) return std::nullopt;
  Code code = currentCode(*old);
  for (const Code& ours : {codes::fluorodeoxyglucoseF18(), codes::fluorine18()})
    if (code == ours) return ours;
  code.meaning = fitted(code.meaning.empty() ? code.value : code.meaning);
  return code;
}

// TID 1607
void addPetDescriptors(Item& group, const ResponseAssessment& a) {
  const Radiopharmaceutical& r = a.series.radiopharmaceutical;
  if (const auto nuclide = current(r.nuclideCode))
    group.add(code(kAcqContext, codes::radionuclide(), *nuclide));
  if (const auto agent = current(r.agentCode))
    group.add(code(kAcqContext, codes::radiopharmaceuticalAgent(), *agent));
  if (r.halfLifeSeconds) group.add(number(kAcqContext, codes::halfLife(), *r.halfLifeSeconds, "s"));
  if (r.startDateTime)
    group.add({kAcqContext,
               codes::radiopharmaceuticalStart(),
               DateTimeValue{dateText(*r.startDateTime) + timeText(*r.startDateTime)},
               {},
               {}});
  if (r.injectedActivityBq)
    group.add(number(kAcqContext, codes::radionuclideTotalDose(), *r.injectedActivityBq, "Bq"));
  if (a.suv && a.suv->uptakeMinutes)
    group.add(number(kAcqContext, codes::petIncubationTime(), *a.suv->uptakeMinutes, "min"));
}

// TID 1600
Item imageLibrary(const ResponseAssessment& a) {
  Item group = container(codes::imageLibraryGroup());
  group.add(code(kAcqContext, codes::modality(), codes::positronEmissionTomography()));
  addAcquisition(group, a.series);
  addGeometry(group, a.series);
  addPetDescriptors(group, a);
  for (const PetSlice& slice : a.series.slices)
    group.add({kContains,
               std::nullopt,
               ImageValue{a.series.sopClassUid, slice.sopInstanceUid, std::nullopt},
               {},
               {}});
  return container(codes::imageLibrary(), "1600").with(std::move(group));
}

// TID 1411: one region, its segment, its numbers
Item regionGroup(const ResponseAssessment& a, std::size_t index) {
  const Region& region = a.regions[index];
  const bool isLesion = region.role == RegionRole::Lesion;
  Item group = measurementGroup("1411", region.trackingId, region.trackingUid);
  group.add(code(kContains, codes::finding(), isLesion ? codes::lesion() : codes::organ()));
  group.add({kContains,
             codes::referencedSegment(),
             ImageValue{std::string(kSegmentationStorage), a.identity.segSopInstanceUid,
                        segmentNumberOf(index)},
             {},
             {}});
  group.add(uid(kContains, codes::sourceSeriesForSegmentation(), a.series.seriesInstanceUid));
  if (region.organ) group.add(code(kModifier, codes::findingSite(), siteOf(*region.organ)));
  for (const Measurement& m : region.measurements) group.add(measurementItem(m));
  group.add(number(kContains, codes::certaintyOfFinding(), 100 * region.confidence, "%"));
  group.add(code(kContains, codeOf(PrivateConcept::RegionRole), codeOf(region.role)));
  if (const LesionChange* change = changeOf(a, region)) group.add(fateItem(*change));
  if (!region.definition.empty())
    group.add(text(kContains, codeOf(PrivateConcept::Definition), region.definition));
  return group;
}

bool isTumourBurden(const Measurement& m) {
  const auto site = codesOf(m.quantity).site;
  return !site || *site == codes::entireBody();
}

// TID 1501: the whole-body numbers for which `belongs` is true; nothing when there is none
void addWholeBodyGroup(Item& parent, const ResponseAssessment& a, const std::string& name,
                       const Code& finding, bool (*belongs)(const Measurement&)) {
  if (std::none_of(a.wholeBody.begin(), a.wholeBody.end(), belongs)) return;
  Item group = groupOfStudy(a, name);
  group.add(code(kContains, codes::finding(), finding));
  for (const Measurement& m : a.wholeBody)
    if (belongs(m)) group.add(measurementItem(m));
  parent.add(std::move(group));
}

// --- prediction ---------------------------------------------------------------------------------

Item contributionItem(const Contribution& c) {
  const std::string given = c.value ? decimalString(*c.value) + ' ' + c.unit
                                    : "missing; the model's imputation rule was applied";
  return number(kEvidence, codeOf(PrivateConcept::Contribution), c.logOdds, "1")
      .with(text(kModifier, codeOf(PrivateConcept::ModelInput), c.input))
      .with(text(kModifier, codeOf(PrivateConcept::ModelInputValue), given));
}

Item probabilityItem(const ResponsePrediction& p) {
  const Code name = codeOf(PrivateConcept::PredictedProbability);
  if (!p.result) return numberOrReason(name, tl::make_unexpected(p.result.error()), "1");
  Item item = number(kContains, name, p.result->probability, "1");
  for (const Contribution& c : p.contributions) item.add(contributionItem(c));
  return item;
}

// Beside the probability and not below it: readers list the numbers of a group, few look deeper.
void addInterval(Item& group, const Probability& p) {
  group.add(number(kContains, codeOf(PrivateConcept::IntervalLower), p.lower, "1"));
  group.add(number(kContains, codeOf(PrivateConcept::IntervalUpper), p.upper, "1"));
  group.add(number(kContains, codeOf(PrivateConcept::IntervalLevel), 100 * p.intervalLevel, "%"));
}

std::string trainingSentence(const ModelIdentity& model) {
  return (model.trainedOnSyntheticData ? "Trained on synthetic data, not on patients: "
                                       : "Trained on: ") +
         model.trainingData;
}

// TID 1501 with private concepts: no standard code means "probability of response"
Item predictionGroup(const ResponseAssessment& a, const ResponsePrediction& p) {
  const std::string name = "Prediction of " + std::string(toString(p.endpoint)) + " at " +
                           decimalString(p.horizonMonths) + " months";
  Item group = groupOfStudy(a, name);
  addAlgorithm(group, a.model.name, a.model.version,
               {a.model.sha256.empty() ? "" : "weights SHA-256 " + a.model.sha256});
  Item probability = probabilityItem(p);
  probability.observationUid = p.observationUid;
  group.add(std::move(probability));
  if (p.result) addInterval(group, *p.result);
  group.add(number(kContains, codeOf(PrivateConcept::PredictionHorizon), p.horizonMonths, "mo"));
  group.add(code(kContains, codeOf(PrivateConcept::Endpoint), codeOf(p.endpoint)));
  if (!p.event.empty()) group.add(text(kContains, codeOf(PrivateConcept::PredictedEvent), p.event));
  if (!p.calibrationNote.empty())
    group.add(text(kContains, codeOf(PrivateConcept::CalibrationNote), p.calibrationNote));
  group.add(text(kContains, codeOf(PrivateConcept::TrainingData), trainingSentence(a.model)));
  group.add(text(kContains, codeOf(PrivateConcept::IntendedUse), std::string(kResearchUseOnly)));
  return group;
}

// --- containers below the root ------------------------------------------------------------------

// Row 6 of TID 1500. Empty when the whole study was refused: then the container is left out.
Item measurements(const ResponseAssessment& a) {
  Item item = container(codes::imagingMeasurements());
  addAlgorithm(item, std::string(kMeasurementAlgorithm), a.softwareVersion,
               {a.lesionDefinition.empty() ? "" : "lesions: " + a.lesionDefinition,
                a.suv && !a.suv->method.empty() ? "SUV: " + a.suv->method : ""});
  const std::size_t describing = item.children.size();
  for (std::size_t i = 0; i < a.regions.size(); ++i) item.add(regionGroup(a, i));
  addWholeBodyGroup(item, a, "Whole-body tumour burden", codes::neoplasm(), isTumourBurden);
  addWholeBodyGroup(item, a, "Reference regions and immune ratios", codes::organ(),
                    [](const Measurement& m) { return !isTumourBurden(m); });
  if (a.percist || a.percistRefusal) item.add(percistGroup(a));
  if (a.comparison) item.add(comparisonGroup(a));
  for (const ResponsePrediction& p : a.predictions) item.add(predictionGroup(a, p));
  if (item.children.size() == describing) item.children.clear();
  return item;
}

// Row 12 of TID 1500: what is said about the whole study, in codes (row 13), then words (row 14)
Item evaluations(const ResponseAssessment& a) {
  Item item = container(codes::qualitativeEvaluations());
  for (const Refusal& refusal : a.refusals) addRefusal(item, kContains, refusal);
  for (const MissingRegion& missing : a.missingRegions) {
    Item& region =
        item.add(code(kContains, codeOf(PrivateConcept::MissingRegion), siteOf(missing.organ)));
    addRefusal(region, kProperty, missing.refusal);
  }
  item.add(text(kContains, codeOf(PrivateConcept::IntendedUse), std::string(kResearchUseOnly)));
  if (a.suv && !a.suv->method.empty())
    item.add(text(kContains, codeOf(PrivateConcept::SuvScaling), a.suv->method));
  if (a.harmonisation && !a.harmonisation->statement.empty())
    item.add(text(kContains, codeOf(PrivateConcept::Harmonisation), a.harmonisation->statement));
  for (const std::string& warning : a.warnings)
    if (!warning.empty()) item.add(text(kContains, codeOf(PrivateConcept::InputWarning), warning));
  return item;
}

}  // namespace

Item contentOf(const ResponseAssessment& a) {
  Item root = container(codes::petMeasurementReport(), "1500");
  root.add(code(kModifier, codes::language(), codes::english()));
  addObserver(root, a);
  root.add(code(kModifier, codes::procedureReported(), codes::petWholeBody()));
  if (!a.series.slices.empty()) root.add(imageLibrary(a));
  if (Item found = measurements(a); !found.children.empty()) root.add(std::move(found));
  root.add(evaluations(a));
  return root;
}

}  // namespace fedpet::dicom::sr
