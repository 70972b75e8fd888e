// Page 1: who, what was found, what is predicted, and how sure that is.
#include "report/Sections.h"
#include "report/Words.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fedpet::report {
namespace {

struct Fact {
  std::string label, text;
  int columns = 1;
};

std::string orNotGiven(const std::string& text) { return text.empty() ? "not given" : text; }

std::vector<Fact> identityFacts(const ResponseAssessment& a) {
  const auto& s = a.series;
  std::string age;
  if (s.patient.ageYears) age = ", " + numberText(std::floor(*s.patient.ageYears), 0) + " years";
  std::string description = s.study.studyDescription;
  if (!s.seriesDescription.empty())
    description += (description.empty() ? "" : " / ") + s.seriesDescription;
  const std::string referring = s.study.referringPhysicianName;
  return {
      {"Patient ID", orNotGiven(s.patient.patientId)},
      {"Born", orNotGiven(dicomDate(s.patient.birthDate))},
      {"Sex, age at the scan", sexText(s.patient.sex) + age},
      {"PET of", s.study.studyDate.empty()
                     ? "not given"
                     : dicomDate(s.study.studyDate) + " " + dicomTime(s.study.studyTime)},
      {"Study / series", orNotGiven(description), 2},
      {"Accession number", orNotGiven(s.study.accessionNumber)},
      {"Referring physician", referring.empty() ? "not given" : personName(referring)},
  };
}

// Label above value, four a row.
void drawFacts(Flow& flow, const std::vector<Fact>& facts) {
  constexpr int kColumns = 4, kLines = 3;
  constexpr double kGap = 10;
  const double width = (flow.width() - kGap * (kColumns - 1)) / kColumns;
  const TextStyle label{.size = 7, .grey = 0.35}, text{.size = 8.8};
  double height = 0;
  int column = 0;
  for (const Fact& fact : facts) {
    if (column + fact.columns > kColumns) {
      flow.advance(height + 9 + 3);
      height = 0;
      column = 0;
    }
    const double x = flow.left() + column * (width + kGap);
    const double own = fact.columns * width + (fact.columns - 1) * kGap;
    flow.canvas().text(x, flow.y(), own, fact.label, label, 1);
    height = std::max(height, flow.canvas().text(x, flow.y() + 9, own, fact.text, text, kLines));
    column += fact.columns;
  }
  flow.advance(height + 9 + 3);
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

// title() already names the horizon of some endpoints; the event says it in words.
std::string predictionTitle(const ResponsePrediction& p) {
  std::string name(title(p.endpoint));
  name.resize(std::min(name.find(" at "), name.size()));
  return name;
}

std::string eventText(const ResponsePrediction& p) {
  const bool saysWhen = p.event.find(inputText(p.horizonMonths, "")) != std::string::npos;
  return p.event + (saysWhen ? "" : " (within " + monthsText(p.horizonMonths) + ")");
}

std::vector<std::string> sentencesOf(const std::string& text) {
  std::vector<std::string> sentences;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t stop = text.find(". ", from);
    const std::size_t end = stop == std::string::npos ? text.size() : stop + 1;
    sentences.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return sentences;
}

// Calls `draw(n, x, y, drawn)` for the n-th of `count` blocks, two beside each other, first to know
// the heights and then to draw.
template <typename Draw>
void inPairs(Flow& flow, std::size_t count, double gap, double width, const Draw& draw) {
  for (std::size_t row = 0; row < count; row += 2) {
    double height = 0;
    for (const bool drawn : {false, true}) {
      if (drawn) flow.need(height);
      for (std::size_t n = row; n < std::min(row + 2, count); ++n)
        height = std::max(
            height,
            draw(n, flow.left() + static_cast<double>(n - row) * (width + gap), flow.y(), drawn));
    }
    flow.advance(height + 3);
  }
}

struct Calibration {
  std::vector<std::string> own;
  std::string common;  // what all notes say is said once
};

Calibration calibrationOf(const std::vector<ResponsePrediction>& predictions) {
  std::map<std::string, std::size_t> told;
  std::size_t notes = 0;
  for (const ResponsePrediction& p : predictions) {
    if (!p.result || p.calibrationNote.empty()) continue;
    ++notes;
    const auto sentences = sentencesOf(p.calibrationNote);
    for (const std::string& s : std::set<std::string>(sentences.begin(), sentences.end()))
      ++told[s];
  }
  Calibration calibration;
  for (const ResponsePrediction& p : predictions) {
    if (!p.result) continue;
    std::string own;
    for (const std::string& s : sentencesOf(p.calibrationNote)) {
      const bool ofAll = notes > 1 && told[s] == notes;
      if (!ofAll)
        own += " " + s;
      else if (calibration.common.find(s) == std::string::npos)
        calibration.common += " " + s;
    }
    if (!own.empty())
      calibration.own.push_back(std::string(toString(p.endpoint)) + " at " +
                                monthsText(p.horizonMonths) + ", calibration:" + own);
  }
  return calibration;
}

void drawCalibration(Flow& flow, const std::vector<ResponsePrediction>& predictions) {
  constexpr double kGap = 16;
  constexpr int kLines = 30;
  const TextStyle style{.size = 6.6, .grey = 0.15};
  const Calibration calibration = calibrationOf(predictions);
  const double width = (flow.width() - kGap) / 2;
  inPairs(flow, calibration.own.size(), kGap, width,
          [&](std::size_t n, double x, double y, bool drawn) {
            const Canvas& canvas = flow.canvas();
            return drawn ? canvas.text(x, y, width, calibration.own[n], style, kLines)
                         : canvas.textHeight(width, calibration.own[n], style, kLines);
          });
  if (!calibration.common.empty()) flow.paragraph("All, calibration:" + calibration.common, style);
}

constexpr TextStyle kTitleStyle{.size = 9, .bold = true}, kEventStyle{.size = 8};
constexpr int kEventLines = 6;

double predictionHead(const Canvas& canvas, double width, const ResponsePrediction& p) {
  return canvas.textHeight(width, predictionTitle(p), kTitleStyle, 2) +
         canvas.textHeight(width, eventText(p), kEventStyle, kEventLines) + 1;
}

// One prediction in a column of its own, its number `headHeight` below the top; with `draw` false
// only its height.
double predictionColumn(const Canvas& canvas, double x, double y, double width,
                        const ResponsePrediction& p, double headHeight, bool draw) {
  constexpr int kNoteLines = 16;
  double at = y;
  const auto put = [&](const std::string& text, const TextStyle& style, int lines) {
    at += draw ? canvas.text(x, at, width, text, style, lines)
               : canvas.textHeight(width, text, style, lines);
  };
  put(predictionTitle(p), kTitleStyle, 2);
  put(eventText(p), kEventStyle, kEventLines);
  at = y + headHeight;
  if (p.result) {
    put(percentText(p.result->probability), {.size = 19, .bold = true}, 1);
    put(intervalText(*p.result), {.size = 8}, 2);
    at += 1;
    if (draw) drawIntervalBar(canvas, {x, at, width, 20}, *p.result);
    at += 22;
  } else {
    put("Not given", {.size = 14, .bold = true}, 1);
    put(refusalText(p.result.error()), {.size = 8}, kNoteLines);
  }
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

// Name, value, and the definition below; with `draw` false only its height.
double keyNumber(const Canvas& canvas, double x, double y, double width, const Measurement& m,
                 bool draw) {
  constexpr double kValue = 72;
  constexpr int kDefinitionLines = 8;
  const TextStyle name{.size = 8}, value{.size = 8.8, .bold = true, .align = Align::Right},
      definition{.size = 6.4, .grey = 0.25};
  const double head = canvas.textHeight(width - kValue, title(m.quantity), name, 2);
  const double text = canvas.textHeight(width, definitionText(m), definition, kDefinitionLines);
  if (draw) {
    canvas.text(x, y, width - kValue, title(m.quantity), name, 2);
    canvas.text(x + width - kValue, y - 0.8, kValue, valueText(m), value, 1);
    canvas.text(x, y + head, width, definitionText(m), definition, kDefinitionLines);
    canvas.line(x, y + head + text + 1, x + width, y + head + text + 1, 0.8, 0.4);
  }
  return head + text + 1;
}

struct View {
  const MipFrame* frame;
  ColumnRange columns;
};

const MipFrame& nearest(const RotatingMip& mip, double wanted) {
  const auto distance = [&](const MipFrame& f) {
    const double off = std::fmod(std::abs(f.angleDegrees - wanted), 360.0);
    return std::min(off, 360 - off);
  };
  return *std::min_element(
      mip.frames.begin(), mip.frames.end(),
      [&](const MipFrame& a, const MipFrame& b) { return distance(a) < distance(b); });
}

// As if one walked round the patient from the right to the left; the obliques at equal angles.
std::vector<View> chosenViews(const RotatingMip& mip) {
  const double oblique = nearest(mip, 45).angleDegrees;
  std::vector<View> views;
  for (const double wanted : {360 - oblique, 0.0, oblique, 90.0}) {
    const MipFrame& frame = nearest(mip, wanted);
    const bool taken =
        std::any_of(views.begin(), views.end(), [&](const View& v) { return v.frame == &frame; });
    if (!taken) views.push_back({&frame, occupiedColumns(mip, frame)});
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
  flow.advance(canvas.text(flow.left(), flow.y(), flow.width() - 60, "FDG-PET assessment",
                           {.size = 15, .bold = true}, 1));
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
  constexpr double kHeight = 190, kGap = 12;
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
  flow.heading("Prediction: probability of \u2026", 60);
  if (predictions.empty()) {
    flow.paragraph("No prediction was asked for.");
    return;
  }
  if (subject.a.model.trainedOnSyntheticData &&
      std::any_of(predictions.begin(), predictions.end(),
                  [](const auto& p) { return p.result.has_value(); })) {
    flow.paragraph(
        "The model was trained on synthetic patients: it says nothing about a real patient.",
        {.size = 9, .bold = true});
    flow.advance(1);
  }
  const std::size_t columns = std::clamp<std::size_t>(predictions.size(), 2, 4);
  const double gap = 14, width = (flow.width() - gap * static_cast<double>(columns - 1)) /
                                 static_cast<double>(columns);
  for (std::size_t row = 0; row < predictions.size(); row += columns) {
    const std::size_t end = std::min(row + columns, predictions.size());
    double head = 0, height = 0;
    for (std::size_t n = row; n < end; ++n)
      head = std::max(head, predictionHead(flow.canvas(), width, predictions[n]));
    for (std::size_t n = row; n < end; ++n)
      height = std::max(height,
                        predictionColumn(flow.canvas(), 0, 0, width, predictions[n], head, false));
    flow.need(height);
    for (std::size_t n = row; n < end; ++n)
      predictionColumn(flow.canvas(), flow.left() + static_cast<double>(n - row) * (width + gap),
                       flow.y(), width, predictions[n], head, true);
    flow.advance(height + 3);
  }
  drawCalibration(flow, predictions);
}

void drawKeyNumbers(Flow& flow, const Subject& subject) {
  constexpr double kGap = 18;
  const double width = (flow.width() - kGap) / 2;
  const auto& numbers = subject.a.wholeBody;
  flow.heading("Measurements of the whole body", 40);
  inPairs(flow, numbers.size(), kGap, width, [&](std::size_t n, double x, double y, bool drawn) {
    return keyNumber(flow.canvas(), x, y, width, numbers[n], drawn);
  });
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
      "When the data has been corrected, send the series again: it is then assessed anew.",
      {.size = 9.5});
}

}  // namespace fedpet::report
