// Who may speak to the coordinator, and what it answers to everybody else.
#include "tests/federation/TestConsortium.h"

#include <sys/stat.h>

namespace fedpet::federation::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Roster rosterOf(TestSite& site) {
  return decode<Roster>(decodeSignedDocument(site.call("GET", "/v1/roster").body).payload);
}

// --- enrolment ---------------------------------------------------------------------------------

TEST(Enrolment, GivesACertificateOfTheConsortiumsAuthority) {
  TestConsortium c;
  TestSite site(c, "lyon");
  const Invitation invitation = site.invitation();
  EXPECT_EQ(invitation.coordinatorUrl, "https://consortium.example/fedpet");
  const auto reply = answerOf<EnrolReply>(site.enrolWith(invitation.token));
  EXPECT_EQ(reply.site, "lyon");
  const CertificateFacts facts = factsOf(reply.certificatePem);
  EXPECT_EQ(facts.commonName, "lyon");
  EXPECT_EQ(facts.key, site.key.publicKey());
  EXPECT_TRUE(isSignedBy(reply.certificatePem, invitation.caCertificatePem, c.now));
  EXPECT_EQ(rosterOf(site).sites.at(0).certificatePem, reply.certificatePem);
}

TEST(Enrolment, GivesTheSameKeyTheSameCertificateAgainAndAnotherKeyNone) {
  TestConsortium c;
  TestSite site(c, "lyon"), thief(c, "lyon");
  const std::string token = site.invitation().token;
  const auto first = answerOf<EnrolReply>(site.enrolWith(token));
  c.restart();  // the answer was lost
  EXPECT_EQ(answerOf<EnrolReply>(site.enrolWith(token)).certificatePem, first.certificatePem);
  EXPECT_EQ(codeOf(thief.enrolWith(token)), "InvitationUsed");
}

TEST(Enrolment, RefusesAnInvitationThatIsUnknownReplacedOrExpired) {
  TestConsortium c;
  TestSite site(c, "lyon");
  EXPECT_EQ(codeOf(site.enrolWith("guess")), "UnknownInvitation");
  const std::string old = site.invitation().token, fresh = site.invitation().token;
  EXPECT_EQ(codeOf(site.enrolWith(old)), "UnknownInvitation");
  c.now += 14 * 24h;
  EXPECT_EQ(codeOf(site.enrolWith(fresh)), "InvitationExpired");
}

TEST(Enrolment, RefusesARequestWhoseKeyDidNotSignIt) {
  TestConsortium c;
  TestSite site(c, "lyon");
  const std::string token = site.invitation().token;
  const EnrolRequest request{token,
                             "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
                             "-----END CERTIFICATE REQUEST-----\n"};
  EXPECT_EQ(codeOf(c.handle({"POST", "/v1/enrol", {}, encode(request), {}})), "Malformed");
  EXPECT_EQ(site.enrolWith(token).status, 200) << "the invitation is not used up";
}

TEST(Enrolment, InvitesNobodyTwiceAndTakesOnlyPlainNames) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  EXPECT_EQ(codeOf(c.admin("POST", "sites", R"({"id":"lyon"})")), "AlreadyEnrolled");
  for (const char* bad : {"", "Lyon", "../x", "coordinator", "a b", "-x", "1x"})
    EXPECT_EQ(codeOf(c.admin("POST", "sites", json{{"id", bad}}.dump())), "Malformed") << bad;
}

TEST(Enrolment, ShutsARevokedSiteOutAtOnceAndLetsItInWithANewInvitation) {
  TestConsortium c;
  TestSite lyon(c, "lyon"), nantes(c, "nantes");
  lyon.enrol();
  nantes.enrol();
  const int before = rosterOf(nantes).number;
  c.adminJson("POST", "sites/lyon/revocation", R"({"reason":"stolen laptop"})");
  for (int i = 0; i < 2; ++i) {
    const auto response = lyon.call("POST", "/v1/poll");
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(codeOf(response), "Revoked");
    c.restart();
  }
  const Roster roster = rosterOf(nantes);
  EXPECT_GT(roster.number, before);
  EXPECT_TRUE(roster.sites.at(0).revoked);
  EXPECT_FALSE(roster.sites.at(1).revoked);
  TestSite again(c, "lyon");
  again.enrol();
  EXPECT_EQ(again.call("POST", "/v1/poll").status, 200);
  EXPECT_EQ(codeOf(lyon.call("POST", "/v1/poll")), "BadSignature") << "the old key stays void";
}

