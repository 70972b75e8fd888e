// Text, lines and shades on a Cairo surface; text by Pango, so that any script is shaped and
// wrapped. For use inside this room; sees Cairo and Pango. Lengths are points (1/72 inch).
#pragma once

#include <cairo.h>
#include <pango/pangocairo.h>

#include <memory>
#include <string>
#include <string_view>

namespace fedpet::report {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
  bool meets(const Box& other) const {
    return x < other.right() && other.x < right() && y < other.bottom() && other.y < bottom();
  }
};

enum class Align { Left, Centre, Right };

struct TextStyle {
  double size = 8.5;
  bool bold = false, italic = false;
  double grey = 0;  // 0 black, 1 white
  Align align = Align::Left;
};

struct CairoDeleter {
  void operator()(cairo_t* c) const { cairo_destroy(c); }
  void operator()(cairo_surface_t* s) const { cairo_surface_destroy(s); }
  void operator()(cairo_pattern_t* p) const { cairo_pattern_destroy(p); }
};
using CairoSurface = std::unique_ptr<cairo_surface_t, CairoDeleter>;
using CairoContext = std::unique_ptr<cairo_t, CairoDeleter>;

struct ObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPointer = std::unique_ptr<T, ObjectDeleter>;

class Canvas {
 public:
  // `surface` must outlive it. Throws ReportError where no font is installed.
  explicit Canvas(cairo_surface_t* surface);

  cairo_t* cairo() const { return cairo_.get(); }

  // Wrapped to `width`, also inside words that do not fit; returns the height. At most `maxLines`
  // lines (0: all), the last with an ellipsis where text is left over.
  double text(double x, double y, double width, std::string_view text, const TextStyle&,
              int maxLines = 0) const;
  double textHeight(double width, std::string_view text, const TextStyle&, int maxLines = 0) const;
  double lineWidth(std::string_view text, const TextStyle&) const;  // not wrapped
  static double lineHeight(const TextStyle& style) { return style.size * 1.25; }

  GObjectPointer<PangoLayout> layout(double width, std::string_view text, const TextStyle&,
                                     int maxLines = 0) const;
  void show(PangoLayoutLine* line, double x, double baseline, const TextStyle&) const;

  void fill(const Box&, double grey) const;
  void frame(const Box&, double grey, double lineWidth) const;
  void line(double x1, double y1, double x2, double y2, double grey, double lineWidth) const;
  void setGrey(double grey) const { cairo_set_source_rgb(cairo_.get(), grey, grey, grey); }

 private:
  void requireLetters() const;

  CairoContext cairo_;
  GObjectPointer<PangoFontMap> fonts_;
  GObjectPointer<PangoContext> context_;
};

// Throws ReportError with `what` when Cairo is in an error state.
void require(cairo_status_t, const char* what);

}  // namespace fedpet::report
