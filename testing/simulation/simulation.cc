// SPDX-License-Identifier: Apache-2.0
// Safety phase with faults, liveness phase without, then what must hold at the end.
#include "testing/simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "testing/simulation/checkpoint_inspector.h"
#include "testing/simulation/output_checker.h"
#include "testing/simulation/program_probe.h"
#include "testing/simulation/random_job.h"
#include "testing/simulation/source_log.h"

namespace weir::simulation {
namespace {

// After the faults the job must finish within this (I13).
constexpr Nanos kLivenessLimit = 15 * 60 * kSecond;
// More actions than any seed takes: something goes round in circles.
constexpr std::uint64_t kActionsMax = 20'000'000;
// What a finished job still clears away.
constexpr Nanos kSettling = 30 * kSecond;

// Logs go into the trace when it is printed, else nowhere.
class LogToTrace {
 public:
  LogToTrace(SimulatedWorld& world, const Trace::Printer& printer) {
    if (printer) world.trace().print_with(printer);
    former_ = set_log_sink([&world](const LogEntry& entry) {
      if (!world.trace().is_printing()) return;
      world.trace().remark(world.now(), "log", format_log_entry(entry));
    });
  }
  ~LogToTrace() { set_log_sink(std::move(former_)); }
  LogToTrace(const LogToTrace&) = delete;
  LogToTrace& operator=(const LogToTrace&) = delete;

 private:
  LogSink former_;
};

// What was there when a checkpoint was completed.
struct Fork {
  std::string path;
  bool is_savepoint = false;
  MemoryFileStore disk;
  std::unique_ptr<TransactionalStore> store;
  std::uint64_t fresh_starts = 0;
  std::uint32_t version = 1;  // of the program
};

// The same job with another max parallelism. Entries are stored by hash, so that no state minds.
JobSpec with_other_groups(JobSpec job, Rng& rng) {
  std::uint32_t least = 1;
  for (const SourceSpec& source : job.sources) least = std::max(least, source.parallelism);
  for (const StageSpec& stage : job.stages) least = std::max(least, stage.parallelism);
  for (const SinkSpec& sink : job.sinks) least = std::max(least, sink.parallelism);
  constexpr std::uint32_t kOthers[] = {7, 64, 128, 300, 4096};
  if (rng.chance(0.5)) job.max_parallelism = std::max(least, kOthers[rng.uniform(5)]);
  return job;
}

// Of what others read there is no log.
bool may_be_drained(const JobSpec& job) {
  return std::ranges::all_of(
      job.sources, [](const SourceSpec& source) { return source.kind == SourceKind::kGenerated; });
}

class Simulation {
 public:
  Simulation(std::uint64_t seed, const JobSpec& job, const FaultPlan& plan,
             const SimulationOptions& options)
      : options_(options),
        plan_(plan),
        rng_(splitmix64(seed ^ 0x73696D)),
        world_(splitmix64(seed)),
        log_(world_, options.printer),
        checker_(job) {
    jobs_.push_back(std::make_unique<JobSpec>(job));
    store_ = std::make_unique<TransactionalStore>(
        [this](std::string what) { report(std::move(what)); },
        [this](CheckpointId checkpoint) {
          // Or the savepoint that this run began with contains it.
          const bool is_by_path = restore_.what.starts_with(kSavepointRoot);
          const std::string id = restore_.what.substr(restore_.what.rfind('-') + 1);
          return is_durable(disk_, checkpoint) ||
                 (is_by_path && std::stoull(id) >= checkpoint.value());
        });
    // One of the first checkpoints is restored once more at the end.
    checkpoints_until_fork_ = rng_.chance(0.3) ? rng_.uniform(8) : UINT64_MAX;
  }

  // Goes on from what another simulation had at a checkpoint.
  void begin_at(const Fork& fork, RestoreFrom restore) {
    copy_files(const_cast<MemoryFileStore&>(fork.disk), disk_);
    store_->take_over(*fork.store);
    restore_ = std::move(restore);
    former_fresh_starts_ = fork.fresh_starts;
  }

  void run() {
    if (restore_.what == "latest" && !write_source_files(job(), disk_).is_ok()) WEIR_UNREACHABLE();
    SimulatedCluster cluster(ClusterSetup{
        .world = world_,
        .disk = disk_,
        .plan = plan_,
        .make_program = [this](std::uint64_t start) { return make_program(start); },
        .report = [this](std::string what) { report(std::move(what)); },
        .checkpoint_published =
            [this](CheckpointId id) {
              on_published(id, fmt::format("{}/chk-{}", kCheckpointDirectory, id.value()));
            },
        .savepoint_published =
            [this](CheckpointId id, const std::string& path) {
              // Not each: others must have their turn.
              if (rng_.chance(0.4) && !fork_) checkpoints_until_fork_ = 0;
              on_published(id, path);
            },
        .drained = may_be_drained(job())
                       ? [this] { cut_job_ = source_log_.cut_to_what_was_read(job()); }
                       : std::function<void()>(),
        .restore = restore_});
    cluster_ = &cluster;
    run_to_end(cluster);
    if (!violation_) check_end(cluster);
    counts_ = cluster.counts();
    counts_.actions = world_.actions();
    counts_.simulated_time = world_.now();
    cluster_ = nullptr;
  }

