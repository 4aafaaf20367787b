// SPDX-License-Identifier: Apache-2.0
// Order, time and crashes in the simulated world and its executors.
#include "testing/simulation/simulated_world.h"

#include <gtest/gtest.h>

#include <vector>

#include "testing/simulation/agenda.h"
#include "testing/simulation/simulated_executor.h"

namespace weir::simulation {
namespace {

class SimulatedWorldTest : public ::testing::Test {
 protected:
  void run_for(Nanos nanos) {
    const Nanos end = world_.now() + nanos;
    while (world_.step(end)) {
    }
  }
  SimulatedWorld world_{7};
  SimulatedProcess process_ = world_.make_process("process");
};

TEST_F(SimulatedWorldTest, TimeStandsStillUntilNothingIsDueAndThenJumps) {
  SimulatedExecutor executor(world_, process_);
  Nanos fired_at = 0;
  executor.post_after(std::chrono::seconds{5}, [&] { fired_at = world_.now(); });
  EXPECT_TRUE(world_.step());
  EXPECT_EQ(fired_at, 5 * kSecond);
  EXPECT_FALSE(world_.step());
}

TEST_F(SimulatedWorldTest, ExecutorKeepsTheOrderOfPostingAndRunsNothingInsideACall) {
  SimulatedExecutor executor(world_, process_);
  std::vector<int> ran;
  executor.post([&] {
    executor.post([&] { ran.push_back(3); });
    ran.push_back(1);
  });
  executor.post([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  run_for(kSecond);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_F(SimulatedWorldTest, CancelledTimerDoesNotRun) {
  SimulatedExecutor executor(world_, process_);
  bool ran = false;
  executor.cancel(executor.post_after(Duration{1}, [&] { ran = true; }));
  run_for(kSecond);
  EXPECT_FALSE(ran);
}

TEST_F(SimulatedWorldTest, ActorsTakeTurnsInAnOrderThatTheSeedChooses) {
  const auto order_of = [](std::uint64_t seed) {
    SimulatedWorld world(seed);
    SimulatedProcess process = world.make_process("process");
    SimulatedExecutor first(world, process);
    SimulatedExecutor second(world, process);
    std::vector<int> order;
    for (int i = 0; i < 8; ++i) {
      first.post([&] { order.push_back(1); });
      second.post([&] { order.push_back(2); });
    }
    while (world.step()) {
    }
    return order;
  };
  EXPECT_EQ(order_of(1), order_of(1));
  EXPECT_NE(order_of(1), order_of(2));
}

TEST_F(SimulatedWorldTest, CrashedProcessDoesNothingAndPausedOneLater) {
  SimulatedProcess other = world_.make_process("other");
  SimulatedExecutor crashed(world_, process_);
  SimulatedExecutor paused(world_, other);
  bool crashed_ran = false;
  Nanos paused_ran_at = 0;
  crashed.post([&] { crashed_ran = true; });
  paused.post([&] { paused_ran_at = world_.now(); });
  world_.crash(process_);
  world_.pause(other, 3 * kSecond);
  run_for(10 * kSecond);
  EXPECT_FALSE(crashed_ran);
  EXPECT_EQ(paused_ran_at, 3 * kSecond);
}

TEST_F(SimulatedWorldTest, WallClockJumpsAndMonotonicClockDoesNot) {
  const SimulatedClock clock(world_, process_);
  const ProcessingTime before = clock.now();
  const std::int64_t nanos = clock.monotonic_nanos();
  world_.set_clock_skew(process_, -60'000);
  EXPECT_EQ(clock.now(), before - std::chrono::minutes{1});
  EXPECT_EQ(clock.monotonic_nanos(), nanos);
}

TEST_F(SimulatedWorldTest, BlockingClosuresRunOnceEachAndLater) {
  SimulatedBlockingExecutor blocking(world_, process_, kSecond);
  std::vector<int> ran;
  for (int i = 0; i < 20; ++i) blocking.run([&ran, i] { ran.push_back(i); });
  EXPECT_TRUE(ran.empty());
  run_for(2 * kSecond);
  EXPECT_EQ(ran.size(), 20U);
  EXPECT_FALSE(std::is_sorted(ran.begin(), ran.end()));
}

}  // namespace
}  // namespace weir::simulation