TEST(Enrolment, RefusesASiteWhoseCertificateHasExpired) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  c.now = factsOf(site.certificate).notAfter - 1s;
  EXPECT_EQ(site.call("POST", "/v1/poll").status, 200);
  c.now += 1s;
  EXPECT_EQ(codeOf(site.call("POST", "/v1/poll")), "Revoked");
}

TEST(Enrolment, LetsASiteChangeItsKeyWithoutAMomentInWhichNeitherWorks) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  const int before = rosterOf(site).number;
  SigningKey next = SigningKey::generate();
  const Bytes request = encode(EnrolRequest{"", makeSigningRequest(next, "lyon")});
  const auto first = answerOf<EnrolReply>(site.call("POST", "/v1/certificates", request));
  c.restart();  // the answer was lost: the old key asks again
  const auto second = answerOf<EnrolReply>(site.call("POST", "/v1/certificates", request));
  EXPECT_EQ(first.certificatePem, second.certificatePem);
  EXPECT_EQ(rosterOf(site).number, before) << "until the new key is used";
  std::swap(site.key, next);
  EXPECT_EQ(site.call("POST", "/v1/poll").status, 200);
  const Roster roster = rosterOf(site);
  EXPECT_EQ(roster.number, before + 1);
  EXPECT_EQ(roster.sites.at(0).certificatePem, first.certificatePem);
  std::swap(site.key, next);
  EXPECT_EQ(codeOf(site.call("POST", "/v1/poll")), "BadSignature") << "the old key is over";
}

TEST(Enrolment, RepeatsAMaskedRoundWhenASiteChangesItsKeyInIt) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  for (auto& site : c.sites) site->act(round);
  SigningKey next = SigningKey::generate();
  c.site(1).call("POST", "/v1/certificates",
                 encode(EnrolRequest{"", makeSigningRequest(next, "s1")}));
  std::swap(c.site(1).key, next);
  c.site(1).poll();
  EXPECT_EQ(c.site(2).view(round).step, Step::Failed);
  c.wait(10s);
  c.runRound();
  EXPECT_EQ(c.planFacts(c.hash)["rounds"].size(), 1U);
}

// --- signed requests ---------------------------------------------------------------------------

TEST(SignedRequests, CountOnceAlsoOverARestart) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  const ApiRequest request = site.request("POST", "/v1/poll");
  EXPECT_EQ(c.handle(request).status, 200);
  EXPECT_EQ(codeOf(c.handle(request)), "Replayed");
  c.coordinator->tick();
  c.restart();
  EXPECT_EQ(codeOf(c.handle(request)), "Replayed");
}

TEST(SignedRequests, ThatChangedSomethingCountOnceEvenWithoutATick) {
  RunningConsortium c(3, smallPlan(Masking::None, 3));
  c.start();
  const std::string round = c.openRound();
  RoundMessage message;
  message.roundId = round;
  message.site = "s1";
  message.body = JoinBody{};
  const ApiRequest request =
      c.site(1).request("POST", "/v1/rounds/" + round + "/messages",
                        encode(c.site(1).sign("round-message", encode(message))));
  EXPECT_EQ(c.handle(request).status, 200);
  c.restart();
  EXPECT_EQ(codeOf(c.handle(request)), "Replayed");
}

