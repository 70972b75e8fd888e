// The coordinator behind net::HttpServer: a request as the server read it in, its answer out. What
// of the requests may come without a certificate is the caller's to say.
#pragma once

#include "federation/coordinator/Coordinator.h"
#include "net/HttpServer.h"

#include <string>

namespace fedpet::federation {

// `target`: below the API's base, which may be shorter than what was asked for.
net::HttpResponse answerOverHttp(Coordinator&, const net::ServerRequest&, std::string target);

}  // namespace fedpet::federation
