// SPDX-License-Identifier: Apache-2.0
// Processes that start, crash and come back.
#include "testing/simulation/simulated_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

#include "jobmanager/scheduler/placement.h"
#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/model_floor.h"
#include "testing/simulation/checkpoint_inspector.h"

namespace weir::simulation {

/// In the order in which they are destroyed, last first.
namespace {

std::unique_ptr<StateBackend> make_backend(FileStore& files, const FaultPlan& plan,
                                           TableMemory& tables) {
  if (!plan.incremental) return std::make_unique<HeapStateBackend>(files);
  std::optional<FloorOptions> floor;
  if (plan.table_bytes) {
    floor.emplace(FloorOptions{.open = []() -> Result<std::shared_ptr<StateFloor>> {
                                 return std::shared_ptr<StateFloor>(std::make_shared<ModelFloor>());
                               },
                               .memory = tables,
                               .local_files = files,
                               .local_directory = "/local"});
  }
  return std::make_unique<IncrementalStateBackend>(files, *plan.incremental, std::move(floor));
}

}  // namespace

struct SimulatedCluster::JobManagerProcess {
  explicit JobManagerProcess(SimulatedCluster& cluster)
      : process(cluster.world_.make_process("jobmanager")),
        clock(cluster.world_, process),
        files(cluster.world_, process, cluster.setup_.disk, cluster.supervisor_),
        executor(cluster.world_, process),
        blocking(cluster.world_, process, cluster.setup_.plan.blocking_delay_max) {}

  SimulatedProcess process;
  SimulatedClock clock;
  SimulatedFileStore files;
  // Shared with the job master and its storage operations.
  std::shared_ptr<CheckpointStorage> storage;
  SimulatedExecutor executor;
  SimulatedBlockingExecutor blocking;
  JobId job;
  std::unique_ptr<JobManager> manager;
};

/// Notes which aborts its process was told of.
class SimulatedCluster::WatchedTaskManager final : public ControlHandler {
 public:
  WatchedTaskManager(SimulatedCluster& cluster, const SimulatedProcess& process)
      : cluster_(cluster), process_(process) {}

  void watch(TaskManager& manager) { manager_ = &manager; }
  Status handle(const ControlEnvelope& envelope) override {
    Status status = manager_->handle(envelope);
    if (const auto* abort = std::get_if<NotifyCheckpointAborted>(&envelope.message)) {
      if (status.is_ok()) {
        cluster_.aborts_.try_emplace({process_.id(), abort->job, abort->attempt, abort->checkpoint},
                                     cluster_.world_.actions());
      }
    }
    return status;
  }

 private:
  SimulatedCluster& cluster_;
  const SimulatedProcess& process_;
  TaskManager* manager_ = nullptr;
};

struct SimulatedCluster::TaskManagerProcess {
  TaskManagerProcess(SimulatedCluster& cluster, TaskManagerId number)
      : id(number),
        process(cluster.world_.make_process(fmt::format("taskmanager-{}", number.value()))),
        clock(cluster.world_, process),
        files(cluster.world_, process, cluster.setup_.disk, cluster.supervisor_),
        tables(cluster.setup_.plan.table_bytes.value_or(0)),
        backend(make_backend(files, cluster.setup_.plan, tables)),
        executor(cluster.world_, process),
        scheduler(cluster.world_, process, cluster.stepping_),
        blocking(cluster.world_, process, cluster.setup_.plan.blocking_delay_max),
        watched(cluster, process) {}
  ~TaskManagerProcess() {
    if (manager) manager->abandon();
  }

