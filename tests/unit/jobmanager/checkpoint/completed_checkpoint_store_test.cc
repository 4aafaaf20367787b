// SPDX-License-Identifier: Apache-2.0
// What the outcomes of storage operations mean, and in which order they run.
#include "jobmanager/checkpoint/completed_checkpoint_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "testing/manual_clock.h"
#include "testing/manual_executor.h"
#include "tests/unit/jobmanager/memory_checkpoint_storage.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct RecordingHaStore final : HaStore {
  Status record_checkpoint(JobId, LeaderEpoch epoch, CheckpointId checkpoint) override {
    recorded.emplace_back(epoch, checkpoint);
    return answer;
  }
  std::vector<std::pair<LeaderEpoch, CheckpointId>> recorded;
  Status answer;
};

class CompletedCheckpointStoreTest : public ::testing::Test {
 protected:
  void fail(StorageCall call, Status status, int times = 1'000'000) {
    storage_->fault = [call, status, times](StorageCall made, CheckpointId) mutable {
      return made == call && times-- > 0 ? StorageFault{status, false} : StorageFault{};
    };
  }
  StoreOutcome publish(std::uint64_t id) {
    std::optional<StoreOutcome> outcome;
    CheckpointMetadata metadata;
    metadata.id = CheckpointId{id};
    store_->publish({metadata}, [&](StoreOutcome result, const Status&) { outcome = result; });
    executor_.run_until_idle();
    return outcome.value();
  }
  StoreOutcome read_back(std::uint64_t id) {
    std::optional<StoreOutcome> outcome;
    store_->read_back({CheckpointId{id}},
                      [&](StoreOutcome result, const Status&) { outcome = result; });
    executor_.run_until_idle();
    return outcome.value();
  }
  Result<RecoveredCheckpoints> recover(std::optional<CheckpointMetadata> restore = std::nullopt) {
    std::optional<Result<RecoveredCheckpoints>> recovered;
    std::optional<RestorePoint> point;
    if (restore) point = {*std::move(restore)};
    store_->recover(std::move(point),
                    [&](Result<RecoveredCheckpoints> result) { recovered = std::move(result); });
    executor_.advance(1min);
    return recovered.value();
  }
  void use_ha() {
    store_.emplace(executor_, blocking_,
                   CheckpointStorageAccess{storage_, ha_, JobId{1}, LeaderEpoch{3}});
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  ManualBlockingExecutor blocking_{executor_};
  std::shared_ptr<MemoryCheckpointStorage> storage_ = std::make_shared<MemoryCheckpointStorage>();
  std::shared_ptr<RecordingHaStore> ha_ = std::make_shared<RecordingHaStore>();
  std::optional<CompletedCheckpointStore> store_{
      std::in_place, executor_, blocking_,
      CheckpointStorageAccess{storage_, nullptr, JobId{1}, LeaderEpoch{3}}};
};

// B10
TEST_F(CompletedCheckpointStoreTest, OnlyAnAmbiguousErrorMeansUnknown) {
  EXPECT_EQ(publish(1), StoreOutcome::kStored);
  fail(StorageCall::kPublish, unavailable("fsync"));
  EXPECT_EQ(publish(2), StoreOutcome::kUnknown);
  fail(StorageCall::kPublish, Status(StatusCode::kDeadlineExceeded, "slow"));
  EXPECT_EQ(publish(2), StoreOutcome::kUnknown);
  fail(StorageCall::kPublish, resource_exhausted("disk full"));
  EXPECT_EQ(publish(2), StoreOutcome::kNotStored);
  fail(StorageCall::kPublish, permission_denied("read-only"));
  EXPECT_EQ(publish(2), StoreOutcome::kNotStored);
}

TEST_F(CompletedCheckpointStoreTest, ReadingBackTellsStoredFromNotStoredFromUnknown) {
  ASSERT_EQ(publish(1), StoreOutcome::kStored);
  EXPECT_EQ(read_back(1), StoreOutcome::kStored);
  EXPECT_EQ(read_back(2), StoreOutcome::kNotStored);
  fail(StorageCall::kReadBack, unavailable("busy"));
  EXPECT_EQ(read_back(1), StoreOutcome::kUnknown);
  fail(StorageCall::kReadBack, permission_denied("no"));
  EXPECT_EQ(read_back(1), StoreOutcome::kUnknown);
  fail(StorageCall::kReadBack, data_loss("torn"));
  EXPECT_EQ(read_back(1), StoreOutcome::kNotStored);
}

// B14, B17: a savepoint's id is held by a checkpoint of that id, which is empty unless the job
// stops with it.
TEST_F(CompletedCheckpointStoreTest, WhatAJobStopsWithIsAlsoItsLatestCheckpoint) {
  for (const CheckpointKind kind : {CheckpointKind::kSavepoint, CheckpointKind::kSavepointStop}) {
    const CheckpointId id{storage_->entries.size() + 1};
    const std::string directory = "/s/" + to_string(id);
    store_->prepare({id, directory}, [](const Status& status) { EXPECT_TRUE(status.is_ok()); });
    CheckpointMetadata metadata;
    metadata.id = id;
    metadata.kind = kind;
    std::optional<StoreOutcome> outcome;
    store_->publish({metadata, directory},
                    [&](StoreOutcome result, const Status&) { outcome = result; });
    executor_.run_until_idle();
    EXPECT_EQ(outcome, StoreOutcome::kStored);
    EXPECT_TRUE(storage_->savepoints.at(directory));
    EXPECT_TRUE(storage_->entries.contains(id));
    EXPECT_EQ(storage_->is_published(id), kind == CheckpointKind::kSavepointStop);
  }
}

TEST_F(CompletedCheckpointStoreTest, ASavepointThatCannotHaveItsIdLeavesNothing) {
  storage_->entries[CheckpointId{1}];
  Status answer;
  store_->prepare({CheckpointId{1}, "/s/1"}, [&](const Status& status) { answer = status; });
  executor_.run_until_idle();
  EXPECT_EQ(answer.code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(storage_->savepoints.empty());
}

TEST_F(CompletedCheckpointStoreTest, OperationsRunInTheOrderOfTheCalls) {
  std::vector<std::string> order;
  storage_->fault = [&](StorageCall call, CheckpointId) {
    order.push_back(call == StorageCall::kBegin ? "begin" : "discard");
    return StorageFault{};
  };
  blocking_.pause();
  store_->prepare({CheckpointId{1}}, [](const Status&) {});
  store_->discard(CheckpointId{1});
  store_->prepare({CheckpointId{2}}, [](const Status&) {});
  EXPECT_FALSE(store_->is_idle());
  blocking_.resume();
  executor_.run_until_idle();
  EXPECT_EQ(order, (std::vector<std::string>{"begin", "discard", "begin"}));
  EXPECT_TRUE(store_->is_idle());
  EXPECT_FALSE(storage_->entries.contains(CheckpointId{1}));
}

TEST_F(CompletedCheckpointStoreTest, DiscardIsTriedAgainAndThenGivenUp) {
  ASSERT_EQ(publish(1), StoreOutcome::kStored);
  fail(StorageCall::kDiscard, unavailable("busy"), 3);
  store_->discard(CheckpointId{1});
  bool is_idle = false;
  store_->when_idle([&] { is_idle = true; });
  executor_.run_until_idle();
  EXPECT_FALSE(is_idle);
  executor_.advance(1min);
  EXPECT_TRUE(is_idle);
  EXPECT_TRUE(storage_->entries.empty());

  ASSERT_EQ(publish(2), StoreOutcome::kStored);
  fail(StorageCall::kDiscard, unavailable("busy"));
  store_->discard(CheckpointId{2});
  executor_.advance(1min);
  EXPECT_TRUE(store_->is_idle());
  EXPECT_EQ(storage_->entries.size(), 1U);
}

TEST_F(CompletedCheckpointStoreTest, AfterAFreshStartNothingThatWasThereIsOurs) {
  ASSERT_EQ(publish(4), StoreOutcome::kStored);
  const auto recovered = recover();
  EXPECT_EQ(recovered->highest, CheckpointId{4});
  EXPECT_TRUE(recovered->retained.empty());
}

TEST_F(CompletedCheckpointStoreTest, TheRestoredCheckpointAndOlderOnesAreOursButNotNewerOnes) {
  for (const std::uint64_t id : {4, 6, 9}) ASSERT_EQ(publish(id), StoreOutcome::kStored);
  const auto recovered = recover(*storage_->entries.at(CheckpointId{6}).metadata);
  EXPECT_EQ(recovered->highest, CheckpointId{9});
  EXPECT_EQ(recovered->retained, (std::vector<CheckpointId>{CheckpointId{4}, CheckpointId{6}}));
}

// B19
TEST_F(CompletedCheckpointStoreTest, ACheckpointOfAnotherDirectoryIsNotOursAndItsIdIsNotUsedAgain) {
  ASSERT_EQ(publish(4), StoreOutcome::kStored);
  CheckpointMetadata foreign;
  foreign.job_name = "other";
  foreign.id = CheckpointId{4};
  EXPECT_TRUE(recover(foreign)->retained.empty());
  foreign.id = CheckpointId{50};
  EXPECT_TRUE(recover(foreign)->retained.empty());
  EXPECT_EQ(recover(foreign)->highest, CheckpointId{50});
}

TEST_F(CompletedCheckpointStoreTest, RecoveryIsTriedAgainWhileTheFailureMayPass) {
  fail(StorageCall::kList, unavailable("busy"), 3);
  EXPECT_TRUE(recover().is_ok());
  fail(StorageCall::kList, unavailable("busy"));
  EXPECT_EQ(recover().status().code(), StatusCode::kUnavailable);
  fail(StorageCall::kList, permission_denied("no"), 1);
  EXPECT_EQ(recover().status().code(), StatusCode::kPermissionDenied);
}

// B11
TEST_F(CompletedCheckpointStoreTest, WhatIsGoneOrDamagedIsDataLoss) {
  std::optional<Result<CheckpointMetadata>> read;
  store_->read(CheckpointId{1}, [&](Result<CheckpointMetadata> result) { read = result; });
  executor_.run_until_idle();
  EXPECT_EQ(read->status().code(), StatusCode::kDataLoss);
  ASSERT_EQ(publish(1), StoreOutcome::kStored);
  fail(StorageCall::kRead, not_found("_metadata"));
  store_->read(CheckpointId{1}, [&](Result<CheckpointMetadata> result) { read = result; });
  executor_.run_until_idle();
  EXPECT_EQ(read->status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(read->status().retry(), RetryHint::kNo);
}

TEST_F(CompletedCheckpointStoreTest, ACheckpointCountsOnlyOnceTheHaStoreKnowsIt) {
  use_ha();
  ha_->answer = unavailable("no quorum");
  EXPECT_EQ(publish(1), StoreOutcome::kUnknown);
  EXPECT_EQ(read_back(1), StoreOutcome::kUnknown);
  ha_->answer = Status::ok();
  EXPECT_EQ(read_back(1), StoreOutcome::kStored);
  EXPECT_EQ(ha_->recorded.back(), std::pair(LeaderEpoch{3}, CheckpointId{1}));
}

}  // namespace
}  // namespace weir
