// Who belongs to whom at the least total cost: the assignment problem (Kuhn 1955; the shortest
// augmenting paths of Jonker and Volgenant 1987).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace fedpet::imaging {

// costs[row][column], each finite. A row and a column that are left alone cost `aloneCost`
// together, so that a dearer pair is never made. Gives for each row its column.
// Cubic in the larger side.
std::vector<std::optional<std::size_t>> cheapestPairs(const std::vector<std::vector<double>>& costs,
                                                      std::size_t columns, double aloneCost);

}  // namespace fedpet::imaging
