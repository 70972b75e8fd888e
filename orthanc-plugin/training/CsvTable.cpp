#include "orthanc-plugin/training/CsvTable.h"

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>

namespace fedpet::plugin {
namespace {

constexpr std::size_t kMaxProblems = 12;  // a person reads no more; the rest is counted

std::string joined(const std::vector<std::string>& problems) {
  return fmt::format("{}", fmt::join(problems, "\n"));
}

// libcsv's parser with C++ ends: cells are gathered, and the line where a row begins is kept.
class Parser {
 public:
  explicit Parser(char separator) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0)
      throw std::runtime_error("the CSV parser could not be made");
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // One line of the file with its end.
  void feed(std::string_view text, std::size_t line) {
    if (!inRow_) {
      if (text.find_first_not_of("\r\n \t") == std::string_view::npos) return;
      rowLine_ = line;
      inRow_ = true;
    }
    const std::size_t taken =
        csv_parse(&parser_, text.data(), text.size(), &Parser::onCell, &Parser::onRow, this);
    if (taken != text.size() || csv_error(&parser_) != CSV_SUCCESS) fail(line);
  }
  std::vector<CsvTable::Row> finish() {
    if (csv_fini(&parser_, &Parser::onCell, &Parser::onRow, this) != 0)
      throw TableError({fmt::format(
          "line {}: a quotation mark that opens in this row is never closed. Close it, or double "
          "it (\"\") where it is part of the text.",
          rowLine_)});
    return std::move(rows_);
  }

 private:
  static void onCell(void* text, std::size_t size, void* self) {
    static_cast<Parser*>(self)->cells_.emplace_back(static_cast<const char*>(text), size);
  }
  static void onRow(int, void* selfPointer) {
    auto* self = static_cast<Parser*>(selfPointer);
    self->rows_.push_back({self->rowLine_, std::move(self->cells_)});
    self->cells_.clear();
    self->inRow_ = false;
  }
  [[noreturn]] void fail(std::size_t line) const {
    if (csv_error(&parser_) != CSV_EPARSE) throw std::bad_alloc();
    throw TableError({fmt::format(
        "line {}: a quotation mark stands in the middle of a cell. A cell with one is written in "
        "quotation marks, and the mark itself twice: \"5\"\" long\".",
        line)});
  }

  // csv_error() takes no const pointer.
  mutable csv_parser parser_{};
  std::vector<std::string> cells_;
  std::vector<CsvTable::Row> rows_;
  std::size_t rowLine_ = 0;
  bool inRow_ = false;
};

// The first of the file's lines, with its end: LF, CRLF or CR.
std::string_view takeLine(std::string_view& text) {
  std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos)
    end = text.size();
  else
    end += text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? 2 : 1;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end);
  return line;
}

// The one that stands most often in the header, outside of quotation marks.
char separatorOf(std::string_view header) {
  constexpr std::string_view kSeparators = ",;\t|";
  std::array<std::size_t, kSeparators.size()> counts{};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    if (const auto at = kSeparators.find(c); !quoted && at != std::string_view::npos) ++counts[at];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return kSeparators[static_cast<std::size_t>(most - counts.begin())];
}

