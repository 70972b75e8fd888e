fedpet_test(fedpet_federation_crypto_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/CertificateTest.cpp
          ${CMAKE_CURRENT_LIST_DIR}/CryptoPrimitivesTest.cpp
  LIBRARIES fedpet_federation)

fedpet_test(fedpet_federation_secagg_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/FixedPointTest.cpp
          ${CMAKE_CURRENT_LIST_DIR}/SecureSumDropoutTest.cpp
          ${CMAKE_CURRENT_LIST_DIR}/SecureSumTest.cpp
          ${CMAKE_CURRENT_LIST_DIR}/ShamirTest.cpp
  LIBRARIES fedpet_federation)
