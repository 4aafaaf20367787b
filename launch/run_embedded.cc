// SPDX-License-Identifier: Apache-2.0
// Opens the checkpoint directory, runs an embedded cluster, and watches it until the job is over.
#include "launch/run_embedded.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/logging.h"
#include "launch/configuration_keys.h"
#include "launch/control_server.h"
#include "launch/embedded_cluster.h"
#include "launch/job_control.h"
#include "launch/progress.h"
#include "launch/signal_watcher.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir {
namespace {

void say(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

int report_failure(const std::string& job, const Status& status) {
  say(fmt::format("{}: {}\n", job, status.message()));
  return 1;
}

Configuration configuration_of(const ExecutionSettings& settings) {
  Configuration configuration = default_configuration();
  for (const auto& [key, value] : settings.configuration) {
    const Status status = configuration.set(key, value, "settings");
    WEIR_CHECK(status.is_ok());  // it was checked when it was parsed
  }
  return configuration;
}

LogLevel log_level_of(const Configuration& configuration) {
  const std::string& level = configuration.get_string("log.level");
  if (level == "debug") return LogLevel::kDebug;
  if (level == "info") return LogLevel::kInfo;
  return level == "error" ? LogLevel::kError : LogLevel::kWarning;
}

WorkingStateOptions state_options(const Configuration& configuration) {
  using Kind = WorkingStateOptions::Kind;
  WorkingStateOptions options;
  options.local_directory = configuration.get_string("state.backend.rocksdb.localdir");
  if (configuration.get_string("state.backend.type") == "heap") {
    options.kind = configuration.get_bool("execution.checkpointing.incremental")
                       ? Kind::kHeapIncremental
                       : Kind::kHeap;
  }
  return options;
}

EmbeddedClusterOptions cluster_options(const Configuration& configuration) {
  EmbeddedClusterOptions options;
  options.heartbeat_interval = configuration.get_duration("heartbeat.interval");
  options.heartbeat_timeout = configuration.get_duration("heartbeat.timeout");
  options.state = state_options(configuration);
  options.buffer_timeout = configuration.get_duration("execution.buffer-timeout.interval");
  options.watermark_interval = configuration.get_duration("pipeline.auto-watermark-interval");
  const std::uint64_t memory = configuration.get_size("taskmanager.memory.process.size");
  options.memory = plan_memory(memory > 0 ? memory : default_process_memory());
  log_info("memory in bytes", {{"process", options.memory.process},
                               {"queues", options.memory.queues},
                               {"tables", options.memory.tables},
                               {"block_cache", options.memory.block_cache}});
  return options;
}

JobProgress progress_of(const JobStatus& status, ProcessingTime now) {
  JobProgress progress;
  progress.name = status.name;
  progress.state = to_string(status.state);
  progress.uptime = status.uptime;
  progress.checkpoints_completed = status.checkpoints.counters.completed;
  progress.checkpoints_failed = status.checkpoints.counters.aborted;
  for (const CheckpointStatistics& checkpoint : status.checkpoints.history) {
    if (checkpoint.phase != CheckpointPhase::kCompleted) continue;
    progress.last_checkpoint = checkpoint.id;
    progress.last_checkpoint_duration = checkpoint.duration;
    progress.last_checkpoint_age = now - (checkpoint.triggered_at + checkpoint.duration);
    progress.last_checkpoint_bytes = checkpoint.bytes;
  }
  progress.restarts = status.restarts;
  progress.watermark = status.watermark;
  progress.waiting_for = status.waiting_for;
  progress.last_failure = status.last_failure.is_ok() ? "" : status.last_failure.message();
  for (const VertexStatus& vertex : status.vertices) {
    for (const OperatorStatus& op : vertex.operators) {
      if (op.kind == OperatorKind::kEnumerator) continue;
      progress.operators.push_back({.name = op.name,
                                    .is_source = op.kind == OperatorKind::kSourceReader,
                                    .is_sink = op.kind == OperatorKind::kSink,
                                    .records_in = op.records_in,
                                    .records_out = op.records_out,
                                    .late_records = op.late_records,
                                    .bad_records = op.bad_records,
                                    .state_entries = op.state_entries,
                                    .state_loads = op.state_loads});
    }
  }
  return progress;
}

// Shows progress on standard error until the job is over.
class Display {
 public:
  Display(ExecutionSettings::Progress mode, Duration interval)
      : mode_(mode), interval_(std::max(interval, Duration{50})) {
    if (mode_ == ExecutionSettings::Progress::kAuto) {
      mode_ = isatty(STDERR_FILENO) != 0 ? ExecutionSettings::Progress::kLive
                                         : ExecutionSettings::Progress::kPlain;
    }
  }
  Duration interval() const { return interval_; }

  void show(const JobProgress& job, std::int64_t now_nanos) {
    switch (mode_) {
      case ExecutionSettings::Progress::kLive: {
        const std::string block = text_.live(job, now_nanos);
        // Up to where the last block began, and clear from there.
        const std::string up = lines_ > 0 ? fmt::format("\x1b[{}A\x1b[J", lines_) : "";
        say(up + block);
        lines_ = static_cast<int>(std::count(block.begin(), block.end(), '\n'));
        break;
      }
      case ExecutionSettings::Progress::kPlain: say(text_.plain(job, now_nanos) + "\n"); break;
      case ExecutionSettings::Progress::kAuto:
      case ExecutionSettings::Progress::kNone: break;
    }
    if (job.last_failure != last_failure_) {
      last_failure_ = job.last_failure;
      lines_ = 0;
      if (!last_failure_.empty()) say(fmt::format("{}: failed: {}\n", job.name, last_failure_));
    }
  }

 private:
  ExecutionSettings::Progress mode_;
  Duration interval_;
  ProgressText text_;
  int lines_ = 0;
  std::string last_failure_;
};

Result<std::optional<RestorePoint>> restore_point(CheckpointStorage& storage,
                                                  const ExecutionSettings& settings,
                                                  const Configuration& configuration,
                                                  const std::string& job) {
  if (settings.restore.empty()) return std::optional<RestorePoint>{};
  WEIR_ASSIGN_OR_RETURN(std::optional<CheckpointMetadata> found,
                        find_checkpoint(storage, settings.restore));
  if (!found) {
    say(fmt::format("{}: no checkpoint in {} yet: starting fresh\n", job, storage.directory()));
    return std::optional<RestorePoint>{};
  }
  const bool is_latest = settings.restore == "latest";
  const bool claims = configuration.get_string("execution.state-recovery.claim-mode") == "claim";
  say(fmt::format("{}: restoring from {} {}\n", job,
                  is_savepoint(found->kind) ? "savepoint" : "checkpoint", found->id.value()));
  std::string path = is_latest ? "" : settings.restore;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.ends_with("/_metadata")) path = parent_directory(path);
  return std::optional(RestorePoint{*std::move(found), std::move(path), is_latest || claims});
}

// Where the control socket cannot be, the job runs all the same.
std::unique_ptr<ControlServer> serve_control(EmbeddedCluster& cluster,
                                             const std::string& job_directory,
                                             const Configuration& configuration) {
  std::string savepoints = configuration.get_string("state.savepoints.dir");
  if (savepoints.empty()) savepoints = job_directory + "/savepoints";
  savepoints = std::filesystem::absolute(savepoints).lexically_normal().string();
  Result<std::unique_ptr<ControlServer>> server =
      ControlServer::start(job_directory, make_job_control(cluster, std::move(savepoints)));
  if (server.is_ok()) return std::move(server).value();
  log_warning("no control socket: list, stop and savepoint do not reach this job",
              {{"reason", server.status()}});
  return nullptr;
}

// The cluster that a signal stops, while there is one. The signal thread lives longer than it.
class StopTarget {
 public:
  void set(EmbeddedCluster* cluster) {
    const std::lock_guard lock(mutex_);
    cluster_ = cluster;
    if (cluster_ != nullptr && is_wanted_) cluster_->stop_with_checkpoint();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    is_wanted_ = true;
    if (cluster_ != nullptr) cluster_->stop_with_checkpoint();
  }
  bool is_wanted() const {
    const std::lock_guard lock(mutex_);
    return is_wanted_;
  }

