# A program for one process of a consortium, and the test that starts, kills and disturbs several.
add_executable(fedpet_fault_peer ${CMAKE_CURRENT_LIST_DIR}/FaultPeer.cpp)
target_link_libraries(fedpet_fault_peer PRIVATE fedpet_federation fedpet_warnings)
fedpet_test(fedpet_federation_fault_test LABEL network TIMEOUT 300
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/FaultTest.cpp
  LIBRARIES fedpet_federation fedpet_test_loopback nlohmann_json::nlohmann_json)
add_dependencies(fedpet_federation_fault_test fedpet_fault_peer)
target_compile_definitions(fedpet_federation_fault_test PRIVATE
  FEDPET_FAULT_PEER="$<TARGET_FILE:fedpet_fault_peer>")
