fedpet_test(SitePartsTest LABEL unit SOURCES SitePartsTest.cpp
            LIBRARIES fedpet_federation nlohmann_json::nlohmann_json)
fedpet_test(SiteTransferTest LABEL network SOURCES SiteTransferTest.cpp
            LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
fedpet_test(SiteRoundTest LABEL network TIMEOUT 600 SOURCES SiteRoundTest.cpp
            LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
fedpet_test(SiteMembershipTest LABEL network SOURCES SiteMembershipTest.cpp
            LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
fedpet_test(SiteHostileTest LABEL network SOURCES SiteHostileTest.cpp
            LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
fedpet_test(SiteCommandTest LABEL network TIMEOUT 600 SOURCES SiteCommandTest.cpp
            LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
add_dependencies(SiteCommandTest fedpet)