TEST(SignedRequests, MustBeOfNowAndAreToldTheTimeOtherwise) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  for (const auto error : {-300s, 0s, 300s}) {
    site.clockError = error;
    EXPECT_EQ(site.call("POST", "/v1/poll").status, 200) << error.count();
  }
  for (const auto error : {-301s, 301s}) {
    site.clockError = error;
    const auto response = site.call("POST", "/v1/poll");
    EXPECT_EQ(codeOf(response), "ClockSkew");
    EXPECT_EQ(json::parse(textOf(response.body)).at("time"), c.now.time_since_epoch().count());
  }
}

TEST(SignedRequests, AreRefusedWhenAnythingInThemWasAltered) {
  TestConsortium c;
  TestSite site(c, "lyon"), other(c, "nantes");
  site.enrol();
  other.enrol();
  const auto refused = [&](auto alter) {
    ApiRequest request = site.request("POST", "/v1/certificates", Bytes{1, 2, 3});
    alter(request);
    return codeOf(c.handle(request));
  };
  EXPECT_EQ(refused([](ApiRequest& r) { r.body[0] ^= 1; }), "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) { r.target += "?a=1"; }), "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) { r.target = "/v1/poll"; }), "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) { r.headers.clear(); }), "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) { r.headers[0].second = "site=lyon"; }), "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) {
              auto& header = r.headers[0].second;
              header.replace(header.find("lyon"), 4, "nantes");
            }),
            "BadSignature");
  EXPECT_EQ(refused([](ApiRequest& r) {
              auto& header = r.headers[0].second;
              header.replace(header.find("lyon"), 4, "paris");
            }),
            "UnknownSite");
}

TEST(SignedRequests, MustComeOverTheSignersOwnConnection) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  ApiRequest request = site.request("POST", "/v1/poll");
  request.tlsMember = "nantes";
  EXPECT_EQ(c.handle(request).status, 403);
  request = site.request("POST", "/v1/poll");
  request.tlsMember = "lyon";
  EXPECT_EQ(c.handle(request).status, 200);
}

// --- the administrator -------------------------------------------------------------------------

TEST(Administrator, IsWhoeverHasTheToken) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  EXPECT_EQ(c.admin("GET", "sites").status, 200);
  const std::string real = c.token;
  for (const auto& bad : std::vector<std::string>{"", "x", real + "x"}) {
    c.token = bad;
    EXPECT_EQ(c.admin("GET", "sites").status, 401);
  }
  EXPECT_EQ(site.call("GET", "/v1/admin/sites").status, 401);
  EXPECT_EQ(c.handle({"GET", "/v1/admin/sites", {{"Authorization", real}}, {}, {}}).status, 401);
}

