// Becoming a member, staying one, and the line to the coordinator.
#include "federation/Clock.h"
#include "federation/coordinator/OverHttp.h"
#include "federation/site/Identity.h"
#include "federation/site/SiteStore.h"
#include "net/HttpServer.h"
#include "tests/federation/SiteConsortium.h"
#include "tests/support/LoopbackProxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace fedpet::federation::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string refusalOf(const std::function<void()>& what) {
  try {
    what();
  } catch (const EnrolmentRefused& refusal) {
    return refusal.what();
  }
  return "no refusal";
}

// --- enrolment ---------------------------------------------------------------------------------

TEST(Enrolment, KeepsTheKeyAtTheSite) {
  SiteConsortium world;
  std::string sent;
  world.setIntercept(
      [&](const net::HttpRequest& request, const std::string&, const std::function<Answer()>& ask) {
        sent += request.body;
        return ask();
      });
  Hospital h(world, "h1", 1);
  h.enrol();
  h.step();
  EXPECT_EQ(h.problem(), "");
  const auto identity = Identity::read(h.folder / "identity.pem");
  ASSERT_TRUE(identity);
  EXPECT_EQ(factsOf(identity->certificatePem).key, identity->key.publicKey());
  const SecretBytes pem = identity->key.toPem();
  const std::string body = std::string(textOf(pem.view())).substr(28, 60);
  EXPECT_THAT(sent, Not(HasSubstr(body)));
  for (const char* file : {"identity.pem", "site.db"}) {
    struct stat facts {};
    ASSERT_EQ(stat((h.folder / file).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U) << file;
  }
  EXPECT_EQ(std::filesystem::status(h.folder).permissions(), std::filesystem::perms::owner_all);
}

TEST(Enrolment, CanBeRepeatedAfterTheAnswerWasLost) {
  SiteConsortium world;
  std::atomic<int> calls{0};
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& ask) {
        Answer answer = ask();
        if (++calls == 1) answer.raw = "";
        return answer;
      });
  Hospital h(world, "h1", 1);
  const Invitation invitation = world.invite("h1");
  EXPECT_THROW(Site::enrol(invitation, h.siteSettings()), net::NetError);
  EXPECT_THROW(h.boot(), std::runtime_error) << "not enrolled yet";
  Site::enrol(invitation, h.siteSettings());
  Site::enrol(invitation, h.siteSettings());
  EXPECT_EQ(calls, 2) << "a third time there is nothing to ask for";
  h.step();
  EXPECT_EQ(h.problem(), "");
}

TEST(Enrolment, IsRefusedWithASentenceThatSaysWhatToDo) {
  SiteConsortium world;
  Hospital h(world, "h1", 1), other(world, "h2", 2);
  const Invitation invitation = world.invite("h1");
  Invitation bad = invitation;
  bad.token = "0123456789";
  EXPECT_THAT(refusalOf([&] { Site::enrol(bad, h.siteSettings()); }),
              HasSubstr("invitation is not known"));
  bad = invitation;
  bad.expires = world.now - 1s;
  EXPECT_THAT(refusalOf([&] { Site::enrol(bad, h.siteSettings()); }), HasSubstr("expired"));
  bad = invitation;
  bad.coordinatorUrl = "http://consortium.example/fedpet";
  EXPECT_THAT(refusalOf([&] { Site::enrol(bad, h.siteSettings()); }), HasSubstr("not https"));
  bad = invitation;
  bad.caCertificatePem = "no certificate";
  EXPECT_THAT(refusalOf([&] { Site::enrol(bad, h.siteSettings()); }), HasSubstr("cannot be used"));
  Site::enrol(invitation, h.siteSettings());
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, other.siteSettings()); }),
              HasSubstr("used already"));
  EXPECT_THAT(refusalOf([&] { Site::enrol(world.invite("h3"), h.siteSettings()); }),
              HasSubstr("belongs to site \"h1\""));
}

TEST(Enrolment, WorksOnAMachineWhoseClockIsHoursSlow) {
  SiteConsortium world;
  Hospital h(world, "h1", 1);
  h.clockError = -10h;
  h.enrol();
  h.step();
  EXPECT_EQ(h.problem(), "");
}

