// SPDX-License-Identifier: Apache-2.0
// The system clock tells a plausible time.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(SystemClockTest, WallClockCountsMillisecondsSince1970) {
  const ProcessingTime now = SystemClock().now();
  EXPECT_GT(now, ProcessingTime(1'600'000'000'000));  // 2020
  EXPECT_LT(now, ProcessingTime(7'300'000'000'000));  // 2201
}

TEST(SystemClockTest, MonotonicClockDoesNotGoBack) {
  const SystemClock clock;
  std::int64_t before = clock.monotonic_nanos();
  const std::int64_t first = before;
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t now = clock.monotonic_nanos();
    ASSERT_GE(now, before);
    before = now;
  }
  EXPECT_GT(before, first);
}

}  // namespace
}  // namespace weir
