fedpet_test(fedpet_cohort_table_tests LABEL unit
  SOURCES CohortTableTest.cpp CsvTableTest.cpp
  LIBRARIES fedpet_training)
fedpet_test(fedpet_federate_tests LABEL network TIMEOUT 600
  SOURCES FederateTest.cpp
  LIBRARIES fedpet_training)
fedpet_test(fedpet_federate_command_tests LABEL network TIMEOUT 600
  SOURCES FederateCommandTest.cpp
  LIBRARIES nlohmann_json::nlohmann_json)
add_dependencies(fedpet_federate_command_tests fedpet)
# Called by tests/bench/run.sh.
add_executable(fedpet-federation-bench ${PROJECT_SOURCE_DIR}/tests/bench/federation.cpp)
set_target_properties(fedpet-federation-bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
target_link_libraries(fedpet-federation-bench PRIVATE fedpet_training nlohmann_json::nlohmann_json
                                                      fedpet_warnings)
fedpet_test(fedpet_procedures_over_https_tests LABEL network TIMEOUT 300
  SOURCES ProceduresOverHttpsTest.cpp
  LIBRARIES fedpet_training nlohmann_json::nlohmann_json)