TEST(Enrolment, SaysWhichClockIsWrongAndWorksOnceItIsSet) {
  SiteConsortium world;
  Hospital h(world, "h1", 1);
  h.clockError = -72h;
  const Invitation invitation = world.invite("h1");
  const std::string why = refusalOf([&] { Site::enrol(invitation, h.siteSettings()); });
  // date -u -d @1800000000: 2027-01-15T08:00:00Z
  EXPECT_THAT(why, HasSubstr("this machine's clock shows 2027-01-12T08:00:00Z"));
  EXPECT_THAT(why, HasSubstr("the coordinator's: 2027-01-15T08:00:00Z"));
  EXPECT_THAT(why, HasSubstr("set the clock"));
  h.clockError = 0s;
  Site::enrol(invitation, h.siteSettings());
  h.step();
  EXPECT_EQ(h.problem(), "");
}

TEST(Enrolment, LeavesAClockThatIsADayWrongToItsOwner) {
  SiteConsortium world;
  Hospital h(world, "h1", 1);
  h.clockError = -30h;
  h.enrol();
  h.step();
  EXPECT_THAT(h.problem(), HasSubstr("this machine's clock shows 2027-01-14T02:00:00Z"));
  EXPECT_THAT(h.problem(), HasSubstr("the coordinator's 2027-01-15T08:00:00Z"));
}

TEST(Membership, GetsPastWhatStandsBeforeTheCoordinator) {
  SiteConsortium world;
  world.setIntercept(
      [](const net::HttpRequest& request, const std::string&, const std::function<Answer()>& ask) {
        return net::headerValue(request.headers, "Authorization") == "Bearer gate-secret"
                   ? ask()
                   : Answer{401, {{"WWW-Authenticate", "Basic"}}, "Unauthorized"};
      });
  Hospital h(world, "h1", 1);
  const auto file = world.root / "authorization";
  SiteSettings settings = h.siteSettings();
  const Invitation invitation = world.invite("h1");
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, settings); }),
              HasSubstr("Federation.AuthorizationFile"));
  std::ofstream(file) << "Bearer gate-secret\n";
  settings.authorizationFile = file;
  Site::enrol(invitation, settings);
  Site site(settings, h.trainer, h.observer);
  site.step({});
  EXPECT_EQ(site.status().lastProblem, "");
  std::ostringstream audit;
  exportAudit(audit, "h1", site.audit());
  EXPECT_THAT(audit.str() + h.observer.all + world.log, Not(HasSubstr("gate-secret")));
}

TEST(Enrolment, BelievesOnlyACertificateOfThePinnedAuthorityForItsOwnKey) {
  SiteConsortium world;
  const auto rogue =
      CertificateAuthority::create("rogue", world.now - 1h, world.now + std::chrono::hours(999));
  std::function<EnrolReply(const EnrolRequest&, EnrolReply)> lie;
  world.setIntercept([&](const net::HttpRequest& request, const std::string&,
                         const std::function<Answer()>& ask) {
    Answer answer = ask();
    const auto reply =
        lie(decode<EnrolRequest>(viewOf(request.body)), decode<EnrolReply>(viewOf(answer.body)));
    const Bytes bytes = encode(reply);
    answer.body.assign(bytes.begin(), bytes.end());
    return answer;
  });
  Hospital h(world, "h1", 1);
  const Invitation invitation = world.invite("h1");
  const auto issue = [&](const CertificateAuthority& authority, const PublicKey& key,
                         const std::string& name) {
    return authority.issue(key, {name, world.now - 1h, world.now + 99h, {}, {}, false});
  };
  std::ifstream keyFile(world.settings.folder / "ca-key.pem"),
      caFile(world.settings.folder / "ca.pem");
  const std::string keyPem{std::istreambuf_iterator<char>(keyFile), {}},
      caPem{std::istreambuf_iterator<char>(caFile), {}};
  const auto genuine = CertificateAuthority::load(caPem, viewOf(keyPem));

  lie = [&](const EnrolRequest& r, EnrolReply reply) {
    reply.certificatePem = issue(rogue, keyOfRequest(r.requestPem), "h1");
    return reply;
  };
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, h.siteSettings()); }),
              HasSubstr("not signed by the consortium's authority"));
  lie = [&](const EnrolRequest&, EnrolReply reply) {
    reply.certificatePem = issue(genuine, SigningKey::generate().publicKey(), "h1");
    return reply;
  };
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, h.siteSettings()); }),
              HasSubstr("another key"));
  lie = [&](const EnrolRequest& r, EnrolReply reply) {
    reply.certificatePem = issue(genuine, keyOfRequest(r.requestPem), "h2");
    return reply;
  };
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, h.siteSettings()); }),
              HasSubstr("another site"));
  lie = [&](const EnrolRequest&, EnrolReply reply) {
    reply.certificatePem = "rubbish";
    return reply;
  };
  EXPECT_THAT(refusalOf([&] { Site::enrol(invitation, h.siteSettings()); }), HasSubstr("read"));
  lie = [](const EnrolRequest&, EnrolReply reply) { return reply; };
  EXPECT_NO_THROW(Site::enrol(invitation, h.siteSettings()));
}

