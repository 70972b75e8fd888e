# Every third-party package, as Debian 12 ships it. Each target below is linked by one room only
# (docs/architecture.md has the table).
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers only: Beast, Asio, Uuid, Process
find_package(DCMTK REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(OpenJpeg REQUIRED IMPORTED_TARGET libopenjp2)
pkg_check_modules(PangoCairo REQUIRED IMPORTED_TARGET pangocairo cairo-pdf)
find_package(ITK 5.2 REQUIRED COMPONENTS ITKCommon ITKConnectedComponents ITKDistanceMap
             ITKImageFeature ITKImageGrid ITKLabelMap ITKMathematicalMorphology ITKSmoothing
             ITKThresholding ITKImageStatistics ITKBinaryMathematicalMorphology
             ITKImageFunction ITKIOImageBase ITKIONIFTI ITKIONRRD)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Torch REQUIRED)  # last: it overrides compiler flags that others test

# Debian ships SOCI without CMake targets.
add_library(fedpet_soci INTERFACE)
target_link_libraries(fedpet_soci INTERFACE soci_core soci_sqlite3 soci_postgresql sqlite3 dl)
