// SPDX-License-Identifier: Apache-2.0
// TimerQueue against a sorted set.
#include "api/operators/timer_queue.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/unit/core/captured_state.h"

namespace weir {
namespace {

using Timers = TimerQueue<Text>;
// Time, then key: encoded text sorts as text.
using Model = std::set<std::pair<std::int64_t, std::string>>;

bool add(Timers& timers, std::int64_t time, const std::string& key) {
  const Text text = Text::view(key);
  return timers.add(EventTime(time), text, key_hash(text));
}
bool remove(Timers& timers, std::int64_t time, const std::string& key) {
  const Text text = Text::view(key);
  return timers.remove(EventTime(time), text, key_hash(text));
}

std::vector<std::pair<std::int64_t, std::string>> pop_all(Timers& timers, EventTime limit) {
  std::vector<std::pair<std::int64_t, std::string>> popped;
  while (const Timers::Timer* timer = timers.pop(limit)) {
    EXPECT_EQ(timer->hash, key_hash(timer->key));
    popped.emplace_back(timer->time.millis(), timer->key.str());
  }
  return popped;
}

TEST(TimerQueueTest, GivesTimersByTimeThenByKeyUpToTheLimit) {
  Timers timers("timers");
  EXPECT_TRUE(add(timers, 20, "b"));
  EXPECT_TRUE(add(timers, 10, "long-key-with-one-start-2"));
  EXPECT_TRUE(add(timers, 10, "long-key-with-one-start-1"));
  EXPECT_TRUE(add(timers, 10, "z"));
  EXPECT_TRUE(add(timers, 11, "a"));
  EXPECT_EQ(timers.next_time(), EventTime(10));
  using Popped = std::vector<std::pair<std::int64_t, std::string>>;
  EXPECT_EQ(pop_all(timers, EventTime(9)), Popped{});
  EXPECT_EQ(pop_all(timers, EventTime(11)), (Popped{{10, "long-key-with-one-start-1"},
                                                    {10, "long-key-with-one-start-2"},
                                                    {10, "z"},
                                                    {11, "a"}}));
  EXPECT_EQ(timers.next_time(), EventTime(20));
  EXPECT_EQ(pop_all(timers, EventTime::max()), (Popped{{20, "b"}}));
  EXPECT_EQ(timers.next_time(), std::nullopt);
}

TEST(TimerQueueTest, ShowsTheTimersThatWillBePoppedNext) {
  Rng rng(7);
  Timers timers("timers");
  for (int i = 0; i < 500; ++i) {
    add(timers, static_cast<std::int64_t>(rng.uniform(200)),
        "key-" + std::to_string(rng.uniform(90)));
  }
  std::vector<std::pair<std::int64_t, std::string>> shown;
  timers.for_each_due(EventTime(120), 150, [&](const Timers::Timer& timer) {
    shown.emplace_back(timer.time.millis(), timer.key.str());
  });
  auto popped = pop_all(timers, EventTime(120));
  ASSERT_GT(popped.size(), 150U);
  popped.resize(150);
  EXPECT_EQ(shown, popped);
  timers.for_each_due(EventTime(120), 150, [](const Timers::Timer&) { FAIL() << "none is due"; });
}

TEST(TimerQueueTest, ATimerIsUniquePerTimeAndKey) {
  Timers timers("timers");
  EXPECT_TRUE(add(timers, 10, "a"));
  EXPECT_FALSE(add(timers, 10, "a"));
  EXPECT_TRUE(add(timers, 11, "a"));
  EXPECT_EQ(timers.size(), 2U);
  EXPECT_TRUE(remove(timers, 10, "a"));
  EXPECT_FALSE(remove(timers, 10, "a"));
  EXPECT_TRUE(add(timers, 10, "a")) << "it was removed";
  EXPECT_EQ(pop_all(timers, EventTime::max()).size(), 2U);
  EXPECT_TRUE(add(timers, 10, "a")) << "it was popped";
}

TEST(TimerQueueTest, ATimerForTheLastTimeFiresAtTheEnd) {
  Timers timers("timers");
  add(timers, EventTime::max().millis(), "a");
  EXPECT_EQ(timers.pop(EventTime(1'000'000)), nullptr);
  EXPECT_NE(timers.pop(EventTime::max()), nullptr);
}

TEST(TimerQueueTest, APoppedTimerStaysReadableUntilTidy) {
  Timers timers("timers");
  const std::string key(50, 'k');
  add(timers, 1, key);
  const Timers::Timer* timer = timers.pop(EventTime(1));
  ASSERT_NE(timer, nullptr);
  add(timers, 1, std::string(50, 'l'));  // a function may set timers while it handles one
  EXPECT_EQ(timer->key, key);
  EXPECT_EQ(timer->time, EventTime(1));
}

TEST(TimerQueueTest, FiresNumberKeysInNumericOrder) {
  TimerQueue<std::int64_t, ProcessingTime> timers("timers");
  for (const std::int64_t key : {5, -3, 0, 100, -100}) {
    timers.add(ProcessingTime(1), key, key_hash(key));
  }
  std::vector<std::int64_t> keys;
  while (const auto* timer = timers.pop(ProcessingTime(1))) {
    keys.push_back(timer->key);
  }
  EXPECT_EQ(keys, (std::vector<std::int64_t>{-100, -3, 0, 5, 100}));
}

void expect_equal(const CapturedState& captured, const Model& model) {
  EXPECT_TRUE(captured.is_sorted());
  Timers timers("timers");
  captured.restore_into(timers);
  EXPECT_EQ(pop_all(timers, EventTime::max()),
            (std::vector<std::pair<std::int64_t, std::string>>(model.begin(), model.end())));
}

// Adds, removes and pops at random, as a function in a timer may.
void step(Timers& timers, Model& model, Rng& rng) {
  const auto time = static_cast<std::int64_t>(rng.uniform(50));
  const std::string key = "a-key-that-is-long-" + std::to_string(rng.uniform(200));
  if (rng.chance(0.6)) {
    ASSERT_EQ(add(timers, time, key), model.emplace(time, key).second);
  } else if (rng.chance(0.5)) {
    ASSERT_EQ(remove(timers, time, key), model.erase({time, key}) == 1);
  } else {
    const Timers::Timer* timer = timers.pop(EventTime(time));
    const bool is_due = !model.empty() && model.begin()->first <= time;
    ASSERT_EQ(timer != nullptr, is_due);
    if (is_due) {
      ASSERT_EQ(timer->time.millis(), model.begin()->first);
      ASSERT_EQ(timer->key, model.begin()->second);
      model.erase(model.begin());
    }
  }
  ASSERT_EQ(timers.size(), model.size());
  ASSERT_EQ(timers.next_time().has_value(), !model.empty());
  if (!model.empty()) {
    ASSERT_EQ(timers.next_time()->millis(), model.begin()->first);
  }
}

TEST(TimerQueueTest, EqualsASortedSetAndSoDoItsSnapshots) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Timers timers("timers");
    Model model;
    std::vector<std::pair<std::unique_ptr<BackgroundCapture>, Model>> written;
    for (int i = 0; i < 5000; ++i) {
      step(timers, model, rng);
      ASSERT_FALSE(HasFatalFailure());
      if (rng.chance(0.05)) {
        timers.tidy();
      }
      if (rng.chance(0.002)) {
        written.emplace_back(std::make_unique<BackgroundCapture>(timers.freeze(CheckpointId{1})),
                             model);
      }
    }
    for (auto& [background, at] : written) {
      expect_equal(background->wait(), at);
    }
    expect_equal(capture(timers), model);
  }
}

TEST(TimerQueueTest, RestoreRefusesATimerUnderAnotherHash) {
  Timers timers("timers");
  add(timers, 5, "a");
  const CapturedEntry entry = capture(timers).entries.at(0);
  Timers other("timers");
  EXPECT_THROW(other.restore(entry.hash ^ 1, entry.key, entry.value), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key, "x"), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key + "x", ""), StatusError);
  other.restore(entry.hash, entry.key, entry.value);
  EXPECT_EQ(other.size(), 1U);
}

}  // namespace
}  // namespace weir