TEST(Site, IsNotOpenedInAFolderWithoutEnrolment) {
  SiteConsortium world;
  Hospital h(world, "h1", 1);
  EXPECT_THROW(h.boot(), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(h.folder)) << "a mistyped name makes no folder";
}

TEST(Site, IsRunByOneProgramAtATime) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.step();
  Site second(h.siteSettings(), h.trainer, h.observer);
  second.step({});
  EXPECT_THAT(second.status().lastProblem, HasSubstr("another program"));
  EXPECT_EQ(h.problem(), "");
}

// --- trouble on the line -----------------------------------------------------------------------

TEST(Site, BacksOffAndRecovers) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.step();
  bool isDown = true;
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& ask) {
        if (!isDown) return ask();
        Answer answer;
        answer.status = 503;
        answer.headers = {{"Retry-After", "120"}};
        return answer;
      });
  EXPECT_EQ(h.step(), 120s);
  EXPECT_THAT(h.problem(), HasSubstr("503"));
  isDown = false;
  EXPECT_EQ(h.step(), 10s);  // the coordinator's own interval
  EXPECT_EQ(h.problem(), "");
  EXPECT_EQ(h.site->status().lastContact, world.now);
}

TEST(Site, WaitsLongerWhenNobodyAnswers) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.boot();
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>&) {
        Answer answer;
        answer.raw = "";
        return answer;
      });
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 4; ++i) waits.push_back(h.step());
  for (std::size_t i = 0; i < waits.size(); ++i) {
    EXPECT_LE(waits[i], 1000ms * (1 << i));
    EXPECT_GE(waits[i], 500ms * (1 << i));
  }
}

TEST(Site, CorrectsAWrongClockWhenItSigns) {
  for (const auto error : {-3h, 2h}) {
    SiteWorld world(1);
    Hospital& h = world.hospital(1);
    h.clockError = error;
    h.step();
    EXPECT_EQ(h.problem(), "");
    EXPECT_THAT(h.auditText(), HasSubstr("clock-corrected"));
    h.boot();  // and remembers
    std::atomic<int> requests{0};
    world.setIntercept(
        [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& ask) {
          ++requests;
          return ask();
        });
    h.step();
    EXPECT_EQ(requests, 1) << "nothing had to be repeated";
  }
}

TEST(Site, AsksForTheClockToBeSetWhenItIsDaysAway) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.clockError = 48h;
  h.step();
  EXPECT_THAT(h.problem(), HasSubstr("set the clock"));
}

TEST(Site, StopsWhenItIsRevokedAndGoesOnWithANewInvitation) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.step();
  world.adminJson("POST", "sites/h1/revocation", R"({"reason":"left"})");
  h.step();
  EXPECT_THAT(h.problem(), HasSubstr("new invitation"));
  std::atomic<int> requests{0};
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& ask) {
        ++requests;
        return ask();
      });
  h.step();
  h.site->run({});  // returns by itself
  EXPECT_EQ(requests, 0);
  EXPECT_THAT(h.auditText(), HasSubstr("revoked"));
  h.site.reset();
  h.enrol();
  h.step();
  EXPECT_EQ(h.problem(), "");
}

TEST(Site, SaysThatItsCertificateHasExpired) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.step();
  world.now += std::chrono::days(4000);
  h.step();
  EXPECT_THAT(h.problem(), HasSubstr("expired"));
}

// --- renewal -----------------------------------------------------------------------------------

PublicKey keyIn(const std::filesystem::path& folder) {
  return Identity::read(folder / "identity.pem").value().key.publicKey();
}

