#include "federation/audit/AuditLog.h"

#include <gtest/gtest.h>

#include <sstream>

namespace fedpet::federation {
namespace {

std::vector<AuditEntry> someEntries(const std::string& siteMember) {
  const auto at = [](int s) { return std::chrono::sys_seconds(std::chrono::seconds(1000 + s)); };
  std::vector<AuditEntry> log;
  const auto add = [&](int s, const char* kind, const std::string& facts) {
    log.push_back(nextEntry(log.empty() ? nullptr : &log.back(), at(s), kind, facts));
  };
  add(0, "decision", R"({"plan":"p1","approved":true)" + siteMember + "}");
  add(1, "contribution", R"({"round":"r1","blob":"b1")" + siteMember + "}");
  add(2, "budget", R"({"epsilon":0.5})");
  return log;
}

std::string exported(const std::vector<AuditEntry>& log, const std::string& owner) {
  std::ostringstream out;
  exportAudit(out, owner, log);
  return out.str();
}

AuditVerdict verdictOn(const std::string& text) {
  std::istringstream in(text);
  return verifyAudit(in);
}

TEST(AuditLog, VerifiesWhatItExports) {
  const auto log = someEntries("");
  const auto verdict = verdictOn(exported(log, "site-1"));
  EXPECT_TRUE(verdict.intact) << verdict.problem;
  EXPECT_EQ(verdict.entries, 3U);
  EXPECT_EQ(verdict.head, toHex(log.back().hash));
}

TEST(AuditLog, ShowsWhichEntryWasAlteredRemovedOrMoved) {
  const auto log = someEntries("");
  auto altered = log;
  altered[1].factsJson = R"({"round":"r1","blob":"b2"})";
  EXPECT_EQ(verdictOn(exported(altered, "s")).firstBroken, 2U);
  // The hash made right as well: the next entry no longer follows.
  altered[1] = nextEntry(&altered[0], altered[1].time, altered[1].kind, altered[1].factsJson);
  EXPECT_EQ(verdictOn(exported(altered, "s")).firstBroken, 3U);
  EXPECT_EQ(verdictOn(exported({log[0], log[2]}, "s")).firstBroken, 2U);
  EXPECT_EQ(verdictOn(exported({log[1], log[0], log[2]}, "s")).firstBroken, 1U);
}

TEST(AuditLog, CallsGarbageBroken) {
  for (const std::string text :
       {"", "{}\n", "no json\n", "{\"format\":\"fedpet-audit-1\"}\n{\"sequence\":1}\n"})
    EXPECT_FALSE(verdictOn(text).intact) << text;
}

TEST(AuditLog, FindsWhatOnlyOneEndTells) {
  const auto theirs = exported(someEntries(R"(,"site":"site-1")"), "coordinator");
  auto own = someEntries("");
  std::istringstream coordinator(theirs), site(exported(own, "site-1"));
  EXPECT_TRUE(compareAudits(coordinator, site).empty());

  own.push_back(
      nextEntry(&own.back(), own.back().time, "contribution", R"({"round":"r2","blob":"b9"})"));
  std::istringstream again(theirs), more(exported(own, "site-1"));
  const auto differences = compareAudits(again, more);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NE(differences[0].find("only site-1 tells"), std::string::npos);
}

}  // namespace
}  // namespace fedpet::federation
