// What every OutboxStore must do. To test one:
//
//   struct SqliteOutboxes {                       // one object: one storage, empty at first
//     std::unique_ptr<fhir::OutboxStore> open();  // each call opens the same storage again
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, OutboxStoreContract, SqliteOutboxes);
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fhir/Outbox.h"

namespace fedpet::testing {

using namespace std::chrono_literals;

template <typename Outboxes>
class OutboxStoreContract : public ::testing::Test {
 protected:
  static fhir::OutboxMessage message(std::string key, std::string study = "study-1",
                                     std::string body = "{}") {
    return {std::move(key), "ehr", std::move(study), std::move(body)};
  }

  static constexpr fhir::OutboxTime kNoon{std::chrono::sys_days{std::chrono::November / 24 / 2026} +
                                          12h + 7ms};
  static constexpr auto kClaim = 2min;

  Outboxes outboxes_;
  std::unique_ptr<fhir::OutboxStore> store_ = outboxes_.open();
};

TYPED_TEST_SUITE_P(OutboxStoreContract);

TYPED_TEST_P(OutboxStoreContract, IsEmptyAtFirst) {
  EXPECT_FALSE(this->store_->claimDue(this->kNoon, this->kClaim));
  EXPECT_FALSE(this->store_->nextDue());
  EXPECT_FALSE(this->store_->find(1));
  EXPECT_TRUE(this->store_->list(std::nullopt, 10).empty());
  EXPECT_EQ(this->store_->counts().pending, 0u);
}

TYPED_TEST_P(OutboxStoreContract, ReturnsEverythingThatWasEnqueued) {
  const fhir::OutboxMessage sent{"1.2.3", "h\xc3\xb4pital", "1.2", "{\"text\":\"l\xc3\xa9sion ' \\\" \\n\"}"};
  const auto id = this->store_->enqueue(sent, this->kNoon);
  const auto entry = this->store_->find(id);
  ASSERT_TRUE(entry);
  EXPECT_GT(id, 0);
  EXPECT_EQ(entry->id, id);
  EXPECT_EQ(entry->message.key, sent.key);
  EXPECT_EQ(entry->message.destination, sent.destination);
  EXPECT_EQ(entry->message.orderingKey, sent.orderingKey);
  EXPECT_EQ(entry->message.body, sent.body);
  EXPECT_EQ(entry->state, fhir::OutboxState::Pending);
  EXPECT_EQ(entry->attempts, 0);
  EXPECT_EQ(entry->enqueuedAt, this->kNoon);
  EXPECT_EQ(entry->dueAt, this->kNoon);
  EXPECT_FALSE(entry->settledAt);
}

TYPED_TEST_P(OutboxStoreContract, KeepsOneEntryPerKeyAndDestination) {
  const auto id = this->store_->enqueue(this->message("a"), this->kNoon);
  EXPECT_EQ(this->store_->enqueue(this->message("a"), this->kNoon + 1h), id);
  EXPECT_EQ(this->store_->find(id)->dueAt, this->kNoon);
  fhir::OutboxMessage elsewhere = this->message("a");
  elsewhere.destination = "second ehr";
  EXPECT_NE(this->store_->enqueue(elsewhere, this->kNoon), id);
  EXPECT_EQ(this->store_->counts().pending, 2u);
}

TYPED_TEST_P(OutboxStoreContract, DoesNotSendADeliveredMessageAgain) {
  const auto id = this->store_->enqueue(this->message("a"), this->kNoon);
  const auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  ASSERT_TRUE(claim);
  EXPECT_TRUE(this->store_->markDelivered(id, claim->revision, this->kNoon + 1s,
                                          {"Device/1", "Observation/2/_history/1"}));
  this->store_->enqueue(this->message("a"), this->kNoon + 2s);
  EXPECT_FALSE(this->store_->claimDue(this->kNoon + 1h, this->kClaim));
  const auto entry = this->store_->find(id);
  EXPECT_EQ(entry->state, fhir::OutboxState::Delivered);
  EXPECT_EQ(entry->settledAt, this->kNoon + 1s);
  EXPECT_EQ(entry->locations,
            (std::vector<std::string>{"Device/1", "Observation/2/_history/1"}));
}

TYPED_TEST_P(OutboxStoreContract, SendsAChangedBodyUnderTheSameKey) {
  const auto id = this->store_->enqueue(this->message("a", "s", "old"), this->kNoon);
  const auto first = this->store_->claimDue(this->kNoon, this->kClaim);
  ASSERT_TRUE(first);
  EXPECT_TRUE(this->store_->markDelivered(id, first->revision, this->kNoon, {"Device/1"}));
  EXPECT_EQ(this->store_->enqueue(this->message("a", "s", "new"), this->kNoon + 1h), id);
  const auto second = this->store_->claimDue(this->kNoon + 1h, this->kClaim);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message.body, "new");
  EXPECT_EQ(second->attempts, 1);
  EXPECT_TRUE(second->locations.empty());
  EXPECT_FALSE(second->settledAt);
}

