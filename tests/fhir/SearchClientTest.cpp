// The search client against servers that are told what to answer: well, slowly, with garbage, or
// without end. It must always return, and say when what it returns is not all.
#include "fhir/labels/SearchClient.h"
#include "fhir/labels/SearchPage.h"
#include "tests/support/LoopbackServer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>

namespace fedpet::fhir {
namespace {

using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using End = SearchResult::End;

json page(std::vector<std::string> ids, const std::string& next = {}) {
  json bundle{{"resourceType", "Bundle"},
              {"type", "searchset"},
              {"entry", json::array()},
              {"link", json::array()}};
  for (const std::string& id : ids)
    bundle["entry"].push_back({{"resource", {{"resourceType", "Observation"}, {"id", id}}}});
  if (!next.empty()) bundle["link"].push_back({{"relation", "next"}, {"url", next}});
  return bundle;
}

struct Waits {
  std::vector<milliseconds> all;
};

SearchOptions optionsFor(const std::string& url, Waits* waits = nullptr) {
  SearchOptions options;
  options.baseUrl = url;
  options.limits.request = milliseconds{2000};
  options.wait = [waits](milliseconds duration, const std::stop_token&) {
    if (waits) waits->all.push_back(duration);
  };
  return options;
}

SearchResult searchAt(LoopbackServer& server, Waits* waits = nullptr) {
  return SearchClient(optionsFor(server.url("/fhir"), waits))
      .search("Observation", {{"code", "a|b,c"}});
}

TEST(SearchClientTest, FollowsTheLinkToTheNextPageAsItIsWritten) {
  std::string origin;
  LoopbackServer server([&](const net::HttpRequest& request) {
    if (request.target.starts_with("/fhir/Observation?"))
      return Answer{.body = page({"1", "2"}, origin + "/other?_getpages=a%2Fb&x=1#f").dump()};
    return Answer{.body = page({"2", "3"}).dump()};
  });
  origin = server.url("");
  const SearchResult result = searchAt(server);
  EXPECT_EQ(result.end, End::Complete) << result.why;
  EXPECT_EQ(result.resources.size(), 3U) << "the same resource on two pages counts once";
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].target, "/fhir/Observation?code=a%7Cb%2Cc&_count=200");
  EXPECT_EQ(server.requests()[1].target, "/other?_getpages=a%2Fb&x=1");
}

TEST(SearchClientTest, KeepsTheNewerOfTwoVersions) {
  json first = page({"1"}, "?page=2"), second = page({"1"});
  first["entry"][0]["resource"]["meta"] = {{"lastUpdated", "2026-02-01T00:00:00Z"},
                                           {"versionId", "2"}};
  second["entry"][0]["resource"]["meta"] = {{"lastUpdated", "2026-01-01T00:00:00Z"},
                                            {"versionId", "1"}};
  LoopbackServer server({Answer{.body = first.dump()}, Answer{.body = second.dump()}});
  const SearchResult result = searchAt(server);
  ASSERT_EQ(result.resources.size(), 1U);
  EXPECT_EQ(result.resources[0]["meta"]["versionId"], "2");
}

TEST(SearchClientTest, NeverFollowsALinkToAnotherServer) {
  LoopbackServer stranger({Answer{.body = page({"9"}).dump()}});
  const auto port = ":" + std::to_string(stranger.port());
  for (const std::string& link : {stranger.url("/fhir?p=2"), "//127.0.0.1" + port + "/x",
                                  std::string("https://ehr.example/fhir?p=2"),
                                  std::string("http://user:secret@127.0.0.1/fhir"),
                                  std::string("javascript://x"), std::string("/fhir?a b")}) {
    LoopbackServer server({Answer{.body = page({"1"}, link).dump()}});
    const SearchResult result = searchAt(server);
    EXPECT_EQ(result.end, End::NotFinished) << link;
    EXPECT_THAT(result.why, HasSubstr("next page")) << link;
    EXPECT_EQ(server.requests().size(), 1U) << link;
  }
  EXPECT_EQ(stranger.requests().size(), 0U);
}

TEST(SearchClientTest, EndsPagesThatGoInACircleOrNeverEnd) {
  LoopbackServer circle({Answer{.body = page({"1"}, "?p=2").dump()},
                         Answer{.body = page({"2"}, "?p=3").dump()},
                         Answer{.body = page({"3"}, "?p=2").dump()}});
  EXPECT_THAT(searchAt(circle).why, HasSubstr("circle"));

  std::atomic<int> count{0};
  LoopbackServer endless([&](const net::HttpRequest&) {
    const auto n = std::to_string(++count);
    return Answer{.body = page({n}, "?p=" + n).dump()};
  });
  auto options = optionsFor(endless.url("/fhir"));
  options.limits.pages = 20;
  const SearchResult result = SearchClient(options).search("Observation", {});
  EXPECT_EQ(result.end, End::NotFinished);
  EXPECT_EQ(count, 20);
  EXPECT_EQ(result.resources.size(), 20U);
}

