// SPDX-License-Identifier: Apache-2.0
// ItemState: what is set is what a snapshot holds and a restore gives.
#include "api/operators/item_state.h"

#include <gtest/gtest.h>

#include "tests/unit/core/captured_state.h"
#include "types/record.h"

namespace weir {

struct SampleSplit {
  Text path;
  std::int64_t offset = 0;
};
WEIR_RECORD(SampleSplit, path, offset)

namespace {

TEST(ItemStateTest, SnapshotHoldsTheItemsOfItsMoment) {
  ItemState<SampleSplit> splits("splits");
  {
    std::string path = "/data/a-path-that-is-long.json";
    splits.set({{Text::view(path), 10}, {"short", 20}});
    path.assign(path.size(), '#');
  }
  const auto frozen = splits.freeze(CheckpointId{1});
  splits.set({{"other", 1}});
  const CapturedState captured = capture(*frozen);

  ItemState<SampleSplit> restored("splits");
  captured.restore_into(restored);
  ASSERT_EQ(restored.items().size(), 2U);
  EXPECT_EQ(restored.items()[0].path, "/data/a-path-that-is-long.json");
  EXPECT_EQ(restored.items()[0].offset, 10);
  EXPECT_EQ(restored.items()[1].path, "short");
  EXPECT_EQ(splits.items().size(), 1U);
}

TEST(ItemStateTest, ItemsMayBeSetFromItems) {
  ItemState<SampleSplit> splits("splits");
  const std::string path(40, 'p');
  splits.set({{Text::view(path), 10}});
  splits.set({splits.items().begin(), splits.items().end()});
  EXPECT_EQ(splits.items()[0].path, path);
}

TEST(ItemStateTest, ItemsThatAreAddedAfterASnapshotAreNotPartOfIt) {
  ItemState<SampleSplit> splits("splits");
  const std::string path(40, 'p');
  splits.add({Text::view(path), 1});
  const auto frozen = splits.freeze(CheckpointId{1});
  const std::string second(60, 'q');
  splits.add({Text::view(second), 2});
  splits.add({splits.items()[0].path, 3});

  const CapturedState captured = capture(*frozen);
  ASSERT_EQ(captured.entries.size(), 1U);
  ItemState<SampleSplit> restored("splits");
  captured.restore_into(restored);
  EXPECT_EQ(restored.items()[0].path, path);
  ASSERT_EQ(splits.items().size(), 3U);
  EXPECT_EQ(splits.items()[1].path, second);
  EXPECT_EQ(splits.items()[2].path, path);
}

TEST(ItemStateTest, RestoreRefusesBytesThatDoNotDecode) {
  ItemState<SampleSplit> splits("splits");
  EXPECT_THROW(splits.restore(0, "", "\x05"), StatusError);
  EXPECT_EQ(splits.descriptor().distribution, StateDistribution::kSplit);
}

}  // namespace
}  // namespace weir
