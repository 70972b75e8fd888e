fedpet_fuzz(CborFuzz
  SOURCES tests/fuzz/cbor.cpp federation/wire/Cbor.cpp federation/wire/Messages.cpp
          federation/wire/RoundInput.cpp federation/wire/SignedDocument.cpp
          federation/plan/Plan.cpp federation/crypto/Bytes.cpp federation/crypto/SecretBytes.cpp
          federation/crypto/SigningKey.cpp federation/crypto/OpenSsl.cpp
  CORPUS tests/fuzz/corpus/cbor
  LINK -lcrypto)