  const std::optional<std::string>& violation() const { return violation_; }
  std::uint64_t trace_hash() { return world_.trace().hash(); }
  const SimulationCounts& counts() const { return counts_; }
  const Fork* fork() const { return fork_.get(); }

 private:
  const JobSpec& job() const { return *jobs_.front(); }

  void report(std::string what) {
    world_.trace().note(world_.now(), "VIOLATION", {}, [&what] { return what; });
    if (!violation_) violation_ = std::move(what);
  }

  // What a new version wrote the old one cannot read.
  JobSpec next_job() {
    JobSpec next = *jobs_.back();
    if (rng_.chance(0.4)) {
      next = with_other_groups(rescaled(job(), rng_), rng_);
      next.version = jobs_.back()->version;
    }
    if (rng_.chance(0.3)) next.version = 2;
    return next;
  }

  std::shared_ptr<const Program> make_program(std::uint64_t start) {
    if (start > 0) jobs_.push_back(std::make_unique<JobSpec>(next_job()));
    const Result<std::shared_ptr<const Program>> program =
        build_program(*jobs_.back(), {.store = store_.get(), .log = &source_log_, .hook = [this] {
                                        cluster_->on_user_record();
                                      }});
    if (!program.is_ok()) {
      report("the job does not build: " + program.status().to_string());
      return std::make_shared<const Program>();
    }
    probes_.push_back(std::make_unique<ProgramProbe>(
        world_, [this](std::string what) { report(std::move(what)); },
        job().has_late_records ? LateRecords::kAllowed : LateRecords::kForbidden,
        [this](const OperatorInfo& who, CheckpointId checkpoint) {
          return cluster_->knows_of_abort(who.job, who.attempt, checkpoint);
        }));
    return std::make_shared<const Program>(probes_.back()->watch(**program));
  }

  void on_published(CheckpointId checkpoint, const std::string& path) {
    for (const auto& probe : probes_) probe->on_complete(checkpoint);
    if (checkpoints_until_fork_ == UINT64_MAX || checkpoints_until_fork_-- > 0) return;
    checkpoints_until_fork_ = UINT64_MAX;
    if (cluster_->is_damaged()) return;
    fork_ = std::make_unique<Fork>();
    fork_->version = jobs_.back()->version;
    fork_->path = path;
    fork_->is_savepoint = path.starts_with(kSavepointRoot);
    copy_files(disk_, fork_->disk);
    fork_->store = std::make_unique<TransactionalStore>(*store_);
    fork_->fresh_starts = cluster_->counts().fresh_starts;
  }

  void run_to_end(SimulatedCluster& cluster) {
    const Nanos limit = plan_.ends_at + kLivenessLimit;
    while (!cluster.is_finished()) {
      if (!world_.step(limit)) {
        report(fmt::format("I13: the job does not finish: {}", cluster.status_text()));
        return;
      }
      cluster.tend();
      if (violation_) return;
      if (world_.actions() > kActionsMax) {
        report(fmt::format("I13: the job goes round in circles: {}", cluster.status_text()));
        return;
      }
    }
    runs_at_end_ = run_names(disk_);
    hidden_at_end_ = hidden_output(disk_, job());
    const Nanos settled = world_.now() + kSettling;
    while (world_.step(settled)) cluster.tend();
  }

