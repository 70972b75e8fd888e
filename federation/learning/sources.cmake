set(part_sources Table.cpp)
