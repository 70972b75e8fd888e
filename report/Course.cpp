// Against earlier studies: PERCIST, the trend, and each lesion's fate.
#include "report/Sections.h"
#include "report/Words.h"

#include <algorithm>

namespace fedpet::report {
namespace {

std::string categoryText(const tl::expected<MetabolicResponse, Refusal>& response) {
  if (!response) return "not given. " + refusalText(response.error());
  return std::string(title(*response)) + " (" + std::string(toString(*response)) + ")";
}

std::optional<double> valueOf(const std::vector<Measurement>& numbers, Quantity quantity) {
  const Measurement* m = find(numbers, quantity);
  if (m == nullptr || !m->value) return std::nullopt;
  return *m->value;
}

// This study's own point, beside its priors.
StudySummary summaryOf(const ResponseAssessment& a) {
  StudySummary summary;
  summary.studyInstanceUid = a.series.study.studyInstanceUid;
  if (!a.series.slices.empty() && a.series.slices.front().acquisitionDateTime)
    summary.scannedAt = *a.series.slices.front().acquisitionDateTime;
  else
    summary.scannedAt = a.series.seriesDateTime.value_or(a.assessedAt);
  summary.producer = "fedpet " + a.softwareVersion + " (this report)";
  summary.lesionDefinition = a.lesionDefinition;
  summary.tmtvMl = valueOf(a.wholeBody, Quantity::Tmtv);
  summary.tlgG = valueOf(a.wholeBody, Quantity::TotalLesionGlycolysis);
  summary.suvMax = valueOf(a.wholeBody, Quantity::SuvMax);
  summary.sulPeak = a.percist ? valueOf(a.percist->numbers, Quantity::SulPeak)
                              : valueOf(a.wholeBody, Quantity::SulPeak);
  if (const auto count = valueOf(a.wholeBody, Quantity::LesionCount))
    summary.lesionCount = static_cast<int>(*count);
  return summary;
}

std::vector<StudySummary> course(const ResponseAssessment& a) {
  std::vector<StudySummary> studies = a.priors;
  // A comparison stands on its earlier study, even where nobody listed it.
  if (a.comparison && std::none_of(studies.begin(), studies.end(), [&](const StudySummary& s) {
        return s.studyInstanceUid == a.comparison->earlier.studyInstanceUid;
      }))
    studies.push_back(a.comparison->earlier);
  std::stable_sort(studies.begin(), studies.end(),
                   [](const auto& x, const auto& y) { return x.scannedAt < y.scannedAt; });
  studies.push_back(summaryOf(a));
  return studies;
}

std::vector<TrendPoint> trendOf(const std::vector<StudySummary>& studies,
                                std::optional<double> StudySummary::*value, bool byLesionRule) {
  std::vector<TrendPoint> points;
  const std::string& rule = studies.back().lesionDefinition;
  for (const StudySummary& study : studies) {
    if (!(study.*value)) continue;
    points.push_back({study.scannedAt, *(study.*value),
                      !byLesionRule || study.lesionDefinition == rule, &study == &studies.back()});
  }
  return points;
}

Cell optionalCell(const std::optional<double>& value, std::string_view ucum) {
  return Cell(value ? quantityText(*value, ucum) : "not given");
}

void drawTrends(Flow& flow, const std::vector<StudySummary>& studies) {
  constexpr double kHeight = 120, kGap = 16;
  const auto tmtv = trendOf(studies, &StudySummary::tmtvMl, true);
  const auto peak = trendOf(studies, &StudySummary::sulPeak, false);
  flow.need(kHeight + 20);
  const double width = (flow.width() - kGap) / 2;
  drawTrend(flow.canvas(), {flow.left(), flow.y(), width, kHeight}, "Total metabolic tumour volume",
            "ml", tmtv);
  drawTrend(flow.canvas(), {flow.left() + width + kGap, flow.y(), width, kHeight},
            "SULpeak of the hottest lesion", "g/ml", peak);
  flow.advance(kHeight + 4);
  if (std::any_of(tmtv.begin(), tmtv.end(), [](const TrendPoint& p) { return !p.comparable; }))
    flow.paragraph(
        "Open circles: the tumour was drawn by another rule, or by one that its report "
        "does not name; such volumes are not joined and must not be compared.",
        {.size = 7.5});
}

void drawStudies(Flow& flow, const std::vector<StudySummary>& studies) {
  Table table(flow,
              {{"PET of", 52},
               {"Lesions", 36, Align::Right},
               {"TMTV", 50, Align::Right},
               {"TLG", 50, Align::Right},
               {"SUVmax", 50, Align::Right},
               {"SULpeak", 50, Align::Right},
               {"PERCIST then", 48},
               {"Report by", 120}},
              7.6);
  for (const StudySummary& s : studies) {
    std::string then;
    if (s.percist) then = toString(*s.percist);
    if (s.iPercist && s.iPercist != s.percist)
      then += (then.empty() ? "" : ", ") + std::string(toString(*s.iPercist));
    table.row({Cell(dateText(s.scannedAt), &s == &studies.back()),
               Cell(s.lesionCount ? std::to_string(*s.lesionCount) : "not given"),
               optionalCell(s.tmtvMl, "ml"), optionalCell(s.tlgG, "g"),
               optionalCell(s.suvMax, "g/ml"), optionalCell(s.sulPeak, "g/ml"), Cell(then),
               Cell(s.producer)});
  }
}

std::string change(const std::optional<double>& before, const std::optional<double>& now,
                   std::string_view ucum) {
  const auto text = [&](const std::optional<double>& v) {
    return v ? quantityText(*v, ucum) : std::string("\u2013");
  };
  if (!before && !now) return "";
  std::string line = text(before) + " \u2192 " + text(now);
  if (before && now && *before > 0) line += " (" + changeText((*now / *before - 1) * 100) + ")";
  return line;
}

std::string_view fateText(LesionFate fate) {
  return fate == LesionFate::New ? "new" : fate == LesionFate::Resolved ? "resolved" : "matched";
}

void drawChanges(Flow& flow, const Comparison& c) {
  if (c.lesions.empty()) return;
  flow.heading("Lesion by lesion since " + dateText(c.earlier.scannedAt), 50);
  Table table(flow,
              {{"Lesion", 62},
               {"Fate", 42},
               {"Volume", 122},
               {"SULpeak", 118},
               {"SUVmax", 118},
               {"Remark", 90}},
              7.4);
  for (const LesionChange& l : c.lesions) {
    std::string note = l.note;
    if (l.fate == LesionFate::Matched && l.distanceMm > 0)
      note = quantityText(l.distanceMm, "mm") + " apart" + (note.empty() ? "" : "; ") + note;
    table.row({Cell(l.trackingId), Cell(std::string(fateText(l.fate)), l.fate == LesionFate::New),
               Cell(change(l.earlierVolumeMl, l.volumeMl, "ml")),
               Cell(change(l.earlierSulPeak, l.sulPeak, "")),
               Cell(change(l.earlierSuvMax, l.suvMax, "")), Cell(note)});
  }
}

void drawComparison(Flow& flow, const Comparison& c) {
  flow.paragraph("PERCIST 1.0: " + categoryText(c.percist), {.size = 10, .bold = true});
  flow.paragraph("iPERCIST: " + categoryText(c.iPercist), {.size = 10, .bold = true});
  flow.paragraph("Compared with the PET of " + dateText(c.earlier.scannedAt) +
                 (c.earlier.producer.empty() ? "" : ", reported by " + c.earlier.producer) + ".");
  for (const std::string& reason : c.reasons) flow.bullet(reason);
  if (!c.changes.empty()) {
    Table table(flow, {{"Change", 150}, {"Value", 60, Align::Right}, {"Definition", 300}}, 7.6);
    for (const Measurement& m : c.changes)
      table.row({Cell(std::string(title(m.quantity))), Cell(valueText(m), m.value.has_value()),
                 Cell(definitionText(m))});
    flow.advance(4);
  }
  if (!c.alignment.empty()) flow.paragraph("Places: " + c.alignment, {.size = 8});
  for (const std::string& warning : c.warnings) flow.bullet("Remark: " + warning, {.size = 8});
}

}  // namespace

void drawCourse(Flow& flow, const Subject& subject) {
  const ResponseAssessment& a = subject.a;
  // On a page of its own, or below a few last lines of the page before.
  if (!a.priors.empty() || a.comparison) flow.need(kPageHeight / 2);
  flow.heading("Course over earlier studies", 60);
  if (a.priors.empty() && !a.comparison) {
    flow.paragraph("No earlier study was compared: this is read as a baseline.");
    return;
  }
  if (a.comparison)
    drawComparison(flow, *a.comparison);
  else
    flow.paragraph("Earlier studies are listed; none was compared as the baseline.");
  flow.advance(4);
  const auto studies = course(a);
  drawTrends(flow, studies);
  drawStudies(flow, studies);
  if (a.comparison) drawChanges(flow, *a.comparison);
}

void drawPercistReading(Flow& flow, const Subject& subject) {
  const ResponseAssessment& a = subject.a;
  if (!a.percist && !a.percistRefusal) return;
  flow.heading("This study by PERCIST 1.0", 50);
  if (!a.percist) {
    flow.paragraph("Not read by PERCIST. " + refusalText(*a.percistRefusal));
    return;
  }
  flow.paragraph(std::string("The hottest lesion is ") +
                     (a.percist->measurable ? "measurable" : "not measurable") + ". Reference: " +
                     organText(a.percist->reference) + ". Rule: " + a.percist->definition,
                 {.size = 8});
  Table table(flow, {{"Quantity", 170}, {"Value", 62, Align::Right}, {"Definition", 280}}, 7.6);
  for (const Measurement& m : a.percist->numbers)
    table.row({Cell(std::string(title(m.quantity))), Cell(valueText(m), m.value.has_value()),
               Cell(definitionText(m))});
}

}  // namespace fedpet::report
