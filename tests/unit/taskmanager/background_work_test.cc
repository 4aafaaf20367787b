// SPDX-License-Identifier: Apache-2.0
// Tests of the background work.
#include "taskmanager/background_work.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/manual_executor.h"

namespace weir {
namespace {

class BackgroundWorkTest : public ::testing::Test {
 protected:
  ManualClock clock;
  ManualExecutor executor{clock};
  ManualBlockingExecutor blocking{executor};
  std::shared_ptr<BackgroundWork> work = std::make_shared<BackgroundWork>(blocking);
  bool idle = false;
};

TEST_F(BackgroundWorkTest, TellsWhenAllWorkHasReturned) {
  int done = 0;
  work->run([&] { ++done; });
  work->run([&] { ++done; });
  work->when_idle([this] { idle = true; });
  EXPECT_FALSE(idle);
  executor.run_one();
  EXPECT_FALSE(idle);
  executor.run_one();
  EXPECT_TRUE(idle);
  EXPECT_EQ(done, 2);
}

TEST_F(BackgroundWorkTest, WithoutWorkItIsIdleAtOnce) {
  work->when_idle([this] { idle = true; });
  EXPECT_TRUE(idle);
}

TEST_F(BackgroundWorkTest, WorkThatStartsWorkIsWaitedFor) {
  work->run([this] { work->run([] {}); });
  work->when_idle([this] { idle = true; });
  executor.run_one();
  EXPECT_FALSE(idle);
  executor.run_one();
  EXPECT_TRUE(idle);
}

TEST_F(BackgroundWorkTest, WhatTheClosureHoldsGoesBeforeItCountsAsReturned) {
  struct Last {
    ~Last() { seen = running(); }
    std::function<std::size_t()> running;
    std::size_t& seen;
  };
  std::size_t seen = 0;
  auto last = std::shared_ptr<Last>(new Last{[this] { return work->running(); }, seen});
  work->run([last] {});
  last.reset();
  executor.run_until_idle();
  EXPECT_EQ(seen, 1U);
  EXPECT_EQ(work->running(), 0U);
}

TEST_F(BackgroundWorkTest, AfterItWasAbandonedNothingBeginsAnyMore) {
  int done = 0;
  work->run([&] { ++done; });
  work->abandon();
  work->run([&] { ++done; });
  executor.run_until_idle();
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace weir
