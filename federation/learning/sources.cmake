set(part_sources
  CohortTrainer.cpp Combat.cpp Evaluation.cpp Layout.cpp Likelihood.cpp LocalSums.cpp Newton.cpp
  Phases.cpp Procedure.cpp SecretRandom.cpp Standardisation.cpp Statistics.cpp Table.cpp
  TabularModel.cpp Training.cpp)
