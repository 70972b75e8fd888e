#include "report/Sections.h"
#include "report/Words.h"

#include <algorithm>
#include <cmath>

namespace fedpet::report {
namespace {

// The next of 1, 2, 2.5, 5 x 10^n that is not below.
double roundStep(double value) {
  const double magnitude = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 2.5, 5.0})
    if (step * magnitude >= value * (1 - 1e-9)) return step * magnitude;
  return 10 * magnitude;
}

void dot(const Canvas& canvas, double x, double y, bool solid) {
  cairo_t* cairo = canvas.cairo();
  cairo_new_path(cairo);  // text leaves a point that the circle would be joined to
  cairo_arc(cairo, x, y, 2.6, 0, 6.2832);
  canvas.setGrey(solid ? 0 : 1);
  cairo_fill_preserve(cairo);
  canvas.setGrey(0);
  cairo_set_line_width(cairo, 0.9);
  cairo_stroke(cairo);
}

}  // namespace

void drawIntervalBar(const Canvas& canvas, const Box& box, const Probability& p) {
  const auto at = [&](double share) { return box.x + std::clamp(share, 0.0, 1.0) * box.width; };
  const double middle = box.y + 5;
  canvas.fill({box.x, middle - 3, box.width, 6}, 0.88);
  canvas.fill({at(p.lower), middle - 3, std::max(at(p.upper) - at(p.lower), 0.5), 6}, 0.55);
  for (const double bound : {p.lower, p.upper})
    canvas.line(at(bound), middle - 4, at(bound), middle + 4, 0.25, 0.8);
  canvas.fill({at(p.probability) - 1.1, middle - 5.5, 2.2, 11}, 0);
  for (int percent = 0; percent <= 100; percent += 25) {
    const double x = at(percent / 100.0);
    canvas.line(x, middle + 4, x, middle + 6, 0.4, 0.5);
    const double left = percent == 0 ? x : percent == 100 ? x - 30 : x - 15;
    canvas.text(left, middle + 6.5, 30, std::to_string(percent) + (percent == 100 ? "\u00a0%" : ""),
                {.size = 6.2,
                 .grey = 0.3,
                 .align = percent == 0     ? Align::Left
                          : percent == 100 ? Align::Right
                                           : Align::Centre});
  }
}

void drawTrend(const Canvas& canvas, const Box& box, const std::string& title,
               const std::string& ucum, const std::vector<TrendPoint>& points) {
  const std::string unit = unitText(ucum);
  canvas.text(box.x, box.y, box.width, title + (unit.empty() ? "" : ", " + unit),
              {.size = 8.5, .bold = true}, 1);
  const Box area{box.x + 30, box.y + 24, box.width - 56, box.height - 44};
  if (points.empty()) return;
  double largest = 0;
  for (const TrendPoint& point : points) largest = std::max(largest, point.value);
  const double step = largest > 0 ? roundStep(largest * 1.1 / 4) : 0.25;
  const double top = step * std::ceil(std::max(largest * 1.08, step) / step);
  const auto yOf = [&](double value) { return area.bottom() - value / top * area.height; };
  for (int n = 0; n * step <= top * 1.0001; ++n) {
    const double value = n * step;
    canvas.line(area.x, yOf(value), area.right(), yOf(value), n == 0 ? 0 : 0.82, 0.5);
    canvas.text(box.x, yOf(value) - 4.5, 26,
                numberText(value, step < 1    ? 2
                                  : step < 10 ? 1
                                              : 0),
                {.size = 6.5, .grey = 0.3, .align = Align::Right});
  }
  const auto first = points.front().at, last = points.back().at;
  const double span = std::max(1.0, std::chrono::duration<double>(last - first).count());
  const auto xOf = [&](const TrendPoint& point) {
    if (points.size() == 1) return area.x + area.width / 2;
    return area.x + 16 +
           (area.width - 32) * std::chrono::duration<double>(point.at - first).count() / span;
  };
  for (std::size_t n = 1; n < points.size(); ++n)
    if (points[n].comparable && points[n - 1].comparable)
      canvas.line(xOf(points[n - 1]), yOf(points[n - 1].value), xOf(points[n]),
                  yOf(points[n].value), 0.2, 1);
  double freeLabel = -1e9, freeDate = -1e9;
  for (const TrendPoint& point : points) {
    const double x = xOf(point), y = yOf(point.value);
    dot(canvas, x, y, point.comparable);
    // A label that would lie on the one before it is left out; the table has every value.
    if (x - 17 >= freeLabel || point.current) {
      canvas.text(x - 22, y - 13, 44, inputText(point.value, ""),
                  {.size = 7, .bold = point.current, .align = Align::Centre}, 1);
      freeLabel = x + 17;
    }
    canvas.line(x, area.bottom(), x, area.bottom() + 2.5, 0.3, 0.5);
    if (x - 22 >= freeDate) {
      canvas.text(x - 26, area.bottom() + 3.5, 52, dateText(point.at),
                  {.size = 6.5, .grey = 0.2, .align = Align::Centre}, 1);
      freeDate = x + 22;
    }
  }
}

void drawSignedBar(const Canvas& canvas, const Box& box, double value, double largest) {
  cairo_t* cairo = canvas.cairo();
  const double middle = box.x + box.width * 0.36, half = box.width * 0.36 - 2;
  const double length = largest > 0 ? std::abs(value) / largest * half : 0;
  const Box bar{value < 0 ? middle - length : middle, box.y + 1.5, length, box.height - 3};
  if (value < 0) {
    canvas.fill(bar, 1);
    cairo_save(cairo);
    cairo_rectangle(cairo, bar.x, bar.y, bar.width, bar.height);
    cairo_clip(cairo);
    for (double x = bar.x - bar.height; x < bar.right(); x += 2.2)
      canvas.line(x, bar.bottom(), x + bar.height, bar.y, 0.35, 0.5);
    cairo_restore(cairo);
    canvas.frame(bar, 0.2, 0.5);
  } else {
    canvas.fill(bar, 0.3);
  }
  canvas.line(middle, box.y - 1, middle, box.bottom() + 1, 0, 0.6);
  canvas.text(box.x + box.width * 0.72, box.y, box.width * 0.28, signedText(value, 2),
              {.size = 7.5, .align = Align::Right}, 1);
}

}  // namespace fedpet::report
