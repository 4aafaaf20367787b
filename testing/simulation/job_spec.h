// SPDX-License-Identifier: Apache-2.0
// JobSpec: a random job as plain data. The engine runs it through the public API, the oracle
// interprets it; neither knows the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace weir::simulation {

/// Milliseconds of event time.
using Millis = std::int64_t;

/// Which source records a record was made from: how many, and the sum of a mixed number for each.
/// Losing, repeating or swapping one changes the sum.
struct Provenance {
  std::uint32_t count = 0;
  std::uint64_t sum = 0;
  friend auto operator<=>(const Provenance&, const Provenance&) = default;
};

/// Names one record of one source split.
struct Origin {
  std::uint32_t source = 0;
  std::uint32_t split = 0;
  std::uint32_t offset = 0;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};
std::uint64_t mixed(Origin origin);

/// A record as the source holds it.
struct InputRecord {
  std::uint32_t key = 0;
  std::int64_t value = 0;
  Millis time = 0;
};

enum class SourceKind {
  kGenerated,  ///< the simulation's own source; its records appear over simulated time
  kFile,       ///< a file source over files of JSON lines, all there from the start
};

struct SplitSpec {
  std::vector<InputRecord> records = {};
  /// When its first record appears, and how long after it each further one (generated sources).
  std::int64_t first_at_nanos = 0;
  std::int64_t interval_nanos = 0;
};

struct SourceSpec {
  SourceKind kind = SourceKind::kGenerated;
  Millis out_of_orderness = 0;  ///< the bound that its watermark strategy promises
  /// After which time without records a split no longer counts; 0 for never. Milliseconds.
  std::int64_t idleness_millis = 0;
  std::uint32_t parallelism = 1;
  std::vector<SplitSpec> splits;
};

/// Steps without state. Several in a row fuse into one operator.
enum class StepKind { kMap, kRekey, kFilter, kFlatMap };
struct StepSpec {
  StepKind kind = StepKind::kMap;
  std::uint64_t salt = 0;
};

enum class StageKind {
  kSteps,           ///< map, filter, flat_map
  kUnion,           ///< of two streams
  kRunningFold,     ///< sorted by event time, reduce with a function that minds the order
  kSessions,        ///< sorted, process with a value state and timers
  kBuckets,         ///< process with a map state and timers, whatever the order
  kCollected,       ///< process with a list state and timers
  kTotals,          ///< process with reducing and aggregating state, one timer at the end
  kTumbling,        ///< window aggregate
  kSliding,         ///< window aggregate
  kTumblingReduce,  ///< window reduce
  kLateWindow,      ///< window over an input where records may come late, late ones set aside
  kBroadcastJoin,   ///< totals by key of one stream, beside sums of another that is broadcast
};

/// One stage of a random job.
/// What the job says about the chain an operator is in.
enum class Chaining { kFree, kNewChain, kAlone };

/// One stage of a job: what it computes, of which streams.
struct StageSpec {
  StageKind kind = StageKind::kSteps;
  Chaining chaining = Chaining::kFree;
  std::vector<std::uint32_t> inputs = {};  ///< streams: the sources first, then the stages' outputs
  std::uint32_t parallelism = 1;
  std::vector<StepSpec> steps = {};
  std::uint64_t salt = 0;
  Millis size = 0;  ///< of windows and buckets; the gap of sessions
  Millis slide = 0;
  Millis lateness = 0;  ///< allowed lateness of windows
};

enum class SinkKind {
  kTransactional,  ///< the simulation's own: commits segments to a store outside
  kFile,           ///< the file sink over the simulated files
};
struct SinkSpec {
  SinkKind kind = SinkKind::kTransactional;
  std::uint32_t input = 0;
  std::uint32_t parallelism = 1;
  /// True where each key has one order: then committed output must keep it.
  bool ordered = false;
  /// Takes the late side output of the stage behind `input` instead of its main output.
  bool late = false;
};

/// A random job as plain data: what the program, the oracle and the checkers are made from.
struct JobSpec {
  std::uint64_t seed = 0;
  std::vector<SourceSpec> sources;
  std::vector<StageSpec> stages;
  std::vector<SinkSpec> sinks;
  /// Some records are older than the out-of-orderness of their source promises.
  bool has_late_records = false;
  std::uint32_t max_parallelism = 128;
  std::int64_t checkpoint_interval_millis = 1000;
  std::uint32_t retained_checkpoints = 1;
  /// Characters that make labels and sink snapshots longer, so that state no longer fits inline.
  std::uint32_t padding = 0;
  /// Of the program: a later one has other fields in the records that it keeps as state.
  std::uint32_t version = 1;

  std::uint32_t stream_of_stage(std::size_t stage) const {
    return static_cast<std::uint32_t>(sources.size() + stage);
  }
  std::size_t record_count() const;
  /// The stage that makes the stream of `sink`; null if a source does.
  const StageSpec* stage_before(const SinkSpec& sink) const {
    return sink.input < sources.size() ? nullptr : &stages[sink.input - sources.size()];
  }
};

/// The bounds within which jobs are generated.
struct JobLimits {
  std::uint32_t sources_max = 3;
  std::uint32_t stages_max = 5;
  std::uint32_t parallelism_max = 8;
  std::uint32_t records_max = 600;
  bool union_streams = true;
  bool file_source = true;
  bool file_sink = true;
  bool late_windows = true;
  bool broadcast_joins = true;
};

/// Makes a job from a seed.
JobSpec generate_job(std::uint64_t seed, const JobLimits& limits);
/// The same job with another parallelism everywhere. What is ordered stays ordered.
JobSpec rescaled(JobSpec job, Rng& rng);

/// For people: one line per source, stage and sink.
std::string describe(const JobSpec& job);

// What the steps and stages compute, shared because it is their definition: numbers to numbers,
// nothing of how a job runs.

std::int64_t mapped_value(std::int64_t value, std::uint64_t salt);
std::uint32_t rekeyed(std::uint32_t key, std::int64_t value, std::uint64_t salt);
bool is_kept(std::int64_t value, std::uint64_t salt);
/// How many records flat_map makes, and what becomes of value and key in number `copy`.
std::uint32_t copies_of(std::int64_t value, std::uint64_t salt);
std::int64_t copied_value(std::int64_t value, std::uint64_t salt, std::uint32_t copy);
/// Minds the order: folding a then b is not folding b then a.
std::int64_t folded_value(std::int64_t accumulator, std::int64_t value);
/// A text that a record carries along; it ends with a checksum over the rest.
std::string label_of(std::uint32_t key, std::int64_t value, std::uint32_t padding);
/// Whether a label is one that `label_of` made, whatever for.
bool is_intact(std::string_view label);
/// When `kTotals` and `kBroadcastJoin` fire: after every record's time.
inline constexpr Millis kTotalsAt = Millis{1} << 52;

}  // namespace weir::simulation
