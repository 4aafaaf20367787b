// SPDX-License-Identifier: Apache-2.0
// SplitWatermarks.
#include "api/operators/split_watermarks.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace weir::detail {
namespace {

using namespace std::chrono_literals;

constexpr WatermarkRules kLateByTen{.out_of_orderness = 10ms, .idleness = {}};

class SplitWatermarksTest : public ::testing::Test {
 protected:
  void record(SplitWatermarks& watermarks, const std::string& split, std::int64_t time) {
    watermarks.begin(split);
    watermarks.on_record(EventTime(time));
  }
  std::optional<std::int64_t> millis(SplitWatermarks& watermarks) {
    const auto watermark = watermarks.watermark(clock_);
    return watermark.has_value() ? std::optional(watermark->time.millis()) : std::nullopt;
  }
  // Reads nothing, and waits that long for more.
  void wait(SplitWatermarks& watermarks, Duration duration) {
    watermarks.begin_read(clock_);
    watermarks.end_read(clock_, false);
    clock_.advance(duration);
  }

  ManualClock clock_;
};

TEST_F(SplitWatermarksTest, StaysBehindTheNewestRecordByTheBoundAndOneMillisecond) {
  SplitWatermarks watermarks(kLateByTen);
  watermarks.add("a", EventTime::none());
  EXPECT_EQ(millis(watermarks), std::nullopt);
  record(watermarks, "a", 100);
  EXPECT_EQ(millis(watermarks), 89);
  record(watermarks, "a", 50);
  EXPECT_EQ(millis(watermarks), 89);
}

TEST_F(SplitWatermarksTest, TakesTheMinimumOverSplitsAlsoThoseNotYetBegun) {
  SplitWatermarks watermarks(kLateByTen);
  watermarks.add("a", EventTime::none());
  watermarks.add("b", EventTime::none());
  record(watermarks, "a", 100);
  EXPECT_EQ(millis(watermarks), std::nullopt);
  record(watermarks, "b", 60);
  EXPECT_EQ(millis(watermarks), 49);
  watermarks.end("b");
  EXPECT_EQ(millis(watermarks), 89);
}

TEST_F(SplitWatermarksTest, GoesOnFromWhatAnEndedSplitHasShown) {
  SplitWatermarks watermarks(kLateByTen);
  watermarks.add("a", EventTime::none());
  record(watermarks, "a", 100);
  watermarks.end("a");
  EXPECT_EQ(millis(watermarks), 89);
  watermarks.add("b", EventTime::none());
  record(watermarks, "b", 70);
  EXPECT_EQ(millis(watermarks), 89);
}

TEST_F(SplitWatermarksTest, RemembersRestoredSplits) {
  SplitWatermarks watermarks(kLateByTen);
  watermarks.add("a", EventTime(100));
  watermarks.add("b", EventTime(200));
  EXPECT_EQ(millis(watermarks), 89);
  EXPECT_EQ(watermarks.newest("b"), EventTime(200));
  EXPECT_TRUE(watermarks.newest("c").is_none());
}

TEST_F(SplitWatermarksTest, MakesNoWatermarkWithoutARule) {
  SplitWatermarks watermarks({});
  watermarks.add("a", EventTime::none());
  record(watermarks, "a", 100);
  EXPECT_EQ(millis(watermarks), std::nullopt);
  EXPECT_EQ(watermarks.newest("a"), EventTime(100));
}

TEST_F(SplitWatermarksTest, DoesNotWaitForASplitThatIsIdle) {
  SplitWatermarks watermarks({.out_of_orderness = 10ms, .idleness = 100ms});
  watermarks.add("a", EventTime::none());
  watermarks.add("b", EventTime::none());
  watermarks.begin_read(clock_);
  record(watermarks, "a", 500);
  record(watermarks, "b", 100);
  watermarks.end_read(clock_, false);
  clock_.advance(80ms);
  watermarks.begin_read(clock_);
  record(watermarks, "a", 520);
  watermarks.end_read(clock_, false);
  EXPECT_EQ(millis(watermarks), 89);
  clock_.advance(21ms);
  EXPECT_EQ(millis(watermarks), 509);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kActive);
  clock_.advance(80ms);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kIdle);
  watermarks.begin_read(clock_);
  record(watermarks, "b", 600);
  watermarks.end_read(clock_, false);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kActive);
}

// FLINK-35886: time in which nothing could be read is no idleness.
TEST_F(SplitWatermarksTest, DoesNotCountTimeUnderBackPressureAsIdle) {
  SplitWatermarks watermarks({.out_of_orderness = 10ms, .idleness = 100ms});
  watermarks.add("a", EventTime::none());
  watermarks.begin_read(clock_);
  watermarks.end_read(clock_, true);
  clock_.advance(1h);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kActive);
  wait(watermarks, 101ms);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kIdle);
}

TEST_F(SplitWatermarksTest, IsIdleWhenItWaitsLongForASplit) {
  SplitWatermarks watermarks({.out_of_orderness = 10ms, .idleness = 100ms});
  wait(watermarks, 50ms);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kActive);
  wait(watermarks, 51ms);
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kIdle);
  watermarks.begin_read(clock_);
  watermarks.add("a", EventTime::none());
  EXPECT_EQ(watermarks.status(clock_), WatermarkStatus::kActive);
}

}  // namespace
}  // namespace weir::detail
