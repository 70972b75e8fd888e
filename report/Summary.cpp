// Page 1: who, what was found, what is predicted, and how sure that is.
#include "report/Sections.h"
#include "report/Words.h"

#include <algorithm>
#include <cmath>

namespace fedpet::report {
namespace {

struct Fact {
  std::string label, text;
};

std::string orNotGiven(const std::string& text) { return text.empty() ? "not given" : text; }

std::vector<Fact> identityFacts(const ResponseAssessment& a) {
  const auto& s = a.series;
  std::string age;
  if (s.patient.ageYears) age = ", " + numberText(std::floor(*s.patient.ageYears), 0) + " years";
  std::string description = s.study.studyDescription;
  if (!s.seriesDescription.empty())
    description += (description.empty() ? "" : " / ") + s.seriesDescription;
  return {
      {"Patient ID", orNotGiven(s.patient.patientId)},
      {"Born", orNotGiven(dicomDate(s.patient.birthDate))},
      {"Sex, age at the scan", sexText(s.patient.sex) + age},
      {"PET of", orNotGiven(dicomDate(s.study.studyDate) + " " + dicomTime(s.study.studyTime))},
      {"Study / series", orNotGiven(description)},
      {"Accession number", orNotGiven(s.study.accessionNumber)},
      {"Referring physician", s.study.referringPhysicianName.empty()
                                  ? "not given"
                                  : personName(s.study.referringPhysicianName)},
      {"Institution", orNotGiven(s.institutionName)},
  };
}

// Label above value, four a row.
void drawFacts(Flow& flow, const std::vector<Fact>& facts) {
  constexpr std::size_t kColumns = 4;
  constexpr int kLines = 3;
  const double gap = 10, width = (flow.width() - gap * (kColumns - 1)) / kColumns;
  const TextStyle label{.size = 7, .grey = 0.35}, text{.size = 8.8};
  const Canvas& canvas = flow.canvas();
  for (std::size_t row = 0; row < facts.size(); row += kColumns) {
    double height = 0;
    for (std::size_t n = row; n < std::min(row + kColumns, facts.size()); ++n) {
      const double x = flow.left() + static_cast<double>(n - row) * (width + gap);
      canvas.text(x, flow.y(), width, facts[n].label, label, 1);
      height = std::max(height, canvas.text(x, flow.y() + 9, width, facts[n].text, text, kLines));
    }
    flow.advance(height + 9 + 4);
  }
}

std::string lesionSentence(const ResponseAssessment& a) {
  const Measurement* count = find(a.wholeBody, Quantity::LesionCount);
  const Measurement* tmtv = find(a.wholeBody, Quantity::Tmtv);
  if (count == nullptr || !count->value)
    return "The number of lesions is not given" +
           (count == nullptr ? "." : ": " + refusalText(count->value.error()));
  const auto lesions = static_cast<std::size_t>(std::max(0.0, *count->value));
  if (lesions == 0) return "No lesion was found by the rule of this report.";
  std::string text = countText(lesions, "lesion", "lesions");
  if (tmtv != nullptr && tmtv->value) text += ", total metabolic tumour volume " + valueText(*tmtv);
  return text + ".";
}

std::string responseText(MetabolicResponse response) {
  return std::string(title(response)) + " (" + std::string(toString(response)) + ")";
}

std::vector<std::string> responseSentences(const Comparison& c) {
  const std::string since = "Against the PET of " + dateText(c.earlier.scannedAt) + ": ";
  if (!c.percist) return {since + "no response category. " + refusalText(c.percist.error())};
  std::string text = since + responseText(*c.percist) + " by PERCIST 1.0";
  if (c.iPercist && *c.iPercist != *c.percist)
    text += "; " + responseText(*c.iPercist) + " by iPERCIST";
  return {text + "."};
}

std::string monthsText(double months) {
  return inputText(months, "") + (months == 1 ? " month" : " months");
}

std::string intervalText(const Probability& p) {
  return numberText(p.intervalLevel * 100, 0) + "\u00a0% interval " + percentText(p.lower) +
         " to " + percentText(p.upper);
}

// title() already names the horizon of some endpoints.
std::string predictionTitle(const ResponsePrediction& p) {
  std::string name(title(p.endpoint));
  const auto at = name.find(" at ");
  if (at != std::string::npos) name.resize(at);
  return name + ", " + monthsText(p.horizonMonths);
}

// One prediction in a column of its own; with `draw` false only its height.
double predictionColumn(const Canvas& canvas, double x, double y, double width,
                        const ResponsePrediction& p, bool draw) {
  constexpr int kEventLines = 6, kNoteLines = 16;
  double at = y;
  const auto put = [&](const std::string& text, const TextStyle& style, int lines) {
    at += draw ? canvas.text(x, at, width, text, style, lines)
               : canvas.textHeight(width, text, style, lines);
  };
  put(predictionTitle(p), {.size = 9, .bold = true}, 2);
  put("Probability of: " + p.event, {.size = 8}, kEventLines);
  at += 1;
  if (p.result) {
    put(percentText(p.result->probability), {.size = 20, .bold = true}, 1);
    put(intervalText(*p.result), {.size = 8}, 2);
    at += 1;
    if (draw) drawIntervalBar(canvas, {x, at, width, 20}, *p.result);
    at += 22;
  } else {
    put("Not given", {.size = 14, .bold = true}, 1);
    put(refusalText(p.result.error()), {.size = 8}, kNoteLines);
  }
  if (!p.calibrationNote.empty())
    put("Calibration: " + p.calibrationNote, {.size = 6.8, .grey = 0.2}, kNoteLines);
  return at - y;
}

void drawLegend(Flow& flow, double suvAtWhite, bool numbersCut) {
  const Canvas& canvas = flow.canvas();
  const MipStyle style;
  const TextStyle text{.size = 7.2};
  double x = flow.left();
  for (const auto& [kind, words] :
       {std::pair{LineKind::Lesion, "lesion, numbered as in its table"},
        std::pair{LineKind::Physiological, "physiological uptake, not counted"},
        std::pair{LineKind::Reference, "reference region"}}) {
    drawSwatch(canvas, {x + 1, flow.y() + 1.5, 14, 7}, kind, style);
    canvas.text(x + 19, flow.y(), 200, words, text, 1);
    x += 19 + canvas.lineWidth(words, text) + 12;
  }
  const std::string end = numberText(suvAtWhite, 0);
  canvas.text(x, flow.y(), 30, "SUV 0", text, 1);
  const double ramp = x + 24;
  for (int n = 0; n < 24; ++n) canvas.fill({ramp + n * 1.6, flow.y() + 1.5, 1.7, 7}, 1 - n / 23.0);
  canvas.frame({ramp, flow.y() + 1.5, 24 * 1.6, 7}, 0.3, 0.4);
  canvas.text(ramp + 42, flow.y(), 60, end + " or more", text, 1);
  flow.advance(11);
  if (numbersCut)
    flow.paragraph("Numbers are drawn for the largest lesions; every lesion is outlined.",
                   {.size = 7.2});
}

struct View {
  const MipFrame* frame;
  ColumnRange columns;
};

// Front, left side, and halfway to either side: the nearest views that there are.
std::vector<View> chosenViews(const RotatingMip& mip) {
  std::vector<View> views;
  for (const double wanted : {0.0, 45.0, 90.0, 315.0}) {
    const auto distance = [&](const MipFrame& f) {
      const double off = std::fmod(std::abs(f.angleDegrees - wanted), 360.0);
      return std::min(off, 360 - off);
    };
    const auto nearest = std::min_element(
        mip.frames.begin(), mip.frames.end(),
        [&](const MipFrame& a, const MipFrame& b) { return distance(a) < distance(b); });
    const bool taken = std::any_of(views.begin(), views.end(),
                                   [&](const View& v) { return v.frame == &*nearest; });
    if (!taken) views.push_back({&*nearest, occupiedColumns(mip, *nearest)});
  }
  return views;
}

void drawScaleBar(const Canvas& canvas, double x, double y, double pointsPerMm) {
  const double length = 100 * pointsPerMm;
  canvas.line(x, y, x + length, y, 0, 1);
  for (const double end : {x, x + length}) canvas.line(end, y - 2.5, end, y + 0.5, 0, 1);
  canvas.text(x, y - 10, length, "10 cm", {.size = 6, .align = Align::Centre}, 1);
}

}  // namespace

void drawTitle(Flow& flow, const Subject& subject) {
  const Canvas& canvas = flow.canvas();
  canvas.text(flow.left(), flow.y() + 5, flow.width(), "fedpet",
              {.size = 9, .grey = 0.35, .align = Align::Right}, 1);
  flow.advance(canvas.text(flow.left(), flow.y(), flow.width() - 60,
                           "FDG-PET before immunotherapy: assessment", {.size = 15, .bold = true},
                           1));
  const std::string use(kResearchUseOnly);
  const TextStyle style{.size = 9, .bold = true, .align = Align::Centre};
  const double height = canvas.textHeight(flow.width() - 12, use, style) + 5;
  canvas.fill({flow.left(), flow.y() + 2, flow.width(), height}, 0.93);
  canvas.frame({flow.left(), flow.y() + 2, flow.width(), height}, 0, 0.9);
  canvas.text(flow.left() + 6, flow.y() + 4, flow.width() - 12, use, style);
  flow.advance(height + 8);
  flow.advance(canvas.text(flow.left(), flow.y(), flow.width(),
                           personName(subject.a.series.patient.patientName),
                           {.size = 12.5, .bold = true}, 2) +
               2);
  drawFacts(flow, identityFacts(subject.a));
}

void drawStatement(Flow& flow, const Subject& subject) {
  std::vector<std::string> sentences{lesionSentence(subject.a)};
  if (subject.a.comparison)
    for (std::string& sentence : responseSentences(*subject.a.comparison))
      sentences.push_back(std::move(sentence));
  const TextStyle style{.size = 11.5, .bold = true};
  flow.advance(1);
  flow.canvas().line(flow.left(), flow.y(), flow.left() + flow.width(), flow.y(), 0, 0.8);
  flow.advance(4);
  for (const std::string& sentence : sentences) flow.paragraph(sentence, style);
  if (!subject.a.warnings.empty())
    flow.paragraph(
        countText(subject.a.warnings.size(), "remark on the input is", "remarks on the input are") +
            " under \u201cInput quality\u201d.",
        {.size = 8});
  flow.advance(2);
}

void drawViews(Flow& flow, const Subject& subject) {
  if (subject.mip.frames.empty()) return;
  constexpr double kHeight = 250, kGap = 10;
  const RotatingMip& mip = subject.mip;
  const auto views = chosenViews(mip);
  double columns = 0;
  for (const View& view : views) columns += view.columns.count();
  const double gaps = kGap * (static_cast<double>(views.size()) - 1);
  const double scale = std::min((flow.width() - gaps) / columns, kHeight / mip.height);
  const double height = scale * mip.height;
  flow.need(height + 36);
  const Canvas& canvas = flow.canvas();
  double x = flow.left() + (flow.width() - gaps - columns * scale) / 2;
  for (const View& view : views) {
    const double width = view.columns.count() * scale;
    drawMip(canvas, mip, *view.frame, view.columns, x, flow.y(), scale, subject.lesions, {});
    canvas.frame({x, flow.y(), width, height}, 0.7, 0.5);
    const auto marks = sideMarks(view.frame->angleDegrees);
    canvas.text(x + 3, flow.y() + 2, 12, marks[0], {.size = 8, .bold = true});
    canvas.text(x + width - 15, flow.y() + 2, 12, marks[1],
                {.size = 8, .bold = true, .align = Align::Right});
    drawScaleBar(canvas, x + 5, flow.y() + height - 5, scale / mip.pixelMm);
    canvas.text(x - 4, flow.y() + height + 2, width + 8, viewName(view.frame->angleDegrees),
                {.size = 7.2, .align = Align::Centre}, 1);
    x += width + kGap;
  }
  flow.advance(height + 14);
  drawLegend(flow, mip.suvAtWhite, subject.lesions.size() > MipStyle{}.mostNumbers);
}

void drawPredictions(Flow& flow, const Subject& subject) {
  const auto& predictions = subject.a.predictions;
  flow.heading("Prediction", 60);
  if (predictions.empty()) {
    flow.paragraph("No prediction was asked for.");
    return;
  }
  if (subject.a.model.trainedOnSyntheticData &&
      std::any_of(predictions.begin(), predictions.end(),
                  [](const auto& p) { return p.result.has_value(); })) {
    flow.paragraph(
        "The model was trained on synthetic patients: it says nothing about a real "
        "patient. Training data: " +
            orNotGiven(subject.a.model.trainingData) + ".",
        {.size = 8.5, .bold = true});
    flow.advance(1);
  }
  constexpr std::size_t kColumns = 3;
  const double gap = 14, width = (flow.width() - gap * (kColumns - 1)) / kColumns;
  for (std::size_t row = 0; row < predictions.size(); row += kColumns) {
    const std::size_t end = std::min(row + kColumns, predictions.size());
    double height = 0;
    for (std::size_t n = row; n < end; ++n)
      height =
          std::max(height, predictionColumn(flow.canvas(), 0, 0, width, predictions[n], false));
    flow.need(height);
    for (std::size_t n = row; n < end; ++n)
      predictionColumn(flow.canvas(), flow.left() + static_cast<double>(n - row) * (width + gap),
                       flow.y(), width, predictions[n], true);
    flow.advance(height + 4);
  }
}

void drawKeyNumbers(Flow& flow, const Subject& subject) {
  flow.heading("Measurements of the whole body", 50);
  Table table(flow, {{"Quantity", 130}, {"Value", 62, Align::Right}, {"Definition", 320}}, 7.6);
  for (const Measurement& m : subject.a.wholeBody)
    table.row({Cell(std::string(title(m.quantity))), Cell(valueText(m), m.value.has_value()),
               Cell(definitionText(m))});
}

void drawRefusals(Flow& flow, const Subject& subject) {
  flow.heading("This study was not assessed");
  flow.paragraph("No number is given, because it could not be trusted. Reasons, and what to do:",
                 {.size = 10});
  flow.advance(4);
  for (const Refusal& refusal : subject.a.refusals) {
    flow.need(40);
    flow.paragraph(explain(refusal.code), {.size = 12, .bold = true});
    if (!refusal.detail.empty()) flow.paragraph("Finding: " + refusal.detail, {.size = 9.5});
    flow.paragraph("Reason code: " + std::string(toString(refusal.code)), {.size = 8, .grey = 0.3});
    flow.advance(6);
  }
  flow.paragraph(
      "When the data has been corrected, send the series again: it is then assessed by "
      "itself, and this page is replaced.",
      {.size = 9.5});
}

}  // namespace fedpet::report
