fedpet_test(fedpet_cohort_table_tests LABEL unit
  SOURCES CohortTableTest.cpp CsvTableTest.cpp
  LIBRARIES fedpet_training)