  const TaskManagerId id;
  SimulatedProcess process;
  SimulatedClock clock;
  SimulatedFileStore files;
  TableMemory tables;
  const std::unique_ptr<StateBackend> backend;
  SimulatedExecutor executor;
  SimulatedTaskScheduler scheduler;
  SimulatedBlockingExecutor blocking;
  WatchedTaskManager watched;
  std::unique_ptr<TaskManager> manager;
};

SimulatedCluster::SimulatedCluster(ClusterSetup setup)
    : setup_(std::move(setup)),
      world_(setup_.world),
      rng_(world_.rng().fork()),
      outside_(world_.make_process("outside")),
      transport_(world_, outside_),
      agenda_(world_, outside_),
      file_faults_(setup_.plan.files),
      stepping_(setup_.plan.stepping),
      trouble_(world_, setup_.disk, agenda_, file_faults_),
      restore_(setup_.restore) {
  transport_.set_faults(setup_.plan.network);
  supervisor_.faults = &file_faults_;
  supervisor_.at_change = [this](const SimulatedProcess& process) { at_file_change(process); };
  supervisor_.renamed = [this](const std::string& path) { on_renamed(path); };
  supervisor_.happens_late = [this](std::function<Status()> operation) {
    trouble_.happens_late(std::move(operation));
  };
  for (const PlannedFault& fault : setup_.plan.faults) {
    agenda_.at(fault.at, [this, fault] { inject(fault); });
  }
  agenda_.at(setup_.plan.ends_at, [this] { end_faults(); });
  start_system();
}

SimulatedCluster::~SimulatedCluster() {
  job_manager_.reset();
  task_managers_.clear();
}

// --- starts
// ---------------------------------------------------------------------------------------

void SimulatedCluster::start_system() {
  program_ = setup_.make_program(generation_);
  channels_ = std::make_unique<ChannelRegistry>();
  const std::uint32_t needed = slots_needed(program_->graph);
  const std::uint64_t count = 1 + rng_.uniform(5);
  // Together they have what the job needs, sometimes with one to spare.
  slots_ = static_cast<std::uint32_t>((needed + count - 1) / count + rng_.uniform(2));
  start_job_manager();
  for (std::uint64_t i = 0; i < count; ++i) start_task_manager();
}

void SimulatedCluster::start_job_manager() {
  ++counts_.starts;
  is_end_wanted_ = false;
  job_manager_ = std::make_unique<JobManagerProcess>(*this);
  JobManagerProcess& process = *job_manager_;
  process.manager =
      std::make_unique<JobManager>(JobManagerOptions{.epoch = LeaderEpoch{next_id_++}, .retry = {}},
                                   JobManagerEnvironment{.clock = process.clock,
                                                         .executor = process.executor,
                                                         .blocking = process.blocking,
                                                         .transport = transport_,
                                                         .seed = rng_.next(),
                                                         .ha = nullptr});
  process.job = JobId{next_id_++};
  programs_[process.job] = program_;
  transport_.attach(ControlAddress::job_manager(), process.process, *process.manager,
                    process.executor);
  process.blocking.run([this] { open_job(); });
}

// What the embedded launch does before it submits.
void SimulatedCluster::open_job() {
  JobManagerProcess& process = *job_manager_;
  const auto restored = [&]() -> Result<std::optional<CheckpointMetadata>> {
    WEIR_ASSIGN_OR_RETURN(
        process.storage,
        DirectoryCheckpointStorage::open(process.files, kCheckpointRoot, program_->graph.name));
    return find_checkpoint(*process.storage, restore_.what);
  }();
  process.executor.post([this, restored] { submit(restored); });
}

void SimulatedCluster::submit(Result<std::optional<CheckpointMetadata>> restore) {
  JobManagerProcess& process = *job_manager_;
  if (!restore.is_ok()) return exit_job_manager(restore.status());
  JobSubmission submission{.job = process.job,
                           .graph = program_->graph,
                           .storage = process.storage,
                           .restore = std::move(restore).value(),
                           .restore_path = restore_.what == "latest" ? "" : restore_.what,
                           .is_restore_claimed = restore_.is_claimed};
  if (!submission.restore) ++counts_.fresh_starts;
  if (submission.restore && drained_.contains(submission.restore->id)) {
    end_ = JobEnd::kDrainedUncommitted;
    return;
  }
  note_restore();
  world_.trace().note(
      world_.now(), "submit", {submission.restore ? submission.restore->id.value() : 0}, [&] {
        return submission.restore
                   ? fmt::format("restore checkpoint {}", submission.restore->id.value())
                   : std::string("fresh start");
      });
  const Status status = process.manager->submit(std::move(submission), *this);
  if (!status.is_ok()) exit_job_manager(status);
}

// The program ends with this status; somebody starts it again.
void SimulatedCluster::exit_job_manager(const Status& why) {
  world_.trace().note(world_.now(), "exit", {static_cast<std::uint64_t>(why.code())},
                      [&why] { return why.to_string(); });
  if (trouble_.mend_if_refused(why)) {
    ++counts_.refusals;
  } else if (why.retry() == RetryHint::kNo || faults_over_) {
    setup_.report("I15: the job gave up: " + why.to_string());
    return;
  }
  world_.crash(job_manager_->process);
}

void SimulatedCluster::start_task_manager() {
  task_managers_.push_back(std::make_unique<TaskManagerProcess>(*this, TaskManagerId{next_id_++}));
  TaskManagerProcess& process = *task_managers_.back();
  process.manager = std::make_unique<TaskManager>(
      TaskManagerEnvironment{
          .clock = process.clock,
          .executor = process.executor,
          .blocking = process.blocking,
          .transport = transport_,
          .files = process.files,
          .state_backend = *process.backend,
          .make_writer =
              [&process, inline_bytes = setup_.plan.inline_bytes](
                  const std::string& directory, const CheckpointBarrier& barrier) {
                return open_checkpoint_writer(process.files, directory, barrier, inline_bytes);
              },
          .scheduler = process.scheduler,
          .channels = *channels_,
          .programs =
              [this](JobId job) {
                const auto found = programs_.find(job);
                return found == programs_.end() ? nullptr : found->second;
              }},
      TaskManagerOptions{.id = process.id, .slots = slots_, .retry = {}, .subtask = {}});
  process.watched.watch(*process.manager);
  transport_.attach(ControlAddress{process.id}, process.process, process.watched, process.executor);
  process.executor.post([&process] { process.manager->start(); });
}

Nanos SimulatedCluster::restart_delay() {
  return faults_over_
             ? kSecond
             : world_.random_skewed_nanos(10 * kMillisecond, setup_.plan.restart_delay_max);
}

void SimulatedCluster::tend() {
  if (system_crash_) return crash_system(*std::exchange(system_crash_, std::nullopt));
  const auto restart = [this](std::function<void()> start) {
    ++counts_.crashes;
    agenda_.after(restart_delay(), [this, start = std::move(start), generation = generation_] {
      if (generation == generation_) start();
    });
  };
  if (job_manager_ && !job_manager_->process.is_running()) {
    transport_.detach(ControlAddress::job_manager());
    job_manager_.reset();
    restart([this] { start_job_manager(); });
  }
  for (std::size_t i = 0; i < task_managers_.size();) {
    if (task_managers_[i]->process.is_running()) {
      ++i;
      continue;
    }
    transport_.detach(ControlAddress{task_managers_[i]->id});
    task_managers_.erase(task_managers_.begin() + static_cast<std::ptrdiff_t>(i));
    restart([this] { start_task_manager(); });
  }
}

// --- faults
// -----------------------------------------------------------------------------------------

void SimulatedCluster::inject(const PlannedFault& fault) {
  if (is_finished()) return;
  world_.trace().note(world_.now(), "fault", {static_cast<std::uint64_t>(fault.kind)},
                      [&fault] { return std::string(name_of(fault.kind)); });
  switch (fault.kind) {
    case FaultKind::kTaskManagerCrash:
      if (!task_managers_.empty()) {
        world_.crash(task_managers_[rng_.uniform(task_managers_.size())]->process);
      }
      break;
    case FaultKind::kJobManagerCrash:
      if (job_manager_) world_.crash(job_manager_->process);
      break;
    case FaultKind::kKillAll:
    case FaultKind::kPowerLoss:
    case FaultKind::kDamagedCheckpoint: system_crash_ = fault.kind; break;
    case FaultKind::kCrashAtFileChange:
    case FaultKind::kPowerLossAtFileChange:
      crash_at_change_ = fault.kind;
      changes_until_crash_ = fault.extent;
      break;
    case FaultKind::kPause:
      if (SimulatedProcess* process = random_process()) {
        world_.pause(*process, world_.now() + fault.extent);
      }
      break;
    case FaultKind::kPartition: cut_off(fault); break;
    case FaultKind::kUserFailure: records_until_failure_ = fault.extent; break;
    case FaultKind::kClockJump:
      if (SimulatedProcess* process = random_process()) {
        world_.set_clock_skew(*process, (fault.extent - 600) * 1000);
      }
      break;
    case FaultKind::kSavepoint:
    case FaultKind::kStopWithSavepoint:
    case FaultKind::kStopWithDrain: take_savepoint(fault.kind); break;
    case FaultKind::kFullDisk: trouble_.fill_disk(fault.extent); break;
    case FaultKind::kRottenFile:
      (void)trouble_.damage_latest_checkpoint(StorageTrouble::Moment::kRunning);
      break;
    case FaultKind::kStopWithCheckpoint:
    case FaultKind::kCancel: end_job(fault.kind); break;
  }
}

void SimulatedCluster::end_faults() {
  world_.trace().note(world_.now(), "faults over");
  faults_over_ = true;
  transport_.set_faults({});
  transport_.heal_all();
  file_faults_ = {};
  trouble_.end();
  stepping_.stall = 0;
  changes_until_crash_ = -1;
  records_until_failure_ = -1;
}

SimulatedProcess* SimulatedCluster::random_process() {
  std::vector<SimulatedProcess*> processes;
  if (job_manager_) processes.push_back(&job_manager_->process);
  for (const auto& each : task_managers_) processes.push_back(&each->process);
  return processes.empty() ? nullptr : processes[rng_.uniform(processes.size())];
}

void SimulatedCluster::cut_off(const PlannedFault& fault) {
  if (task_managers_.empty()) return;
  const ControlAddress address{task_managers_[rng_.uniform(task_managers_.size())]->id};
  const std::uint64_t directions = 1 + rng_.uniform(3);
  if ((directions & 1) != 0) transport_.cut(ControlAddress::job_manager(), address);
  if ((directions & 2) != 0) transport_.cut(address, ControlAddress::job_manager());
  agenda_.after(fault.extent, [this] { transport_.heal_all(); });
}

// As a person would, who starts the program again when it has ended.
void SimulatedCluster::end_job(FaultKind kind) {
  if (!job_manager_) return;
  JobManagerProcess& process = *job_manager_;
  process.executor.post([this, &process, kind] {
    const Status status = kind == FaultKind::kCancel
                              ? process.manager->cancel(process.job)
                              : process.manager->stop_with_checkpoint(process.job);
    is_end_wanted_ = status.is_ok();
  });
}

void SimulatedCluster::take_savepoint(FaultKind kind) {
  if (!job_manager_) return;
  JobManagerProcess& process = *job_manager_;
  const bool drains = kind == FaultKind::kStopWithDrain && setup_.drained != nullptr;
  const auto mode = kind == FaultKind::kSavepoint ? SavepointMode::kGoOn
                    : drains                      ? SavepointMode::kDrain
                                                  : SavepointMode::kStop;
  const std::string root = drains ? kDrainedRoot : kSavepointRoot;
  process.executor.post([this, &process, mode, root] {
    process.manager->take_savepoint(
        process.job, {root, mode}, [this](const Result<std::string>& path) {
          world_.trace().note(world_.now(), "savepoint answered", {path.is_ok() ? 1U : 0U},
                              [&] { return path.is_ok() ? *path : path.status().to_string(); });
          if (path.is_ok()) kept_savepoints_.insert(*path);
          if (path.is_ok() && !setup_.disk.stat(*path + "/_metadata").is_ok()) {
            setup_.report("I11: savepoint " + *path + " is not there, though it was answered");
          }
        });
  });
}

void SimulatedCluster::on_renamed(const std::string& path) {
  if (!path.ends_with("/_metadata")) return;
  const std::string directory = parent_directory(path);
  const CheckpointId id{std::stoull(directory.substr(directory.rfind('-') + 1))};
  if (directory.starts_with(kCheckpointDirectory)) {
    ++counts_.checkpoints;
    return drained_.contains(id) ? setup_.drained() : setup_.checkpoint_published(id);
  }
  ++counts_.savepoints;
  crash_after_stop();
  if (directory.starts_with(kDrainedRoot)) {
    drained_.insert(id);
  } else {
    setup_.savepoint_published(id, directory);
  }
}

// When what is left to do is to commit.
void SimulatedCluster::crash_after_stop() {
  if (faults_over_ || !rng_.chance(setup_.plan.crash_after_stop)) return;
  agenda_.after(world_.random_skewed_nanos(0, kSecond), [this] {
    if (is_finished() || task_managers_.empty()) return;
    world_.crash(task_managers_[rng_.uniform(task_managers_.size())]->process);
  });
}

bool SimulatedCluster::knows_of_abort(JobId job, AttemptNumber attempt,
                                      CheckpointId checkpoint) const {
  const auto told = aborts_.find({world_.acting(), job, attempt, checkpoint});
  return told != aborts_.end() && told->second < world_.actions();
}

// From now on the latest checkpoint is the one to go on from.
void SimulatedCluster::note_restore() {
  const RestoreFrom from = std::exchange(restore_, RestoreFrom{});
  if (from.what == "latest") return;
  for (const std::uint64_t id : checkpoint_ids(setup_.disk)) foreign_checkpoints_.insert(id);
  if (!from.is_claimed || !from.what.starts_with(kSavepointRoot)) return;
  kept_savepoints_.erase(from.what);
  claimed_savepoints_.insert(from.what);
}

// As a person does who has heard the path: by it or as the latest, with another program.
void SimulatedCluster::start_from_savepoint(const std::string& path) {
  ++counts_.stops;
  restore_ = RestoreFrom{};
  if (rng_.chance(0.6)) restore_ = {path, rng_.chance(0.5)};
  system_crash_ = FaultKind::kKillAll;
}

void SimulatedCluster::crash_system(FaultKind kind) {
  counts_.crashes += 1 + task_managers_.size();
  if (job_manager_) world_.crash(job_manager_->process);
  for (const auto& each : task_managers_) world_.crash(each->process);
  transport_.detach(ControlAddress::job_manager());
  for (const auto& each : task_managers_) transport_.detach(ControlAddress{each->id});
  job_manager_.reset();
  task_managers_.clear();
  programs_.clear();
  if (kind == FaultKind::kPowerLoss || kind == FaultKind::kPowerLossAtFileChange) {
    trouble_.forget_late();
    setup_.disk.crash(rng_.next());
  } else {
    setup_.disk.kill();
  }
  if (kind == FaultKind::kDamagedCheckpoint) {
    if (trouble_.damage_latest_checkpoint(StorageTrouble::Moment::kAtRest)) restore_ = {};
  }
  ++generation_;
  agenda_.after(restart_delay(), [this, generation = generation_] {
    if (generation == generation_) start_system();
  });
}

// Around each change to files; a process that is to crash here does so before or after it.
void SimulatedCluster::at_file_change(const SimulatedProcess& process) {
  trouble_.at_change();
  if (changes_until_crash_ < 0 || --changes_until_crash_ >= 0) return;
  if (crash_at_change_ == FaultKind::kPowerLossAtFileChange) {
    system_crash_ = crash_at_change_;
    if (job_manager_) world_.crash(job_manager_->process);
    for (const auto& each : task_managers_) world_.crash(each->process);
    return;
  }
  if (job_manager_ && &job_manager_->process == &process) world_.crash(job_manager_->process);
  for (const auto& each : task_managers_) {
    if (&each->process == &process) world_.crash(each->process);
  }
}

void SimulatedCluster::on_user_record() {
  if (records_until_failure_ < 0 || --records_until_failure_ >= 0) return;
  ++counts_.user_failures;
  throw std::runtime_error("simulated failure of a user function");
}

// --- what the job does
// ------------------------------------------------------------------------------

void SimulatedCluster::on_state(JobId, JobState state) {
  world_.trace().note(world_.now(), "job", {static_cast<std::uint64_t>(state)},
                      [state] { return to_string(state); });
  if (state == JobState::kRestarting) ++counts_.restarts;
  if (state == JobState::kDeploying) trouble_.attempt_begins();
  const Result<JobStatus> status = job_manager_->manager->status(job_manager_->job);
  if (!status.is_ok()) return;
  if (state == JobState::kRunning) {
    if (auto unnoticed = trouble_.find_unnoticed(status->checkpoints.restored)) {
      setup_.report(*unnoticed);
    }
  }
  const bool goes_on = state == JobState::kRestarting || state == JobState::kWaitingForSlots ||
                       state == JobState::kDeploying || state == JobState::kRunning;
  if (goes_on && status->savepoint) {
    setup_.report("I15: the job has stopped with savepoint " + *status->savepoint +
                  " and goes on as " + to_string(state));
  }
}

void SimulatedCluster::on_end(JobId, JobState state, const Status& result) {
  world_.trace().note(world_.now(), "job ended", {static_cast<std::uint64_t>(state)},
                      [&] { return to_string(state) + " " + result.to_string(); });
  const Result<JobStatus> status = job_manager_->manager->status(job_manager_->job);
  const bool has_stopped = status.is_ok() && status->savepoint.has_value();
  if (has_stopped && (state == JobState::kFinished || state == JobState::kFailed)) {
    // B17: it is FINISHED, or FAILED and says with which savepoint.
    if (state == JobState::kFailed &&
        result.message().find(*status->savepoint) == std::string::npos) {
      setup_.report("I15: the job failed and does not name its savepoint: " + result.to_string());
    }
    if (status->savepoint->starts_with(kDrainedRoot)) {
      ++counts_.drains;
      end_ = state == JobState::kFinished ? JobEnd::kDrained : JobEnd::kDrainedUncommitted;
      return;
    }
    start_from_savepoint(*status->savepoint);
  } else if (state == JobState::kFinished) {
    end_ = JobEnd::kFinished;
  } else if (state == JobState::kFailed) {
    exit_job_manager(result);
  } else if (state == JobState::kCancelled && is_end_wanted_) {
    world_.crash(job_manager_->process);
  } else {
    setup_.report("the job ended as " + to_string(state) + ": " + result.to_string());
  }
}

std::string SimulatedCluster::status_text() const {
  if (!job_manager_) return "there is no JobManager";
  const Result<JobStatus> status = job_manager_->manager->status(job_manager_->job);
  if (!status.is_ok()) return status.status().to_string();
  return fmt::format("{}, attempt {}, waits for: {}; last failure: {}", to_string(status->state),
                     status->attempt.value(), status->waiting_for,
                     status->last_failure.to_string());
}

}  // namespace weir::simulation
