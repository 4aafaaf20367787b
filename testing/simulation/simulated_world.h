// SPDX-License-Identifier: Apache-2.0
// SimulatedWorld: one thread, one seed, simulated time. Everything that can happen is an actor with
// a due time; the world picks the next one at random among those that are due.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "base/strong_id.h"
#include "testing/simulation/trace.h"

namespace weir::simulation {

class SimulatedWorld;

/// Simulated nanoseconds since the start of the world.
using Nanos = std::int64_t;
inline constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

using ProcessId = StrongId<struct SimulatedProcessTag, std::uint64_t>;

/// One operating-system process, as far as its fate matters: it runs, stands still, or has crashed.
/// Nothing that a crashed process still does has an effect.
class SimulatedProcess {
 public:
  SimulatedProcess(ProcessId id, std::string name) : id_(id), name_(std::move(name)) {}

  ProcessId id() const { return id_; }
  const std::string& name() const { return name_; }
  bool is_running() const { return running_; }

 private:
  friend class SimulatedWorld;
  friend class SimulatedClock;

  const ProcessId id_;
  const std::string name_;
  bool running_ = true;
  Nanos paused_until_ = 0;
  double slowness_ = 1.0;        // what its actions cost more than usual
  std::int64_t clock_skew_ = 0;  // milliseconds that its wall clock is ahead
};

/// Something that acts, one action at a time: an executor, a subtask, the network.
class Actor {
 public:
  Actor(SimulatedWorld& world, const SimulatedProcess& process);
  virtual ~Actor();
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  /// When it could act next; a time in the past means now, `kNever` that it waits for others.
  virtual Nanos due() const = 0;
  /// Does one thing. Returns what it cost in simulated time; it acts no sooner again.
  virtual Nanos act() = 0;

 protected:
  SimulatedWorld& world_;
  const SimulatedProcess& process_;

 private:
  friend class SimulatedWorld;
  Nanos busy_until_ = 0;
};

/// The clocks of one process: a monotonic one that all share and a wall clock that may be wrong.
class SimulatedClock final : public Clock {
 public:
  SimulatedClock(const SimulatedWorld& world, const SimulatedProcess& process)
      : world_(world), process_(process) {}
  ProcessingTime now() const override;
  std::int64_t monotonic_nanos() const override;

 private:
  const SimulatedWorld& world_;
  const SimulatedProcess& process_;
};

/// Thread: one. Create what lives in it after it, destroy it before it.
class SimulatedWorld {
 public:
  explicit SimulatedWorld(std::uint64_t seed) : rng_(seed) {}
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  Nanos now() const { return now_; }
  Rng& rng() { return rng_; }
  Trace& trace() { return trace_; }

  /// A process with a new id. It lives as long as the caller keeps it.
  SimulatedProcess make_process(std::string name);
  /// From now on nothing the process does has an effect. Its owner takes it apart between actions.
  void crash(SimulatedProcess& process);
  /// The process does nothing until `until`.
  void pause(SimulatedProcess& process, Nanos until);
  /// Its actions take `slowness` times as long.
  void set_slowness(SimulatedProcess& process, double slowness);
  /// Its wall clock is `milliseconds` ahead of the true time.
  void set_clock_skew(SimulatedProcess& process, std::int64_t milliseconds);

  /// Lets one actor act, after advancing time to it if none is due. False if nothing can ever
  /// happen again, or nothing before `deadline` (time is then there).
  bool step(Nanos deadline = kNever);

  /// Uniform in [low, high].
  Nanos random_nanos(Nanos low, Nanos high) { return rng_.uniform_between(low, high); }
  /// Mostly small, sometimes as large as `high`: spread evenly over the orders of magnitude.
  Nanos random_skewed_nanos(Nanos low, Nanos high);

  std::uint64_t actions() const { return actions_; }
  /// The process whose action it is.
  ProcessId acting() const { return acting_; }

 private:
  friend class Actor;
  Nanos due_of(const Actor& actor) const;

  Rng rng_;
  Trace trace_;
  Nanos now_ = 0;
  std::uint64_t actions_ = 0;
  ProcessId acting_;
  std::uint64_t next_process_ = 1;
  std::vector<Actor*> actors_;  // in the order of creation, so that choices repeat
  std::vector<Actor*> candidates_;
};

}  // namespace weir::simulation
