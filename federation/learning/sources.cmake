set(part_sources
  Layout.cpp Likelihood.cpp LocalSums.cpp Newton.cpp Phases.cpp Procedure.cpp Standardisation.cpp
  Table.cpp TabularModel.cpp Training.cpp)
