set(part_sources Plan.cpp)
