// SPDX-License-Identifier: Apache-2.0
// SimulatedCluster: the real JobManager and TaskManagers in simulated processes, which crash and
// come back as the plan says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/program.h"
#include "jobmanager/job_manager.h"
#include "taskmanager/io/channel_registry.h"
#include "taskmanager/task_manager.h"
#include "testing/memory_file_store.h"
#include "testing/simulation/agenda.h"
#include "testing/simulation/fault_plan.h"
#include "testing/simulation/simulated_executor.h"
#include "testing/simulation/simulated_file_store.h"
#include "testing/simulation/simulated_task_scheduler.h"
#include "testing/simulation/simulated_transport.h"
#include "testing/simulation/simulated_world.h"
#include "testing/simulation/storage_trouble.h"

namespace weir::simulation {

inline constexpr const char* kCheckpointRoot = "/checkpoints";
/// Where the checkpoints of the random job lie.
inline constexpr const char* kCheckpointDirectory = "/checkpoints/random-job";
inline constexpr const char* kSavepointRoot = "/savepoints";
/// Where those lie that a job took when it was drained.
inline constexpr const char* kDrainedRoot = "/drained";

/// What one simulation counted, to see that it did something.
struct SimulationCounts {
  std::uint64_t actions = 0;
  Nanos simulated_time = 0;
  std::uint64_t crashes = 0;       ///< of processes
  std::uint64_t starts = 0;        ///< of JobManagers
  std::uint64_t fresh_starts = 0;  ///< of these, without a checkpoint
  std::uint64_t restarts = 0;      ///< of the job's attempts
  std::uint64_t checkpoints = 0;   ///< completed
  std::uint64_t refusals = 0;      ///< of damaged checkpoints
  std::uint64_t user_failures = 0;
  std::uint64_t savepoints = 0;  ///< completed
  std::uint64_t stops = 0;       ///< of the job with a savepoint
  std::uint64_t drains = 0;      ///< the job ended drained
};

/// How a job ended.
enum class JobEnd {
  kFinished,
  kDrained,  ///< with all output of what had been read
  /// The savepoint of a drained job is there, and not all output is: going on from it is no use, as
  /// all records would be late.
  kDrainedUncommitted,
};

/// What a job is started from.
struct RestoreFrom {
  std::string what = "latest";  ///< or a path
  bool is_claimed = true;
};

/// What the cluster is given. All outlives it.
struct ClusterSetup {
  SimulatedWorld& world;
  MemoryFileStore& disk;
  const FaultPlan& plan;
  /// Makes the program for the n-th start of the whole system, from zero.
  std::function<std::shared_ptr<const Program>(std::uint64_t start)> make_program;
  /// Called with a sentence when a rule is broken.
  std::function<void(std::string)> report;
  /// Called when the metadata of a checkpoint appears.
  std::function<void(CheckpointId)> checkpoint_published;
  /// Called when that of a savepoint does, with its directory.
  std::function<void(CheckpointId, std::string)> savepoint_published;
  /// Called when the drained state of the job is its latest checkpoint. Null: it is never drained.
  std::function<void()> drained = nullptr;
  /// What the first start restores.
  RestoreFrom restore = {};
};

/// Starts a JobManager and some TaskManagers, submits the job as the embedded launch does, and lets
/// the faults of the plan happen.
///
/// Thread: the world's. Between any two actions of the world call `tend`.
class SimulatedCluster final : private JobListener {
 public:
  explicit SimulatedCluster(ClusterSetup setup);
  ~SimulatedCluster() override;

  /// Takes apart the processes that have crashed.
  void tend();
  bool is_finished() const { return end_.has_value(); }
  JobEnd end() const { return end_.value(); }
  /// Whether a file of a checkpoint is damaged and nobody has noticed.
  bool is_damaged() const { return trouble_.is_damaged(); }
  /// Whether the acting process was told in an earlier action that a checkpoint is aborted.
  bool knows_of_abort(JobId job, AttemptNumber attempt, CheckpointId checkpoint) const;
  const SimulationCounts& counts() const { return counts_; }
  /// Savepoints that a person heard of and that no job has claimed: they must stay (I16).
  const std::set<std::string>& kept_savepoints() const { return kept_savepoints_; }
  /// Savepoints that a job has claimed.
  const std::set<std::string>& claimed_savepoints() const { return claimed_savepoints_; }
  /// Checkpoints that a run found and did not restore as the latest: not its own to delete.
  const std::set<std::uint64_t>& foreign_checkpoints() const { return foreign_checkpoints_; }
  /// Called by user functions for each record; throws when a failure is planned for it.
  void on_user_record();
  /// What the job is doing, for the report of a job that does not end.
  std::string status_text() const;

 private:
  struct JobManagerProcess;
  struct TaskManagerProcess;
  class WatchedTaskManager;

  // --- starts ---
  void start_system();
  void start_job_manager();
  void start_task_manager();
  void open_job();
  void submit(Result<std::optional<CheckpointMetadata>> restore);
  void exit_job_manager(const Status& why);
  Nanos restart_delay();

  // --- faults ---
  void inject(const PlannedFault& fault);
  void end_faults();
  SimulatedProcess* random_process();
  void crash_system(FaultKind kind);
  void at_file_change(const SimulatedProcess& process);
  void cut_off(const PlannedFault& fault);
  void end_job(FaultKind kind);
  void take_savepoint(FaultKind kind);
  void note_restore();
  void start_from_savepoint(const std::string& path);
  void on_renamed(const std::string& path);
  void crash_after_stop();

  // JobListener.
  void on_state(JobId job, JobState state) override;
  void on_end(JobId job, JobState state, const Status& result) override;

  const ClusterSetup setup_;
  SimulatedWorld& world_;
  Rng rng_;
  SimulatedProcess outside_;  // the network and the agenda; never crashes
  SimulatedTransport transport_;
  Agenda agenda_;
  // Adjusted when the faults end; all processes refer to them.
  FileFaults file_faults_;
  SteppingFaults stepping_;
  FileSupervisor supervisor_;
  StorageTrouble trouble_;

  // One running system; all of it goes at once in a crash of all.
  std::unique_ptr<ChannelRegistry> channels_;
  std::unique_ptr<JobManagerProcess> job_manager_;
  std::vector<std::unique_ptr<TaskManagerProcess>> task_managers_;
  std::map<JobId, std::shared_ptr<const Program>> programs_;
  std::shared_ptr<const Program> program_;
  std::uint32_t slots_ = 1;  // of each TaskManager

  RestoreFrom restore_;  // of the next start
  std::set<std::string> kept_savepoints_;
  std::set<std::string> claimed_savepoints_;
  std::set<std::uint64_t> foreign_checkpoints_;
  std::set<CheckpointId> drained_;  // checkpoints of a drained job
  // In which action a process was told of which abort.
  std::map<std::tuple<ProcessId, JobId, AttemptNumber, CheckpointId>, std::uint64_t> aborts_;
  std::optional<FaultKind> system_crash_;  // wanted at the next `tend`
  std::uint64_t generation_ = 0;           // of systems: starts planned for an earlier one lapse
  std::uint64_t next_id_ = 1;              // of jobs, epochs and TaskManagers: never used twice
  std::int64_t changes_until_crash_ = -1;
  FaultKind crash_at_change_ = FaultKind::kCrashAtFileChange;
  std::int64_t records_until_failure_ = -1;
  bool is_end_wanted_ = false;  // a person has cancelled or stopped the job
  bool faults_over_ = false;
  std::optional<JobEnd> end_;
  SimulationCounts counts_;
};

}  // namespace weir::simulation
