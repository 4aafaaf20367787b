// SPDX-License-Identifier: Apache-2.0
// The choice of what happens next, and simulated time.
#include "testing/simulation/simulated_world.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace weir::simulation {
namespace {

// 2026-01-01T00:00:00Z, so that wall times look like times.
constexpr std::int64_t kWallClockStart = 1'767'225'600'000;

}  // namespace

Actor::Actor(SimulatedWorld& world, const SimulatedProcess& process)
    : world_(world), process_(process) {
  world_.actors_.push_back(this);
}

Actor::~Actor() { std::erase(world_.actors_, this); }

ProcessingTime SimulatedClock::now() const {
  return ProcessingTime{kWallClockStart + world_.now() / kMillisecond + process_.clock_skew_};
}

std::int64_t SimulatedClock::monotonic_nanos() const { return world_.now(); }

SimulatedProcess SimulatedWorld::make_process(std::string name) {
  return SimulatedProcess(ProcessId{next_process_++}, std::move(name));
}

void SimulatedWorld::crash(SimulatedProcess& process) {
  if (!process.running_) return;
  process.running_ = false;
  trace_.note(now_, "crash", {process.id().value()}, [&process] { return process.name(); });
}

void SimulatedWorld::pause(SimulatedProcess& process, Nanos until) {
  process.paused_until_ = std::max(process.paused_until_, until);
  trace_.note(now_, "pause", {process.id().value(), static_cast<std::uint64_t>(until - now_)},
              [&process] { return process.name(); });
}

void SimulatedWorld::set_slowness(SimulatedProcess& process, double slowness) {
  process.slowness_ = slowness;
}

void SimulatedWorld::set_clock_skew(SimulatedProcess& process, std::int64_t milliseconds) {
  process.clock_skew_ = milliseconds;
}

Nanos SimulatedWorld::due_of(const Actor& actor) const {
  const SimulatedProcess& process = actor.process_;
  if (!process.running_) return kNever;
  const Nanos due = actor.due();
  if (due == kNever) return kNever;
  return std::max({due, actor.busy_until_, process.paused_until_});
}

bool SimulatedWorld::step(Nanos deadline) {
  Nanos earliest = kNever;
  candidates_.clear();
  for (Actor* const actor : actors_) {
    const Nanos due = due_of(*actor);
    if (due == kNever) continue;
    earliest = std::min(earliest, due);
    if (due <= now_) candidates_.push_back(actor);
  }
  if (candidates_.empty()) {
    if (earliest > deadline || earliest == kNever) {
      if (deadline != kNever) now_ = std::max(now_, deadline);
      return false;
    }
    now_ = earliest;
    for (Actor* const actor : actors_) {
      if (due_of(*actor) <= now_) candidates_.push_back(actor);
    }
  }
  Actor* const chosen = candidates_[rng_.uniform(candidates_.size())];
  ++actions_;
  const SimulatedProcess& process = chosen->process_;
  acting_ = process.id();
  const Nanos cost = chosen->act();
  // The actor may have been destroyed by its own action.
  if (std::find(actors_.begin(), actors_.end(), chosen) == actors_.end()) return true;
  chosen->busy_until_ = now_ + static_cast<Nanos>(static_cast<double>(cost) * process.slowness_);
  return true;
}

Nanos SimulatedWorld::random_skewed_nanos(Nanos low, Nanos high) {
  WEIR_CHECK_LE(low, high);
  const double span = std::log1p(static_cast<double>(high - low));
  return low + static_cast<Nanos>(std::expm1(rng_.uniform_double() * span));
}

}  // namespace weir::simulation
