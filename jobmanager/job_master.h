// SPDX-License-Identifier: Apache-2.0
// JobMaster: brings one job from its submission to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/rng.h"
#include "base/status.h"
#include "core/control_messages.h"
#include "core/job_graph.h"
#include "jobmanager/checkpoint/checkpoint_coordinator.h"
#include "jobmanager/job_status.h"
#include "jobmanager/message_sender.h"
#include "jobmanager/scheduler/execution_graph.h"
#include "jobmanager/scheduler/restart_strategy.h"
#include "jobmanager/scheduler/slot_pool.h"
#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// A job to run.
struct JobSubmission {
  JobId job;  ///< unique over all runs
  JobGraph graph;
  /// Shared with the storage operations under way, which let go of it last.
  std::shared_ptr<CheckpointStorage> storage;
  /// What to start from; none for a fresh start.
  std::optional<CheckpointMetadata> restore;
  bool allow_non_restored_state = false;
  std::string restore_path = {};   ///< where it lies
  bool is_restore_claimed = true;  ///< see RestorePoint
};

/// A savepoint that somebody asks for.
struct SavepointOrder {
  std::string directory;  ///< a directory of its own is made below it
  SavepointMode mode = SavepointMode::kGoOn;
};
/// Hears the path of the savepoint; of one that the job stops with, once the job has ended.
using SavepointAnswer = std::function<void(Result<std::string>)>;

/// What a job master asks of the JobManager. Called from inside its calls.
class JobMasterHost {
 public:
  virtual ~JobMasterHost() = default;
  virtual void on_job_state(JobId job, JobState state) = 0;
  /// Slots were given back: others may want them.
  virtual void on_slots_released() = 0;
  virtual bool is_registered(TaskManagerId task_manager) const = 0;
  /// Messages to it do not arrive: it counts as lost.
  virtual void on_unreachable(TaskManagerId task_manager) = 0;
};

/// What a job master runs on. All outlive it.
struct JobMasterEnvironment {
  Clock& clock;
  Executor& executor;
  BlockingExecutor& blocking;
  MessageSender& sender;
  SlotPool& slots;
  Duration heartbeat_timeout;
  LeaderEpoch epoch;
  std::shared_ptr<HaStore> ha;
  std::uint64_t seed = 0;
};

/// Deploys attempts, watches them, and starts the next one from the latest checkpoint.
///
/// There is one attempt at a time: the next is deployed only after every TaskManager confirmed
/// that the one before is over, or is lost.
///
/// Thread: the executor's.
class JobMaster final : private CheckpointHost {
 public:
  JobMaster(const JobMasterEnvironment& environment, JobSubmission submission, JobMasterHost& host);
  ~JobMaster() override;

  void start();
  void cancel();
  /// Takes a checkpoint, waits for its output to be committed, then cancels. Whatever goes wrong,
  /// the job is cancelled and the result says so.
  void stop_with_checkpoint();
  /// Takes a savepoint. With a mode that stops: once it is durable the job ends as FINISHED, or as
  /// FAILED with a result that names the savepoint (C17); until then a failure lets the job go on.
  void take_savepoint(const SavepointOrder& order, SavepointAnswer done);

  /// Returns whether something runs there that should be over; it has been told so.
  bool on_heartbeat(TaskManagerId from, const std::vector<SubtaskReport>& reports);
  void on_acknowledge(const AcknowledgeCheckpoint& message) { coordinator_.apply(message); }
  void on_decline(const DeclineCheckpoint& message) { coordinator_.apply(message); }
  void on_commit_report(const CommitReport& message);
  void on_task_manager_lost(TaskManagerId task_manager);
  void on_slots_changed();

  JobState state() const { return state_; }
  JobStatus status() const;

 private:
  // What follows once nothing of the attempt runs any more.
  enum class AfterAttempt { kRestart, kFail, kCancel, kFinish };

  void send_triggers(AttemptNumber attempt, const CheckpointBarrier& barrier) override;
  void send_to_all(ControlMessage message) override;
  void on_checkpoints_failed(AttemptNumber attempt, const Status& reason) override;
  void on_final_commit(AttemptNumber attempt, CheckpointId checkpoint) override;
  void on_manual_checkpoint(const Result<CheckpointId>& result) override;
  void on_savepoint(const SavepointRequest& request, const Result<std::string>& path) override;
  void on_drain_failed(AttemptNumber attempt, const Status& reason) override;
  void on_checkpoint_settled() override { proceed(); }

  // As MessageSender::send, but nothing is asked or answered once this object is gone.
  void send(TaskManagerId to, ControlMessage message, std::function<bool()> is_wanted,
            std::function<void(Status)> on_answer);
  void set_state(JobState state);
  // Whether subtasks of the current attempt run or are about to.
  bool is_active() const;
  void prepare_attempt(std::optional<CheckpointMetadata> restore);
  void try_deploy();
  void deploy(const std::vector<SlotId>& slots);
  void on_deploy_answer(TaskManagerId task_manager, AttemptNumber attempt, const Status& status);

  void apply_reports(TaskManagerId from, const std::vector<SubtaskReport>& reports);
  void check_attempt(TaskManagerId from);
  void check_stop();
  void answer_savepoint(std::uint64_t ticket, const Result<std::string>& path);
  // Why the job fails that has stopped with a savepoint.
  Status stopped_failure(const Status& failure) const;

  void fail(const Status& reason, const std::string& failed_operator = "");
  AfterAttempt decide_after(const Status& reason);
  void finish();
  // Ends the attempt everywhere; `proceed` goes on once that is confirmed.
  void end_attempt(AfterAttempt after);
  void send_end(TaskManagerId task_manager);
  void confirm_end(TaskManagerId task_manager);
  void check_ended(TaskManagerId task_manager);
  void on_attempt_gone();
  void proceed();
  void restart_later();
  void read_and_restart();
  void terminate(JobState state, Status result);
  Status stop_result() const;

  std::string waiting_for() const;
  void start_timer(Duration delay, std::function<void()> closure);
  void drop_timer();

  const JobMasterEnvironment environment_;
  const JobSubmission submission_;
  JobMasterHost& host_;
  const std::int64_t submitted_nanos_;
  Rng rng_;
  CheckpointCoordinator coordinator_;

  JobState state_ = JobState::kCreated;
  AttemptNumber attempt_;
  std::optional<CheckpointMetadata> restore_;  // of the attempt that is being prepared
  std::optional<ExecutionGraph> execution_;    // kept for its numbers until the next attempt

  // While an attempt ends: who has to confirm. Both must hold, in whatever order they come.
  struct Ending {
    bool has_answered = false;   // our message arrived
    bool lists_nothing = false;  // nor did the last heartbeat since then list a live subtask
  };
  std::map<TaskManagerId, Ending> ending_;
  AfterAttempt after_ = AfterAttempt::kRestart;
  bool is_gone_ = true;  // nothing of an attempt runs
  std::optional<JobState> terminating_;

  RestartHistory restarts_;
  Duration restart_delay_{0};
  Status last_failure_;
  std::string failed_operator_;
  std::optional<CheckpointId> stop_checkpoint_;
  Status stop_failure_;
  std::map<std::uint64_t, SavepointAnswer> savepoint_answers_;  // by ticket
  std::uint64_t next_ticket_ = 1;
  std::optional<std::uint64_t> stop_ticket_;  // of the savepoint the job stops with
  Status result_;
  Duration final_uptime_{0};
  std::uint64_t stale_messages_ = 0;
  TimerHandle timer_ = 0;  // the restart delay, or the limit of a stop
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures hold it weakly
};

}  // namespace weir
