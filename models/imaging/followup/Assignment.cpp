#include "models/imaging/followup/Assignment.h"

#include <algorithm>
#include <limits>

namespace fedpet::imaging {
namespace {

// Square and 1-based, as the algorithm is usually written: column 0 and row 0 stand for "none".
std::vector<std::size_t> rowOfColumn(const std::vector<std::vector<double>>& cost, std::size_t n) {
  std::vector<double> rowPrice(n + 1, 0), columnPrice(n + 1, 0);
  std::vector<std::size_t> row(n + 1, 0), before(n + 1, 0);
  for (std::size_t r = 1; r <= n; ++r) {
    std::vector<double> least(n + 1, std::numeric_limits<double>::infinity());
    std::vector<bool> seen(n + 1, false);
    std::size_t column = 0;
    row[0] = r;
    do {
      seen[column] = true;
      double step = std::numeric_limits<double>::infinity();
      std::size_t next = 0;
      for (std::size_t c = 1; c <= n; ++c) {
        if (seen[c]) continue;
        const double reduced =
            cost[row[column] - 1][c - 1] - rowPrice[row[column]] - columnPrice[c];
        if (reduced < least[c]) {
          least[c] = reduced;
          before[c] = column;
        }
        if (least[c] < step) {
          step = least[c];
          next = c;
        }
      }
      for (std::size_t c = 0; c <= n; ++c) {
        if (seen[c]) {
          rowPrice[row[c]] += step;
          columnPrice[c] -= step;
        } else {
          least[c] -= step;
        }
      }
      column = next;
    } while (row[column] != 0);
    for (; column != 0; column = before[column]) row[column] = row[before[column]];
  }
  return row;
}

}  // namespace

std::vector<std::optional<std::size_t>> cheapestPairs(const std::vector<std::vector<double>>& costs,
                                                      std::size_t columns, double aloneCost) {
  const std::size_t rows = costs.size(), n = std::max(rows, columns);
  std::vector<std::optional<std::size_t>> pairs(rows);
  if (rows == 0 || columns == 0) return pairs;
  std::vector<std::vector<double>> square(n, std::vector<double>(n, aloneCost));
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) square[r][c] = std::min(costs[r][c], aloneCost);
  const auto row = rowOfColumn(square, n);
  for (std::size_t c = 0; c < columns; ++c)
    if (row[c + 1] <= rows && costs[row[c + 1] - 1][c] < aloneCost) pairs[row[c + 1] - 1] = c;
  return pairs;
}

}  // namespace fedpet::imaging
