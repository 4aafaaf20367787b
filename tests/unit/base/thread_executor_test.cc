// SPDX-License-Identifier: Apache-2.0
// Executors that own threads: order, timers, cancelling, stopping.
#include "base/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;

// Runs a closure on the executor and waits for it: everything posted before has then run.
void drain(Executor& executor) {
  std::promise<void> done;
  executor.post([&] { done.set_value(); });
  done.get_future().wait();
}

TEST(ThreadExecutorTest, RunsClosuresInTheOrderPosted) {
  ThreadExecutor executor("test");
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    executor.post([&order, i] { order.push_back(i); });
  }
  drain(executor);
  ASSERT_EQ(order.size(), 1000U);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  }
}

TEST(ThreadExecutorTest, NeverRunsAClosureInsideThePost) {
  ThreadExecutor executor("test");
  std::vector<int> order;
  executor.post([&] {
    executor.post([&] { order.push_back(2); });
    order.push_back(1);
  });
  drain(executor);
  drain(executor);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(ThreadExecutorTest, KnowsItsOwnThread) {
  ThreadExecutor executor("test");
  EXPECT_FALSE(executor.is_current());
  bool inside = false;
  executor.post([&] { inside = executor.is_current(); });
  drain(executor);
  EXPECT_TRUE(inside);
}

TEST(ThreadExecutorTest, TimersRunByDeadlineThenByOrder) {
  ThreadExecutor executor("test");
  std::vector<int> order;
  std::promise<void> last;
  // From inside, so that no time passes between them on the executor.
  executor.post([&] {
    executor.post_after(30ms, [&] {
      order.push_back(3);
      last.set_value();
    });
    executor.post_after(-5ms, [&] { order.push_back(1); });
    executor.post_after(10ms, [&] { order.push_back(2); });
  });
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ThreadExecutorTest, TimerDoesNotRunBeforeItsTime) {
  ThreadExecutor executor("test");
  const auto start = std::chrono::steady_clock::now();
  std::promise<std::chrono::steady_clock::time_point> ran;
  executor.post_after(20ms, [&] { ran.set_value(std::chrono::steady_clock::now()); });
  EXPECT_GE(ran.get_future().get() - start, 20ms);
}

TEST(ThreadExecutorTest, CancelledTimerNeverRunsEvenIfItIsDue) {
  ThreadExecutor executor("test");
  bool has_run = false;
  executor.post([&] {
    const TimerHandle timer = executor.post_after(0ms, [&] { has_run = true; });
    executor.cancel(timer);
    executor.cancel(timer);
    executor.cancel(0);
  });
  drain(executor);
  drain(executor);
  EXPECT_FALSE(has_run);
}

TEST(ThreadExecutorTest, BusyQueueDoesNotStarveTimers) {
  ThreadExecutor executor("test");
  std::promise<void> ran;
  std::atomic<bool> is_done{false};
  std::function<void()> repost = [&] {
    if (!is_done) {
      executor.post(repost);
    }
  };
  executor.post(repost);
  executor.post_after(1ms, [&] {
    is_done = true;
    ran.set_value();
  });
  EXPECT_EQ(ran.get_future().wait_for(30s), std::future_status::ready);
  is_done = true;
  executor.stop();
}

TEST(ThreadExecutorTest, RepeatedDueTimersDoNotStarveTheQueue) {
  ThreadExecutor executor("test");
  std::promise<void> ran;
  std::atomic<bool> is_done{false};
  std::function<void()> again = [&] {
    if (!is_done) {
      executor.post_after(0ms, again);
    }
  };
  executor.post_after(0ms, again);
  executor.post([&] {
    is_done = true;
    ran.set_value();
  });
  EXPECT_EQ(ran.get_future().wait_for(30s), std::future_status::ready);
  is_done = true;
  executor.stop();
}

TEST(ThreadExecutorTest, StopRunsWhatIsQueuedAndDropsTimersAndLaterPosts) {
  ThreadExecutor executor("test");
  std::promise<void> gate;
  int runs = 0;
  bool timer_has_run = false;
  const auto owned = std::make_shared<int>(0);
  executor.post([opened = gate.get_future().share()] { opened.wait(); });
  executor.post([&runs] { ++runs; });
  executor.post_after(1h, [&timer_has_run, owned] { timer_has_run = true; });
  EXPECT_EQ(owned.use_count(), 2);
  gate.set_value();
  executor.stop();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(owned.use_count(), 1) << "the dropped timer still owns what it captured";
  executor.post([&runs] { ++runs; });
  executor.post_after(0ms, [&runs] { ++runs; });
  executor.stop();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(timer_has_run);
}

TEST(ThreadExecutorTest, ClosureThatThrowsEndsTheProcess) {
  EXPECT_DEATH(
      {
        ThreadExecutor executor("test");
        executor.post([] { throw 1; });
        drain(executor);
      },
      "");
}

TEST(ThreadPoolExecutorTest, RunsClosuresOnSeveralThreadsAtOnce) {
  ThreadPoolExecutor pool("test", 2);
  std::promise<void> first_started;
  std::promise<void> second_started;
  std::promise<void> done;
  // Each waits for the other: on one thread this would never end.
  pool.run([&] {
    first_started.set_value();
    second_started.get_future().wait();
    done.set_value();
  });
  pool.run([&] {
    first_started.get_future().wait();
    second_started.set_value();
  });
  EXPECT_EQ(done.get_future().wait_for(30s), std::future_status::ready);
}

TEST(ThreadPoolExecutorTest, DestructorRunsWhatIsQueued) {
  std::atomic<int> runs{0};
  {
    ThreadPoolExecutor pool("test", 3);
    for (int i = 0; i < 100; ++i) {
      pool.run([&] { ++runs; });
    }
  }
  EXPECT_EQ(runs, 100);
}

TEST(ThreadPoolExecutorTest, DropsWhatComesAfterStop) {
  ThreadPoolExecutor pool("test", 1);
  pool.stop();
  bool has_run = false;
  pool.run([&] { has_run = true; });
  pool.stop();
  EXPECT_FALSE(has_run);
}

}  // namespace
}  // namespace weir