 private:
  mutable std::mutex mutex_;
  EmbeddedCluster* cluster_ = nullptr;
  bool is_wanted_ = false;
};

std::string outcome_of(const JobEnd& end, const StopTarget& target,
                       const std::optional<std::string>& savepoint) {
  if (end.state == JobState::kFinished && savepoint) {
    return "STOPPED with savepoint " + *savepoint;
  }
  if (end.state == JobState::kCancelled && end.result.is_ok() && target.is_wanted()) {
    return "STOPPED with a checkpoint (--restore latest goes on from it)";
  }
  return to_string(end.state);
}

JobEnd watch(EmbeddedCluster& cluster, Display& display, const SystemClock& clock) {
  while (true) {
    const std::optional<JobEnd> end = cluster.wait(display.interval());
    if (end) return *end;
    display.show(progress_of(cluster.status(), clock.now()), clock.monotonic_nanos());
  }
}

}  // namespace

int run_embedded(std::shared_ptr<const Program> program, const ExecutionSettings& settings) {
  const std::string job = program->graph.name;
  const Configuration configuration = configuration_of(settings);
  set_log_level(log_level_of(configuration));
  PosixFileStore files;
  Result<std::unique_ptr<DirectoryCheckpointStorage>> opened =
      DirectoryCheckpointStorage::open(files, settings.checkpoint_directory, job);
  if (!opened.is_ok()) return report_failure(job, opened.status());
  std::shared_ptr<CheckpointStorage> storage = std::move(opened).value();
  const std::string job_directory = storage->directory();
  Result<std::optional<RestorePoint>> restore =
      restore_point(*storage, settings, configuration, job);
  if (!restore.is_ok()) return report_failure(job, restore.status());

  StopTarget target;
  SignalWatcher signals([&target, &job](int count) {
    if (count > 1) _exit(130);
    say(fmt::format("\n{}: stopping with a checkpoint; once more to stop at once\n", job));
    target.stop();
  });
  EmbeddedCluster cluster(std::move(program), cluster_options(configuration));
  const Status submitted =
      cluster.submit(std::move(storage), std::move(restore).value(),
                     configuration.get_bool("execution.state-recovery.ignore-unclaimed-state"));
  if (!submitted.is_ok()) return report_failure(job, submitted);
  target.set(&cluster);

  SystemClock clock;
  Display display(settings.progress, configuration.get_duration("progress.interval"));
  std::unique_ptr<ControlServer> control = serve_control(cluster, job_directory, configuration);
  const JobEnd end = watch(cluster, display, clock);
  control.reset();
  target.set(nullptr);
  const std::optional<std::string> savepoint = cluster.status().savepoint;
  const JobProgress last = progress_of(cluster.status(), clock.now());
  if (settings.progress != ExecutionSettings::Progress::kNone) {
    say(ProgressText::summary(last, outcome_of(end, target, savepoint)));
  }
  return end.result.is_ok() ? 0 : report_failure(job, end.result);
}

}  // namespace weir
