// SPDX-License-Identifier: Apache-2.0
// FiredWatermarks across restores at another parallelism and max parallelism.
#include "api/operators/fired_watermark.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
#include "tests/unit/core/captured_state.h"

namespace weir {
namespace {

HashRange range_of(std::uint32_t max, std::uint32_t parallelism, std::uint32_t index) {
  return hash_range(
      key_group_range(MaxParallelism{max}, Parallelism{parallelism}, SubtaskIndex{index}),
      MaxParallelism{max});
}

TEST(FiredWatermarksTest, NothingHasFiredAtFirstAndAdvanceNeverGoesBack) {
  FiredWatermarks fired(HashRange{});
  EXPECT_EQ(fired.fired_through(5), EventTime::none());
  fired.advance(EventTime(100));
  fired.advance(EventTime(50));
  EXPECT_EQ(fired.fired_through(0), EventTime(100));
  EXPECT_EQ(fired.fired_through(UINT32_MAX), EventTime(100));
  EXPECT_EQ(fired.entry_count(), 1U);
}

TEST(FiredWatermarksTest, EveryHashKeepsItsOwnWatermarkAtAnyParallelism) {
  Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    const auto old_max = static_cast<std::uint32_t>(1 + rng.uniform(200));
    const auto old_parallelism = static_cast<std::uint32_t>(1 + rng.uniform(std::min(old_max, 9U)));
    const auto new_max = static_cast<std::uint32_t>(1 + rng.uniform(200));
    const auto new_parallelism = static_cast<std::uint32_t>(1 + rng.uniform(std::min(new_max, 9U)));
    std::vector<std::int64_t> watermarks;
    std::vector<CapturedState> captured;
    for (std::uint32_t i = 0; i < old_parallelism; ++i) {
      FiredWatermarks fired(range_of(old_max, old_parallelism, i));
      watermarks.push_back(static_cast<std::int64_t>(rng.uniform(3)));
      fired.advance(EventTime(watermarks.back()));
      captured.push_back(capture(fired));
    }
    for (std::uint32_t i = 0; i < new_parallelism; ++i) {
      const HashRange range = range_of(new_max, new_parallelism, i);
      FiredWatermarks fired(range);
      for (const CapturedState& each : captured) {
        each.restore_into(fired);
      }
      for (int probe = 0; probe < 20; ++probe) {
        const auto hash = static_cast<std::uint32_t>(
            range.first + (probe < 2 ? (range.end - range.first - 1) * static_cast<unsigned>(probe)
                                     : rng.uniform(range.end - range.first)));
        const std::uint32_t old_owner =
            subtask_of_key_group(key_group_of(hash, MaxParallelism{old_max}),
                                 MaxParallelism{old_max}, Parallelism{old_parallelism})
                .value();
        ASSERT_EQ(fired.fired_through(hash), EventTime(watermarks[old_owner]));
      }
      fired.advance(EventTime(1));
      EXPECT_GE(fired.fired_through(static_cast<std::uint32_t>(range.first)), EventTime(1));
      fired.advance(EventTime(10));
      EXPECT_EQ(fired.entry_count(), 1U) << "equal neighbours are one";
    }
  }
}

TEST(FiredWatermarksTest, RefusesMalformedEntries) {
  FiredWatermarks fired(HashRange{});
  EXPECT_THROW(fired.restore(0, "", ""), StatusError);
  EXPECT_THROW(fired.restore(0, "", "\x05\x01\x02"), StatusError) << "first after end";
}

}  // namespace
}  // namespace weir
