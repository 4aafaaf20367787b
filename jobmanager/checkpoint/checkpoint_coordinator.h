// SPDX-License-Identifier: Apache-2.0
// Carries out what the checkpoint protocol decides: timers, messages and storage around it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/rng.h"
#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "jobmanager/checkpoint/completed_checkpoint_store.h"

namespace weir {

/// What the coordinator asks of its job master. `send` is called inside `apply`; the rest in a
/// closure of its own.
class CheckpointHost {
 public:
  virtual ~CheckpointHost() = default;
  /// Lets a barrier start at every enumerator. One that cannot be reached comes back as a
  /// TriggerFailed.
  virtual void send_triggers(AttemptNumber attempt, const CheckpointBarrier& barrier) = 0;
  /// Sends to every TaskManager of the job's attempt.
  virtual void send_to_all(ControlMessage message) = 0;
  virtual void on_checkpoints_failed(AttemptNumber attempt, const Status& reason) = 0;
  /// The final checkpoint is committed everywhere.
  virtual void on_final_commit(AttemptNumber attempt, CheckpointId checkpoint) = 0;
  virtual void on_manual_checkpoint(const Result<CheckpointId>& result) = 0;
  /// A savepoint is durable, or will not be.
  virtual void on_savepoint(const SavepointRequest& request, const Result<std::string>& path) = 0;
  /// Sources have ended for a savepoint that came to nothing.
  virtual void on_drain_failed(AttemptNumber attempt, const Status& reason) = 0;
  /// No checkpoint is in flight any more.
  virtual void on_checkpoint_settled() = 0;
};

/// What the coordinator runs on. All outlive it.
struct CheckpointEnvironment {
  Clock& clock;
  Executor& executor;
  BlockingExecutor& blocking;
  std::uint64_t seed = 0;
};

/// Takes the checkpoints of one job. Decides nothing itself.
///
/// Thread: the executor's.
class CheckpointCoordinator {
 public:
  CheckpointCoordinator(const CheckpointEnvironment& environment, CheckpointStorageAccess access,
                        JobGraph graph, CheckpointHost& host);
  ~CheckpointCoordinator();

  /// Finds out where the ids go on, before the first attempt. `restore` is what it starts from.
  void recover(std::optional<RestorePoint> restore, std::function<void(Status)> done);
  void start_attempt(AttemptNumber attempt, std::optional<CheckpointId> restored);
  /// Tells the protocol what has happened. May be called from inside `send`.
  void apply(CheckpointFact fact);

  /// Reads the checkpoint to restore from; none if none was completed.
  /// Errors: data loss (C13), or what the storage says after several tries.
  /// Requires: is_settled().
  void read_latest(std::function<void(Result<std::optional<CheckpointMetadata>>)> done);

  /// Whether no checkpoint is in flight.
  bool is_settled() const { return facts_.empty() && !state_.pending; }
  bool is_committed(CheckpointId id) const { return weir::is_committed(plan_, state_, id); }
  /// Calls `done` once all files are written and deleted.
  void when_storage_idle(std::function<void()> done) { store_.when_idle(std::move(done)); }
  const CheckpointProtocolState& state() const { return state_; }
  const CheckpointPlan& plan() const { return plan_; }

 private:
  CheckpointInstant now() const { return {clock_.now(), clock_.monotonic_nanos()}; }
  void arm_timer(const ArmTimer& command);
  void drop_timer(CheckpointTimer timer);
  // Posts a call to the host, so that it never runs inside one of ours.
  void tell(std::function<void(CheckpointHost&)> call);
  void execute(const CheckpointCommand& command);

  Clock& clock_;
  Executor& executor_;
  const JobId job_;
  const CheckpointPlan plan_;
  CheckpointHost& host_;
  Rng rng_;
  CompletedCheckpointStore store_;
  CheckpointProtocolState state_;
  std::deque<CheckpointFact> facts_;  // told while another one is being carried out
  bool is_applying_ = false;
  std::map<CheckpointTimer, TimerHandle> timers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures hold it weakly
};

}  // namespace weir
