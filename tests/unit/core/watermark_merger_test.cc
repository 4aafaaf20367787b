// SPDX-License-Identifier: Apache-2.0
// Tests of the watermark merger.
#include "core/watermark_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/rng.h"

namespace weir {
namespace {

using Update = WatermarkMerger::Update;

Update none() { return {}; }
Update time(std::int64_t millis) { return {Watermark{EventTime{millis}}, std::nullopt}; }

class Channels {
 public:
  explicit Channels(std::size_t count) : merger_(count) {}
  Update watermark(std::uint32_t channel, std::int64_t millis) {
    return merger_.on_watermark(ChannelIndex{channel}, Watermark{EventTime{millis}});
  }
  Update idle(std::uint32_t channel) {
    return merger_.on_status(ChannelIndex{channel}, WatermarkStatus::kIdle);
  }
  Update active(std::uint32_t channel) {
    return merger_.on_status(ChannelIndex{channel}, WatermarkStatus::kActive);
  }
  Update end(std::uint32_t channel) { return merger_.on_end(ChannelIndex{channel}); }

 private:
  WatermarkMerger merger_;
};

TEST(WatermarkMergerTest, TakesTheMinimumOnceEveryChannelHasSaidSomething) {
  Channels channels(2);
  EXPECT_EQ(channels.watermark(0, 10), none());
  EXPECT_EQ(channels.watermark(1, 5), time(5));
  EXPECT_EQ(channels.watermark(1, 20), time(10));
  EXPECT_EQ(channels.watermark(0, 15), time(15));
}

TEST(WatermarkMergerTest, AWatermarkThatGoesBackIsIgnored) {
  Channels channels(1);
  EXPECT_EQ(channels.watermark(0, 10), time(10));
  EXPECT_EQ(channels.watermark(0, 9), none());
  EXPECT_EQ(channels.watermark(0, 10), none());
  EXPECT_EQ(channels.watermark(0, 11), time(11));
}

TEST(WatermarkMergerTest, AnIdleChannelDoesNotHoldTimeBack) {
  Channels channels(2);
  channels.watermark(0, 10);
  EXPECT_EQ(channels.idle(1), time(10));
  EXPECT_EQ(channels.watermark(0, 12), time(12));
}

TEST(WatermarkMergerTest, AChannelThatNeverSaidAnythingMayTurnIdle) {
  Channels channels(2);
  EXPECT_EQ(channels.idle(0), none());
  EXPECT_EQ(channels.idle(1), (Update{std::nullopt, WatermarkStatus::kIdle}));
  EXPECT_EQ(channels.active(1), (Update{std::nullopt, WatermarkStatus::kActive}));
  EXPECT_EQ(channels.watermark(1, 3), time(3));
}

TEST(WatermarkMergerTest, WhenAllAreIdleTimeGoesToTheLatestOfThem) {
  Channels channels(2);
  channels.watermark(0, 10);
  channels.watermark(1, 20);
  channels.idle(1);
  EXPECT_EQ(channels.idle(0), (Update{Watermark{EventTime{20}}, WatermarkStatus::kIdle}));
}

TEST(WatermarkMergerTest, AChannelThatWasIdleCountsOnlyOnceItHasCaughtUp) {
  Channels channels(2);
  channels.watermark(0, 10);
  channels.watermark(1, 5);
  channels.idle(1);
  channels.watermark(0, 30);
  EXPECT_EQ(channels.active(1), none());
  EXPECT_EQ(channels.watermark(0, 40), time(40));  // 1 is at 5 and does not count yet
  EXPECT_EQ(channels.watermark(1, 39), none());
  EXPECT_EQ(channels.watermark(0, 50), time(50));
  EXPECT_EQ(channels.watermark(1, 60), none());  // caught up: counts from now on
  EXPECT_EQ(channels.watermark(0, 70), time(60));
}

TEST(WatermarkMergerTest, AWatermarkOnAnIdleChannelIsIgnored) {
  Channels channels(2);
  channels.watermark(0, 10);
  channels.idle(1);
  EXPECT_EQ(channels.watermark(1, 99), none());
  EXPECT_EQ(channels.idle(0), (Update{std::nullopt, WatermarkStatus::kIdle}));
}

TEST(WatermarkMergerTest, AFinishedChannelDoesNotHoldTimeBack) {
  Channels channels(2);
  channels.watermark(0, 10);
  EXPECT_EQ(channels.end(1), time(10));
  EXPECT_EQ(channels.watermark(0, 11), time(11));
  EXPECT_EQ(channels.end(0), time(EventTime::max().millis()));
}

// FLINK-38477.
TEST(WatermarkMergerTest, AFinishedChannelAndIdleSiblingsDoNotPushTimeToItsEnd) {
  Channels channels(3);
  channels.watermark(0, 10);
  channels.watermark(1, 12);
  channels.watermark(2, 15);
  channels.idle(0);
  channels.idle(2);
  EXPECT_EQ(channels.end(1), (Update{Watermark{EventTime{15}}, WatermarkStatus::kIdle}));
  EXPECT_EQ(channels.active(0), (Update{std::nullopt, WatermarkStatus::kActive}));
  EXPECT_EQ(channels.watermark(0, 16), time(16));
}

TEST(WatermarkMergerTest, TheEndOfTimeOnOneChannelIsAnEndOfThatChannel) {
  Channels channels(2);
  channels.watermark(0, 10);
  channels.idle(0);
  EXPECT_EQ(channels.watermark(1, EventTime::max().millis()),
            (Update{Watermark{EventTime{10}}, WatermarkStatus::kIdle}));
}

TEST(WatermarkMergerTest, WhenTheLastChannelEndsTimeEndsThoughTheOutputWasIdle) {
  Channels channels(2);
  channels.end(0);
  channels.idle(1);
  EXPECT_EQ(channels.end(1), (Update{Watermark{EventTime::max()}, WatermarkStatus::kActive}));
}

// The rules as one sentence each, without anything remembered but the history per channel.
class Model {
 public:
  explicit Model(std::size_t count) : channels_(count) {}

