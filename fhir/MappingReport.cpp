#include "fhir/Mapping.h"

#include <algorithm>
#include <cmath>

#include "fhir/Narrative.h"
#include "fhir/Terminology.h"

namespace fedpet::fhir {
namespace {

constexpr char kPreliminary[] =
    "Preliminary result of a computer program, not validated by a physician.";

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences)
    if (!sentence.empty()) text += (text.empty() ? "" : " ") + sentence;
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

const Measurement* find(const ResponseAssessment& assessment, fedpet::Quantity quantity) {
  for (const Measurement& measurement : assessment.wholeBody)
    if (measurement.quantity == quantity) return &measurement;
  return nullptr;
}

// The strongest inputs first, at most three: a reader wants to know what drove the number.
std::string contributionsText(const ResponsePrediction& prediction) {
  std::vector<Contribution> strongest = prediction.contributions;
  std::stable_sort(strongest.begin(), strongest.end(), [](const auto& a, const auto& b) {
    return std::abs(a.logOdds) > std::abs(b.logOdds);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(strongest.size(), 3); ++i) {
    const Contribution& c = strongest[i];
    text += (text.empty() ? "" : ", ") + c.input + (c.value ? "" : " (missing, imputed)") +
            (c.logOdds < 0 ? " " : " +") + textOf(c.logOdds, 2, "{share}");
  }
  return text.empty() ? "" : "Strongest inputs (share of the linear predictor): " + text + ".";
}

// Precondition: the prediction has a usable result.
RiskAssessment::Prediction predictionOf(const ResponsePrediction& prediction) {
  const Probability& p = *prediction.result;
  RiskAssessment::Prediction made;
  // Unique within the resource: one endpoint may be predicted for several horizons.
  made.id = std::string(toString(prediction.endpoint)) + "-" +
            std::to_string(std::lround(prediction.horizonMonths));
  made.outcome = {{codingOf(codeOf(prediction.endpoint))}, prediction.event};
  made.percent = 100 * p.probability;
  made.interval = {{100 * p.lower, 1, "%"}, {100 * p.upper, 1, "%"}};
  made.horizonMonths = prediction.horizonMonths;
  made.rationale = joined({std::string(title(prediction.endpoint)) + ", " + prediction.event + ": " +
                               textOf(prediction) + ".",
                           prediction.calibrationNote.empty()
                               ? ""
                               : sentence("Calibration: " + prediction.calibrationNote),
                           contributionsText(prediction)});
  return made;
}

std::string conclusionOf(const ResponseAssessment& assessment) {
  std::vector<std::string> sentences;
  if (!assessment.refusals.empty()) {
    sentences.push_back("The study could not be assessed.");
    for (const Refusal& refusal : assessment.refusals)
      sentences.insert(sentences.end(),
                       {std::string(explain(refusal.code)),
                        refusal.detail.empty() ? "" : sentence("Found: " + refusal.detail)});
  }
  if (const Measurement* tmtv = find(assessment, fedpet::Quantity::Tmtv))
    sentences.push_back(std::string(title(tmtv->quantity)) + ": " + textOf(*tmtv) + ".");
  sentences.push_back(comparisonSentence(assessment));
  for (const ResponsePrediction& prediction : assessment.predictions)
    sentences.push_back("Predicted probability (" + prediction.event + "): " +
                        textOf(prediction) + ".");
  sentences.insert(sentences.end(),
                   {kPreliminary, syntheticNote(assessment), std::string(kResearchUseOnly)});
  return joined(sentences);
}

Narrative narrativeOf(const ResponseAssessment& assessment) {
  NarrativeBuilder text;
  text.paragraph(kResearchUseOnly).paragraph(conclusionOf(assessment));
  if (!assessment.wholeBody.empty()) {
    std::vector<std::vector<std::string>> rows{{"Measurement", "Value", "Definition"}};
    for (const Measurement& m : assessment.wholeBody)
      rows.push_back({std::string(title(m.quantity)), textOf(m), m.definition});
    text.heading("Whole-body measurements").table(rows);
  }
  if (!assessment.predictions.empty()) {
    std::vector<std::vector<std::string>> rows{{"Endpoint", "Event", "Predicted probability"}};
    for (const ResponsePrediction& p : assessment.predictions)
      rows.push_back({std::string(title(p.endpoint)), p.event, textOf(p)});
    text.heading("Predictions").table(rows);
    text.paragraph("Model " + assessment.model.name + " " + assessment.model.version +
                   ", trained on: " + assessment.model.trainingData + ".");
  }
  if (assessment.harmonisation)
    text.heading("Harmonisation between scanners").paragraph(assessment.harmonisation->statement);
  if (!assessment.warnings.empty()) text.heading("Remarks").list(assessment.warnings);
  return text.build();
}

std::vector<Reference> orderOf(const Context& context) {
  if (context.assessment.series.study.accessionNumber.empty()) return {};
  return {{{}, "ServiceRequest", accessionOf(context), {}}};
}

}  // namespace

RiskAssessment riskAssessmentOf(const Context& context, const std::vector<NamedObservation>& basis) {
  const ResponseAssessment& assessment = context.assessment;
  RiskAssessment risk;
  risk.meta.security = {aiAsserted()};
  risk.identifier = {dicomUid(assessment.identity.srSopInstanceUid)};
  risk.method = {{}, assessment.model.name + " " + assessment.model.version};
  risk.code = {{}, "Response to immunotherapy, predicted from FDG-PET"};
  risk.subject = context.patient;
  risk.occurrenceDate = dateOf(assessment);
  risk.performer = context.device;
  risk.basis = {context.study};
  for (const NamedObservation& measured : basis) risk.basis.push_back(measured.self);
  std::vector<std::vector<std::string>> rows{{"Endpoint", "Event", "Predicted probability"}};
  for (const ResponsePrediction& prediction : assessment.predictions) {
    rows.push_back({std::string(title(prediction.endpoint)), prediction.event, textOf(prediction)});
    // A prediction without a probability fails ras-2 in some validators, so what is refused is
    // said in a note here, and coded in the Observation of that prediction.
    if (prediction.result && isUsable(*prediction.result))
      risk.prediction.push_back(predictionOf(prediction));
    else
      risk.note.push_back({std::string(title(prediction.endpoint)) + ", " + prediction.event + ": " +
                           textOf(prediction) + "."});
  }
  for (const std::string& note :
       {std::string(kPreliminary), syntheticNote(assessment), std::string(kResearchUseOnly)})
    if (!note.empty()) risk.note.push_back({note});
  risk.text = NarrativeBuilder()
                  .paragraph(kResearchUseOnly)
                  .table(rows)
                  .paragraph(joined({kPreliminary, syntheticNote(assessment)}))
                  .build();
  return risk;
}

DiagnosticReport diagnosticReportOf(const Context& context, const std::vector<Reference>& results,
                                    const std::vector<Reference>& risks) {
  const ResponseAssessment& assessment = context.assessment;
  DiagnosticReport report;
  report.meta.security = {aiAsserted()};
  report.text = narrativeOf(assessment);
  // R4 `result` takes Observations only.
  for (const Reference& risk : risks)
    report.extension.push_back({"http://hl7.org/fhir/StructureDefinition/diagnosticReport-risk",
                                "valueReference", Json(risk)});
  report.identifier = {dicomUid(assessment.identity.srSopInstanceUid)};
  report.basedOn = orderOf(context);
  report.category = {
      {{{"http://terminology.hl7.org/CodeSystem/v2-0074", "NMS", "Nuclear Medicine Scan"}}, {}},
      {{{"http://loinc.org", "85430-7", {}}}, {}}};
  report.code = {{{"http://loinc.org", "44139-4", {}}},
                 "FDG-PET whole body: tumour burden and predicted response to immunotherapy"};
  report.subject = context.patient;
  report.effectiveDate = dateOf(assessment);
  report.issued = instantOf(assessment);
  if (!context.site.organization.empty())
    report.performer = {{{}, "Organization", {}, context.site.organization}};
  report.result = results;
  report.imagingStudy = {context.study};
  report.conclusion = conclusionOf(assessment);
  if (!context.pdf.empty())
    report.presentedForm = {
        {"application/pdf", "fedpet report", instantOf(assessment), context.pdf, {}}};
  for (const Refusal& refusal : assessment.refusals)
    report.conclusionCode.push_back({{codingOf(codeOf(refusal.code))}, refusal.detail});
  return report;
}

}  // namespace fedpet::fhir
