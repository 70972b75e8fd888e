set(part_sources RdpAccountant.cpp)
