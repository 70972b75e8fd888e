set(part_sources Bytes.cpp)
