// Pages that fill from the top: headings, paragraphs and tables, with the study's identity on every
// page. What does not fit goes on to the next page; nothing is drawn over the edge.
// For use inside this room; sees Cairo.
#pragma once

#include "report/Canvas.h"

#include <functional>
#include <string>
#include <vector>

namespace fedpet::report {

inline constexpr double kPageWidth = 595.28, kPageHeight = 841.89;  // A4
inline constexpr double kMargin = 40;

// Printed on every page, so that a loose sheet is never without its patient.
struct PageIdentity {
  std::string title;      // "FDG-PET assessment"
  std::string subject;    // patient and study, one line
  std::string statement;  // research use only
  std::string origin;     // UIDs, version, time; one line
};

class Flow {
 public:
  // `surface` is a PDF surface and must outlive it. `pages` of 0: not yet known.
  Flow(cairo_surface_t* surface, PageIdentity identity, int pages);

  const Canvas& canvas() const { return canvas_; }
  double left() const { return kMargin; }
  double width() const { return kPageWidth - 2 * kMargin; }
  double y() const { return y_; }
  double room() const;
  void advance(double height) { y_ += height; }
  // Goes to a new page unless `height` is left on this one.
  void need(double height);
  void newPage();
  // The number of pages.
  int finish();

  // At least `following` points of what it heads stay on the same page.
  void heading(std::string_view text, double following = 40);
  void paragraph(std::string_view text, const TextStyle& style = {}, double indent = 0);
  void bullet(std::string_view text, const TextStyle& style = {});
  // "Label: text" in two columns.
  void fact(std::string_view label, std::string_view text);

 private:
  void begin();
  void end();

  Canvas canvas_;
  PageIdentity identity_;
  int pages_, page_ = 1;
  double y_ = 0, top_ = 0;
};

struct Column {
  std::string title;
  double width = 0;  // share of the table's width
  Align align = Align::Left;
};

struct Cell {
  std::string text;
  bool bold = false;
  std::function<void(const Canvas&, const Box&)> draw;  // in place of text
  Cell(std::string t, bool b = false) : text(std::move(t)), bold(b) {}
  Cell(const char* t) : text(t) {}
  Cell(std::function<void(const Canvas&, const Box&)> d) : draw(std::move(d)) {}
};

// Its head is repeated on each page. A row stays in one piece; a cell longer than half a page is
// cut, with an ellipsis.
class Table {
 public:
  Table(Flow& flow, std::vector<Column> columns, double textSize = 8);
  void row(const std::vector<Cell>& cells);

 private:
  void head();
  Box cellBox(std::size_t column, double height) const;

  Flow& flow_;
  std::vector<Column> columns_;
  double textSize_;
  bool shaded_ = false;
};

}  // namespace fedpet::report
