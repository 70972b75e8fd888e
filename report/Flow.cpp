#include "report/Flow.h"

#include <algorithm>
#include <utility>

namespace fedpet::report {
namespace {

constexpr double kFooterHeight = 30, kColumnGap = 8, kRowPadding = 2;
constexpr int kMostLines = 36;  // of a cell: less than half a page

double points(int pangoUnits) { return static_cast<double>(pangoUnits) / PANGO_SCALE; }

}  // namespace

Flow::Flow(cairo_surface_t* surface, PageIdentity identity, int pages)
    : canvas_(surface), identity_(std::move(identity)), pages_(pages) {
  begin();
}

double Flow::room() const { return kPageHeight - kMargin - kFooterHeight + 12 - y_; }

void Flow::need(double height) {
  if (height > room() && y_ > top_) newPage();
}

void Flow::newPage() {
  end();
  ++page_;
  begin();
}

int Flow::finish() {
  end();
  return page_;
}

void Flow::begin() {
  y_ = kMargin - 12;
  if (page_ > 1) {
    const double titleWidth = canvas_.lineWidth(identity_.title, {.size = 8, .bold = true}) + 10;
    canvas_.text(left(), y_, titleWidth, identity_.title, {.size = 8, .bold = true});
    y_ += canvas_.text(left() + titleWidth, y_, width() - titleWidth, identity_.subject,
                       {.size = 8, .grey = 0.25, .align = Align::Right}, 1) +
          3;
    canvas_.line(left(), y_, left() + width(), y_, 0.4, 0.6);
    y_ += 10;
  }
  top_ = y_;
}

void Flow::end() {
  const double y = kPageHeight - kMargin - kFooterHeight + 16;
  canvas_.line(left(), y, left() + width(), y, 0.4, 0.6);
  const std::string number =
      "Page " + std::to_string(page_) + (pages_ > 0 ? " of " + std::to_string(pages_) : "");
  canvas_.text(left(), y + 4, width() - 80, identity_.statement, {.size = 7.5, .bold = true}, 1);
  canvas_.text(left() + width() - 80, y + 4, 80, number, {.size = 7.5, .align = Align::Right});
  canvas_.text(left(), y + 15, width(), identity_.origin, {.size = 6.2, .grey = 0.3}, 2);
  cairo_show_page(canvas_.cairo());
}

void Flow::heading(std::string_view text, double following) {
  const TextStyle style{.size = 11, .bold = true};
  need(Canvas::lineHeight(style) + 12 + following);
  if (y_ > top_) y_ += 7;
  y_ += canvas_.text(left(), y_, width(), text, style) + 1.5;
  canvas_.line(left(), y_, left() + width(), y_, 0, 0.8);
  y_ += 5;
}

// Line by line, so that a paragraph may go over a page's end.
void Flow::paragraph(std::string_view text, const TextStyle& style, double indent) {
  const auto layout = canvas_.layout(width() - indent, text, style);
  const int count = pango_layout_get_line_count(layout.get());
  for (int n = 0; n < count; ++n) {
    PangoLayoutLine* line = pango_layout_get_line_readonly(layout.get(), n);
    PangoRectangle extent;
    pango_layout_line_get_extents(line, nullptr, &extent);
    need(points(extent.height));
    canvas_.show(line, left() + indent, y_ + points(PANGO_ASCENT(extent)), style);
    y_ += points(extent.height);
  }
  y_ += 2;
}

void Flow::bullet(std::string_view text, const TextStyle& style) {
  need(Canvas::lineHeight(style));
  canvas_.text(left(), y_, 10, "\u2022", style);
  paragraph(text, style, 9);
}

void Flow::fact(std::string_view label, std::string_view text) {
  constexpr double kLabelWidth = 118;
  const TextStyle name{.size = 8, .grey = 0.3}, value{.size = 8};
  need(canvas_.textHeight(kLabelWidth - 8, label, name));
  const double used = canvas_.textHeight(kLabelWidth - 8, label, name);
  const double before = y_;
  const int page = page_;
  canvas_.text(left(), y_, kLabelWidth - 8, label, name);
  paragraph(text, value, kLabelWidth);
  if (page == page_) y_ = std::max(y_, before + used + 2);
}

Table::Table(Flow& flow, std::vector<Column> columns, double textSize)
    : flow_(flow), columns_(std::move(columns)), textSize_(textSize) {
  double sum = 0;
  for (const Column& column : columns_) sum += column.width;
  const double usable =
      flow_.width() - kColumnGap * (static_cast<double>(columns_.size()) - 1) - 2 * kRowPadding;
  for (Column& column : columns_) column.width *= usable / sum;
  flow_.need(4 * Canvas::lineHeight({.size = textSize_}));
  head();
}

Box Table::cellBox(std::size_t column, double height) const {
  double x = flow_.left() + kRowPadding;
  for (std::size_t c = 0; c < column; ++c) x += columns_[c].width + kColumnGap;
  return {x, flow_.y() + kRowPadding, columns_[column].width, height};
}

void Table::head() {
  const auto style = [&](std::size_t c) {
    return TextStyle{.size = textSize_ - 0.5, .bold = true, .align = columns_[c].align};
  };
  double height = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c)
    height =
        std::max(height, flow_.canvas().textHeight(columns_[c].width, columns_[c].title, style(c)));
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const double own = flow_.canvas().textHeight(columns_[c].width, columns_[c].title, style(c));
    flow_.canvas().text(cellBox(c, 0).x, flow_.y() + height - own, columns_[c].width,
                        columns_[c].title, style(c));
  }
  flow_.advance(height + 1.5);
  flow_.canvas().line(flow_.left(), flow_.y(), flow_.left() + flow_.width(), flow_.y(), 0.2, 0.6);
  flow_.advance(1);
  shaded_ = false;
}

void Table::row(const std::vector<Cell>& cells) {
  const auto style = [&](std::size_t c) {
    return TextStyle{.size = textSize_, .bold = cells[c].bold, .align = columns_[c].align};
  };
  double height = Canvas::lineHeight({.size = textSize_});
  for (std::size_t c = 0; c < cells.size(); ++c)
    if (!cells[c].draw)
      height = std::max(height, flow_.canvas().textHeight(columns_[c].width, cells[c].text,
                                                          style(c), kMostLines));
  if (height + 2 * kRowPadding > flow_.room()) {
    flow_.newPage();
    head();
  }
  if (shaded_)
    flow_.canvas().fill({flow_.left(), flow_.y(), flow_.width(), height + 2 * kRowPadding}, 0.945);
  shaded_ = !shaded_;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const Box box = cellBox(c, height);
    if (cells[c].draw)
      cells[c].draw(flow_.canvas(), box);
    else
      flow_.canvas().text(box.x, box.y, box.width, cells[c].text, style(c), kMostLines);
  }
  flow_.advance(height + 2 * kRowPadding);
}

}  // namespace fedpet::report
