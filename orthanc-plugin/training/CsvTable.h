// A table that a person exported: CSV by RFC 4180 (quotes, CRLF, cells over several lines), UTF-8
// with or without a byte-order mark; the separator (comma, semicolon, tab, bar) is found out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::plugin {

// The table cannot be used. Every problem is a sentence that names column and line and says what
// to do; what() is all of them, one per line.
struct TableError : std::runtime_error {
  explicit TableError(std::vector<std::string> all);
  std::vector<std::string> problems;
};

struct CsvTable {
  struct Row {
    std::size_t line = 0;            // of the file, from 1, where the row begins
    std::vector<std::string> cells;  // one per column
  };
  std::vector<std::string> columns;
  std::vector<Row> rows;  // rows without any text are left out
  char separator = ',';

  // The column of that name. Throws TableError that names the nearest ones.
  std::size_t indexOf(std::string_view column) const;
};

// Throws TableError. separator 0: to be found out.
CsvTable parseCsv(std::string_view text, char separator = 0);
CsvTable readCsv(const std::filesystem::path&);

// Empty, or one of the ways to write that a value is missing: NA, N/A, NaN, null, none, ".", "?",
// "-", in any letter case.
bool isMissing(std::string_view cell);

}  // namespace fedpet::plugin