TYPED_TEST_P(OutboxStoreContract, DoesNotTakeTheDeliveryOfAnOldBodyForTheNewOne) {
  const auto id = this->store_->enqueue(this->message("a", "s", "old"), this->kNoon);
  const auto old = this->store_->claimDue(this->kNoon, this->kClaim);
  ASSERT_TRUE(old);
  this->store_->enqueue(this->message("a", "s", "new"), this->kNoon + 1s);
  EXPECT_FALSE(this->store_->markDelivered(id, old->revision, this->kNoon + 2s, {}));
  const auto fresh = this->store_->claimDue(this->kNoon + 3s, this->kClaim);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->message.body, "new");
}

TYPED_TEST_P(OutboxStoreContract, ClaimsInOrderOfArrivalAndOnlyWhatIsDue) {
  const auto a = this->store_->enqueue(this->message("a", "s1"), this->kNoon);
  const auto b = this->store_->enqueue(this->message("b", "s2"), this->kNoon);
  this->store_->enqueue(this->message("c", "s3"), this->kNoon + 1ms);
  EXPECT_EQ(this->store_->claimDue(this->kNoon, this->kClaim)->id, a);
  EXPECT_EQ(this->store_->claimDue(this->kNoon, this->kClaim)->id, b);
  EXPECT_FALSE(this->store_->claimDue(this->kNoon, this->kClaim));
  EXPECT_TRUE(this->store_->claimDue(this->kNoon + 1ms, this->kClaim));
}

TYPED_TEST_P(OutboxStoreContract, HoldsBackALaterMessageOfTheSameStudy) {
  const auto first = this->store_->enqueue(this->message("a", "s1"), this->kNoon);
  const auto second = this->store_->enqueue(this->message("b", "s1"), this->kNoon);
  const auto other = this->store_->enqueue(this->message("c", "s2"), this->kNoon);
  auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  ASSERT_EQ(claim->id, first);
  EXPECT_EQ(this->store_->claimDue(this->kNoon, this->kClaim)->id, other);
  EXPECT_FALSE(this->store_->claimDue(this->kNoon, this->kClaim)) << "the first is under way";
  EXPECT_TRUE(this->store_->retryAt(first, claim->revision, this->kNoon + 1h, "down"));
  EXPECT_FALSE(this->store_->claimDue(this->kNoon + 1min, this->kClaim)) << "the first waits";
  claim = this->store_->claimDue(this->kNoon + 1h, this->kClaim);
  ASSERT_EQ(claim->id, first);
  EXPECT_TRUE(this->store_->deadLetter(first, claim->revision, this->kNoon + 1h, "refused"));
  const auto freed = this->store_->claimDue(this->kNoon + 1h, 1h);
  ASSERT_TRUE(freed) << "a dead letter holds nobody back (the other study's claim ran out too)";
  const auto freedToo = this->store_->claimDue(this->kNoon + 1h, 1h);
  ASSERT_TRUE(freedToo);
  EXPECT_EQ((std::set{freed->id, freedToo->id}), (std::set{second, other}));
}

TYPED_TEST_P(OutboxStoreContract, RemembersWhyAndWhenToTryAgain) {
  const auto id = this->store_->enqueue(this->message("a"), this->kNoon);
  auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  EXPECT_EQ(claim->attempts, 1);
  EXPECT_EQ(claim->state, fhir::OutboxState::Delivering);
  EXPECT_TRUE(this->store_->retryAt(id, claim->revision, this->kNoon + 30s, "503 busy"));
  EXPECT_EQ(this->store_->nextDue(), this->kNoon + 30s);
  EXPECT_EQ(this->store_->find(id)->reason, "503 busy");
  EXPECT_FALSE(this->store_->claimDue(this->kNoon + 29s, this->kClaim));
  claim = this->store_->claimDue(this->kNoon + 30s, this->kClaim);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->attempts, 2);
  EXPECT_EQ(claim->enqueuedAt, this->kNoon);
}

TYPED_TEST_P(OutboxStoreContract, GivesAnAbandonedClaimToTheNext) {
  const auto id = this->store_->enqueue(this->message("a"), this->kNoon);
  const auto lost = this->store_->claimDue(this->kNoon, this->kClaim);
  ASSERT_TRUE(lost);
  EXPECT_FALSE(this->store_->claimDue(this->kNoon + this->kClaim - 1ms, this->kClaim));
  const auto again = this->store_->claimDue(this->kNoon + this->kClaim, this->kClaim);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempts, 2);
  EXPECT_FALSE(this->store_->markDelivered(id, lost->revision, this->kNoon + 3min, {}))
      << "the claim was taken over";
  EXPECT_FALSE(this->store_->retryAt(id, lost->revision, this->kNoon + 3min, "late"));
  EXPECT_FALSE(this->store_->deadLetter(id, lost->revision, this->kNoon + 3min, "late"));
  EXPECT_TRUE(this->store_->markDelivered(id, again->revision, this->kNoon + 3min, {}));
  EXPECT_FALSE(this->store_->markDelivered(id, again->revision, this->kNoon + 4min, {}))
      << "settled is settled";
}

