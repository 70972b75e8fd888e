set(part_sources FixedPoint.cpp KeyStream.cpp SecureSum.cpp Shamir.cpp)
