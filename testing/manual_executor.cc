// SPDX-License-Identifier: Apache-2.0
// The order in which a ManualExecutor runs what it was given.
#include "testing/manual_executor.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace weir {

void ManualExecutor::post(std::function<void()> closure) { queue_.push_back(std::move(closure)); }

TimerHandle ManualExecutor::post_after(Duration delay, std::function<void()> closure) {
  const std::int64_t nanos = std::chrono::nanoseconds(std::max(delay, Duration{0})).count();
  const std::int64_t deadline = clock_.monotonic_nanos() + nanos;
  const TimerHandle timer = next_timer_++;
  timers_.emplace(TimerKey{deadline, timer}, std::move(closure));
  deadlines_.emplace(timer, deadline);
  return timer;
}

void ManualExecutor::cancel(TimerHandle timer) {
  const auto found = deadlines_.find(timer);
  if (found == deadlines_.end())
    return;
  timers_.erase({found->second, timer});
  deadlines_.erase(found);
}

bool ManualExecutor::run_one() {
  const auto first = timers_.begin();
  if (first != timers_.end() && first->first.first <= clock_.monotonic_nanos()) {
    const auto closure = std::move(first->second);
    deadlines_.erase(first->first.second);
    timers_.erase(first);
    closure();
    return true;
  }
  if (queue_.empty())
    return false;
  const auto closure = std::move(queue_.front());
  queue_.pop_front();
  closure();
  return true;
}

void ManualExecutor::run_until_idle() {
  std::size_t count = 0;
  while (run_one())
    WEIR_CHECK_LT(++count, std::size_t{1'000'000});
}

void ManualExecutor::advance(Duration duration) {
  const std::int64_t end = clock_.monotonic_nanos() + std::chrono::nanoseconds(duration).count();
  run_until_idle();
  while (!timers_.empty() && timers_.begin()->first.first <= end) {
    const std::int64_t wait = timers_.begin()->first.first - clock_.monotonic_nanos();
    clock_.advance(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(wait)));
    run_until_idle();
  }
  const std::int64_t rest = end - clock_.monotonic_nanos();
  clock_.advance(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(rest)));
}

void ManualBlockingExecutor::run(std::function<void()> closure) {
  if (is_paused_) {
    held_.push_back(std::move(closure));
  } else {
    executor_.post(std::move(closure));
  }
}

void ManualBlockingExecutor::resume() {
  is_paused_ = false;
  for (auto& closure : std::exchange(held_, {}))
    executor_.post(std::move(closure));
}

}  // namespace weir
