fedpet_test(RoundStateTest LABEL unit SOURCES RoundStateTest.cpp LIBRARIES fedpet_federation)
fedpet_test(CoordinatorTest LABEL unit
            SOURCES CoordinatorAccessTest.cpp CoordinatorPostgresTest.cpp CoordinatorRoundTest.cpp
            LIBRARIES fedpet_federation nlohmann_json::nlohmann_json)
fedpet_test(CoordinatorProgramTest LABEL network SOURCES CoordinatorProgramTest.cpp
            LIBRARIES fedpet_federation nlohmann_json::nlohmann_json)
add_dependencies(CoordinatorProgramTest fedpet-coordinator)