  void check_end(const SimulatedCluster& cluster) {
    CommittedOutput committed;
    for (std::uint32_t sink = 0; sink < job().sinks.size(); ++sink) {
      if (job().sinks[sink].kind == SinkKind::kTransactional) {
        committed.push_back(store_->committed(sink));
        continue;
      }
      Result<std::vector<OracleRecord>> read = read_sink_files(sink, disk_);
      if (!read.is_ok()) return report("the output cannot be read: " + read.status().to_string());
      committed.push_back(std::move(read).value());
    }
    if (options_.canary) {
      for (auto& records : committed) {
        if (!records.empty()) records.pop_back();
      }
    }
    if (cluster.end() != JobEnd::kFinished) {
      const OutputChecker cut(*cut_job_);
      const auto wrong = cluster.end() == JobEnd::kDrained ? cut.check_finished(committed)
                                                           : cut.check_running(committed);
      if (wrong) return report("drained: " + *wrong);
      if (cluster.end() == JobEnd::kDrainedUncommitted) return;
    } else if (auto wrong = checker_.check_finished(committed)) {
      return report(*wrong);
    }
    // What cannot be read is not deleted either.
    if (cluster.is_damaged()) return;
    for (const std::string& path : cluster.kept_savepoints()) {
      if (auto loss = find_savepoint_loss(disk_, path)) return report(*loss);
    }
    // Where deletions may fail, files may stay.
    const FileFaults& files = plan_.files;
    if (files.error_before > 0 || files.error_after > 0 || files.late > 0) return;
    JobSpec kept = job();
    // What a job stops with is kept besides.
    if (cluster.end() != JobEnd::kFinished) ++kept.retained_checkpoints;
    if (auto leak =
            find_checkpoint_leak(disk_, kept, cluster.foreign_checkpoints(), runs_at_end_)) {
      return report(*leak);
    }
    if (restore_.what != "latest") check_claim(cluster);
    // A run that started fresh does not touch what another one left, whose checkpoints may be
    // restored again.
    if (former_fresh_starts_ + cluster.counts().fresh_starts > 1) return;
    if (auto leak = find_output_leak(disk_, job(), hidden_at_end_)) report(*leak);
  }

  // Of a run without faults, which has taken more checkpoints than are retained.
  void check_claim(const SimulatedCluster& cluster) {
    if (!restore_.what.starts_with(kSavepointRoot)) return;
    const auto loss = find_savepoint_loss(disk_, restore_.what);
    if (!restore_.is_claimed && loss) report(*loss);
    if (restore_.is_claimed && !loss && job().retained_checkpoints < cluster.counts().checkpoints) {
      report("I16: savepoint " + restore_.what + " was claimed and is not deleted");
    }
  }

  const SimulationOptions& options_;
  const FaultPlan& plan_;
  Rng rng_;
  SimulatedWorld world_;
  LogToTrace log_;
  const OutputChecker checker_;
  SourceLog source_log_;
  std::optional<JobSpec> cut_job_;  // to what was read when the job was drained
  MemoryFileStore disk_;
  std::set<std::string> runs_at_end_;    // of the job
  std::set<std::string> hidden_at_end_;  // of its output
  std::unique_ptr<TransactionalStore> store_;
  // The job, and what it was rescaled to; programs refer to them.
  std::vector<std::unique_ptr<JobSpec>> jobs_;
  std::vector<std::unique_ptr<ProgramProbe>> probes_;
  SimulatedCluster* cluster_ = nullptr;
  RestoreFrom restore_;
  std::uint64_t former_fresh_starts_ = 0;
  std::uint64_t checkpoints_until_fork_;
  std::unique_ptr<Fork> fork_;
  std::optional<std::string> violation_;
  SimulationCounts counts_;
};

// A completed checkpoint is a consistent cut (I3) if a run that starts from it, at another
// parallelism, ends with the right output.
std::optional<std::string> check_fork(std::uint64_t seed, const JobSpec& job, const Fork& fork,
                                      const SimulationOptions& options) {
  Rng rng(splitmix64(seed ^ 0x666F726B));
  JobSpec other = rng.chance(0.7) ? with_other_groups(rescaled(job, rng), rng) : job;
  other.version = rng.chance(0.3) ? 2 : fork.version;
  const FaultPlan calm = make_calm_plan();
  Simulation simulation(seed ^ 0x666F726B, other, calm, options);
  simulation.begin_at(fork, {fork.path, rng.chance(0.5)});
  simulation.run();
  if (!simulation.violation()) return std::nullopt;
  return fmt::format(
      "{} is no consistent cut: restored once more, {}",
      fork.is_savepoint ? "I11: savepoint " + fork.path : "I3: checkpoint " + fork.path,
      *simulation.violation());
}

JobSpec job_of(std::uint64_t seed, const SimulationOptions& options) {
  return generate_job(seed, options.limits);
}

}  // namespace

SimulationOutcome simulate(std::uint64_t seed, const SimulationOptions& options) {
  const JobSpec job = job_of(seed, options);
  const FaultPlan plan = make_fault_plan(seed, job);
  Simulation simulation(seed, job, plan, options);
  simulation.run();
  SimulationOutcome outcome{seed, simulation.violation(), simulation.trace_hash(),
                            simulation.counts()};
  if (!outcome.violation && simulation.fork() != nullptr) {
    outcome.violation = check_fork(seed, job, *simulation.fork(), options);
  }
  return outcome;
}

std::string describe_seed(std::uint64_t seed, const SimulationOptions& options) {
  const JobSpec job = job_of(seed, options);
  return describe(job) + describe(make_fault_plan(seed, job));
}

}  // namespace weir::simulation
