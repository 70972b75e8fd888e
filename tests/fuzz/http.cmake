fedpet_fuzz(HttpServerFuzz CORPUS tests/fuzz/corpus/http
  SOURCES tests/fuzz/httpServer.cpp net/NetError.cpp net/ServerSession.cpp net/Tls.cpp
  LINK -lssl -lcrypto -lpthread)