bool isUtf8(std::string_view text) {
  try {
    const std::string quoted = nlohmann::json(text).dump();  // strict about UTF-8
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

void requireText(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    throw TableError({"The file is UTF-16. Save it as \"CSV UTF-8\"."});
  if (text.starts_with("PK\x03\x04"))
    throw TableError(
        {"The file is a workbook (xlsx or ods), not CSV. Save its sheet as \"CSV "
         "UTF-8\"."});
  if (text.find('\0') != std::string_view::npos)
    throw TableError({"The file holds zero bytes: it is not a text file."});
  if (isUtf8(text)) return;
  for (std::size_t number = 1; !text.empty(); ++number)
    if (!isUtf8(takeLine(text)))
      throw TableError({fmt::format(
          "line {}: the text is not UTF-8. Save the table as \"CSV UTF-8\" (a spreadsheet's plain "
          "\"CSV\" may be Latin-1).",
          number)});
}

bool hasText(const CsvTable::Row& row) {
  return std::any_of(row.cells.begin(), row.cells.end(), [](const auto& c) { return !c.empty(); });
}

void requireEqualWidth(const CsvTable& table) {
  std::vector<std::string> problems;
  std::size_t wrong = 0;
  for (const CsvTable::Row& row : table.rows) {
    if (row.cells.size() == table.columns.size()) continue;
    if (++wrong <= kMaxProblems)
      problems.push_back(fmt::format(
          "line {}: the row has {} cells, but the header names {} columns.{}", row.line,
          row.cells.size(), table.columns.size(),
          row.cells.size() > table.columns.size()
              ? fmt::format(
                    " Is there a {} inside a text that is not in quotation marks?",
                    table.separator == '\t' ? "tab" : std::string{'"', table.separator, '"'})
              : ""));
  }
  if (wrong > kMaxProblems)
    problems.push_back(fmt::format("... and {} more rows.", wrong - kMaxProblems));
  if (!problems.empty()) throw TableError(std::move(problems));
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Levenshtein's distance, letter case ignored.
std::size_t distance(std::string_view left, std::string_view right) {
  const std::string a = lowered(left), b = lowered(right);
  std::vector<std::size_t> costs(b.size() + 1);
  std::iota(costs.begin(), costs.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(costs[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = costs[j + 1];
      costs[j + 1] = std::min({replaced, costs[j] + 1, diagonal + 1});
    }
  }
  return costs.back();
}

}  // namespace

TableError::TableError(std::vector<std::string> all)
    : std::runtime_error(joined(all)), problems(std::move(all)) {}

std::size_t CsvTable::indexOf(std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found != columns.end()) {
    if (std::count(columns.begin(), columns.end(), column) > 1)
      throw TableError({fmt::format(
          "The header has more than one column \"{}\": rename all but the one that counts.",
          column)});
    return static_cast<std::size_t>(found - columns.begin());
  }
  std::vector<std::string> nearest = columns;
  std::erase(nearest, "");
  std::stable_sort(nearest.begin(), nearest.end(), [&](const auto& a, const auto& b) {
    return distance(a, column) < distance(b, column);
  });
  const bool all = nearest.size() <= 12;
  if (!all) nearest.resize(5);
  std::string message = fmt::format("There is no column \"{}\". {} \"{}\".", column,
                                    all ? "The columns are" : "The most similar ones are",
                                    fmt::join(nearest, "\", \""));
  if (columns.size() == 1)
    message += " Is the separator something else than a comma, semicolon, tab or bar?";
  throw TableError({message});
}

CsvTable parseCsv(std::string_view text, char separator) {
  requireText(text);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string_view rest = text, header;
  while (!rest.empty() && header.find_first_not_of("\r\n \t") == std::string_view::npos)
    header = takeLine(rest);

  CsvTable table;
  table.separator = separator != 0 ? separator : separatorOf(header);
  Parser parser(table.separator);
  for (std::size_t number = 1; !text.empty(); ++number) parser.feed(takeLine(text), number);
  table.rows = parser.finish();
  if (table.rows.empty()) throw TableError({"The file is empty."});
  table.columns = std::move(table.rows.front().cells);
  table.rows.erase(table.rows.begin());
  std::erase_if(table.rows, [](const CsvTable::Row& row) { return !hasText(row); });
  if (table.rows.empty()) throw TableError({"The table has a header but no rows."});
  requireEqualWidth(table);
  return table;
}

CsvTable readCsv(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw TableError(
        {fmt::format("{} cannot be read: does it exist, and may you read it?", path.string())});
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parseCsv(text);
}

bool isMissing(std::string_view cell) {
  static const std::set<std::string, std::less<>> kWords{"",     "na",   "n/a", "nan", "<na>",
                                                         "null", "none", ".",   "?",   "-"};
  return kWords.contains(lowered(cell));
}

}  // namespace fedpet::plugin
