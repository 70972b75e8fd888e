#include "report/MipDrawing.h"

#include "report/MaskOutline.h"
#include "report/ReportError.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fedpet::report {
namespace {

constexpr std::uint8_t kLesion = 1, kPhysiological = 2, kReference = 3;

struct Colour {
  double red, green, blue;
};
// Those of the result page; as grey they are equally dark, so the lines differ by their form.
constexpr Colour kLesionColour{0.78, 0.30, 0.0}, kPhysiologicalColour{0.0, 0.36, 0.62},
    kReferenceColour{0.0, 0.40, 0.30};

void setColour(cairo_t* cairo, const Colour& c) {
  cairo_set_source_rgb(cairo, c.red, c.green, c.blue);
}

std::string trailingNumber(const std::string& name) {
  const auto last = name.find_last_not_of("0123456789");
  return last == std::string::npos ? name : name.substr(last + 1);
}

// Uptake is black on white, as PET is read on paper.
CairoSurface pictureOf(const RotatingMip& mip, const MipFrame& frame, const ColumnRange& columns) {
  CairoSurface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns.count(), mip.height));
  require(cairo_surface_status(surface.get()), "a projection");
  unsigned char* pixels = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int y = 0; y < mip.height; ++y) {
    auto* line = reinterpret_cast<std::uint32_t*>(pixels + static_cast<std::ptrdiff_t>(y) * stride);
    for (int x = 0; x < columns.count(); ++x) {
      const std::uint32_t grey =
          255U - frame.suv[static_cast<std::size_t>(y) * static_cast<std::size_t>(mip.width) +
                           static_cast<std::size_t>(columns.first + x)];
      line[x] = grey << 16 | grey << 8 | grey;
    }
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

// Maps picture pixels to the canvas while it lives.
class PixelSpace {
 public:
  PixelSpace(cairo_t* cairo, const ColumnRange& columns, double x, double y, double scale)
      : cairo_(cairo) {
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, scale, scale);
    cairo_translate(cairo, -columns.first, 0);
  }
  ~PixelSpace() { cairo_restore(cairo_); }
  PixelSpace(const PixelSpace&) = delete;
  PixelSpace& operator=(const PixelSpace&) = delete;

 private:
  cairo_t* cairo_;
};

void addPath(cairo_t* cairo, const std::vector<Loop>& loops) {
  for (const Loop& loop : loops) {
    cairo_new_sub_path(cairo);
    for (const auto& [x, y] : loop) cairo_line_to(cairo, x, y);
    cairo_close_path(cairo);
  }
}

