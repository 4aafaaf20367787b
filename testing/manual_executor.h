// SPDX-License-Identifier: Apache-2.0
// ManualExecutor: closures and timers that run only when the test says so, in its own thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "base/executor.h"
#include "testing/manual_clock.h"

namespace weir {

/// Runs posted closures and due timers on demand. Moves `clock` itself in advance().
///
/// Thread: one.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(ManualClock& clock) : clock_(clock) {}

  void post(std::function<void()> closure) override;
  TimerHandle post_after(Duration delay, std::function<void()> closure) override;
  void cancel(TimerHandle timer) override;

  /// Runs one closure or due timer, if there is one.
  bool run_one();
  /// Runs closures and due timers, and those that they post, until none is left.
  /// Aborts after a million: they would never end.
  void run_until_idle();
  /// Moves the clock on by `duration`, stopping at each timer on the way to run what is due.
  void advance(Duration duration);

  std::size_t num_timers() const { return timers_.size(); }

 private:
  // Deadline first, then the order of post_after.
  using TimerKey = std::pair<std::int64_t, TimerHandle>;

  ManualClock& clock_;
  std::deque<std::function<void()>> queue_;
  std::map<TimerKey, std::function<void()>> timers_;
  std::map<TimerHandle, std::int64_t> deadlines_;
  TimerHandle next_timer_ = 1;
};

/// Runs "blocking" closures as closures of a ManualExecutor, or holds them back.
///
/// Thread: one.
class ManualBlockingExecutor final : public BlockingExecutor {
 public:
  explicit ManualBlockingExecutor(ManualExecutor& executor) : executor_(executor) {}

  void run(std::function<void()> closure) override;

  /// Closures given from now on wait for resume().
  void pause() { is_paused_ = true; }
  void resume();

 private:
  ManualExecutor& executor_;
  bool is_paused_ = false;
  std::deque<std::function<void()>> held_;
};

}  // namespace weir
