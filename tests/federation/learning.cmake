fedpet_test(federation_privacy_test LABEL unit
  SOURCES RdpAccountantTest.cpp
  LIBRARIES fedpet_federation)
fedpet_test(federation_learning_test LABEL unit
  SOURCES EvaluationTest.cpp NewtonTest.cpp ProcedureTrainTest.cpp StatisticsTest.cpp
  LIBRARIES fedpet_federation fedpet_response nlohmann_json::nlohmann_json)
