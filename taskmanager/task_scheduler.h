// SPDX-License-Identifier: Apache-2.0
// TaskScheduler: who steps subtasks. Threads in production, a seed in the simulator.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "base/metrics.h"
#include "core/operator.h"
#include "taskmanager/io/waker.h"

namespace weir {

/// What a step came to, and so what to wait for. Also the busy, idle and back-pressure metric.
enum class StepResult {
  kProgress,         ///< the budget ended, or mail came: step again
  kBlockedOnInput,   ///< nothing to read; also: mail, or the time of `wake_at_nanos`
  kBlockedOnOutput,  ///< a consumer has no room
  kBlockedOnState,   ///< state is being read in the background
  kFinished,         ///< never step again
};

/// Where a subtask's time went, in nanoseconds. Written by its scheduler, read by anybody.
struct TaskTimes {
  Counter busy;
  Counter idle;            ///< blocked on input or state
  Counter back_pressured;  ///< blocked on output
};

/// Something that is stepped: a subtask.
///
/// Thread: `step` and `wake_at_nanos` one at a time, of `waker` and `times` any.
class SteppedTask {
 public:
  virtual ~SteppedTask() = default;
  /// Does a bounded amount of work, never blocks, never throws. Not called again after kFinished.
  virtual StepResult step(Budget& budget) = 0;
  /// When a blocked task wants to be stepped though nobody woke it, on the monotonic clock.
  virtual std::int64_t wake_at_nanos() const = 0;

  Waker& waker() { return *waker_; }
  TaskTimes& times() { return times_; }

 protected:
  // Shared with channels and the mailbox, which may outlive the task.
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  TaskTimes times_;
};

inline constexpr std::int64_t kNeverNanos = std::numeric_limits<std::int64_t>::max();

/// Steps tasks until they are finished: those that made progress again and again, blocked ones when
/// their waker is signalled or their time has come.
///
/// Thread: any.
class TaskScheduler {
 public:
  virtual ~TaskScheduler() = default;
  /// Tasks of one slot share its turn. `slot` counts from zero.
  virtual void add(std::uint32_t slot, std::shared_ptr<SteppedTask> task) = 0;
  /// Forgets a task; when it returns the task is not in a step and will not be stepped again.
  /// Unknown ones are ignored. Must not be called from a step.
  virtual void remove(const SteppedTask& task) = 0;
};

}  // namespace weir
