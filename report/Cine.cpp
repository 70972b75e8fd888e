#include "report/Cine.h"

#include "report/Canvas.h"
#include "report/MipDrawing.h"
#include "report/ReportError.h"
#include "report/Words.h"

#include <algorithm>
#include <cmath>

namespace fedpet::report {
namespace {

constexpr int kTopBand = 46, kBottomBand = 66, kLeastWidth = 420;
constexpr double kMargin = 8;

class Painter {
 public:
  Painter(const ResponseAssessment& a, const RotatingMip& mip)
      : a_(a), mip_(mip), tags_(lesionTags(a.regions)) {
    // About 700 rows: small letters stay sharp, and a screen shows the whole body.
    scale_ = std::clamp(700.0 / mip.height, 0.5, 3.0);
    const int pictureWidth = static_cast<int>(std::ceil(mip.width * scale_));
    width_ = std::max(kLeastWidth, pictureWidth);
    width_ += width_ % 2;
    pictureHeight_ = static_cast<int>(std::ceil(mip.height * scale_));
    height_ = kTopBand + pictureHeight_ + kBottomBand;
    height_ += height_ % 2;
    surface_.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_, height_));
    require(cairo_surface_status(surface_.get()), "a frame");
  }

  CineLoop run() {
    CineLoop loop{width_, height_, mip_.pixelMm / scale_, 0.1, description(), {}};
    const Canvas canvas(surface_.get());
    for (const MipFrame& frame : mip_.frames) {
      draw(canvas, frame);
      require(cairo_status(canvas.cairo()), "a frame");
      loop.frames.push_back(grey());
    }
    return loop;
  }

 private:
  std::string description() const {
    return "Maximum intensity projection about the body axis, SUVbw 0 (white) to " +
           numberText(mip_.suvAtWhite, 0) +
           " (black); solid line: lesion; dashed and hatched: "
           "physiological uptake; dotted: reference region";
  }

  void draw(const Canvas& canvas, const MipFrame& frame) const {
    canvas.fill({0, 0, double(width_), double(height_)}, 1);
    drawHead(canvas, frame);
    const double x = (width_ - mip_.width * scale_) / 2;
    drawMip(canvas, mip_, frame, {0, mip_.width}, x, kTopBand, scale_, tags_,
            {.lineWidth = 1.6, .textSize = 12, .mostNumbers = 20});
    const auto marks = sideMarks(frame.angleDegrees);
    const double y = kTopBand + 6;
    canvas.text(kMargin, y, 30, marks[0], {.size = 15, .bold = true});
    canvas.text(width_ - kMargin - 30, y, 30, marks[1],
                {.size = 15, .bold = true, .align = Align::Right});
    drawScale(canvas);
    drawFoot(canvas);
  }

  void drawHead(const Canvas& canvas, const MipFrame& frame) const {
    const auto& s = a_.series;
    const double width = width_ - 2 * kMargin;
    canvas.text(kMargin, 4, width,
                personName(s.patient.patientName) + "   ID " + s.patient.patientId,
                {.size = 13, .bold = true}, 1);
    canvas.text(
        kMargin, 23, width - 155,
        "PET of " + dicomDate(s.study.studyDate) +
            (s.study.accessionNumber.empty() ? "" : ", accession " + s.study.accessionNumber),
        {.size = 11}, 1);
    canvas.text(width_ - kMargin - 155, 23, 155, viewName(frame.angleDegrees),
                {.size = 12, .align = Align::Right}, 1);
  }

  void drawScale(const Canvas& canvas) const {
    const double length = 100 / mip_.pixelMm * scale_, y = kTopBand + pictureHeight_ - 10;
    canvas.line(kMargin, y, kMargin + length, y, 0, 2);
    for (const double x : {kMargin, kMargin + length}) canvas.line(x, y - 5, x, y + 1, 0, 2);
    canvas.text(kMargin, y - 19, length, "10 cm", {.size = 11, .align = Align::Centre});
  }

  void drawFoot(const Canvas& canvas) const {
    const double y = kTopBand + pictureHeight_ + 4, width = width_ - 2 * kMargin;
    const MipStyle line{.lineWidth = 1.3, .textSize = 12};
    double x = kMargin;
    for (const auto& [kind, words] : {std::pair{LineKind::Lesion, "lesion"},
                                      std::pair{LineKind::Physiological, "physiological"},
                                      std::pair{LineKind::Reference, "reference"}}) {
      drawSwatch(canvas, {x, y + 3, 18, 10}, kind, line);
      canvas.text(x + 22, y, 90, words, {.size = 11}, 1);
      x += 22 + canvas.lineWidth(words, {.size = 11}) + 12;
    }
    canvas.text(x, y, width_ - kMargin - x, "SUV 0\u2013" + numberText(mip_.suvAtWhite, 0),
                {.size = 11, .align = Align::Right}, 1);
    canvas.text(kMargin, y + 18, width, kResearchUseOnly, {.size = 11.5, .bold = true}, 2);
  }

  std::vector<std::uint8_t> grey() const {
    cairo_surface_flush(surface_.get());
    const unsigned char* pixels = cairo_image_surface_get_data(surface_.get());
    const int stride = cairo_image_surface_get_stride(surface_.get());
    std::vector<std::uint8_t> frame;
    frame.reserve(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_));
    for (int y = 0; y < height_; ++y) {
      const auto* line =
          reinterpret_cast<const std::uint32_t*>(pixels + static_cast<std::ptrdiff_t>(y) * stride);
      for (int x = 0; x < width_; ++x) {
        const std::uint32_t r = line[x] >> 16 & 255, g = line[x] >> 8 & 255, b = line[x] & 255;
        frame.push_back(static_cast<std::uint8_t>((299 * r + 587 * g + 114 * b + 500) / 1000));
      }
    }
    return frame;
  }

  const ResponseAssessment& a_;
  const RotatingMip& mip_;
  std::vector<LesionTag> tags_;
  double scale_ = 1;
  int width_ = 0, height_ = 0, pictureHeight_ = 0;
  CairoSurface surface_;
};

}  // namespace

CineLoop mipCine(const ResponseAssessment& a, const RotatingMip& mip) {
  requireFit(mip);
  if (mip.frames.empty()) return {};
  return Painter(a, mip).run();
}

}  // namespace fedpet::report