void setDash(cairo_t* cairo, LineKind kind, double width) {
  const double dashed[] = {3.2 * width, 2.2 * width}, dotted[] = {0.01, 1.9 * width};
  if (kind == LineKind::Physiological) cairo_set_dash(cairo, dashed, 2, 0);
  if (kind == LineKind::Reference) cairo_set_dash(cairo, dotted, 2, 0);
  cairo_set_line_cap(cairo,
                     kind == LineKind::Reference ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
}

const Colour& colourOf(LineKind kind) {
  return kind == LineKind::Lesion          ? kLesionColour
         : kind == LineKind::Physiological ? kPhysiologicalColour
                                           : kReferenceColour;
}

// White below, so that the line is seen on black uptake. Strokes the current path.
void strokeTwice(cairo_t* cairo, LineKind kind, double width) {
  cairo_save(cairo);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_set_line_width(cairo, 2.6 * width);
  cairo_stroke_preserve(cairo);
  setColour(cairo, colourOf(kind));
  cairo_set_line_width(cairo, kind == LineKind::Reference ? 1.3 * width : width);
  setDash(cairo, kind, width);
  cairo_stroke(cairo);
  cairo_restore(cairo);
}

// Slanted lines over the box, through the present clip.
void hatch(cairo_t* cairo, const Box& box, double lineWidth) {
  const double step = 6.5 * lineWidth;
  for (const bool white : {true, false}) {
    if (white)
      cairo_set_source_rgb(cairo, 1, 1, 1);
    else
      setColour(cairo, kPhysiologicalColour);
    cairo_set_line_width(cairo, (white ? 1.2 : 0.5) * lineWidth);
    for (double start = box.x - box.height; start < box.right(); start += step) {
      cairo_move_to(cairo, start, box.bottom());
      cairo_line_to(cairo, start + box.height, box.y);
    }
    cairo_stroke(cairo);
  }
}

std::vector<std::uint8_t> maskOf(const MipFrame& frame, std::uint8_t role) {
  std::vector<std::uint8_t> mask(frame.role.size());
  std::transform(frame.role.begin(), frame.role.end(), mask.begin(),
                 [role](std::uint8_t r) { return static_cast<std::uint8_t>(r == role); });
  return mask;
}

void drawRole(const Canvas& canvas, const RotatingMip& mip, const MipFrame& frame,
              std::uint8_t role, LineKind kind, double lineWidthPixels) {
  const auto loops = outlinesOf(maskOf(frame, role), mip.width, mip.height);
  if (loops.empty()) return;
  cairo_t* cairo = canvas.cairo();
  if (kind == LineKind::Physiological) {
    cairo_save(cairo);
    addPath(cairo, loops);
    cairo_clip(cairo);
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    cairo_clip_extents(cairo, &x1, &y1, &x2, &y2);
    hatch(cairo, {x1, y1, x2 - x1, y2 - y1}, lineWidthPixels);
    cairo_restore(cairo);
  }
  addPath(cairo, loops);
  strokeTwice(cairo, kind, lineWidthPixels);
}

// Places the lesions' numbers beside them, clear of each other and, where there is room, of other
// lesions.
class Numbers {
 public:
  Numbers(const Canvas& canvas, const RotatingMip& mip, const MipFrame& frame,
          const ColumnRange& columns, double x, double y, double scale)
      : canvas_(canvas), mip_(mip), frame_(frame), columns_(columns), scale_(scale) {
    area_ = {x, y, columns.count() * scale, mip.height * scale};
  }

  void draw(const std::vector<LesionTag>& tags, const MipStyle& style) {
    std::vector<LesionTag> largest = tags;
    std::stable_sort(largest.begin(), largest.end(),
                     [](const auto& a, const auto& b) { return a.volumeMl > b.volumeMl; });
    if (largest.size() > style.mostNumbers) largest.resize(style.mostNumbers);
    for (const LesionTag& tag : largest) boxes_.push_back(boxOf(*tag.region));
    for (std::size_t n = 0; n < largest.size(); ++n) place(largest[n].tag, boxes_[n], style);
  }

 private:
  Box onCanvas(double left, double top, double right, double bottom) const {
    return {area_.x + (left - columns_.first) * scale_, area_.y + top * scale_,
            (right - left) * scale_, (bottom - top) * scale_};
  }

  // Of what is seen of the lesion, else where it would be.
  Box boxOf(const Region& region) const {
    int left = mip_.width, right = -1, top = mip_.height, bottom = -1;
    for (int row = 0; row < mip_.height; ++row)
      for (int column = 0; column < mip_.width; ++column) {
        if (frame_.label[static_cast<std::size_t>(row) * static_cast<std::size_t>(mip_.width) +
                         static_cast<std::size_t>(column)] != region.label)
          continue;
        left = std::min(left, column), right = std::max(right, column);
        top = std::min(top, row), bottom = std::max(bottom, row);
      }
    if (right >= 0) return onCanvas(left, top, right + 1, bottom + 1);
    const auto [x, y] = projected(mip_, frame_.angleDegrees, region.centroidMm);
    return onCanvas(x - 0.5, y - 0.5, x + 0.5, y + 0.5);
  }

  bool isFree(const Box& box, bool ofLesions) const {
    if (box.x < area_.x || box.y < area_.y || box.right() > area_.right() ||
        box.bottom() > area_.bottom())
      return false;
    const auto meets = [&](const Box& other) { return box.meets(other); };
    return std::none_of(placed_.begin(), placed_.end(), meets) &&
           !(ofLesions && std::any_of(boxes_.begin(), boxes_.end(), meets));
  }

  void place(const std::string& tag, const Box& lesion, const MipStyle& style) {
    const TextStyle text{.size = style.textSize, .bold = true, .align = Align::Centre};
    const double width = canvas_.lineWidth(tag, text) + 0.35 * style.textSize;
    const double height = 1.05 * style.textSize;
    const double middleX = lesion.x + lesion.width / 2, middleY = lesion.y + lesion.height / 2;
    Box best{middleX - width / 2, middleY - height / 2, width, height};
    bool found = false;
    for (const bool ofLesions : {true, false})
      for (double gap = 1.5; gap < 30 && !found; gap += 4)
        for (const Box& box : {Box{lesion.right() + gap, middleY - height / 2, width, height},
                               Box{lesion.x - gap - width, middleY - height / 2, width, height},
                               Box{middleX - width / 2, lesion.y - gap - height, width, height},
                               Box{middleX - width / 2, lesion.bottom() + gap, width, height},
                               Box{lesion.right() + gap, lesion.y - gap - height, width, height},
                               Box{lesion.x - gap - width, lesion.bottom() + gap, width, height}})
          if (!found && isFree(box, ofLesions)) {
            best = box;
            found = true;
          }
    leader(best, lesion, style);
    cairo_set_source_rgba(canvas_.cairo(), 1, 1, 1, 0.85);
    cairo_rectangle(canvas_.cairo(), best.x, best.y, best.width, best.height);
    cairo_fill(canvas_.cairo());
    canvas_.text(best.x, best.y - 0.1 * style.textSize, best.width, tag, text);
    placed_.push_back(best);
  }

  void leader(const Box& number, const Box& lesion, const MipStyle& style) const {
    const double x = std::clamp(number.x + number.width / 2, lesion.x, lesion.right());
    const double y = std::clamp(number.y + number.height / 2, lesion.y, lesion.bottom());
    const double fromX = std::clamp(x, number.x, number.right());
    const double fromY = std::clamp(y, number.y, number.bottom());
    if (std::hypot(x - fromX, y - fromY) < 3) return;
    canvas_.line(fromX, fromY, x, y, 1, 2.2 * style.lineWidth);
    canvas_.line(fromX, fromY, x, y, 0.1, 0.6 * style.lineWidth);
  }

  const Canvas& canvas_;
  const RotatingMip& mip_;
  const MipFrame& frame_;
  ColumnRange columns_;
  double scale_;
  Box area_;
  std::vector<Box> boxes_, placed_;
};

}  // namespace

