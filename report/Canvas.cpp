#include "report/Canvas.h"

#include "report/ReportError.h"
#include "report/Words.h"

namespace fedpet::report {
namespace {

PangoAlignment pangoAlign(Align align) {
  return align == Align::Left     ? PANGO_ALIGN_LEFT
         : align == Align::Centre ? PANGO_ALIGN_CENTER
                                  : PANGO_ALIGN_RIGHT;
}

int units(double points) { return static_cast<int>(points * PANGO_SCALE); }
double points(int pangoUnits) { return static_cast<double>(pangoUnits) / PANGO_SCALE; }

}  // namespace

void require(cairo_status_t status, const char* what) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw ReportError(std::string("cannot draw ") + what + ": " + cairo_status_to_string(status));
}

// A font map of its own: Pango's default one is shared by what else a process draws.
Canvas::Canvas(cairo_surface_t* surface)
    : cairo_(cairo_create(surface)), fonts_(pango_cairo_font_map_new()) {
  require(cairo_status(cairo_.get()), "on the page");
  context_.reset(pango_font_map_create_context(fonts_.get()));
  pango_cairo_update_context(cairo_.get(), context_.get());
  requireLetters();
  // Paper has no pixels to align letters with; the same text is as wide everywhere.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options(context_.get(), options);
  cairo_font_options_destroy(options);
}

// Without any font Pango would draw a page of empty boxes.
void Canvas::requireLetters() const {
  PangoFontDescription* any = pango_font_description_from_string("sans-serif 10");
  const GObjectPointer<PangoFont> font(pango_context_load_font(context_.get(), any));
  pango_font_description_free(any);
  if (!font || !pango_font_has_char(font.get(), 'A'))
    throw ReportError("no font is installed; install the package fonts-liberation");
}

GObjectPointer<PangoLayout> Canvas::layout(double width, std::string_view text,
                                           const TextStyle& style, int maxLines) const {
  GObjectPointer<PangoLayout> layout(pango_layout_new(context_.get()));
  PangoFontDescription* font = pango_font_description_from_string("Liberation Sans, sans-serif");
  pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
  pango_font_description_set_weight(font, style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_style(font, style.italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
  pango_layout_set_font_description(layout.get(), font);
  pango_font_description_free(font);
  const std::string line = cleaned(text);
  pango_layout_set_text(layout.get(), line.data(), static_cast<int>(line.size()));
  pango_layout_set_width(layout.get(), width < 0 ? -1 : units(width));
  pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment(layout.get(), pangoAlign(style.align));
  // A name written from right to left stays in its column.
  pango_layout_set_auto_dir(layout.get(), FALSE);
  if (maxLines > 0) {
    pango_layout_set_height(layout.get(), -maxLines);
    pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  }
  return layout;
}

double Canvas::text(double x, double y, double width, std::string_view text, const TextStyle& style,
                    int maxLines) const {
  const auto laid = layout(width, text, style, maxLines);
  setGrey(style.grey);
  cairo_move_to(cairo_.get(), x, y);
  pango_cairo_show_layout(cairo_.get(), laid.get());
  int height = 0;
  pango_layout_get_size(laid.get(), nullptr, &height);
  return points(height);
}

double Canvas::textHeight(double width, std::string_view text, const TextStyle& style,
                          int maxLines) const {
  int height = 0;
  pango_layout_get_size(layout(width, text, style, maxLines).get(), nullptr, &height);
  return points(height);
}

double Canvas::lineWidth(std::string_view text, const TextStyle& style) const {
  int width = 0;
  pango_layout_get_size(layout(-1, text, style).get(), &width, nullptr);
  return points(width);
}

void Canvas::show(PangoLayoutLine* line, double x, double baseline, const TextStyle& style) const {
  setGrey(style.grey);
  cairo_move_to(cairo_.get(), x, baseline);
  pango_cairo_show_layout_line(cairo_.get(), line);
}

void Canvas::fill(const Box& box, double grey) const {
  setGrey(grey);
  cairo_rectangle(cairo_.get(), box.x, box.y, box.width, box.height);
  cairo_fill(cairo_.get());
}

void Canvas::frame(const Box& box, double grey, double lineWidth) const {
  setGrey(grey);
  cairo_set_line_width(cairo_.get(), lineWidth);
  cairo_rectangle(cairo_.get(), box.x, box.y, box.width, box.height);
  cairo_stroke(cairo_.get());
}

void Canvas::line(double x1, double y1, double x2, double y2, double grey, double lineWidth) const {
  setGrey(grey);
  cairo_set_line_width(cairo_.get(), lineWidth);
  cairo_move_to(cairo_.get(), x1, y1);
  cairo_line_to(cairo_.get(), x2, y2);
  cairo_stroke(cairo_.get());
}

}  // namespace fedpet::report
