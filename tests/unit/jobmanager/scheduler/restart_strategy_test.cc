// SPDX-License-Identifier: Apache-2.0
// When a failed job is started again, by strategy.
#include "jobmanager/scheduler/restart_strategy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

class RestartStrategyTest : public ::testing::Test {
 protected:
  RestartDecision fail_after(Duration quiet, const Status& failure = unavailable("disk")) {
    now_ += std::chrono::nanoseconds(quiet).count();
    RestartDecision decision = decide_restart(graph_, history_, failure, now_, rng_);
    history_ = decision.history;
    return decision;
  }

  JobGraph graph_ = make_job();
  RestartHistory history_;
  Rng rng_{1};
  std::int64_t now_ = 0;
};

TEST_F(RestartStrategyTest, NoneNeverRestarts) {
  graph_.restart.kind = RestartStrategy::Kind::kNone;
  EXPECT_FALSE(fail_after(1s).is_restarted);
}

TEST_F(RestartStrategyTest, AFailureThatARestartDoesNotMendNeverRestarts) {
  for (const auto kind : {RestartStrategy::Kind::kFixedDelay, RestartStrategy::Kind::kFailureRate,
                          RestartStrategy::Kind::kExponentialDelay}) {
    graph_.restart.kind = kind;
    EXPECT_FALSE(fail_after(1s, data_loss("damaged")).is_restarted);
    EXPECT_EQ(history_.restarts, 0U);
  }
}

TEST_F(RestartStrategyTest, ACancelledSubtaskIsNoReasonToGiveUp) {
  EXPECT_TRUE(fail_after(1s, cancelled("the process ends")).is_restarted);
}

TEST_F(RestartStrategyTest, FixedDelayRestartsSoOften) {
  graph_.restart.kind = RestartStrategy::Kind::kFixedDelay;
  graph_.restart.attempts = 2;
  graph_.restart.delay = 7s;
  for (int i = 0; i < 2; ++i) {
    const RestartDecision decision = fail_after(1h);
    EXPECT_TRUE(decision.is_restarted);
    EXPECT_EQ(decision.delay, 7s);
  }
  const RestartDecision last = fail_after(1h);
  EXPECT_FALSE(last.is_restarted);
  EXPECT_EQ(last.why_not, "it was restarted 2 times already");
}

TEST_F(RestartStrategyTest, FailureRateCountsFailuresPerInterval) {
  graph_.restart.kind = RestartStrategy::Kind::kFailureRate;
  graph_.restart.attempts = 2;
  graph_.restart.interval = 1min;
  EXPECT_TRUE(fail_after(0s).is_restarted);
  EXPECT_TRUE(fail_after(50s).is_restarted);
  EXPECT_TRUE(fail_after(50s).is_restarted) << "the first is too long ago to count";
  EXPECT_FALSE(fail_after(5s).is_restarted);
}

TEST_F(RestartStrategyTest, ExponentialDelayDoublesUpToTheLimit) {
  graph_.restart.jitter = 0;
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 13; ++i) delays.push_back(fail_after(1s).delay.count());
  EXPECT_EQ(delays, (std::vector<std::int64_t>{50, 100, 200, 400, 800, 1600, 3200, 6400, 12800,
                                               25600, 51200, 60000, 60000}));
  EXPECT_EQ(history_.restarts, 13U);
}

TEST_F(RestartStrategyTest, ExponentialDelayStartsOverAfterAQuietTime) {
  graph_.restart.jitter = 0;
  fail_after(1s);
  fail_after(1s);
  EXPECT_EQ(fail_after(1s).delay, 200ms);
  EXPECT_EQ(fail_after(10min + 199ms).delay, 400ms) << "the wait itself is not quiet time";
  EXPECT_EQ(fail_after(10min + 400ms).delay, 50ms);
}

TEST_F(RestartStrategyTest, JitterStaysWithinItsShareAndVaries) {
  graph_.restart.delay = 1000ms;
  graph_.restart.multiplier = 1;
  Duration low = 10s;
  Duration high = 0s;
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = fail_after(1s).delay;
    low = std::min(low, delay);
    high = std::max(high, delay);
  }
  EXPECT_GE(low, 900ms);
  EXPECT_LT(low, 920ms);
  EXPECT_LE(high, 1100ms);
  EXPECT_GT(high, 1080ms);
}

TEST_F(RestartStrategyTest, WithoutCheckpointsTheDefaultDoesNotRestart) {
  graph_.checkpoints.enabled = false;
  EXPECT_FALSE(fail_after(1s).is_restarted);
  graph_.restart.kind = RestartStrategy::Kind::kFixedDelay;
  EXPECT_TRUE(fail_after(1s).is_restarted) << "asked for by name";
}

}  // namespace
}  // namespace weir