TYPED_TEST_P(OutboxStoreContract, RequeuesADeadLetterWithNewPatience) {
  const auto id = this->store_->enqueue(this->message("a"), this->kNoon);
  const auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  EXPECT_FALSE(this->store_->requeue(id, this->kNoon)) << "it is under way";
  this->store_->deadLetter(id, claim->revision, this->kNoon, "422 refused");
  EXPECT_FALSE(this->store_->claimDue(this->kNoon + 24h, this->kClaim));
  EXPECT_EQ(this->store_->find(id)->reason, "422 refused");
  EXPECT_EQ(this->store_->find(id)->settledAt, this->kNoon);
  EXPECT_TRUE(this->store_->requeue(id, this->kNoon + 48h));
  const auto entry = this->store_->find(id);
  EXPECT_EQ(entry->attempts, 0);
  EXPECT_EQ(entry->enqueuedAt, this->kNoon + 48h);
  EXPECT_FALSE(entry->settledAt);
  EXPECT_TRUE(this->store_->claimDue(this->kNoon + 48h, this->kClaim));
  EXPECT_FALSE(this->store_->requeue(id + 1000, this->kNoon));
}

TYPED_TEST_P(OutboxStoreContract, ListsAndCountsByState) {
  const auto a = this->store_->enqueue(this->message("a", "s1"), this->kNoon);
  const auto b = this->store_->enqueue(this->message("b", "s2"), this->kNoon);
  const auto c = this->store_->enqueue(this->message("c", "s3"), this->kNoon);
  const auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  this->store_->deadLetter(a, claim->revision, this->kNoon, "no");
  this->store_->claimDue(this->kNoon, this->kClaim);
  const auto counts = this->store_->counts();
  EXPECT_EQ(counts.deadLetter, 1u);
  EXPECT_EQ(counts.delivering, 1u);
  EXPECT_EQ(counts.pending, 1u);
  EXPECT_EQ(counts.delivered, 0u);
  const auto newest = this->store_->list(std::nullopt, 2);
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[0].id, c);
  EXPECT_EQ(newest[1].id, b);
  const auto dead = this->store_->list(fhir::OutboxState::DeadLetter, 10);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].id, a);
}

TYPED_TEST_P(OutboxStoreContract, KeepsEverythingAcrossAReopening) {
  const auto pending = this->store_->enqueue(this->message("a", "s1"), this->kNoon);
  const auto claim = this->store_->claimDue(this->kNoon, this->kClaim);
  this->store_->retryAt(pending, claim->revision, this->kNoon + 1min, "down");
  this->store_.reset();
  this->store_ = this->outboxes_.open();
  const auto again = this->store_->claimDue(this->kNoon + 1min, this->kClaim);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, pending);
  EXPECT_EQ(again->reason, "down");
  EXPECT_EQ(again->attempts, 2);
  EXPECT_GT(again->revision, claim->revision);
}

TYPED_TEST_P(OutboxStoreContract, GivesEachMessageToOneOfSeveralThreads) {
  constexpr int kMessages = 60;
  for (int i = 0; i < kMessages; ++i)
    this->store_->enqueue(this->message("key-" + std::to_string(i), "s" + std::to_string(i)),
                          this->kNoon);
  std::vector<std::vector<std::int64_t>> claimed(3);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : claimed)
      threads.emplace_back([this, &mine] {
        const auto own = this->outboxes_.open();
        while (const auto entry = own->claimDue(this->kNoon, this->kClaim))
          mine.push_back(entry->id);
      });
  }
  std::set<std::int64_t> distinct;
  std::size_t total = 0;
  for (const auto& mine : claimed) {
    distinct.insert(mine.begin(), mine.end());
    total += mine.size();
  }
  EXPECT_EQ(total, static_cast<std::size_t>(kMessages));
  EXPECT_EQ(distinct.size(), static_cast<std::size_t>(kMessages));
}

REGISTER_TYPED_TEST_SUITE_P(OutboxStoreContract, IsEmptyAtFirst, ReturnsEverythingThatWasEnqueued,
                            KeepsOneEntryPerKeyAndDestination, DoesNotSendADeliveredMessageAgain,
                            SendsAChangedBodyUnderTheSameKey,
                            DoesNotTakeTheDeliveryOfAnOldBodyForTheNewOne,
                            ClaimsInOrderOfArrivalAndOnlyWhatIsDue,
                            HoldsBackALaterMessageOfTheSameStudy,
                            RemembersWhyAndWhenToTryAgain, GivesAnAbandonedClaimToTheNext,
                            RequeuesADeadLetterWithNewPatience, ListsAndCountsByState,
                            KeepsEverythingAcrossAReopening,
                            GivesEachMessageToOneOfSeveralThreads);

}  // namespace fedpet::testing
