// SPDX-License-Identifier: Apache-2.0
// weir_state_bench access: a job that fills a keyed state and then reads and changes it, with
// checkpoints, in a given amount of memory; prints rates, hits, memory and stalls. And chain.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weir/connectors/datagen.h>
#include <weir/weir.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/posix_file_store.h"
#include "base/rng.h"
#include "bench/state/account.h"
#include "bench/state/chain.h"
#include "launch/embedded_cluster.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::bench {

namespace fs = std::filesystem;

struct Options {
  std::uint64_t keys = 10'000'000;
  std::uint64_t accesses = 20'000'000;
  std::string distribution = "uniform";
  double theta = 0.99;
  std::uint64_t hot_keys = 0;
  double hot = 0.995;
  double rate = 0;  // accesses a second; 0: as many as possible
  std::uint64_t memory_mb = 256;
  std::string backend = "rocksdb";
  std::uint64_t checkpoint_millis = 3000;
  std::uint32_t parallelism = 1;
  std::string directory = "state-bench";
};

/// What comes in: a key to be touched.
struct Access {
  std::int64_t key = 0;
};
WEIR_RECORD(Access, key)

/// Picks keys; a key's rank says nothing about where it lies.
class Keys {
 public:
  explicit Keys(const Options& options)
      : keys_(options.keys),
        hot_keys_(options.hot_keys),
        hot_(options.hot),
        is_zipf_(options.distribution == "zipf"),
        theta_(options.theta) {
    if (!is_zipf_) return;
    for (std::uint64_t rank = 1; rank <= keys_; ++rank) {
      zeta_ += std::pow(1.0 / static_cast<double>(rank), theta_);
    }
    eta_ = (1 - std::pow(2.0 / static_cast<double>(keys_), 1 - theta_)) /
           (1 - (1 + std::pow(0.5, theta_)) / zeta_);
  }
  std::int64_t pick(std::uint64_t number) const {
    const std::uint64_t random = splitmix64(number * 2 + 1);
    // The same keys again and again, but for one access in `1 - hot`.
    if (hot_keys_ > 0 && static_cast<double>(random >> 11) * 0x1.0p-53 < hot_) {
      return static_cast<std::int64_t>(splitmix64(random) % hot_keys_);
    }
    const std::uint64_t rank = is_zipf_ ? zipf(random) : random % keys_;
    return static_cast<std::int64_t>(splitmix64(rank) % keys_);
  }

 private:
  // Source: Gray et al., "Quickly generating billion-record synthetic databases" (1994).
  std::uint64_t zipf(std::uint64_t random) const {
    const double u = static_cast<double>(random >> 11) * 0x1.0p-53;
    const double uz = u * zeta_;
    if (uz < 1) return 0;
    if (uz < 1 + std::pow(0.5, theta_)) return 1;
    const auto rank = static_cast<std::uint64_t>(static_cast<double>(keys_) *
                                                 std::pow(eta_ * u - eta_ + 1, 1 / (1 - theta_)));
    return std::min(rank, keys_ - 1);
  }

  const std::uint64_t keys_;
  const std::uint64_t hot_keys_;
  const double hot_;
  const bool is_zipf_;
  const double theta_;
  double zeta_ = 0;
  double eta_ = 0;
};

class Touch : public KeyedProcessFunction<std::int64_t, Access, Access> {
 public:
  void declare(States& states) { account_ = states.value<Account>("account"); }
  void process(const Access&, Context&, Output&) {
    account_.update([](Account& account) { ++account.count; });
  }

 private:
  ValueState<Account> account_;
};

