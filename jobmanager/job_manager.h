// SPDX-License-Identifier: Apache-2.0
// JobManager: knows the TaskManagers and runs one JobMaster per submitted job.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/rng.h"
#include "base/status.h"
#include "core/control_messages.h"
#include "core/control_transport.h"
#include "core/ids.h"
#include "jobmanager/ha_store.h"
#include "jobmanager/job_master.h"
#include "jobmanager/job_status.h"
#include "jobmanager/message_sender.h"
#include "jobmanager/scheduler/slot_pool.h"

namespace weir {

struct JobManagerOptions {
  LeaderEpoch epoch{1};
  /// How often a TaskManager says what it does.
  Duration heartbeat_interval = std::chrono::milliseconds{500};
  /// How long a silent TaskManager is waited for before it counts as lost.
  Duration heartbeat_timeout = std::chrono::seconds{5};
  RetryPolicy retry = {};
};

/// What a JobManager runs on. All outlive it, and the closures it has given away.
struct JobManagerEnvironment {
  Clock& clock;
  Executor& executor;
  BlockingExecutor& blocking;
  ControlTransport& transport;
  std::uint64_t seed = 0;
  std::shared_ptr<HaStore> ha = nullptr;  ///< may be null
};

/// Hears about one job. Called in closures of their own, in order.
class JobListener {
 public:
  virtual ~JobListener() = default;
  virtual void on_state(JobId job, JobState state) {
    (void)job;
    (void)state;
  }
  /// The job is over: FINISHED, FAILED or CANCELLED. The status is ok if the job did what was
  /// asked, also when it was stopped with a checkpoint as asked.
  virtual void on_end(JobId job, JobState state, const Status& result) = 0;
};

/// Counts of messages that were dropped.
struct JobManagerCounters {
  std::uint64_t stale_epochs = 0;     ///< from another leader's time
  std::uint64_t unknown_jobs = 0;     ///< about jobs that are over or never were
  std::uint64_t unknown_senders = 0;  ///< heartbeats of TaskManagers that are not registered
};

/// The JobManager. Never runs user code.
///
/// Thread: the executor's, for all calls.
class JobManager final : public ControlHandler, private JobMasterHost {
 public:
  JobManager(const JobManagerOptions& options, const JobManagerEnvironment& environment);
  ~JobManager() override;

  JobManager(const JobManager&) = delete;
  JobManager& operator=(const JobManager&) = delete;

  /// Starts a job. `listener` must live until its on_end, or until this object is gone.
  /// Errors: invalid argument for a graph that cannot run; already exists.
  Status submit(JobSubmission submission, JobListener& listener);
  /// Errors: not found. A job that is over stays as it ended.
  Status cancel(JobId job);
  /// Takes a checkpoint that is kept, then cancels; see JobMaster. Errors: not found.
  Status stop_with_checkpoint(JobId job);
  /// Takes a savepoint, and stops the job with it if the order says so; see JobMaster. `done` hears
  /// not found for an unknown job.
  void take_savepoint(JobId job, const SavepointOrder& order, SavepointAnswer done);
  /// Errors: not found.
  Result<JobStatus> status(JobId job) const;
  std::vector<JobId> jobs() const;

  std::vector<TaskManagerId> task_managers() const;
  const JobManagerCounters& counters() const { return counters_; }

  Status handle(const ControlEnvelope& envelope) override;

 private:
  struct TaskManagerEntry {
    std::uint32_t slots = 0;
    std::int64_t heard_nanos = 0;
    /// It was lost and came back: its slots wait until it lists nothing of the time before.
    bool is_returning = false;
  };
  struct JobEntry {
    std::unique_ptr<JobMaster> master;  // null once the job is over
    JobListener* listener = nullptr;
    JobStatus last_status;  // of a job that is over
  };

  void on_job_state(JobId job, JobState state) override;
  void on_slots_released() override { offer_slots(); }
  bool is_registered(TaskManagerId task_manager) const override {
    return task_managers_.contains(task_manager);
  }
  void on_unreachable(TaskManagerId task_manager) override { lose(task_manager); }

  Status on(const RegisterTaskManager& message);
  Status on_heartbeat(const Heartbeat& message, LeaderEpoch epoch);
  // Ends what runs of jobs for which `is_stray` holds. True if there was something.
  bool cancel_strays(const Heartbeat& message, const std::function<bool(JobId)>& is_stray);
  Status deliver(JobId job, const std::function<void(JobMaster&)>& call);

  void lose(TaskManagerId task_manager);
  void check_task_managers();
  void offer_slots();
  void end_job(JobId job);
  // Posts a closure that does nothing once this object is gone.
  void post(std::function<void()> closure);
  JobMaster* find(JobId job);

  const JobManagerOptions options_;
  const JobManagerEnvironment environment_;
  MessageSender sender_;
  SlotPool slots_;
  Rng rng_;
  std::map<TaskManagerId, TaskManagerEntry> task_managers_;
  std::map<TaskManagerId, std::int64_t> lost_;  // when; to recognise those that come back
  std::map<JobId, JobEntry> jobs_;
  std::vector<JobId> ended_;  // oldest first; only some are remembered
  JobManagerCounters counters_;
  TimerHandle check_timer_ = 0;
  std::int64_t check_due_nanos_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures hold it weakly
};

/// Checks that a graph can be run. Errors: invalid argument, naming the vertex.
Status check_graph(const JobGraph& graph);

}  // namespace weir
