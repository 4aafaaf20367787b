// SPDX-License-Identifier: Apache-2.0
// ThreadedTaskScheduler: one thread per slot steps the subtasks of that slot.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "taskmanager/task_scheduler.h"

namespace weir {

/// Steps round robin, each task for about a millisecond, and sleeps when all are blocked until one
/// is woken or its time comes. Before it sleeps it looks on for some microseconds, because a
/// neighbour's next batch is often that near and a sleep costs more.
///
/// Thread: any, but `stop` and the destructor by the owner. Each slot has one lock; it guards the
/// list of tasks and the sleep, and is not held during a step.
class ThreadedTaskScheduler final : public TaskScheduler {
 public:
  /// Requires: slots > 0. `clock` outlives the scheduler.
  ThreadedTaskScheduler(const Clock& clock, std::uint32_t slots);
  /// Stops.
  ~ThreadedTaskScheduler() override;

  void add(std::uint32_t slot, std::shared_ptr<SteppedTask> task) override;
  void remove(const SteppedTask& task) override;

  /// Ends the threads; tasks still there are dropped where they are.
  void stop();

 private:
  class Slot;

  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace weir
