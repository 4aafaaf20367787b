// SPDX-License-Identifier: Apache-2.0
// SimulatedTaskScheduler: steps the subtasks of one TaskManager in an order that the seed chooses.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "taskmanager/task_scheduler.h"
#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// How subtasks are stepped.
struct SteppingFaults {
  /// Units of work a step may do, at most; drawn for each step, mostly small.
  std::uint64_t budget_max = 256;
  /// Chance that a subtask stands still after a step, and for how long at most.
  double stall = 0;
  Nanos stall_max = 0;
};

/// Thread: the world's.
class SimulatedTaskScheduler final : public TaskScheduler {
 public:
  SimulatedTaskScheduler(SimulatedWorld& world, const SimulatedProcess& process,
                         const SteppingFaults& faults);
  ~SimulatedTaskScheduler() override;

  void add(std::uint32_t slot, std::shared_ptr<SteppedTask> task) override;
  void remove(const SteppedTask& task) override;

 private:
  class TaskActor;

  SimulatedWorld& world_;
  const SimulatedProcess& process_;
  // Read at each step: the owner may change it.
  const SteppingFaults& faults_;
  std::vector<std::unique_ptr<TaskActor>> tasks_;
};

}  // namespace weir::simulation
