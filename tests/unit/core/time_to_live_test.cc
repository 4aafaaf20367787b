// SPDX-License-Identifier: Apache-2.0
// Times in front of stored values, bytes that are none, and the time of a subtask.
#include "core/time_to_live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/manual_clock.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using Times = std::vector<ProcessingTime>;

TEST(TimeToLiveTest, TimesComeBackAsTheyWereStored) {
  for (const Times& times :
       {Times{ProcessingTime(5)}, Times{ProcessingTime(-5), ProcessingTime(-5), ProcessingTime(9)},
        Times{ProcessingTime::min(), ProcessingTime(0)},
        Times{ProcessingTime::none(), ProcessingTime::none()}}) {
    ByteWriter out;
    put_item_times(out, times);
    ByteReader in(out.view());
    EXPECT_EQ(get_item_times(in), times);
    EXPECT_TRUE(in.is_at_end());
    ByteReader first(out.view());
    EXPECT_EQ(get_update_time(first), times.back()) << "every entry begins with its newest time";
  }
}

TEST(TimeToLiveTest, BytesThatAreNoTimesAreRefused) {
  const auto refuses = [](const std::string& bytes) {
    ByteReader in(bytes);
    EXPECT_THROW(static_cast<void>(get_update_times(StateKind::kList, in)), DecodeError);
  };
  const std::string newest(8, '\1');
  refuses("");
  refuses(newest.substr(1));
  refuses(newest + std::string(1, '\0'));  // no item
  refuses(newest + "\2" + "\1");           // more items than bytes
  refuses(newest + "\2" + "\1\1");         // the last one is not the newest
  refuses(newest + std::string("\2\1", 2) + std::string(9, '\xff') + "\1");
  refuses(newest + std::string("\3\1\2\0", 4));  // the second is older than the first
  EXPECT_THROW(static_cast<void>(has_expired("1234567", ProcessingTime(0))), DecodeError);
}

TEST(TimeToLiveTest, WhatWasUpdatedThenOrBeforeHasExpired) {
  ByteWriter out;
  put_update_time(out, ProcessingTime(1000));
  EXPECT_TRUE(has_expired(out.view(), ProcessingTime(1000)));
  EXPECT_FALSE(has_expired(out.view(), ProcessingTime(999)));
}

TEST(StateTimeTest, GoesOnWhenToldAndNeverBack) {
  ManualClock clock(ProcessingTime(100));
  StateTime time;
  time.use(clock);
  clock.advance(5ms);
  EXPECT_EQ(time.now(), ProcessingTime(100));
  time.advance();
  EXPECT_EQ(time.now(), ProcessingTime(105));
  clock.set_wall(ProcessingTime(50));
  time.advance();
  EXPECT_EQ(time.now(), ProcessingTime(105));
}

}  // namespace
}  // namespace weir
