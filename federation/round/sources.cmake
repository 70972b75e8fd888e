set(part_sources RoundState.cpp)