Result<std::shared_ptr<const Program>> build(const Options& options, double rate,
                                             std::uint64_t begin, std::uint64_t count) {
  ExecutionSettings settings;
  settings.parallelism = Parallelism{options.parallelism};
  settings.checkpoints.interval = std::chrono::milliseconds{options.checkpoint_millis};
  settings.restart.kind = RestartStrategy::Kind::kNone;
  StreamExecutionEnvironment environment(settings);
  auto keys = std::make_shared<const Keys>(options);
  environment
      .from_source("accesses",
                   DataGenSource<Access>{
                       .generator =
                           [keys, begin, fill = options.keys](std::uint64_t number) {
                             number += begin;
                             return Access{number < fill ? static_cast<std::int64_t>(number)
                                                         : keys->pick(number)};
                           },
                       .count = count,
                       .rate_per_second = rate},
                   WatermarkStrategy<Access>::none())
      .key_by(&Access::key)
      .process("touch", Touch{})
      .print();
  return environment.build("state");
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t bytes_below(const std::string& directory) {
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator each(directory, ignored), end; each != end;
       each.increment(ignored)) {
    if (each->is_regular_file(ignored)) sum += each->file_size(ignored);
  }
  return sum;
}

/// The state of the process and the job at one moment.
struct Moment {
  double wall = 0;
  double cpu = 0;
  std::uint64_t records = 0;
  std::uint64_t loads = 0;
};

struct Phase {
  std::string name;
  Moment begin;
  Moment end;
};

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  int execute() {
    fs::remove_all(options_.directory);
    auto opened = DirectoryCheckpointStorage::open(files_, options_.directory, "state");
    if (!opened.is_ok()) return fail(opened.status());
    std::shared_ptr<CheckpointStorage> storage = std::move(*opened);
    Result<std::shared_ptr<const Program>> program =
        build(options_, options_.rate, 0, options_.keys + options_.accesses);
    if (!program.is_ok()) return fail(program.status());
    EmbeddedClusterOptions cluster_options;
    cluster_options.memory = plan_memory(options_.memory_mb << 20);
    cluster_options.state.local_directory = options_.directory + "/local";
    using Kind = WorkingStateOptions::Kind;
    cluster_options.state.kind = options_.backend == "heap"               ? Kind::kHeap
                                 : options_.backend == "heap-incremental" ? Kind::kHeapIncremental
                                                                          : Kind::kRocksDb;
    EmbeddedCluster cluster(*program, cluster_options);
    const Status submitted = cluster.submit(std::move(storage), std::nullopt, false);
    if (!submitted.is_ok()) return fail(submitted);
    const std::optional<JobEnd> end = watch(cluster);
    report();
    return end->result.is_ok() ? 0 : fail(end->result);
  }

 private:
  static int fail(const Status& status) {
    fmt::print(stderr, "state_bench: {}\n", status.to_string());
    return 1;
  }

  std::optional<JobEnd> watch(EmbeddedCluster& cluster) {
    phases_ = {{"fill", {}, {}}, {"access", {}, {}}};
    bool is_filled = false;
    double shown = 0;
    const std::int64_t start = clock_.monotonic_nanos();
    for (;;) {
      const std::optional<JobEnd> end = cluster.wait(std::chrono::milliseconds{100});
      const JobStatus status = cluster.status();
      Moment now{.wall = static_cast<double>(clock_.monotonic_nanos() - start) * 1e-9,
                 .cpu = cpu_seconds()};
      for (const VertexStatus& vertex : status.vertices) {
        for (const OperatorStatus& op : vertex.operators) {
          if (op.name != "touch") continue;
          now.records = op.records_in;
          now.loads = op.state_loads;
        }
      }
      resident_max_ = std::max(resident_max_, resident_bytes());
      if (!is_filled && now.records >= options_.keys) {
        is_filled = true;
        phases_[0].end = phases_[1].begin = now;
      }
      phases_[1].end = now;
      note(status.checkpoints);
      if (now.wall - shown > 5) {
        shown = now.wall;
        fmt::print(stderr, "{:6.1f} s  {:>12} records  {:>12} loads  {:>6} MB resident\n", now.wall,
                   now.records, now.loads, resident_bytes() >> 20);
      }
      if (end) return end;
    }
  }

  void note(const CheckpointsStatus& checkpoints) {
    for (const CheckpointStatistics& each : checkpoints.history) {
      if (each.phase != CheckpointPhase::kCompleted || each.id <= last_checkpoint_) continue;
      last_checkpoint_ = each.id;
      freezes_.push_back(static_cast<double>(each.freeze_nanos_max) * 1e-6);
      durations_.push_back(static_cast<double>(
          std::chrono::duration_cast<std::chrono::milliseconds>(each.duration).count()));
    }
  }

  void report() {
    for (const Phase& phase : phases_) {
      const auto records = static_cast<double>(phase.end.records - phase.begin.records);
      const double cpu = phase.end.cpu - phase.begin.cpu;
      const double wall = phase.end.wall - phase.begin.wall;
      const auto loads = static_cast<double>(phase.end.loads - phase.begin.loads);
      fmt::print(
          "{:<7} {:>12.0f} records {:>8.1f} s {:>10.0f} records/s {:>10.0f} records/CPU-s  "
          "hits {:.2f} %\n",
          phase.name, records, wall, records / wall, records / cpu,
          records > 0 ? 100 * (1 - loads / records) : 0);
    }
    fmt::print("memory  {} MB asked for, {} MB resident at most\n", options_.memory_mb,
               resident_max_ >> 20);
    if (freezes_.empty()) return;
    std::sort(freezes_.begin(), freezes_.end());
    std::sort(durations_.begin(), durations_.end());
    fmt::print(
        "checkpoints {}: record path held for median {:.2f} ms, p99 {:.2f} ms, maximum "
        "{:.2f} ms; duration median {:.0f} ms, maximum {:.0f} ms; files {} MB\n",
        freezes_.size(), freezes_[freezes_.size() / 2], freezes_[freezes_.size() * 99 / 100],
        freezes_.back(), durations_[durations_.size() / 2], durations_.back(),
        bytes_below(options_.directory + "/state") >> 20);
  }

  const Options options_;
  PosixFileStore files_;
  SystemClock clock_;
  std::vector<Phase> phases_;
  std::uint64_t resident_max_ = 0;
  CheckpointId last_checkpoint_;
  std::vector<double> freezes_;    // milliseconds
  std::vector<double> durations_;  // milliseconds
};

}  // namespace weir::bench

