// An HTTP request and its answer in our own words, so that every handler of ours is a function on
// plain structs and is tested without Orthanc.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::plugin {

struct HttpRequest {
  std::string method;  // "GET", "POST", "PUT", "DELETE"
  std::string path;    // "/fedpet/jobs/12", without the query
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string target = {};  // path and query in the order in which they were sent
  // The query as it was sent, decoded: a search may give a parameter twice.
  std::vector<std::pair<std::string, std::string>> parameters = {};
};

struct HttpResponse {
  int status = 200;
  std::string contentType = "application/json";
  std::map<std::string, std::string> headers;
  std::string body;
};

}  // namespace fedpet::plugin
