// SPDX-License-Identifier: Apache-2.0
// Agenda: what the simulation itself will do, at given times.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// Runs closures at their times: faults, their ends, restarts.
class Agenda final : public Actor {
 public:
  /// `process` never crashes.
  Agenda(SimulatedWorld& world, const SimulatedProcess& process) : Actor(world, process) {}

  void at(Nanos time, std::function<void()> closure) { entries_.emplace(time, std::move(closure)); }
  void after(Nanos delay, std::function<void()> closure) {
    at(world_.now() + delay, std::move(closure));
  }

  Nanos due() const override { return entries_.empty() ? kNever : entries_.begin()->first; }
  Nanos act() override {
    const auto first = entries_.begin();
    const std::function<void()> closure = std::move(first->second);
    entries_.erase(first);
    closure();
    return 0;
  }

 private:
  std::multimap<Nanos, std::function<void()>> entries_;
};

}  // namespace weir::simulation