std::vector<LesionTag> lesionTags(const std::vector<Region>& regions) {
  std::vector<LesionTag> tags;
  std::set<std::string> numbers;
  bool numbered = true;
  for (const Region& region : regions) {
    if (region.role != RegionRole::Lesion) continue;
    const std::string number = trailingNumber(region.name);
    numbered = numbered && !number.empty() && number.size() < 4 && numbers.insert(number).second;
    double volumeMl = 0;
    for (const Measurement& m : region.measurements)
      if (m.quantity == Quantity::MetabolicVolume && m.value) volumeMl = *m.value;
    tags.push_back({&region, number, volumeMl});
  }
  if (!numbered)
    for (std::size_t n = 0; n < tags.size(); ++n) tags[n].tag = std::to_string(n + 1);
  return tags;
}

ColumnRange occupiedColumns(const RotatingMip& mip, const MipFrame& frame) {
  constexpr std::uint8_t kSeen = 5;
  constexpr int kMargin = 4;
  int first = mip.width, last = -1;
  for (int y = 0; y < mip.height; ++y)
    for (int x = 0; x < mip.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(mip.width) +
                             static_cast<std::size_t>(x);
      if (frame.suv[at] < kSeen && frame.role[at] == 0) continue;
      first = std::min(first, x), last = std::max(last, x);
    }
  if (last < first) return {0, mip.width};
  return {std::max(0, first - kMargin), std::min(mip.width, last + 1 + kMargin)};
}

void drawMip(const Canvas& canvas, const RotatingMip& mip, const MipFrame& frame,
             const ColumnRange& columns, double x, double y, double scale,
             const std::vector<LesionTag>& tags, const MipStyle& style) {
  cairo_t* cairo = canvas.cairo();
  const CairoSurface picture = pictureOf(mip, frame, columns);
  cairo_save(cairo);
  cairo_rectangle(cairo, x, y, columns.count() * scale, mip.height * scale);
  cairo_clip(cairo);
  {
    const PixelSpace pixels(cairo, columns, x, y, scale);
    cairo_set_source_surface(cairo, picture.get(), columns.first, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_BILINEAR);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_paint(cairo);
    const double line = style.lineWidth / scale;
    drawRole(canvas, mip, frame, kReference, LineKind::Reference, line);
    drawRole(canvas, mip, frame, kPhysiological, LineKind::Physiological, line);
    drawRole(canvas, mip, frame, kLesion, LineKind::Lesion, line);
  }
  Numbers(canvas, mip, frame, columns, x, y, scale).draw(tags, style);
  cairo_restore(cairo);
}

void drawSwatch(const Canvas& canvas, const Box& box, LineKind kind, const MipStyle& style) {
  cairo_t* cairo = canvas.cairo();
  canvas.fill(box, kind == LineKind::Reference ? 0.85 : 0.35);
  if (kind == LineKind::Physiological) {
    cairo_save(cairo);
    cairo_rectangle(cairo, box.x, box.y, box.width, box.height);
    cairo_clip(cairo);
    hatch(cairo, box, style.lineWidth);
    cairo_restore(cairo);
  }
  cairo_rectangle(cairo, box.x, box.y, box.width, box.height);
  strokeTwice(cairo, kind, style.lineWidth);
}

std::string viewName(double angleDegrees) {
  const long angle = std::lround(angleDegrees) % 360;
  if (angle == 0) return "Anterior";
  if (angle == 90) return "Left lateral";
  if (angle == 180) return "Posterior";
  if (angle == 270) return "Right lateral";
  const std::string side = angle < 180 ? "Left" : "Right";
  const bool front = angle < 90 || angle > 270;
  const long off =
      angle < 180 ? (front ? angle : 180 - angle) : (front ? 360 - angle : angle - 180);
  return side + (front ? " anterior" : " posterior") + " oblique " + std::to_string(off) + "\u00b0";
}

std::array<std::string, 2> sideMarks(double angleDegrees) {
  switch (std::lround(angleDegrees) % 360) {
    case 0:
      return {"R", "L"};
    case 90:
      return {"A", "P"};
    case 180:
      return {"L", "R"};
    case 270:
      return {"P", "A"};
    default:
      return {};
  }
}

void requireFit(const RotatingMip& mip) {
  if (mip.frames.empty()) return;
  const auto pixels = static_cast<std::size_t>(std::max(mip.width, 0)) *
                      static_cast<std::size_t>(std::max(mip.height, 0));
  if (pixels == 0 || !(mip.pixelMm > 0)) throw ReportError("a projection has no size");
  for (const MipFrame& frame : mip.frames)
    if (frame.suv.size() != pixels || frame.role.size() != pixels || frame.label.size() != pixels)
      throw ReportError("a view of the projection does not have its size");
}

}  // namespace fedpet::report
