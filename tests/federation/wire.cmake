fedpet_test(federation_wire_tests LABEL unit
  SOURCES AuditLogTest.cpp CborTest.cpp MessagesTest.cpp PlanTest.cpp SignedDocumentTest.cpp
  LIBRARIES fedpet_federation nlohmann_json::nlohmann_json)