TEST(SearchClientTest, BoundsSizeDepthAndTime) {
  LoopbackServer huge({Answer{.body = std::string(3 << 20, ' ') + page({"1"}).dump()}});
  auto options = optionsFor(huge.url("/fhir"));
  options.limits.bytesPerPage = 1 << 20;
  EXPECT_THAT(SearchClient(options).search("Observation", {}).why, HasSubstr("TooLarge"));

  LoopbackServer deep(
      {Answer{.body = R"({"resourceType":"Bundle","type":"searchset","entry":)" +
                      std::string(100'000, '[') + std::string(100'000, ']') + "}"}});
  EXPECT_THAT(searchAt(deep).why, HasSubstr("levels deep"));

  LoopbackServer slow({Answer{.body = page({"1"}).dump(), .delay = milliseconds{60'000}}});
  auto impatient = optionsFor(slow.url("/fhir"));
  impatient.limits.request = milliseconds{150};
  impatient.limits.attempts = 2;
  const SearchResult result = SearchClient(impatient).search("Observation", {});
  EXPECT_EQ(result.end, End::NotFinished);
  EXPECT_THAT(result.why, HasSubstr("Timeout"));

  LoopbackServer dripping({Answer{.body = page({"1"}).dump() + std::string(4000, ' '),
                                  .delayBetweenPieces = milliseconds{50}}});
  auto bounded = optionsFor(dripping.url("/fhir"));
  bounded.limits.request = milliseconds{300};
  bounded.limits.attempts = 1;
  EXPECT_EQ(SearchClient(bounded).search("Observation", {}).end, End::NotFinished);
}

TEST(SearchClientTest, EndsASearchWhosePagesAreMoreThanItsShare) {
  std::atomic<int> count{0};
  LoopbackServer server([&](const net::HttpRequest&) {
    const int n = ++count;
    return Answer{.body = page({std::to_string(n)}, "?p=" + std::to_string(n)).dump() +
                          std::string(100'000, ' ')};
  });
  auto options = optionsFor(server.url("/fhir"));
  options.limits.bytesPerSearch = 500'000;
  EXPECT_EQ(SearchClient(options).search("Observation", {}).end, End::NotFinished);
  EXPECT_LE(count, 6);
}

TEST(SearchClientTest, TakesNothingThatIsNoSearchset) {
  for (
      const std::string& body :
      {std::string(), std::string("<html>"), std::string("[]"), std::string("null"),
       std::string("7"), std::string(R"({"resourceType":"Bundle","type":"history"})"),
       std::string(R"({"resourceType":"Bundle","type":"searchset","entry":{"a":1}})"),
       std::string(R"({"resourceType":7,"type":[]})"),
       std::string(
           R"({"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":7}]})")}) {
    LoopbackServer server({Answer{.body = body}});
    EXPECT_EQ(searchAt(server).end, End::NotFinished) << body;
  }
}

TEST(SearchClientTest, LeavesOutEntriesThatAreNoResourcesAndSaysSo) {
  json bundle = page({"1"});
  bundle["entry"].push_back(7);
  bundle["entry"].push_back({{"resource", "text"}});
  bundle["entry"].push_back({{"resource", {{"resourceType", "Observation"}}}});
  bundle["entry"].push_back(
      {{"search", {{"mode", "outcome"}}},
       {"resource",
        {{"resourceType", "OperationOutcome"},
         {"issue",
          {{{"severity", "warning"}, {"code", "x"}, {"diagnostics", "one index is old"}}}}}}});
  LoopbackServer server({Answer{.body = bundle.dump()}});
  const SearchResult result = searchAt(server);
  EXPECT_EQ(result.end, End::Complete);
  EXPECT_EQ(result.resources.size(), 1U);
  EXPECT_EQ(result.remarks.size(), 4U);
  EXPECT_THAT(result.remarks, ::testing::Contains(HasSubstr("one index is old")));
}

TEST(SearchClientTest, WaitsAsTheServerAsksAndNoLonger) {
  Waits waits;
  LoopbackServer busy({Answer{.status = 429, .headers = {{"Retry-After", "3"}}},
                       Answer{.status = 503}, Answer{.body = page({"1"}).dump()}});
  EXPECT_EQ(searchAt(busy, &waits).end, End::Complete);
  EXPECT_EQ(waits.all, (std::vector<milliseconds>{milliseconds{3000}, milliseconds{1000}}));

  Waits none;
  LoopbackServer rude({Answer{.status = 503, .headers = {{"Retry-After", "86400"}}}});
  const SearchResult result = searchAt(rude, &none);
  EXPECT_EQ(result.end, End::NotFinished);
  EXPECT_TRUE(none.all.empty());
  EXPECT_EQ(rude.requests().size(), 1U);
}

TEST(SearchClientTest, GivesUpOnAServerThatStaysBusy) {
  LoopbackServer busy({Answer{.status = 429}});
  EXPECT_EQ(searchAt(busy).end, End::NotFinished);
  EXPECT_EQ(busy.requests().size(), 4U);
}

TEST(SearchClientTest, TellsARefusalFromAFailure) {
  const auto endFor = [](int status) {
    LoopbackServer server({Answer{
        .status = status,
        .body =
            R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-supported","details":{"text":"no such parameter"}}]})"}});
    const SearchResult result = searchAt(server);
    EXPECT_THAT(result.why, HasSubstr("no such parameter")) << status;
    return result.end;
  };
  EXPECT_EQ(endFor(400), End::Refused);
  EXPECT_EQ(endFor(404), End::Refused);
  EXPECT_EQ(endFor(401), End::Unauthorized);
  EXPECT_EQ(endFor(403), End::Unauthorized);
  EXPECT_EQ(endFor(500), End::NotFinished);
}

TEST(SearchClientTest, CountsACursorThatExpiredAsAnUnfinishedSearch) {
  LoopbackServer server({Answer{.body = page({"1"}, "?p=2").dump()}, Answer{.status = 410}});
  EXPECT_EQ(searchAt(server).end, End::NotFinished);
}

// One token until it is rejected, then another.
struct TwoTokens : TokenSource {
  std::string rejected;
  std::string token(std::stop_token) override { return rejected.empty() ? "t1" : "t2"; }
  void reject(const std::string& token) override { rejected = token; }
};

TEST(SearchClientTest, GetsOneNewTokenWhenTheOldOneExpiresBetweenPages) {
  std::atomic<int> count{0};
  LoopbackServer server([&](const net::HttpRequest& request) {
    const std::string token = net::headerValue(request.headers, "Authorization").value_or("");
    const int n = ++count;
    if (n == 1) return Answer{.body = page({"1"}, "?p=2").dump()};
    if (token == "Bearer t1") return Answer{.status = 401};
    return Answer{.body = page({"2"}).dump()};
  });
  auto options = optionsFor(server.url("/fhir"));
  auto tokens = std::make_shared<TwoTokens>();
  options.tokens = tokens;
  const SearchResult result = SearchClient(options).search("Observation", {});
  EXPECT_EQ(result.end, End::Complete) << result.why;
  EXPECT_EQ(result.resources.size(), 2U);
  EXPECT_EQ(tokens->rejected, "t1");

  LoopbackServer locked({Answer{.status = 401}});
  options = optionsFor(locked.url("/fhir"));
  options.tokens = std::make_shared<TwoTokens>();
  EXPECT_EQ(SearchClient(options).search("Observation", {}).end, End::Unauthorized);
  EXPECT_EQ(locked.requests().size(), 2U) << "one new token, not a storm of them";
}

TEST(SearchClientTest, ReadsThroughAProxy) {
  LoopbackServer proxy({Answer{.body = page({"1"}).dump()}});
  auto options = optionsFor("http://ehr.invalid/fhir");  // only the proxy knows this name
  options.http.proxyUrl = proxy.url();
  EXPECT_EQ(SearchClient(options).search("Observation", {}).resources.size(), 1U);
  ASSERT_EQ(proxy.requests().size(), 1U);
  EXPECT_EQ(proxy.requests()[0].target, "http://ehr.invalid/fhir/Observation?_count=200");
}

TEST(JsonDepth, CountsBracketsOutsideOfTextsOnly) {
  EXPECT_EQ(jsonDepth(R"({"a":[1,{"b":2}]})", 64), 3);
  EXPECT_EQ(jsonDepth(R"({"a":"[[[[\"[[["})", 64), 1);
  EXPECT_EQ(jsonDepth(std::string(1'000'000, '['), 64), 65);
}

}  // namespace
}  // namespace fedpet::fhir
