// SPDX-License-Identifier: Apache-2.0
// One actor per subtask, with a random budget for each step.
#include "testing/simulation/simulated_task_scheduler.h"

#include <algorithm>
#include <utility>

namespace weir::simulation {
namespace {

constexpr Nanos kStepCostMin = 2 * kMicrosecond;
constexpr Nanos kStepCostMax = 50 * kMicrosecond;

}  // namespace

class SimulatedTaskScheduler::TaskActor final : public Actor {
 public:
  TaskActor(SimulatedWorld& world, const SimulatedProcess& process, const SteppingFaults& faults,
            std::shared_ptr<SteppedTask> task)
      : Actor(world, process), faults_(faults), task_(std::move(task)) {}

  const SteppedTask* task() const { return task_.get(); }

  Nanos due() const override {
    switch (result_) {
      case StepResult::kProgress: return 0;
      case StepResult::kBlockedOnInput:
      case StepResult::kBlockedOnOutput:
      case StepResult::kBlockedOnState:
        return task_->waker().is_signalled() ? 0 : task_->wake_at_nanos();
      case StepResult::kFinished: return kNever;
    }
    return kNever;
  }

  Nanos act() override {
    Rng& rng = world_.rng();
    task_->waker().take();
    Budget budget(1 + static_cast<std::size_t>(world_.random_skewed_nanos(
                          0, static_cast<Nanos>(faults_.budget_max) - 1)));
    result_ = task_->step(budget);
    world_.trace().note(world_.now(), "step",
                        {process_.id().value(), static_cast<std::uint64_t>(result_)});
    if (result_ == StepResult::kFinished) {
      task_.reset();
      return 0;
    }
    const bool stalls = rng.chance(faults_.stall);
    const Nanos cost = stalls ? world_.random_nanos(kStepCostMax, faults_.stall_max)
                              : world_.random_nanos(kStepCostMin, kStepCostMax);
    task_->times().busy.add(static_cast<std::uint64_t>(cost));
    return cost;
  }

 private:
  const SteppingFaults& faults_;
  std::shared_ptr<SteppedTask> task_;  // shared with the TaskManager; null when finished
  StepResult result_ = StepResult::kProgress;
};

SimulatedTaskScheduler::SimulatedTaskScheduler(SimulatedWorld& world,
                                               const SimulatedProcess& process,
                                               const SteppingFaults& faults)
    : world_(world), process_(process), faults_(faults) {}

SimulatedTaskScheduler::~SimulatedTaskScheduler() = default;

void SimulatedTaskScheduler::add(std::uint32_t, std::shared_ptr<SteppedTask> task) {
  std::erase_if(tasks_, [](const auto& actor) { return actor->task() == nullptr; });
  tasks_.push_back(std::make_unique<TaskActor>(world_, process_, faults_, std::move(task)));
}

void SimulatedTaskScheduler::remove(const SteppedTask& task) {
  std::erase_if(tasks_, [&task](const auto& actor) { return actor->task() == &task; });
}

}  // namespace weir::simulation
