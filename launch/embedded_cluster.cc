// SPDX-License-Identifier: Apache-2.0
// Starting, stopping and asking the parts of an embedded cluster.
#include "launch/embedded_cluster.h"

#include <future>
#include <random>
#include <string>
#include <utility>

#include "jobmanager/scheduler/placement.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir {
namespace {

constexpr TaskManagerId kTaskManager{1};
constexpr std::size_t kBlockingThreads = 2;

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

}  // namespace

EmbeddedCluster::EmbeddedCluster(std::shared_ptr<const Program> program,
                                 const EmbeddedClusterOptions& options)
    : program_(std::move(program)),
      job_(random_seed() | 1),
      state_(files_, options.state, options.memory),
      blocking_("weir-io", kBlockingThreads),
      job_manager_executor_("weir-jm"),
      task_manager_executor_("weir-tm"),
      scheduler_(clock_, slots_needed(program_->graph)) {
  task_manager_ = std::make_unique<TaskManager>(
      TaskManagerEnvironment{
          .clock = clock_,
          .executor = task_manager_executor_,
          .blocking = blocking_,
          .transport = transport_,
          .files = files_,
          .state_backend = state_.backend(),
          .make_writer =
              [this](const std::string& directory, const CheckpointBarrier& barrier) {
                return open_checkpoint_writer(files_, directory, barrier);
              },
          .scheduler = scheduler_,
          .channels = channels_,
          .programs = [this](JobId job) { return job == job_ ? program_ : nullptr; }},
      TaskManagerOptions{.id = kTaskManager,
                         .slots = slots_needed(program_->graph),
                         .heartbeat_interval = options.heartbeat_interval,
                         .memory_limit_bytes = options.memory.queues,
                         .retry = {},
                         .subtask = {.buffer_timeout = options.buffer_timeout,
                                     .watermark_interval = options.watermark_interval}});
  job_manager_ = std::make_unique<JobManager>(
      JobManagerOptions{.heartbeat_interval = options.heartbeat_interval,
                        .heartbeat_timeout = options.heartbeat_timeout,
                        .retry = {}},
      JobManagerEnvironment{.clock = clock_,
                            .executor = job_manager_executor_,
                            .blocking = blocking_,
                            .transport = transport_,
                            .seed = random_seed(),
                            .ha = nullptr});
  transport_.attach(ControlAddress::job_manager(), *job_manager_, job_manager_executor_);
  transport_.attach(ControlAddress{kTaskManager}, *task_manager_, task_manager_executor_);
  task_manager_executor_.post([this] { task_manager_->start(); });
}

EmbeddedCluster::~EmbeddedCluster() {
  if (is_submitted_ && !wait(Duration{0})) {
    cancel();
    while (!wait(std::chrono::seconds{1})) {
    }
  }
  std::promise<void> stopped;
  task_manager_executor_.post(
      [this, &stopped] { task_manager_->stop([&stopped] { stopped.set_value(); }); });
  stopped.get_future().wait();
  transport_.detach(ControlAddress{kTaskManager});
  transport_.detach(ControlAddress::job_manager());
  // Whoever may post to another stops before it is destroyed.
  scheduler_.stop();
  blocking_.stop();
  job_manager_executor_.stop();
  task_manager_executor_.stop();
}

Status EmbeddedCluster::submit(std::shared_ptr<CheckpointStorage> storage,
                               std::optional<RestorePoint> restore, bool allow_non_restored_state) {
  JobSubmission submission{.job = job_,
                           .graph = program_->graph,
                           .storage = std::move(storage),
                           .restore = std::nullopt,
                           .allow_non_restored_state = allow_non_restored_state};
  if (restore) {
    submission.restore = std::move(restore->metadata);
    submission.restore_path = std::move(restore->path);
    submission.is_restore_claimed = restore->is_claimed;
  }
  std::promise<Status> submitted;
  job_manager_executor_.post([this, &submitted, &submission] {
    submitted.set_value(job_manager_->submit(std::move(submission), *this));
  });
  Status status = submitted.get_future().get();
  is_submitted_ = status.is_ok();
  return status;
}

std::optional<JobEnd> EmbeddedCluster::wait(Duration limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return end_.has_value(); });
  return end_;
}

JobStatus EmbeddedCluster::status() {
  std::promise<JobStatus> asked;
  job_manager_executor_.post([this, &asked] {
    Result<JobStatus> status = job_manager_->status(job_);
    asked.set_value(status.is_ok() ? std::move(status).value() : JobStatus{});
  });
  return asked.get_future().get();
}

void EmbeddedCluster::stop_with_checkpoint() {
  // Not found means that it is over already, as wanted.
  job_manager_executor_.post([this] { (void)job_manager_->stop_with_checkpoint(job_); });
}

void EmbeddedCluster::take_savepoint(const SavepointOrder& order, SavepointAnswer done) {
  job_manager_executor_.post(
      [this, order, done = std::move(done)] { job_manager_->take_savepoint(job_, order, done); });
}

void EmbeddedCluster::cancel() {
  job_manager_executor_.post([this] { (void)job_manager_->cancel(job_); });
}

void EmbeddedCluster::on_end(JobId, JobState state, const Status& result) {
  const std::lock_guard lock(mutex_);
  end_ = JobEnd{state, result};
  changed_.notify_all();
}

}  // namespace weir
