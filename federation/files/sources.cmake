set(part_sources DurableFiles.cpp)
