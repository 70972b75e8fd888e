#include "fhir/OutboxCourier.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/InMemoryOutboxStore.h"

namespace fedpet::fhir {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::InMemoryOutboxStore;

const RetryLater kDown{RetryLater::Cause::Unreachable, std::nullopt, "Connect: refused", true};
const RetryLater kGarbage{RetryLater::Cause::Unintelligible, std::nullopt, "not a Bundle", false};

// Gives the outcomes it was told, the last one for ever, and remembers what it was asked.
struct ScriptedSender : BundleSender {
  explicit ScriptedSender(std::deque<DeliveryOutcome> script) : outcomes(std::move(script)) {}
  DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                          std::stop_token) override {
    bodies.push_back(bundle);
    requestIds.push_back(requestId);
    DeliveryOutcome outcome = outcomes.front();
    if (outcomes.size() > 1) outcomes.pop_front();
    if (meanwhile) meanwhile();
    return outcome;
  }
  std::deque<DeliveryOutcome> outcomes;
  std::vector<std::string> bodies, requestIds;
  std::function<void()> meanwhile;
};

struct Log : CourierObserver {
  void delivered(const OutboxEntry& e) override { lines.push_back("delivered " + e.message.key); }
  void postponed(const OutboxEntry& e, OutboxTime, const std::string& reason) override {
    lines.push_back("postponed " + e.message.key + ": " + reason);
  }
  void deadLettered(const OutboxEntry& e, const std::string& reason) override {
    lines.push_back("dead " + e.message.key + ": " + reason);
  }
  void storeFailed(const std::string& what) override { lines.push_back("store: " + what); }
  std::vector<std::string> lines;
};

class OutboxCourierTest : public ::testing::Test {
 protected:
  std::int64_t enqueue(std::string key, std::string study = {}, std::string destination = "ehr") {
    if (study.empty()) study = "study of " + key;
    const std::string body = "body of " + key;
    return store.enqueue({std::move(key), std::move(destination), std::move(study), body}, now);
  }
  OutboxCourier courierTo(std::shared_ptr<BundleSender> sender) {
    return {store, {{"ehr", std::move(sender)}}, log, policy, inject()};
  }
  OutboxCourier::Inject inject() {
    return {[this] { return now; }, [] { return 0.5; }};
  }
  OutboxState stateOf(std::int64_t id) { return store.find(id)->state; }

  OutboxTime now{std::chrono::sys_days{std::chrono::November / 24 / 2026}};
  RetryPolicy policy;
  InMemoryOutboxStore store;
  Log log;
};

TEST_F(OutboxCourierTest, DeliversEverythingThatIsDueOnce) {
  const auto a = enqueue("a"), b = enqueue("b");
  auto sender = std::make_shared<ScriptedSender>(
      std::deque<DeliveryOutcome>{Delivered{{"Device/1"}}});
  OutboxCourier courier = courierTo(sender);
  EXPECT_EQ(courier.deliverDue(), 2u);
  EXPECT_EQ(courier.deliverDue(), 0u);
  EXPECT_EQ(stateOf(a), OutboxState::Delivered);
  EXPECT_EQ(stateOf(b), OutboxState::Delivered);
  EXPECT_EQ(store.find(a)->locations, std::vector<std::string>{"Device/1"});
  EXPECT_EQ(sender->bodies, (std::vector<std::string>{"body of a", "body of b"}));
  EXPECT_NE(sender->requestIds[0], sender->requestIds[1]);
}

TEST_F(OutboxCourierTest, BacksOffTwiceAsLongEachTimeUpToTheLongest) {
  enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{kDown});
  OutboxCourier courier = courierTo(sender);
  for (const auto wait : {30s, 60s, 120s, 240s, 480s, 960s, 1920s, 3600s, 3600s}) {
    EXPECT_EQ(courier.deliverDue(), 1u);
    EXPECT_EQ(store.nextDue(), now + wait);
    now += wait - 1ms;
    EXPECT_EQ(courier.deliverDue(), 0u);
    now += 1ms;
  }
}

TEST(BackOff, SpreadsTheDelayAroundItsValue) {
  const RetryPolicy policy;
  EXPECT_EQ(backOff(policy, 1, 0.0), 24s);
  EXPECT_EQ(backOff(policy, 1, 1.0), 36s);
  EXPECT_EQ(backOff(policy, 1000, 0.5), 1h);
}

TEST_F(OutboxCourierTest, WaitsAsLongAsThePeerAsksButNotLess) {
  enqueue("a");
  RetryLater patient = kDown, hasty = kDown;
  patient.after = 600s;
  hasty.after = 1s;
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{patient, hasty});
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(store.nextDue(), now + 600s);
  now += 600s;
  courier.deliverDue();
  EXPECT_EQ(store.nextDue(), now + 60s);
}

TEST_F(OutboxCourierTest, KeepsTryingThroughALongOutageAndThenDelivers) {
  const auto id = enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{kDown});
  OutboxCourier courier = courierTo(sender);
  for (const auto end = now + 72h; now < end; now = *store.nextDue()) courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::Pending);
  sender->outcomes = {Delivered{}};
  courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::Delivered);
}

TEST_F(OutboxCourierTest, GivesUpAfterTwoWeeksWithTheReason) {
  const auto id = enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{kDown});
  OutboxCourier courier = courierTo(sender);
  now += policy.giveUpAfter;
  courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::DeadLetter);
  EXPECT_NE(store.find(id)->reason.find("Connect: refused"), std::string::npos);
}