  void apply(std::size_t channel, int event, std::int64_t value) {
    One& one = channels_[channel];
    if (one.state == 2) return;
    if (event == 0 && one.state == 0) one.time = std::max(one.time, value);
    if (event == 1 && one.state == 0) one.state = 1;
    if (event == 2 && one.state == 1) {
      one.state = 0;
      one.trails = true;
    }
    if (event == 3) one.state = 2;
    for (One& other : channels_) {
      if (other.state == 0 && other.time >= output) other.trails = false;
    }
    std::vector<std::int64_t> counting, idle;
    bool active = false;
    for (const One& other : channels_) {
      if (other.state == 0) active = true;
      if (other.state == 0 && !other.trails) counting.push_back(other.time);
      if (other.state == 1) idle.push_back(other.time);
    }
    std::int64_t next = output;
    if (!counting.empty()) next = *std::min_element(counting.begin(), counting.end());
    if (!active && !idle.empty()) next = *std::max_element(idle.begin(), idle.end());
    if (!active && idle.empty()) next = EventTime::max().millis();
    output = std::max(output, next);
    is_idle = !active && !idle.empty();
  }

  std::int64_t output = EventTime::none().millis();
  bool is_idle = false;

 private:
  struct One {
    int state = 0;  // active, idle, finished
    bool trails = false;
    std::int64_t time = EventTime::none().millis();
  };
  std::vector<One> channels_;
};

TEST(WatermarkMergerTest, AgreesWithTheModelOnRandomHistories) {
  for (std::uint64_t seed = 0; seed < 10000; ++seed) {
    Rng rng(seed);
    const std::size_t count = 1 + rng.uniform(5);
    WatermarkMerger merger(count);
    Model model(count);
    bool is_idle = false;
    std::vector<bool> ended(count);
    for (int i = 0; i < 60; ++i) {
      const auto channel = static_cast<std::uint32_t>(rng.uniform(count));
      if (ended[channel]) continue;
      const int event = rng.chance(0.6) ? 0 : rng.chance(0.1) ? 3 : rng.chance(0.5) ? 1 : 2;
      const auto value = static_cast<std::int64_t>(rng.uniform(100)) + i;
      if (event == 3) ended[channel] = true;
      const ChannelIndex index{channel};
      const Update update = event == 0 ? merger.on_watermark(index, Watermark{EventTime{value}})
                            : event == 3
                                ? merger.on_end(index)
                                : merger.on_status(index, event == 1 ? WatermarkStatus::kIdle
                                                                     : WatermarkStatus::kActive);
      const std::int64_t before = model.output;
      model.apply(channel, event, value);
      if (update.status) is_idle = *update.status == WatermarkStatus::kIdle;
      ASSERT_EQ(merger.current().millis(), model.output) << "seed " << seed << " event " << i;
      ASSERT_EQ(update.watermark.has_value(), model.output != before) << "seed " << seed;
      ASSERT_EQ(is_idle, model.is_idle) << "seed " << seed << " event " << i;
    }
  }
}

}  // namespace
}  // namespace weir