TEST(Renewal, ComesBeforeTheEndWithANewKey) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.step();
  const PublicKey old = keyIn(h.folder);
  const auto ends = h.site->status().certificateEnds;
  h.step();
  EXPECT_EQ(keyIn(h.folder), old) << "not before it is due";
  world.now = ends - (ends - world.now) / 4;
  h.step();
  EXPECT_EQ(h.problem(), "");
  EXPECT_NE(keyIn(h.folder), old);
  EXPECT_GT(h.site->status().certificateEnds, ends);
  h.step();
  EXPECT_EQ(h.problem(), "");
  EXPECT_FALSE(std::filesystem::exists(h.folder / "identity.next.pem"));
}

TEST(Renewal, SurvivesAKillAndALostAnswerAtEachOfItsRequests) {
  for (const bool answerIsLost : {false, true})
    for (int at = 1; at <= 3; ++at) {
      SiteWorld world(1);
      Hospital& h = world.hospital(1);
      h.step();
      const PublicKey old = keyIn(h.folder);
      std::atomic<int> count{0};
      world.setIntercept(
          [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& ask) {
            if (++count != at) return ask();
            Answer cut;
            if (answerIsLost) cut = ask();
            cut.raw = "";
            return cut;
          });
      try {
        h.site->renewCertificate({});
      } catch (const std::exception&) {
      }
      h.boot();
      h.step();
      h.step();
      EXPECT_EQ(h.problem(), "") << at << answerIsLost;
      if (at < 3) {
        EXPECT_NE(keyIn(h.folder), old) << "what was begun was finished";
      }
      EXPECT_FALSE(std::filesystem::exists(h.folder / "identity.next.pem"));
    }
}

TEST(Renewal, WaitsUntilARoundIsOver) {
  SiteWorld world(3);
  Hospital& h = world.hospital(1);
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  world.stepAll();
  const PublicKey old = keyIn(h.folder);
  const auto ends = h.site->status().certificateEnds;
  world.now = ends - (ends - world.now) / 4;
  h.step();
  (void)hash;
  EXPECT_EQ(keyIn(h.folder), old);
}

// --- TLS ---------------------------------------------------------------------------------------

// The real coordinator behind the real HTTPS server with mutual TLS.
class TlsConsortium : public TestConsortium {
 public:
  explicit TlsConsortium(const std::string& host = "127.0.0.1") {
    // OpenSSL goes by the system's clock.
    now = systemSeconds();
    std::filesystem::remove_all(settings.folder);
    coordinator.reset();
    Coordinator::create("test consortium", settings);
    token.clear();
    std::ifstream(settings.folder / "admin-token") >> token;
    restart();
    serve(authority(), now + 99h);
    settings.publicUrl = "https://" + host + ":" + std::to_string(server->port());
    restart();
  }
  CertificateAuthority authority() const {
    std::ifstream keyFile(settings.folder / "ca-key.pem"), caFile(settings.folder / "ca.pem");
    const std::string keyPem{std::istreambuf_iterator<char>(keyFile), {}},
        caPem{std::istreambuf_iterator<char>(caFile), {}};
    return CertificateAuthority::load(caPem, viewOf(keyPem));
  }
  // A certificate of `by` that ends at `notAfter`.
  void certify(const CertificateAuthority& by, std::chrono::sys_seconds notAfter) {
    const SigningKey key = SigningKey::generate();
    CertificateTerms terms{"coordinator", now - 48h, notAfter, {"localhost", "consortium.test"},
                           {"127.0.0.1"}, true};
    const SecretBytes pem = key.toPem();
    std::ofstream(root / "server.pem") << by.issue(key.publicKey(), terms);
    std::ofstream(root / "server-key.pem") << textOf(pem.view());
  }
  void serve(const CertificateAuthority& by, std::chrono::sys_seconds notAfter) {
    certify(by, notAfter);
    net::HttpServerOptions options;
    options.certificateFile = root / "server.pem";
    options.keyFile = root / "server-key.pem";
    options.clientCaFile = settings.folder / "ca.pem";
    options.clientCertificates = net::HttpServerOptions::ClientCertificates::Optional;
    server = std::make_unique<net::HttpServer>(options, [this](const net::ServerRequest& r) {
      members.push_back(r.peer ? r.peer->commonName : "");
      return answerOverHttp(*coordinator, r, r.target);
    });
  }
  Invitation invite(const std::string& site) {
    return invitationFromText(
        adminJson("POST", "sites", json{{"id", site}}.dump()).at("invitation").get<std::string>());
  }

