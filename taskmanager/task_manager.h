// SPDX-License-Identifier: Apache-2.0
// TaskManager: takes attempts from the JobManager, runs their subtasks and tells how they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/file_store.h"
#include "core/control_transport.h"
#include "core/program.h"
#include "state/state_backend.h"
#include "taskmanager/io/channel_registry.h"
#include "taskmanager/task/subtask.h"
#include "taskmanager/task_scheduler.h"

namespace weir {

/// Finds the program of a job; null if this process has none. Thread: the TaskManager's.
using ProgramProvider = std::function<std::shared_ptr<const Program>(JobId)>;

/// What a TaskManager runs on. All outlive it, and its background work.
struct TaskManagerEnvironment {
  const Clock& clock;
  Executor& executor;  ///< the one its messages are handled on
  BlockingExecutor& blocking;
  ControlTransport& transport;
  FileStore& files;
  StateBackend& state_backend;
  CheckpointWriterFactory make_writer;
  TaskScheduler& scheduler;
  ChannelRegistry& channels;
  ProgramProvider programs;
};

/// How a TaskManager runs.
struct TaskManagerOptions {
  TaskManagerId id = {};
  std::uint32_t slots = 1;
  /// Default: 500 ms.
  Duration heartbeat_interval = std::chrono::milliseconds{500};
  /// Without an answer from the JobManager for so long all subtasks fail: it may have given them to
  /// others. On the monotonic clock. Default: 30 s.
  Duration lease = std::chrono::seconds{30};
  /// What output queues may hold together. Default: 256 MiB.
  std::size_t memory_limit_bytes = std::size_t{256} << 20;
  /// The delays of repeated messages. They are repeated as long as their attempt lives.
  RetryPolicy retry = {};
  SubtaskOptions subtask = {};
};

/// Runs subtasks for a JobManager.
///
/// Zombies: everything carries its attempt. An attempt that was cancelled or closed, or that is
/// older than one deployed since, is never deployed again; messages about attempts that do not run
/// here are ignored; a message of an older leader is refused.
///
/// Life: `start`, then `stop`, then destruction. Destroying one that was not stopped aborts.
///
/// Thread: the environment's executor, for everything.
class TaskManager final : public ControlHandler, private SubtaskHost {
 public:
  TaskManager(TaskManagerEnvironment environment, TaskManagerOptions options);
  ~TaskManager() override;
  TaskManager(const TaskManager&) = delete;
  TaskManager& operator=(const TaskManager&) = delete;

  /// Registers with the JobManager, again and again until it answers, and begins to report.
  void start();
  Status handle(const ControlEnvelope& envelope) override;

  /// Ends all subtasks on their own turns and waits for background work; then calls `done`.
  void stop(std::function<void()> done);
  /// Takes the process to have died: nothing is sent or waited for, channels break off.
  /// Requires: nobody steps subtasks now or later (a simulator, between two steps).
  void abandon();

  TaskManagerId id() const { return options_.id; }
  /// Subtasks that have not ended.
  std::size_t num_subtasks() const;

 private:
  enum class State { kCreated, kRunning, kStopping, kStopped };

  /// One subtask of one attempt, until the JobManager knows that it is over.
  struct Running {
    std::shared_ptr<Subtask> subtask;  // shared with the scheduler and background work
    SubtaskReport report;
    bool is_over = false;
  };
  /// The newest attempt of a job.
  struct Deployed {
    AttemptNumber attempt;
    std::vector<PlacedSubtask> placement;
  };
  /// A message to the JobManager until it has arrived.
  struct Delivery {
    AttemptId attempt;
    ControlMessage message;
    Duration delay;
  };

  // SubtaskHost, called from the subtasks' threads.
  void report(SubtaskReport report) override;
  void over(const AttemptId& attempt) override;
  void deliver(const AttemptId& attempt, ControlMessage message) override;
  void hint(SourceHint hint) override;

  Status on_message(const DeployAttempt& message);
  Status on_message(const CancelAttempt& message);
  Status on_message(const TriggerCheckpoint& message);
  Status on_message(const NotifyCheckpointComplete& message);
  Status on_message(const NotifyCheckpointAborted& message);
  Status on_message(const CloseAttempt& message);
  Status on_message(const DrainSources& message);
  Status on_message(const SourceHint& message);
  template <class Other>
  Status on_message(const Other& message);

  Status check_deployable(const DeployAttempt& message, const Program* program) const;
  Status run_attempt(const DeployAttempt& message, const std::shared_ptr<const Program>& program);
  void end_attempts(JobId job, AttemptNumber last, void (Subtask::*request)());
  // Calls `call(Subtask&)` for the live subtasks of an attempt.
  template <class Call>
  void for_each_of(JobId job, AttemptNumber attempt, Call&& call);
  Subtask* find(const AttemptId& attempt);

  void register_again(Duration delay);
  void tick();
  void heartbeat();
  void heartbeat_soon();
  void on_heartbeat_answer(const Status& answer, const std::vector<AttemptId>& told);
  void check_lease();
  void send(const std::shared_ptr<Delivery>& delivery);
  void send_to_job_manager(ControlMessage message, std::function<void(Status)> on_reply);
  void finish_stop();
  // Runs `closure` on the executor if this TaskManager still exists then.
  void post(std::function<void()> closure);
  void post_after(Duration delay, std::function<void()> closure);
  std::function<void()> if_alive(std::function<void()> closure) const;

  const TaskManagerEnvironment environment_;
  const TaskManagerOptions options_;
  const std::shared_ptr<BackgroundWork> background_;               // shared with closures under way
  const std::shared_ptr<SubtaskEnvironment> subtask_environment_;  // shared with the subtasks

  State state_ = State::kCreated;
  std::map<AttemptId, Running> running_;
  std::map<JobId, Deployed> deployed_;
  std::map<JobId, AttemptNumber> ended_;  // the newest attempt that was cancelled or closed
  LeaderEpoch epoch_;
  bool is_registered_ = false;
  bool is_heartbeat_posted_ = false;
  std::int64_t last_answer_nanos_ = 0;
  std::int64_t last_tick_nanos_ = 0;
  std::function<void()> on_stopped_;
  // Closures hold it weakly.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weir
