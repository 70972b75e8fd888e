set(part_sources Bytes.cpp Certificate.cpp KeyAgreement.cpp OpenSsl.cpp SecretBytes.cpp SigningKey.cpp)