TEST(Administrator, KeepsSecretsInFilesOfItsOwn) {
  TestConsortium c;
  for (const char* name : {"ca-key.pem", "coordinator-key.pem", "admin-token", "coordinator.db"}) {
    struct stat facts {};
    ASSERT_EQ(stat((c.settings.folder / name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_mode & 0777, 0600U) << name;
  }
}

TEST(Administrator, CannotMakeOneCoordinatorOverAnotherNorRunTwo) {
  TestConsortium c;
  EXPECT_THROW(Coordinator second(c.settings), std::runtime_error);
  c.coordinator.reset();
  EXPECT_THROW(Coordinator::create("other", c.settings), std::runtime_error);
  c.restart();
  EXPECT_THAT(std::string(textOf(c.handle({"GET", "/v1/consortium", {}, {}, {}}).body)),
              HasSubstr("test consortium"));
}

TEST(Administrator, IsToldAllFaultsOfAPlan) {
  TestConsortium c;
  Plan plan = smallPlan(Masking::Ring64, 3);
  plan.quorum = 1;
  plan.title.clear();
  const auto response = c.admin("POST", "plans", toReadableJson(plan));
  EXPECT_EQ(codeOf(response), "PlanFaulty");
  EXPECT_THAT(std::string(textOf(response.body)), HasSubstr(";"));
  EXPECT_EQ(codeOf(c.admin("POST", "plans", "{")), "PlanFaulty");
  EXPECT_EQ(codeOf(c.admin("POST", "plans", R"({"colour":"red"})")), "PlanFaulty");
}

TEST(Administrator, GetsTheSameHashForTheSamePlan) {
  TestConsortium c;
  const std::string plan = toReadableJson(smallPlan(Masking::Ring64, 3));
  EXPECT_EQ(c.adminJson("POST", "plans", plan), c.adminJson("POST", "plans", plan));
  EXPECT_EQ(c.adminJson("GET", "plans").size(), 1U);
}

TEST(Decisions, CountByTheirTimeAndOnce) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  EXPECT_EQ(answerOf<MessageReply>(c.site(1).decide(c.hash, true)).verdict, Verdict::Duplicate);
  c.now += 5s;
  EXPECT_EQ(answerOf<MessageReply>(c.site(1).decide(c.hash, false)).verdict, Verdict::Accepted);
  c.now -= 2s;  // an older one, held back by somebody
  EXPECT_EQ(answerOf<MessageReply>(c.site(1).decide(c.hash, true)).verdict, Verdict::TooLate);
  EXPECT_FALSE(c.planFacts(c.hash)["decisions"][0]["approved"].get<bool>());
}

TEST(Decisions, MustBeSignedByTheirSiteAndOverThisPlan) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  Decision decision{c.hash, "s1", "x", false, "", c.now + 1s};
  const auto forged = signDocument("decision", encode(decision), "s1", c.site(2).key);
  const std::string address = "/v1/plans/" + c.hash + "/decisions";
  EXPECT_EQ(codeOf(c.site(1).call("POST", address, encode(forged))), "BadSignature");
  const auto wrongType = c.site(1).sign("plan", encode(decision));
  EXPECT_EQ(codeOf(c.site(1).call("POST", address, encode(wrongType))), "Malformed");
  decision.planHash = std::string(64, 'a');
  const auto other = c.site(1).sign("decision", encode(decision));
  EXPECT_EQ(codeOf(c.site(1).call("POST", address, encode(other))), "Malformed");
  EXPECT_EQ(codeOf(c.site(1).call("POST", "/v1/plans/" + std::string(64, 'a') + "/decisions",
                                  encode(other))),
            "NotFound");
}

// --- addresses ---------------------------------------------------------------------------------

TEST(Addresses, ThatAreNotThereAreAnsweredSo) {
  TestConsortium c;
  const auto codeAt = [&](const char* method, const std::string& target) {
    return codeOf(c.handle({method, target, {}, {}, {}}));
  };
  EXPECT_EQ(codeAt("GET", "/v1/nothing"), "NotFound");
  EXPECT_EQ(codeAt("GET", "/"), "NotFound");
  EXPECT_EQ(codeAt("GET", ""), "NotFound");
  EXPECT_EQ(codeAt("GET", "v1/consortium"), "NotFound");
  EXPECT_EQ(codeAt("DELETE", "/v1/consortium"), "MethodNotAllowed");
  EXPECT_EQ(codeAt("GET", "/v1/plans//"), "NotFound");
  EXPECT_EQ(codeAt("GET", "/v1/consortium?a=1&a=2"), "Malformed");
  EXPECT_EQ(codeAt("GET", "/v1/consortium?a=%zz"), "Malformed");
  EXPECT_EQ(codeAt("GET", "/v1/consortium?a=%4"), "Malformed");
  EXPECT_EQ(codeAt("GET", std::string(5000, '/')), "NotFound");
}

TEST(Addresses, RefuseBodiesThatAreNoMessages) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  EXPECT_EQ(codeOf(site.call("POST", "/v1/certificates", Bytes{0xff, 0x00})), "Malformed");
  EXPECT_EQ(codeOf(c.handle({"POST", "/v1/enrol", {}, {}, {}})), "Malformed");
  EXPECT_EQ(codeOf(c.handle({"POST", "/v1/enrol", {}, Bytes(kMaxMessageBytes + 1), {}})),
            "TooLarge");
  // {"v": 99}
  const Bytes future{0xa1, 0x61, 'v', 0x18, 99};
  EXPECT_EQ(codeOf(c.handle({"POST", "/v1/enrol", {}, future, {}})), "UnknownVersion");
}

