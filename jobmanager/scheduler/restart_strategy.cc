// SPDX-License-Identifier: Apache-2.0
// The four strategies.
#include "jobmanager/scheduler/restart_strategy.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

std::int64_t nanos(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

RestartDecision refuse(RestartHistory history, std::string why_not) {
  return {false, Duration{0}, std::move(why_not), std::move(history)};
}

RestartDecision grant(RestartHistory history, Duration delay) {
  ++history.restarts;
  return {true, delay, "", std::move(history)};
}

RestartDecision decide_by_rate(const RestartStrategy& strategy, RestartHistory history,
                               std::int64_t now_nanos) {
  history.failures.push_back(now_nanos);
  while (history.failures.front() < now_nanos - nanos(strategy.interval)) {
    history.failures.pop_front();
  }
  if (history.failures.size() > strategy.attempts) {
    return refuse(std::move(history), "more than " + std::to_string(strategy.attempts) +
                                          " failures within " + to_string(strategy.interval));
  }
  return grant(std::move(history), strategy.delay);
}

RestartDecision decide_exponential(const RestartStrategy& strategy, RestartHistory history,
                                   std::int64_t now_nanos, Rng& rng) {
  const std::int64_t quiet_from = history.last_failure_nanos + nanos(history.delay);
  const bool is_first = history.delay == Duration{0};
  if (is_first || now_nanos - quiet_from >= nanos(strategy.interval)) {
    history.delay = strategy.delay;
  } else {
    const double next = static_cast<double>(history.delay.count()) * strategy.multiplier;
    const double limit = static_cast<double>(strategy.delay_max.count());
    history.delay = Duration{static_cast<std::int64_t>(std::min(next, limit))};
  }
  history.delay = std::min(std::max(history.delay, Duration{1}), strategy.delay_max);
  history.last_failure_nanos = now_nanos;
  const double jitter = (rng.uniform_double() * 2 - 1) * strategy.jitter;
  const double delay = static_cast<double>(history.delay.count()) * (1 + jitter);
  return grant(std::move(history), Duration{std::llround(std::max(delay, 0.0))});
}

}  // namespace

RestartDecision decide_restart(const JobGraph& graph, RestartHistory history, const Status& failure,
                               std::int64_t now_nanos, Rng& rng) {
  const RestartStrategy& strategy = graph.restart;
  // Being cancelled is nobody's mistake: it says nothing about the next attempt.
  if (failure.retry() == RetryHint::kNo && failure.code() != StatusCode::kCancelled) {
    return refuse(std::move(history), "a restart would not mend this failure");
  }
  switch (strategy.kind) {
    case RestartStrategy::Kind::kNone:
      return refuse(std::move(history), "the restart strategy is none");
    case RestartStrategy::Kind::kFixedDelay:
      if (history.restarts >= strategy.attempts) {
        const std::string count = std::to_string(strategy.attempts);
        return refuse(std::move(history), "it was restarted " + count + " times already");
      }
      return grant(std::move(history), strategy.delay);
    case RestartStrategy::Kind::kFailureRate:
      return decide_by_rate(strategy, std::move(history), now_nanos);
    case RestartStrategy::Kind::kExponentialDelay:
      if (!graph.checkpoints.enabled) {
        return refuse(std::move(history), "checkpoints are off, so there is nothing to go on from");
      }
      return decide_exponential(strategy, std::move(history), now_nanos, rng);
  }
  WEIR_UNREACHABLE();
}

}  // namespace weir
