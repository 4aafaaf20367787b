// SPDX-License-Identifier: Apache-2.0
// The three types of time: arithmetic at the edges, and text.
#include "base/time.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace weir {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_trivially_copyable_v<EventTime> && sizeof(EventTime) == 8);
static_assert(!std::is_convertible_v<EventTime, ProcessingTime>);
static_assert(!std::is_convertible_v<std::int64_t, EventTime>);
static_assert(EventTime(1500) + 500ms == EventTime(2000));

TEST(EventTimeTest, AddsAndSubtractsDurations) {
  EXPECT_EQ(EventTime(1000) + 2s, EventTime(3000));
  EXPECT_EQ(2s + EventTime(1000), EventTime(3000));
  EXPECT_EQ(EventTime(1000) - 1min, EventTime(-59'000));
  EXPECT_EQ(EventTime(5000) - EventTime(2000), 3s);
  EventTime time(10);
  time += 5ms;
  time -= 1ms;
  EXPECT_EQ(time, EventTime(14));
}

TEST(EventTimeTest, SaturatesAtTheEnds) {
  EXPECT_EQ(EventTime(EventTime::max().millis() - 1) + 5ms, EventTime::max());
  EXPECT_EQ(EventTime(EventTime::min().millis() + 1) - 5ms, EventTime::min());
  EXPECT_EQ(EventTime(-10) - Duration::max(), EventTime::min());
  EXPECT_EQ(EventTime(-1) - Duration::max(), EventTime::min()) << "the sum is that of none()";
  EXPECT_EQ(EventTime(-1) + Duration::min(), EventTime::min());
  EXPECT_EQ(EventTime(10) - Duration::min(), EventTime::max());
  EXPECT_EQ(EventTime::max() - EventTime::min(), Duration::max());
  EXPECT_EQ(EventTime::min() - EventTime::max(), Duration::min());
}

TEST(EventTimeTest, InfinitiesAndNoneStayWhatTheyAre) {
  EXPECT_EQ(EventTime::max() - 1h, EventTime::max());
  EXPECT_EQ(EventTime::min() + 1h, EventTime::min());
  EXPECT_EQ(EventTime::none() + 1h, EventTime::none());
  EXPECT_EQ(EventTime::none() - 1h, EventTime::none());
}

TEST(EventTimeTest, NoneLiesBelowEveryTime) {
  EXPECT_LT(EventTime::none(), EventTime::min());
  EXPECT_TRUE(EventTime::none().is_none());
  EXPECT_FALSE(EventTime::min().is_none());
  EXPECT_EQ(EventTime::none().millis(), INT64_MIN);
  EXPECT_EQ(EventTime(), EventTime(0));
}

TEST(TimeTextTest, FormatsIso8601WithMilliseconds) {
  EXPECT_EQ(to_string(EventTime(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_string(EventTime(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_string(ProcessingTime(951'825'600'007)), "2000-02-29T12:00:00.007Z");
}

TEST(TimeTextTest, NamesSpecialValuesAndYearsThatIso8601DoesNotHave) {
  EXPECT_EQ(to_string(EventTime::none()), "none");
  EXPECT_EQ(to_string(EventTime::min()), "min");
  EXPECT_EQ(to_string(EventTime::max()), "max");
  EXPECT_EQ(to_string(EventTime(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_string(EventTime(253'402'300'800'000)), "253402300800000 ms");
}

TEST(TimeTextTest, FormatsDurationsInTheLargestWholeUnit) {
  EXPECT_EQ(to_string(Duration(0)), "0 ms");
  EXPECT_EQ(to_string(Duration(1500)), "1500 ms");
  EXPECT_EQ(to_string(Duration(2s)), "2 s");
  EXPECT_EQ(to_string(Duration(90min)), "90 min");
  EXPECT_EQ(to_string(Duration(48h)), "2 d");
  EXPECT_EQ(to_string(Duration(-3s)), "-3 s");
}

}  // namespace
}  // namespace weir