TEST(Addresses, AreAllInTheOpenApiDocument) {
  TestConsortium c;
  const json document = json::parse(textOf(c.handle({"GET", "/v1/openapi.json", {}, {}, {}}).body));
  EXPECT_EQ(document.at("openapi"), "3.0.3");
  const json& paths = document.at("paths");
  for (const char* path : {"/v1/consortium", "/v1/enrol", "/v1/certificates", "/v1/roster",
                           "/v1/poll", "/v1/plans/{hash}", "/v1/plans/{hash}/decisions",
                           "/v1/rounds/{id}", "/v1/rounds/{id}/messages", "/v1/blobs/{sha256}",
                           "/v1/uploads/{sha256}/{size}", "/v1/releases/{hash}", "/v1/admin/sites",
                           "/v1/admin/plans/{hash}/start", "/v1/admin/audit", "/v1/openapi.json"})
    EXPECT_TRUE(paths.contains(path)) << path;
  const json& upload = paths.at("/v1/uploads/{sha256}/{size}/{offset}").at("put");
  EXPECT_TRUE(upload.at("requestBody").at("content").contains("application/octet-stream"));
  EXPECT_EQ(upload.at("parameters").size(), 3U) << upload;
  // Every route but the public ones says how the caller is known.
  for (const auto& [path, operations] : paths.items())
    for (const auto& [method, operation] : operations.items())
      EXPECT_EQ(operation.contains("security"),
                path != "/v1/consortium" && path != "/v1/enrol" && path != "/v1/openapi.json")
          << path;
}

// --- blobs -------------------------------------------------------------------------------------

TEST(Blobs, AreServedInRangesToMembers) {
  TestConsortium c;
  TestSite site(c, "lyon");
  site.enrol();
  const std::string text = "0123456789";
  const auto hash = c.adminJson("POST", "blobs", text).at("sha256").get<std::string>();
  EXPECT_EQ(hash, sha256Hex(viewOf(text)));
  const auto get = [&](const std::string& range) {
    ApiRequest request = site.request("GET", "/v1/blobs/" + hash);
    if (!range.empty()) request.headers.emplace_back("range", range);
    return c.handle(request);
  };
  EXPECT_EQ(textOf(get("").body), text);
  const ApiResponse part = get("bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(textOf(part.body), "234");
  EXPECT_THAT(part.headers, ::testing::Contains(std::pair<std::string, std::string>(
                                "Content-Range", "bytes 2-4/10")));
  EXPECT_EQ(textOf(get("bytes=8-").body), "89");
  EXPECT_EQ(textOf(get("bytes=8-400").body), "89");
  EXPECT_EQ(get("bytes=10-12").status, 416);
  for (const char* bad : {"bytes=4-2", "bytes=-3", "bytes=a-b", "lines=1-2", "bytes=1"})
    EXPECT_EQ(get(bad).status, 400) << bad;
}

TEST(Blobs, OfTheCoordinatorsOwnAreNotServed) {
  RunningConsortium c(3, smallPlan(Masking::None, 3));
  c.start();
  c.runRound();  // leaves a state behind
  int hidden = 0;
  std::set<std::string> inputs;
  for (const auto& round : c.adminJson("GET", "rounds"))
    inputs.insert(decode<RoundStart>(c.site(1).view(round["id"].get<std::string>()).start.payload)
                      .inputSha256);
  for (const auto& file : std::filesystem::directory_iterator(c.settings.folder / "blobs")) {
    const std::string hash = file.path().filename().string();
    if (inputs.contains(hash)) continue;
    ++hidden;
    EXPECT_EQ(codeOf(c.site(1).call("GET", "/v1/blobs/" + hash)), "NotFound");
  }
  EXPECT_GT(hidden, 0);
}

}  // namespace
}  // namespace fedpet::federation::testing
