// SPDX-License-Identifier: Apache-2.0
// HarnessContext: a host for one operator under test, with state in memory and a manual clock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/operator_context.h"
#include "state/heap/heap_state_backend.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_store.h"

namespace weir::testing {

/// What outlives the instances of an operator under test: time, files, and what they asked for.
struct HarnessWorld {
  ManualClock clock;
  MemoryFileStore files{&clock};
  std::vector<std::string> hints;
  std::vector<CheckpointId> committed;
  std::deque<std::function<void()>> mails;
  std::uint64_t snapshots = 0;
};

/// Where an operator under test stands.
struct HarnessPlace {
  OperatorId id{"operator-under-test"};
  SubtaskIndex subtask{0};
  Parallelism parallelism{1};
  MaxParallelism max_parallelism{128};
};

/// The host of one instance of an operator.
///
/// Thread: the test's.
class HarnessContext final : public OperatorContext {
 public:
  /// `restores` are snapshots of all former subtasks; empty for a fresh start. `world` outlives it.
  HarnessContext(HarnessWorld& world, const HarnessPlace& place, AttemptNumber attempt,
                 std::vector<StateHandle> restores);

  const OperatorInfo& info() const override { return info_; }
  const Clock& clock() const override { return world_.clock; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return *backend_; }
  FileStore& files() override { return world_.files; }
  void run_blocking(std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> mail) override { world_.mails.push_back(std::move(mail)); }
  void wake_at(ProcessingTime time) override { wake_time_ = std::min(wake_time_, time); }
  void send_hint(std::string payload) override { world_.hints.push_back(std::move(payload)); }
  void report_committed(CheckpointId checkpoint) override {
    world_.committed.push_back(checkpoint);
  }

  OperatorStateBackend& backend() { return *backend_; }
  ProcessingTime wake_time() const { return wake_time_; }
  void clear_wake_time() { wake_time_ = ProcessingTime::max(); }

  /// Freezes the state as it is, and stores what was frozen; between the two the operator may go
  /// on.
  std::unique_ptr<FrozenOperatorState> freeze();
  StateHandle store(FrozenOperatorState& frozen);
  StateHandle snapshot() { return store(*freeze()); }

 private:
  HarnessWorld& world_;
  const OperatorInfo info_;
  MetricGroup metrics_;
  std::unique_ptr<OperatorStateBackend> backend_;
  ProcessingTime wake_time_ = ProcessingTime::max();
};

}  // namespace weir::testing