  std::unique_ptr<net::HttpServer> server;
  std::vector<std::string> members;  // who the TLS layer saw, request by request
};

struct TlsSite {
  explicit TlsSite(TlsConsortium& c) : world(c) {
    settings.folder = c.root / "site";
    settings.now = [&c] { return c.now; };
  }
  void enrol() { Site::enrol(world.invite("h1"), settings); }
  std::string stepAndComplain() {
    if (!site) site = std::make_unique<Site>(settings, trainer, observer);
    site->step({});
    return site->status().lastProblem;
  }
  TlsConsortium& world;
  SumsTrainer trainer;
  NotingObserver observer;
  SiteSettings settings;
  std::unique_ptr<Site> site;
};

TEST(SiteTls, ShowsItsCertificateOnceItHasOne) {
  TlsConsortium world;
  TlsSite h(world);
  h.enrol();
  EXPECT_EQ(world.members.back(), "");
  EXPECT_EQ(h.stepAndComplain(), "");
  EXPECT_EQ(world.members.back(), "h1");
  h.site->renewCertificate({});
  EXPECT_EQ(h.stepAndComplain(), "");
  EXPECT_EQ(world.members.back(), "h1");
}

TEST(SiteTls, DoesNotTalkToAServerOfAnotherAuthority) {
  TlsConsortium world;
  TlsSite h(world);
  h.enrol();
  const auto rogue =
      CertificateAuthority::create("rogue", world.now - 1h, world.now + std::chrono::hours(999));
  world.certify(rogue, world.now + 99h);
  world.server->reloadCertificates();
  const std::size_t before = world.members.size();
  EXPECT_THAT(h.stepAndComplain(), HasSubstr("certificate"));
  EXPECT_EQ(world.members.size(), before);
  TlsSite other(world);
  other.settings.folder = world.root / "other";
  EXPECT_THROW(Site::enrol(world.invite("h2"), other.settings), net::NetError);
}

TEST(SiteTls, DoesNotTalkToAServerWhoseCertificateHasExpired) {
  TlsConsortium world;
  TlsSite h(world);
  h.enrol();
  world.certify(world.authority(), world.now - 24h);
  world.server->reloadCertificates();
  EXPECT_THAT(h.stepAndComplain(), HasSubstr("expired"));
}

TEST(SiteTls, HoldsTheServerToThePinOfTheInvitation) {
  TlsConsortium world;
  TlsSite h(world);
  Invitation invitation = world.invite("h1");
  invitation.tlsPinSha256 = std::string(64, 'a');
  EXPECT_THROW(Site::enrol(invitation, h.settings), net::NetError);
  std::ifstream keyFile(world.root / "server-key.pem");
  const std::string keyPem{std::istreambuf_iterator<char>(keyFile), {}};
  invitation.tlsPinSha256 = fedpet::testing::publicKeySha256Hex(keyPem);
  EXPECT_NO_THROW(Site::enrol(invitation, h.settings));
  EXPECT_EQ(h.stepAndComplain(), "");
  world.certify(world.authority(), world.now + 99h);  // the same authority, another key
  world.server->reloadCertificates();
  h.site.reset();
  EXPECT_NE(h.stepAndComplain(), "");
}

TEST(SiteTls, GoesThroughAProxyThatAloneKnowsTheName) {
  TlsConsortium world("consortium.test");
  TlsSite h(world);
  h.settings.http.resolveTimeout = 500ms;
  const fedpet::testing::LoopbackProxy proxy(world.server->port());
  h.settings.http.proxyUrl = proxy.url();
  h.settings.http.proxyAuthorization = net::basicCredentials("hospital", "secret");
  h.enrol();
  EXPECT_EQ(h.stepAndComplain(), "");
  EXPECT_EQ(world.members.back(), "h1");
  ASSERT_FALSE(proxy.headers().empty());
  EXPECT_THAT(proxy.headers()[0], HasSubstr("CONNECT consortium.test"));
}

}  // namespace
}  // namespace fedpet::federation::testing