TEST_F(OutboxCourierTest, GivesUpAfterAFewUnintelligibleAnswersInARow) {
  const auto id = enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(
      std::deque<DeliveryOutcome>{kGarbage, kGarbage, kGarbage, kGarbage, kDown, kGarbage});
  OutboxCourier courier = courierTo(sender);
  for (int attempt = 1; attempt <= 9; ++attempt, now = *store.nextDue()) {
    courier.deliverDue();
    ASSERT_EQ(stateOf(id), OutboxState::Pending) << "attempt " << attempt;
  }
  courier.deliverDue();  // the fifth in a row since the server was down
  EXPECT_EQ(stateOf(id), OutboxState::DeadLetter);
  EXPECT_NE(store.find(id)->reason.find("not a Bundle"), std::string::npos);
}

TEST_F(OutboxCourierTest, PutsARejectedMessageAsideAndGoesOn) {
  const auto a = enqueue("a"), b = enqueue("b");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{
      Rejected{"HTTP status 422", "Patient?identifier=x|4711 matched 0"}, Delivered{}});
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(stateOf(a), OutboxState::DeadLetter);
  EXPECT_EQ(stateOf(b), OutboxState::Delivered);
  EXPECT_NE(store.find(a)->reason.find("matched 0"), std::string::npos);
  for (const auto& line : log.lines)
    EXPECT_EQ(line.find("4711"), std::string::npos) << "the log must not name a patient: " << line;
}

TEST_F(OutboxCourierTest, AsksAnUnreachableServerOnceAndNotOncePerMessage) {
  for (int i = 0; i < 20; ++i) enqueue("key-" + std::to_string(i));
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{kDown});
  auto other = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{Delivered{}});
  OutboxCourier courier(store, {{"ehr", sender}, {"other", other}}, log, policy, inject());
  enqueue("elsewhere", {}, "other");
  EXPECT_EQ(courier.deliverDue(), 21u);
  EXPECT_EQ(sender->bodies.size(), 1u);
  EXPECT_EQ(other->bodies.size(), 1u) << "another server is not concerned";
  EXPECT_EQ(store.counts().pending, 20u);
}

TEST_F(OutboxCourierTest, LetsOthersPassAMessageThatAServerFailsOn) {
  enqueue("poison");
  const auto healthy = enqueue("healthy");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{
      RetryLater{RetryLater::Cause::Unreachable, std::nullopt, "HTTP status 500", false},
      Delivered{}});
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(stateOf(healthy), OutboxState::Delivered);
}

TEST_F(OutboxCourierTest, KeepsTheOrderWithinAStudy) {
  const auto first = enqueue("first", "study"), second = enqueue("second", "study");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{
      RetryLater{RetryLater::Cause::Unreachable, std::nullopt, "HTTP status 500", false},
      Delivered{}});
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(stateOf(second), OutboxState::Pending);
  now += 30s;
  courier.deliverDue();
  EXPECT_EQ(stateOf(first), OutboxState::Delivered);
  EXPECT_EQ(stateOf(second), OutboxState::Delivered);
  EXPECT_EQ(sender->bodies,
            (std::vector<std::string>{"body of first", "body of first", "body of second"}));
}

TEST_F(OutboxCourierTest, SendsTheNewerResultThatCameDuringADelivery) {
  const auto id = enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{Delivered{}});
  sender->meanwhile = [&] {
    if (sender->bodies.size() == 1) store.enqueue({"a", "ehr", "study of a", "newer"}, now);
  };
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(sender->bodies, (std::vector<std::string>{"body of a", "newer"}));
  EXPECT_EQ(stateOf(id), OutboxState::Delivered);
}

TEST_F(OutboxCourierTest, WaitsForWorkingCredentials) {
  const auto id = enqueue("a");
  auto sender = std::make_shared<ScriptedSender>(
      std::deque<DeliveryOutcome>{NeedsAuth{"HTTP status 401"}, Delivered{}});
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::Pending);
  EXPECT_NE(store.find(id)->reason.find("credentials"), std::string::npos);
  now += 1h;
  courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::Delivered);
}

TEST_F(OutboxCourierTest, SetsAMessageForAnUnknownDestinationAside) {
  const auto id = enqueue("a", {}, "no longer configured");
  OutboxCourier courier = courierTo(
      std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{Delivered{}}));
  courier.deliverDue();
  EXPECT_EQ(stateOf(id), OutboxState::DeadLetter);
}

TEST_F(OutboxCourierTest, LeavesAMessageDueWhenItIsStopped) {
  const auto id = enqueue("a");
  std::stop_source stop;
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{kDown});
  sender->meanwhile = [&] { stop.request_stop(); };
  OutboxCourier courier = courierTo(sender);
  courier.deliverDue(stop.get_token());
  EXPECT_EQ(stateOf(id), OutboxState::Pending);
  EXPECT_EQ(store.nextDue(), now) << "the next start tries at once";
}

TEST(OutboxCourierThread, DeliversWhenItIsWokenAndEndsWhenItIsDestroyed) {
  InMemoryOutboxStore store;
  Log log;
  auto sender = std::make_shared<ScriptedSender>(std::deque<DeliveryOutcome>{Delivered{}});
  {
    OutboxCourierThread thread(store, {{"ehr", sender}}, log, {}, 1h);
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    store.enqueue({"a", "ehr", "s", "{}"}, now);
    thread.wake();
    for (int i = 0; i < 1000 && store.counts().delivered == 0; ++i)
      std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(store.counts().delivered, 1u);
}

}  // namespace
}  // namespace fedpet::fhir
