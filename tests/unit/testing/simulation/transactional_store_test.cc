// SPDX-License-Identifier: Apache-2.0
// The outside store notices commits that must not be.
#include "testing/simulation/transactional_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::simulation {
namespace {

class TransactionalStoreTest : public ::testing::Test {
 protected:
  static constexpr SegmentId kSegment{0, CheckpointId{2}, SubtaskIndex{1}};
  static constexpr OracleRecord kRecord{1, 2, 3, {1, 4}};

  std::vector<std::string> reports_;
  CheckpointId durable_{2};
  TransactionalStore store_{[this](std::string what) { reports_.push_back(std::move(what)); },
                            [this](CheckpointId id) { return id <= durable_; }};
};

TEST_F(TransactionalStoreTest, RepeatedCommitChangesNothing) {
  store_.commit(kSegment, {kRecord});
  store_.commit(kSegment, {kRecord});
  EXPECT_EQ(store_.committed(0), std::vector{kRecord});
  EXPECT_TRUE(reports_.empty());
}

TEST_F(TransactionalStoreTest, RepeatWithOtherRecordsIsReported) {
  store_.commit(kSegment, {kRecord});
  store_.commit(kSegment, {kRecord, kRecord});
  EXPECT_EQ(reports_.size(), 1U);
  EXPECT_EQ(store_.committed(0), std::vector{kRecord});
}

TEST_F(TransactionalStoreTest, CommitOfACheckpointThatIsNotDurableIsReported) {
  durable_ = CheckpointId{1};
  store_.commit(kSegment, {kRecord});
  EXPECT_EQ(reports_.size(), 1U);
}

}  // namespace
}  // namespace weir::simulation
