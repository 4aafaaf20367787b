// SPDX-License-Identifier: Apache-2.0
// A JobManager and a TaskManager in this process, with the threads and the transport between them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/posix_file_store.h"
#include "base/thread_executor.h"
#include "core/program.h"
#include "jobmanager/job_manager.h"
#include "launch/in_process_transport.h"
#include "launch/memory_plan.h"
#include "launch/working_state.h"
#include "taskmanager/io/channel_registry.h"
#include "taskmanager/task_manager.h"
#include "taskmanager/threaded_task_scheduler.h"

namespace weir {

/// What a cluster is made with.
struct EmbeddedClusterOptions {
  Duration heartbeat_interval = std::chrono::milliseconds{500};
  Duration heartbeat_timeout = std::chrono::seconds{5};
  Duration buffer_timeout = std::chrono::milliseconds{100};
  Duration watermark_interval = std::chrono::milliseconds{200};
  MemoryPlan memory = plan_memory(std::uint64_t{1} << 30);
  WorkingStateOptions state;
};

/// How a job ended.
struct JobEnd {
  JobState state;
  Status result;
};

/// Runs one job in this process with the same parts that a cluster has.
///
/// Thread: made, used and destroyed by one thread; stopping, cancelling, savepoints and `status`
/// from any.
class EmbeddedCluster final : private JobListener {
 public:
  EmbeddedCluster(std::shared_ptr<const Program> program, const EmbeddedClusterOptions& options);
  /// Cancels the job if it still runs, and ends all threads.
  ~EmbeddedCluster() override;

  /// Submits the job. Errors: as JobManager::submit.
  Status submit(std::shared_ptr<CheckpointStorage> storage, std::optional<RestorePoint> restore,
                bool allow_non_restored_state);
  /// Waits for the end of the job, at most `limit`; none if it goes on.
  std::optional<JobEnd> wait(Duration limit);
  JobStatus status();

  void stop_with_checkpoint();
  void cancel();
  /// As JobManager::take_savepoint; `done` is called on a thread of the cluster.
  void take_savepoint(const SavepointOrder& order, SavepointAnswer done);

 private:
  void on_end(JobId job, JobState state, const Status& result) override;

  const std::shared_ptr<const Program> program_;
  const JobId job_;
  bool is_submitted_ = false;
  SystemClock clock_;
  PosixFileStore files_;
  WorkingState state_;
  InProcessTransport transport_;
  ChannelRegistry channels_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<JobEnd> end_;  // guarded by mutex_

  // In the order in which they stop, last first: whoever posts stops before whom it posts to.
  ThreadPoolExecutor blocking_;
  ThreadExecutor job_manager_executor_;
  ThreadExecutor task_manager_executor_;
  ThreadedTaskScheduler scheduler_;
  std::unique_ptr<TaskManager> task_manager_;
  std::unique_ptr<JobManager> job_manager_;
};

}  // namespace weir
