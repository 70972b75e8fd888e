// The REST API through Orthanc's own web server, which refuses some of what a handler may answer.
#include "tests/system/OrthancFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::testing {
namespace {

using ::testing::HasSubstr;

class Rest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = OrthancFixture::whyNot(); !reason.empty())
      GTEST_SKIP() << reason;
  }
};

TEST_F(Rest, AnswersEveryStatusThroughOrthanc) {
  OrthancFixture orthanc;
  orthanc.start();
  const auto status = [&](const char* method, const char* target, net::Headers headers = {}) {
    return orthanc.request(method, target, std::string(method) == "GET" ? "" : "{}", headers)
        .status;
  };
  EXPECT_EQ(status("GET", "/fedpet/status"), 200);
  EXPECT_EQ(status("GET", "/fedpet/openapi.json"), 200);
  EXPECT_EQ(status("GET", "/fedpet/jobs?limit=x"), 400);
  EXPECT_EQ(status("POST", "/fedpet/worker/lease"), 403);
  EXPECT_EQ(status("POST", "/fedpet/jobs/1/retry", {{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(status("GET", "/fedpet/jobs/1"), 404);
  EXPECT_EQ(status("GET", "/fedpet/jobs/1/retry"), 405);
  EXPECT_EQ(status("PUT", "/fedpet/jobs/1/retry"), 405);
  EXPECT_EQ(status("DELETE", "/fedpet/jobs"), 405);

  const auto page = orthanc.request("GET", "/fedpet/app/index.html");
  ASSERT_EQ(page.status, 200);
  EXPECT_THAT(net::headerValue(page.headers, "Content-Type").value_or(""), HasSubstr("text/html"));
  const std::string etag = net::headerValue(page.headers, "ETag").value_or("");
  EXPECT_EQ(status("GET", "/fedpet/app/index.html", {{"If-None-Match", etag}}), 304);
}

TEST_F(Rest, IsClosedToStrangers) {
  OrthancFixture orthanc;
  orthanc.start();
  net::HttpClient stranger(orthanc.url());
  for (const char* target : {"/fedpet/status", "/fedpet/jobs", "/fedpet/app/index.html"})
    EXPECT_EQ(stranger.get(target).status, 401) << target;
  EXPECT_EQ(stranger.post("/fedpet/worker/lease", "{}").status, 401);
}

}  // namespace
}  // namespace fedpet::testing
