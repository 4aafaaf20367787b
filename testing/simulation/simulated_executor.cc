// SPDX-License-Identifier: Apache-2.0
// Queues, timers and delays of the simulated executors.
#include "testing/simulation/simulated_executor.h"

#include <algorithm>

namespace weir::simulation {
namespace {

// What one closure of a serial executor costs: little, as they only decide.
constexpr Nanos kClosureCostMax = 20 * kMicrosecond;

}  // namespace

void SimulatedExecutor::post(std::function<void()> closure) {
  if (!process_.is_running()) return;
  queue_.push_back(std::move(closure));
}

TimerHandle SimulatedExecutor::post_after(Duration delay, std::function<void()> closure) {
  const Nanos wait = std::max<Nanos>(delay.count(), 0);
  const Nanos deadline =
      wait > (kNever - world_.now()) / kMillisecond ? kNever : world_.now() + wait * kMillisecond;
  const TimerHandle handle = next_timer_++;
  timers_.emplace(std::pair{deadline, handle}, std::move(closure));
  deadlines_.emplace(handle, deadline);
  return handle;
}

void SimulatedExecutor::cancel(TimerHandle timer) {
  const auto found = deadlines_.find(timer);
  if (found == deadlines_.end()) return;
  timers_.erase({found->second, timer});
  deadlines_.erase(found);
}

Nanos SimulatedExecutor::due() const {
  if (!queue_.empty()) return 0;
  return timers_.empty() ? kNever : timers_.begin()->first.first;
}

Nanos SimulatedExecutor::act() {
  const bool timer_due = !timers_.empty() && timers_.begin()->first.first <= world_.now();
  const bool take_timer = timer_due && (queue_.empty() || world_.rng().chance(0.5));
  std::function<void()> closure;
  if (take_timer) {
    const auto first = timers_.begin();
    closure = std::move(first->second);
    deadlines_.erase(first->first.second);
    timers_.erase(first);
  } else {
    closure = std::move(queue_.front());
    queue_.pop_front();
  }
  world_.trace().note(world_.now(), take_timer ? "timer" : "closure", {process_.id().value()},
                      [this] { return process_.name(); });
  closure();
  return world_.random_nanos(kMicrosecond, kClosureCostMax);
}

void SimulatedBlockingExecutor::run(std::function<void()> closure) {
  if (!process_.is_running()) return;
  const Nanos delay = world_.random_skewed_nanos(10 * kMicrosecond, delay_max_);
  pending_.emplace_back(world_.now() + delay, std::move(closure));
}

Nanos SimulatedBlockingExecutor::due() const {
  Nanos earliest = kNever;
  for (const auto& [due, closure] : pending_) earliest = std::min(earliest, due);
  return earliest;
}

Nanos SimulatedBlockingExecutor::act() {
  const auto first = std::min_element(
      pending_.begin(), pending_.end(),
      [](const auto& left, const auto& right) { return left.first < right.first; });
  const std::function<void()> closure = std::move(first->second);
  pending_.erase(first);
  world_.trace().note(world_.now(), "blocking", {process_.id().value()},
                      [this] { return process_.name(); });
  closure();
  return 0;
}

}  // namespace weir::simulation
