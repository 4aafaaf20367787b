// SPDX-License-Identifier: Apache-2.0
// Executors of a simulated process: closures run when the world picks them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// A serial executor. Between a due timer and a posted closure the seed chooses.
class SimulatedExecutor final : public Executor, public Actor {
 public:
  SimulatedExecutor(SimulatedWorld& world, const SimulatedProcess& process)
      : Actor(world, process) {}

  void post(std::function<void()> closure) override;
  TimerHandle post_after(Duration delay, std::function<void()> closure) override;
  void cancel(TimerHandle timer) override;

  Nanos due() const override;
  Nanos act() override;

 private:
  std::deque<std::function<void()>> queue_;
  std::map<std::pair<Nanos, TimerHandle>, std::function<void()>> timers_;
  std::map<TimerHandle, Nanos> deadlines_;
  TimerHandle next_timer_ = 1;
};

/// Runs closures later, each as a whole, in any order, after a delay that the seed draws.
class SimulatedBlockingExecutor final : public BlockingExecutor, public Actor {
 public:
  /// A closure is delayed by up to `delay_max`, mostly far less.
  SimulatedBlockingExecutor(SimulatedWorld& world, const SimulatedProcess& process, Nanos delay_max)
      : Actor(world, process), delay_max_(delay_max) {}

  void run(std::function<void()> closure) override;

  Nanos due() const override;
  Nanos act() override;

 private:
  const Nanos delay_max_;
  std::vector<std::pair<Nanos, std::function<void()>>> pending_;
};

}  // namespace weir::simulation
