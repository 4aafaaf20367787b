// SPDX-License-Identifier: Apache-2.0
// The order and the time in which a ManualExecutor runs closures.
#include "testing/manual_executor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;

class ManualExecutorTest : public ::testing::Test {
 protected:
  std::function<void()> note(const std::string& name) {
    return [this, name] { ran_.push_back(name); };
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  std::vector<std::string> ran_;
};

TEST_F(ManualExecutorTest, RunsNothingUntilTold) {
  executor_.post(note("a"));
  EXPECT_TRUE(ran_.empty());
  executor_.run_until_idle();
  EXPECT_EQ(ran_, std::vector<std::string>{"a"});
}

TEST_F(ManualExecutorTest, RunsWhatClosuresPostInOrder) {
  executor_.post([this] {
    executor_.post(note("c"));
    ran_.push_back("a");
  });
  executor_.post(note("b"));
  executor_.run_until_idle();
  EXPECT_EQ(ran_, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ManualExecutorTest, TimersRunAtTheirTimeInOrder) {
  std::vector<Duration> times;
  const ProcessingTime start = clock_.now();
  const auto record = [&] { times.push_back(clock_.now() - start); };
  executor_.post_after(20ms, record);
  executor_.post_after(10ms, record);
  executor_.post_after(10ms, [&] { executor_.post_after(5ms, record); });
  executor_.advance(19ms);
  EXPECT_EQ(times, (std::vector<Duration>{10ms, 15ms}));
  EXPECT_EQ(clock_.now() - start, 19ms);
  executor_.advance(1ms);
  EXPECT_EQ(times.back(), 20ms);
  EXPECT_EQ(executor_.num_timers(), 0U);
}

TEST_F(ManualExecutorTest, ACancelledTimerDoesNotRun) {
  const TimerHandle timer = executor_.post_after(10ms, note("a"));
  executor_.cancel(timer);
  executor_.cancel(timer);
  executor_.cancel(0);
  executor_.advance(1s);
  EXPECT_TRUE(ran_.empty());
}

TEST_F(ManualExecutorTest, PausedBlockingWorkWaits) {
  ManualBlockingExecutor blocking(executor_);
  blocking.pause();
  blocking.run(note("a"));
  executor_.advance(1s);
  EXPECT_TRUE(ran_.empty());
  blocking.resume();
  executor_.run_until_idle();
  EXPECT_EQ(ran_, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace weir
