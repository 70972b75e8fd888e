#include "federation/coordinator/OverHttp.h"

namespace fedpet::federation {

net::HttpResponse answerOverHttp(Coordinator& coordinator, const net::ServerRequest& request,
                                 std::string target) {
  ApiRequest asked;
  asked.method = request.method;
  asked.target = std::move(target);
  for (const auto& [name, value] : request.headers) asked.headers.emplace_back(name, value);
  const ByteView body = viewOf(request.body);
  asked.body.assign(body.begin(), body.end());
  if (request.peer) asked.tlsMember = request.peer->commonName;
  ApiResponse made = coordinator.handle(asked);
  net::HttpResponse answer{made.status, {{"Content-Type", made.contentType}}, {}};
  for (auto& [name, value] : made.headers)
    answer.headers.push_back({std::move(name), std::move(value)});
  answer.body.assign(textOf(made.body));
  return answer;
}

}  // namespace fedpet::federation
