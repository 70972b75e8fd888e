set(part_sources Cbor.cpp Messages.cpp RequestSignature.cpp RoundInput.cpp SignedDocument.cpp)
