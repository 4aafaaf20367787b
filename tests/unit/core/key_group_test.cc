// SPDX-License-Identifier: Apache-2.0
// Key groups: every hash has one group, every group one subtask, and hash order is group order.
#include "core/key_group.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace weir {
namespace {

TEST(KeyGroupTest, RangesOfAllSubtasksPartitionTheGroups) {
  for (std::uint32_t max = 1; max <= 300; ++max) {
    for (std::uint32_t parallelism = 1; parallelism <= max; ++parallelism) {
      std::uint32_t next = 0;
      for (std::uint32_t i = 0; i < parallelism; ++i) {
        const KeyGroupRange range =
            key_group_range(MaxParallelism{max}, Parallelism{parallelism}, SubtaskIndex{i});
        ASSERT_EQ(range.first, next);
        ASSERT_GT(range.size(), 0U);
        for (std::uint32_t group = range.first; group < range.end; ++group) {
          ASSERT_EQ(subtask_of_key_group(KeyGroupId{group}, MaxParallelism{max},
                                         Parallelism{parallelism}),
                    SubtaskIndex{i});
        }
        next = range.end;
      }
      ASSERT_EQ(next, max);
    }
  }
}

TEST(KeyGroupTest, HashesOfARangeAreThoseWhoseGroupLiesInIt) {
  Rng rng(3);
  for (int i = 0; i < 100000; ++i) {
    const auto max = static_cast<std::uint32_t>(1 + rng.uniform(kMaxParallelismLimit));
    const auto parallelism = static_cast<std::uint32_t>(1 + rng.uniform(max));
    const auto index = static_cast<std::uint32_t>(rng.uniform(parallelism));
    const KeyGroupRange groups =
        key_group_range(MaxParallelism{max}, Parallelism{parallelism}, SubtaskIndex{index});
    const HashRange hashes = hash_range(groups, MaxParallelism{max});
    const auto agree = [&](std::uint64_t hash) {
      const auto hash32 = static_cast<std::uint32_t>(hash);
      return groups.contains(key_group_of(hash32, MaxParallelism{max})) == hashes.contains(hash32);
    };
    ASSERT_TRUE(agree(rng.next()));
    for (const std::uint64_t bound : {hashes.first, hashes.end}) {
      ASSERT_TRUE(agree(bound - 1) && agree(bound) && agree(bound + 1));
    }
  }
}

TEST(KeyGroupTest, HashRangesOfAllSubtasksCoverEveryHashOnce) {
  for (const std::uint32_t max : {1U, 7U, 128U, 1000U, kMaxParallelismLimit}) {
    for (const std::uint32_t parallelism : {1U, 2U, 3U, 7U}) {
      if (parallelism > max) {
        continue;
      }
      std::uint64_t next = 0;
      for (std::uint32_t i = 0; i < parallelism; ++i) {
        const HashRange range = hash_range(
            key_group_range(MaxParallelism{max}, Parallelism{parallelism}, SubtaskIndex{i}),
            MaxParallelism{max});
        EXPECT_EQ(range.first, next);
        next = range.end;
      }
      EXPECT_EQ(next, std::uint64_t{1} << 32);
    }
  }
}

TEST(KeyGroupTest, DefaultMaxParallelismIsThatOfFlink) {
  EXPECT_EQ(default_max_parallelism(Parallelism{1}).value(), 128U);
  EXPECT_EQ(default_max_parallelism(Parallelism{85}).value(), 128U);
  EXPECT_EQ(default_max_parallelism(Parallelism{86}).value(), 256U);
  EXPECT_EQ(default_max_parallelism(Parallelism{1000}).value(), 2048U);
  EXPECT_EQ(default_max_parallelism(Parallelism{32768}).value(), 32768U);
}

}  // namespace
}  // namespace weir
