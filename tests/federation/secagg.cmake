fedpet_test(fedpet_federation_crypto_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/CryptoPrimitivesTest.cpp ${CMAKE_CURRENT_LIST_DIR}/CertificateTest.cpp
  LIBRARIES fedpet_federation)
