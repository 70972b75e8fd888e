// Everything else that was measured and used: for whoever doubts a number.
#include "report/Sections.h"
#include "report/Words.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fedpet::report {
namespace {

// One line of the table of inputs: the same input may move several predictions.
struct InputRow {
  std::string input, unit;
  std::optional<double> value;
  std::vector<std::optional<double>> shares;  // one a prediction
};

bool sameInput(const InputRow& row, const Contribution& c) {
  return row.input == c.input && row.unit == c.unit && row.value == c.value;
}

std::vector<InputRow> inputRows(const std::vector<const ResponsePrediction*>& predictions) {
  std::vector<InputRow> rows;
  for (std::size_t n = 0; n < predictions.size(); ++n)
    for (const Contribution& c : predictions[n]->contributions) {
      auto row = std::find_if(rows.begin(), rows.end(),
                              [&](const InputRow& r) { return sameInput(r, c); });
      if (row == rows.end())
        row = rows.insert(rows.end(), {c.input, c.unit, c.value,
                                       std::vector<std::optional<double>>(predictions.size())});
      row->shares[n] = c.logOdds;
    }
  const auto weight = [](const InputRow& row) {
    double largest = 0;
    for (const auto& share : row.shares) largest = std::max(largest, std::abs(share.value_or(0)));
    return largest;
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const InputRow& x, const InputRow& y) { return weight(x) > weight(y); });
  return rows;
}

void drawInputTable(Flow& flow, const std::vector<const ResponsePrediction*>& predictions) {
  const auto rows = inputRows(predictions);
  double largest = 0;
  for (const InputRow& row : rows)
    for (const auto& share : row.shares) largest = std::max(largest, std::abs(share.value_or(0)));
  std::vector<Column> columns{{"Input", 100}, {"Value", 72, Align::Right}};
  for (const ResponsePrediction* p : predictions)
    columns.push_back(
        {std::string(toString(p->endpoint)) + ", " + inputText(p->horizonMonths, "") + " months",
         96});
  Table table(flow, columns, 7.8);
  for (const InputRow& row : rows) {
    std::vector<Cell> cells{Cell(row.input),
                            Cell(row.value ? inputText(*row.value, row.unit) : "not known")};
    for (const auto& share : row.shares) {
      if (!share)
        cells.emplace_back("");
      else
        cells.emplace_back([value = *share, largest](const Canvas& canvas, const Box& box) {
          drawSignedBar(canvas, box, value, largest);
        });
    }
    table.row(cells);
  }
  const auto unknown =
      std::count_if(rows.begin(), rows.end(), [](const InputRow& row) { return !row.value; });
  if (unknown > 0)
    flow.paragraph(std::to_string(unknown) + " of " +
                       countText(rows.size(), "input is", "inputs are") +
                       " not known; the model used what is typical, given the others.",
                   {.size = 8});
}

// Reasons for the numbers that a table only calls "not given", each once.
class Reasons {
 public:
  std::string value(const std::vector<Measurement>& measurements, Quantity quantity) {
    const Measurement* m = find(measurements, quantity);
    if (m == nullptr) return "\u2013";
    if (!m->value && seen_.insert(refusalText(m->value.error())).second)
      reasons_.push_back(std::string(title(quantity)) +
                         " not given: " + refusalText(m->value.error()));
    return valueText(*m);
  }
  void draw(Flow& flow) const {
    for (const std::string& reason : reasons_) flow.paragraph(reason, {.size = 7.5});
  }

 private:
  std::set<std::string> seen_;
  std::vector<std::string> reasons_;
};

std::string certaintyText(double confidence) { return numberText(confidence * 100, 0) + "\u00a0%"; }

std::string joined(const std::vector<std::string>& parts, const char* by = ", ") {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : by) + part;
  return text.empty() ? "not given" : text;
}

std::string optionalText(const std::optional<double>& value, std::string_view unit) {
  return value ? inputText(*value, unit) : "not given";
}

std::string scannerText(const PetSeries& s) {
  std::vector<std::string> parts;
  for (const std::string& part : {s.manufacturer, s.manufacturerModel, s.stationName})
    if (!part.empty()) parts.push_back(part);
  return joined(parts, " ");
}

}  // namespace