int main(int argc, char** argv) {
  CLI::App app{"Measures keyed state that is large, and its checkpoints."};
  app.require_subcommand(1);
  weir::bench::Options options;
  CLI::App* access = app.add_subcommand(
      "access", "fills a keyed state, then reads and changes it at random, with checkpoints");
  access->add_option("--keys", options.keys, "keys, each with 100 bytes of state");
  access->add_option("--accesses", options.accesses, "changes after all keys were written once");
  access->add_option("--distribution", options.distribution, "which keys are changed")
      ->check(CLI::IsMember({"uniform", "zipf"}));
  access->add_option("--theta", options.theta, "skew of zipf");
  access->add_option("--hot-keys", options.hot_keys, "keys that get most of the changes");
  access->add_option("--hot", options.hot, "which part of the changes these get");
  access->add_option("--rate", options.rate, "records a second; 0 for as many as possible");
  access->add_option("--memory", options.memory_mb, "memory of the process in MB");
  access->add_option("--backend", options.backend, "where state is held")
      ->check(CLI::IsMember({"heap", "heap-incremental", "rocksdb"}));
  access->add_option("--checkpoint-millis", options.checkpoint_millis, "between checkpoints");
  access->add_option("--parallelism", options.parallelism, "subtasks");
  access->add_option("--directory", options.directory, "for checkpoints; emptied");
  weir::bench::ChainOptions chain_options;
  CLI::App* chain = app.add_subcommand(
      "chain", "takes many incremental checkpoints: bytes written, storage, time of restores");
  chain->add_option("--keys", chain_options.keys, "keys, each with 100 bytes of state");
  chain->add_option("--changed", chain_options.changed, "part that changes between checkpoints");
  chain->add_option("--checkpoints", chain_options.checkpoints, "how many");
  chain->add_option("--directory", chain_options.directory, "for checkpoints; emptied");
  CLI11_PARSE(app, argc, argv);
  return chain->parsed() ? weir::bench::run_chain(chain_options)
                         : weir::bench::Run(options).execute();
}
