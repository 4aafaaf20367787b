// SPDX-License-Identifier: Apache-2.0
// Executor: where asynchronous work runs. One on a real thread, one stepped by the simulator.
#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"

namespace weir {

/// Names a timer of one executor; 0 is never a timer.
using TimerHandle = std::uint64_t;

/// Runs closures one at a time, in the order of post(): a serial executor is a thread without being
/// one. A closure never runs inside the call that posts it, so a caller may hold what it likes.
///
/// Timers run like posted closures once their time has come, earliest first, equal times in the
/// order of post_after(). Closures must not throw: that is a programmer error and aborts.
///
/// Thread: post, post_after and cancel from any thread, also from inside a closure.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Queues `closure`. After the executor has stopped, it is dropped (destroyed, not run).
  virtual void post(std::function<void()> closure) = 0;

  /// Queues `closure` to run once `delay` has passed; zero or less means as soon as possible.
  virtual TimerHandle post_after(Duration delay, std::function<void()> closure) = 0;

  /// Drops the timer. One that has run, is running, was cancelled or is 0 is ignored. Called from a
  /// closure of this executor it is certain that the timer does not run later.
  virtual void cancel(TimerHandle timer) = 0;
};

/// Runs closures that may block, such as file I/O, in no particular order and possibly at once.
///
/// Thread: any.
class BlockingExecutor {
 public:
  virtual ~BlockingExecutor() = default;
  virtual void run(std::function<void()> closure) = 0;
};

}  // namespace weir