void drawContributions(Flow& flow, const Subject& subject) {
  std::vector<const ResponsePrediction*> given;
  for (const ResponsePrediction& p : subject.a.predictions)
    if (p.result && !p.contributions.empty()) given.push_back(&p);
  if (given.empty()) return;
  flow.heading("What moves the probabilities", 60);
  flow.paragraph(
      "Share of each input in the model\u2019s sum (log-odds). To the right, dark: raises "
      "the probability of the event; to the left, hatched: lowers it.",
      {.size = 8});
  constexpr std::size_t kColumns = 4;
  for (std::size_t first = 0; first < given.size(); first += kColumns)
    drawInputTable(
        flow,
        {given.begin() + static_cast<std::ptrdiff_t>(first),
         given.begin() + static_cast<std::ptrdiff_t>(std::min(first + kColumns, given.size()))});
}

void drawLesions(Flow& flow, const Subject& subject) {
  flow.heading("Lesions", 50);
  if (!subject.a.lesionDefinition.empty())
    flow.paragraph("Tumour is: " + subject.a.lesionDefinition + ".", {.size = 8});
  if (subject.lesions.empty()) {
    flow.paragraph("None.");
    return;
  }
  Table table(flow,
              {{"No.", 22, Align::Right},
               {"Name", 92},
               {"Volume", 50, Align::Right},
               {"SUVmax", 48, Align::Right},
               {"SUVmean", 48, Align::Right},
               {"SUVpeak", 48, Align::Right},
               {"SULpeak", 48, Align::Right},
               {"Glycolysis", 52, Align::Right},
               {"Certainty", 42, Align::Right}},
              7.6);
  Reasons reasons;
  for (const LesionTag& lesion : subject.lesions) {
    const Region& region = *lesion.region;
    std::vector<Cell> cells{Cell(lesion.tag, true), Cell(region.name)};
    for (const Quantity quantity : {Quantity::MetabolicVolume, Quantity::SuvMax, Quantity::SuvMean,
                                    Quantity::SuvPeak, Quantity::SulPeak, Quantity::Glycolysis})
      cells.emplace_back(reasons.value(region.measurements, quantity));
    cells.emplace_back(certaintyText(region.confidence));
    table.row(cells);
  }
  flow.advance(2);
  reasons.draw(flow);
  flow.paragraph(
      "SUV by body weight, SUL by lean body mass (Janmahasatian), both in g/ml; peak: "
      "hottest sphere of 1 ml. Certainty: how sure the finder is that it is what it says.",
      {.size = 7.5});
}

void drawOrgans(Flow& flow, const Subject& subject) {
  flow.heading("Organs, and uptake not counted as tumour", 50);
  Table table(flow,
              {{"Region", 96},
               {"Role", 60},
               {"Volume", 50, Align::Right},
               {"SUVmean", 46, Align::Right},
               {"SUVmax", 46, Align::Right},
               {"Certainty", 40, Align::Right},
               {"How it was drawn", 200}},
              7.6);
  Reasons reasons;
  for (const Region& region : subject.a.regions) {
    if (region.role == RegionRole::Lesion) continue;
    table.row({Cell(region.name),
               Cell(region.role == RegionRole::Physiological ? "not tumour" : "reference"),
               Cell(reasons.value(region.measurements, Quantity::OrganVolume)),
               Cell(reasons.value(region.measurements, Quantity::SuvMean)),
               Cell(reasons.value(region.measurements, Quantity::SuvMax)),
               Cell(certaintyText(region.confidence)), Cell(region.definition)});
  }
  for (const MissingRegion& missing : subject.a.missingRegions)
    table.row({Cell(organText(missing.organ), true), Cell("not found", true), Cell(""), Cell(""),
               Cell(""), Cell(""), Cell(refusalText(missing.refusal))});
  flow.advance(2);
  reasons.draw(flow);
}

void drawInput(Flow& flow, const Subject& subject) {
  const ResponseAssessment& a = subject.a;
  const PetSeries& s = a.series;
  flow.heading("Input quality", 60);
  for (const std::string& warning : a.warnings)
    flow.bullet("Remark: " + warning, {.size = 8.5, .bold = true});
  if (a.warnings.empty()) flow.paragraph("No remark on the images.");
  flow.advance(2);
  const auto& g = s.geometry;
  flow.fact("Institution", s.institutionName.empty() ? "not given" : s.institutionName);
  flow.fact("Scanner", scannerText(s));
  flow.fact("Reconstruction",
            s.reconstructionMethod.empty() ? "not given" : s.reconstructionMethod);
  flow.fact("Image", std::to_string(g.size[0]) + " \u00d7 " + std::to_string(g.size[1]) +
                         " \u00d7 " + std::to_string(g.size[2]) + " voxels of " +
                         inputText(g.spacingMm[0], "") + " \u00d7 " +
                         inputText(g.spacingMm[1], "") + " \u00d7 " +
                         inputText(g.spacingMm[2], "mm"));
  flow.fact("Uptake time", a.suv && a.suv->uptakeMinutes
                               ? numberText(*a.suv->uptakeMinutes, 0) +
                                     "\u00a0min from injection to the decay "
                                     "reference time"
                               : "not given");
  flow.fact("Injected activity",
            s.radiopharmaceutical.injectedActivityBq
                ? numberText(*s.radiopharmaceutical.injectedActivityBq / 1e6, 0) + "\u00a0MBq" +
                      (s.radiopharmaceutical.name.empty() ? "" : ", " + s.radiopharmaceutical.name)
                : "not given");
  flow.fact("Weight, height",
            optionalText(s.patientWeightKg, "kg") + ", " + optionalText(s.patientHeightM, "m"));
  flow.fact("Units, decay, corrections",
            s.units + ", " + (s.decayCorrection.empty() ? "not given" : s.decayCorrection) + ", " +
                joined(s.correctedImage));
  if (a.suv) {
    flow.fact("SUV conversion", a.suv->method);
    if (a.suv->sulRefusal) flow.fact("Lean body mass", refusalText(*a.suv->sulRefusal));
  }
  flow.fact("Blood glucose",
            "not known to the program: check that it was below the limit of your site");
  drawHarmonisation(flow, a);
}

void drawHarmonisation(Flow& flow, const ResponseAssessment& a) {
  if (!a.harmonisation) {
    flow.fact("Harmonisation",
              "None. The site has not described this scanner: compare numbers with "
              "those of other scanners with care.");
    return;
  }
  const Harmonisation& h = *a.harmonisation;
  const auto orUnknown = [](const std::string& text) { return text.empty() ? "unknown" : text; };
  flow.fact("Harmonisation", h.statement);
  flow.fact("Scanner class",
            orUnknown(h.scannerClass) + ", target " + orUnknown(h.targetClass) +
                (h.filterFwhmMm ? ", filtered by " + inputText(*h.filterFwhmMm, "mm") + " FWHM"
                                : ", not filtered"));
  for (const auto& input : h.adjusted)
    flow.fact("Adjusted input", input.input + ": measured " + inputText(input.measured, "") +
                                    ", given to the model as " + inputText(input.adjusted, ""));
}

void drawLimits(Flow& flow, const Subject& subject) {
  flow.heading("Limits", 50);
  for (const std::string& limit : subject.modelLimits) flow.bullet(limit, {.size = 8.5});
  for (const char* limit :
       {"Lesions and organs were found by a program and were not confirmed by a reader: check the "
        "outlines, above all near bladder, kidneys, bowel, heart and brown fat.",
        "Ratios to the liver cancel an error of calibration, but not a difference in resolution "
        "between scanners.",
        "Published evidence on the organ ratios conflicts; it agrees best on tumour volume.",
        "A probability is a statement on patients like this one, not on this patient."})
    flow.bullet(limit, {.size = 8.5});
}

void drawOrigin(Flow& flow, const Subject& subject) {
  const ResponseAssessment& a = subject.a;
  flow.heading("Model, program, objects", 50);
  const auto orNone = [](const std::string& text) { return text.empty() ? "none" : text; };
  flow.fact("Model", a.model.name.empty() ? "none" : a.model.name + ", version " + a.model.version);
  if (!a.model.name.empty()) {
    flow.fact("Hash of its weights", "SHA-256 " + orNone(a.model.sha256));
    flow.fact("Training data", orNone(a.model.trainingData));
  }
  flow.fact("Program", "fedpet " + a.softwareVersion);
  flow.fact("Assessed", clockText(a.assessedAt) + " UTC");
  flow.fact("Study", a.series.study.studyInstanceUid);
  flow.fact("PET series", a.series.seriesInstanceUid);
  flow.fact("Structured report", orNone(a.identity.srSopInstanceUid));
  if (!a.identity.segSopInstanceUid.empty())
    flow.fact("Segmentation", a.identity.segSopInstanceUid);
  flow.paragraph(
      "The structured report has every number with its code, and is the one to compute "
      "from.",
      {.size = 7.5});
}

}  // namespace fedpet::report
