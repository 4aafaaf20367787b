// SPDX-License-Identifier: Apache-2.0
// Makes random jobs whose committed output does not depend on the order of arrival: what minds the
// order stands behind a sort over unique times, and nothing comes late but into a late window.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "testing/simulation/job_spec.h"

namespace weir::simulation {
namespace {

// What is known of a stream while the job is made.
struct StreamTraits {
  enum class Times { kUnique, kUniquePerKey, kAny };
  Times times = Times::kUnique;
  // Sources among its ancestors, as bits: two streams without a common one share no time.
  std::uint32_t sources = 0;
  bool late = false;          // its records may be late
  bool ordered = false;       // each key comes in one order, from one subtask
  bool single_origin = true;  // each record was made from one source record
  bool used = false;
};

class Generator {
 public:
  Generator(std::uint64_t seed, const JobLimits& limits)
      : rng_(splitmix64(seed ^ 0x6A6F62)),
        broadcast_rng_(splitmix64(seed ^ 0x62726F616463)),
        limits_(limits) {
    job_.seed = seed;
  }

  JobSpec run() {
    job_.max_parallelism = pick<std::uint32_t>({0, 7, 128, 128, 32768});
    if (job_.max_parallelism == 0)
      job_.max_parallelism = parallelism_below(limits_.parallelism_max);
    job_.checkpoint_interval_millis =
        static_cast<std::int64_t>(10.0 * std::pow(1000.0, rng_.uniform_double()));
    job_.retained_checkpoints = 1 + static_cast<std::uint32_t>(rng_.uniform(3));
    job_.padding = rng_.chance(0.25) ? 3000 : 0;
    job_.has_late_records = limits_.late_windows && rng_.chance(0.15);
    make_sources();
    const std::uint64_t stages = 1 + rng_.uniform(limits_.stages_max);
    for (std::uint64_t i = 0; i < stages; ++i) add_stage();
    add_sinks();
    return std::move(job_);
  }

 private:
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[rng_.uniform(choices.size())];
  }

  std::uint32_t parallelism_below(std::uint32_t max) {
    return 1 + static_cast<std::uint32_t>(std::min(rng_.uniform(max), rng_.uniform(max)));
  }
  std::uint32_t parallelism() {
    return parallelism_below(std::min(limits_.parallelism_max, job_.max_parallelism));
  }

  void make_sources() {
    const std::size_t count = job_.has_late_records ? 1 : 1 + rng_.uniform(limits_.sources_max);
    // Few jobs have so many records that batches fill up.
    const std::uint64_t records_max = limits_.records_max * (rng_.chance(0.04) ? 10 : 1);
    const std::uint64_t records =
        5 + static_cast<std::uint64_t>(static_cast<double>(records_max) *
                                       std::pow(rng_.uniform_double(), 2));
    std::vector<std::uint32_t> splits(count);
    std::uint32_t all_splits = 0;
    for (std::uint32_t& number : splits) {
      number = 1 + static_cast<std::uint32_t>(rng_.uniform(5));
      all_splits += number;
    }
    records_per_split_ = 1 + static_cast<std::int64_t>(records / all_splits);
    source_count_ = static_cast<std::int64_t>(count);
    positions_ = records_per_split_ * *std::max_element(splits.begin(), splits.end());
    unit_ = positions_ * source_count_;
    span_ = unit_ * positions_ * kStep;
    base_time_ = pick<Millis>({0, -span_ / 2, 1'700'000'000'000});
    key_space_ = pick<std::uint32_t>({1, 3, 20, 90});
    // The job lives about as long as a few checkpoints, sometimes far longer.
    life_nanos_ = static_cast<std::int64_t>(static_cast<double>(job_.checkpoint_interval_millis) *
                                            1e6 * (0.5 + 15.0 * rng_.uniform_double()));
    for (std::size_t i = 0; i < count; ++i) {
      add_source(static_cast<std::uint32_t>(i), splits[i]);
    }
  }

  void add_source(std::uint32_t index, std::uint32_t splits) {
    SourceSpec source;
    if (limits_.file_source && !job_.has_late_records && rng_.chance(0.2))
      source.kind = SourceKind::kFile;
    source.parallelism = parallelism();
    const std::int64_t disorder = static_cast<std::int64_t>(rng_.uniform(8));
    source.out_of_orderness = (disorder + 1) * unit_;
    if (job_.has_late_records && rng_.chance(0.3)) {
      source.idleness_millis = rng_.uniform_between(1, 2000);
    }
    for (std::uint32_t split = 0; split < splits; ++split) {
      source.splits.push_back(make_split(index, split, disorder));
    }
    job_.sources.push_back(std::move(source));
    traits_.push_back(
        {StreamTraits::Times::kUnique, 1U << index, job_.has_late_records, false, true, false});
  }

  // A reader takes the next split when it has read the last: so each begins where, in event time,
  // the one before ends.
  SplitSpec make_split(std::int64_t source, std::int64_t number, std::int64_t disorder) {
    SplitSpec split;
    const std::int64_t count = rng_.chance(0.1) ? 0 : rng_.uniform_between(1, records_per_split_);
    split.first_at_nanos = rng_.chance(0.3) ? rng_.uniform_between(0, life_nanos_ / 2) : 0;
    split.interval_nanos = rng_.chance(0.1) ? 0 : life_nanos_ / positions_;
    split.first_at_nanos += number * records_per_split_ * split.interval_nanos;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t position = number * records_per_split_ + i;
      std::int64_t jitter = rng_.uniform_between(0, disorder);
      // A late record: older than the bound promises.
      if (job_.has_late_records && rng_.chance(0.1))
        jitter -= 3 * disorder + rng_.uniform_between(2, 40);
      // The remainders name record and source, so that no two times are equal.
      const Millis time = base_time_ +
                          ((position * kStep + jitter) * positions_ + position) * source_count_ +
                          source;
      const double skewed = std::pow(rng_.uniform_double(), 3);
      split.records.push_back({static_cast<std::uint32_t>(skewed * key_space_),
                               static_cast<std::int64_t>(rng_.next() >> 40), time});
    }
    return split;
  }

  // A stream that fits; unused ones first, so that jobs grow long rather than wide.
  template <class Fits>
  std::optional<std::uint32_t> choose_stream(Fits fits) {
    std::vector<std::uint32_t> unused;
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < traits_.size(); ++i) {
      if (!fits(traits_[i])) continue;
      all.push_back(i);
      if (!traits_[i].used) unused.push_back(i);
    }
    const std::vector<std::uint32_t>& from = unused.empty() || rng_.chance(0.1) ? all : unused;
    if (from.empty()) return std::nullopt;
    return from[rng_.uniform(from.size())];
  }

  void add_stage() {
    StageSpec stage;
    stage.kind = pick<StageKind>(
        {StageKind::kSteps, StageKind::kSteps, StageKind::kUnion, StageKind::kRunningFold,
         StageKind::kSessions, StageKind::kBuckets, StageKind::kCollected, StageKind::kTotals,
         StageKind::kTumbling, StageKind::kSliding, StageKind::kTumblingReduce});
    if (job_.has_late_records && stage.kind != StageKind::kSteps)
      stage.kind = StageKind::kLateWindow;
    if (stage.kind == StageKind::kUnion && !limits_.union_streams) stage.kind = StageKind::kSteps;
    if (limits_.broadcast_joins && !job_.has_late_records && broadcast_rng_.chance(0.1)) {
      stage.kind = StageKind::kBroadcastJoin;
    }
    stage.parallelism = parallelism();
    stage.chaining = pick(
        {Chaining::kFree, Chaining::kFree, Chaining::kFree, Chaining::kNewChain, Chaining::kAlone});
    stage.salt = rng_.next();
    const std::optional<std::uint32_t> input = choose_stream(
        [&stage](const StreamTraits& traits) { return can_read(stage.kind, traits); });
    if (!input) return;
    stage.inputs = {*input};
    StreamTraits out = traits_[*input];
    out.used = false;
    if (stage.kind == StageKind::kUnion && !add_union_input(stage, out)) return;
    if (stage.kind == StageKind::kBroadcastJoin) add_broadcast_input(stage, out);
    if (stage.kind == StageKind::kSteps) add_steps(stage, out);
    if (stage.kind != StageKind::kSteps && stage.kind != StageKind::kUnion) {
      set_sizes(stage);
      out.single_origin = false;
      out.ordered = true;
      if (stage.kind != StageKind::kRunningFold) out.times = StreamTraits::Times::kUniquePerKey;
      if (stage.kind == StageKind::kLateWindow) out.late = true;
    }
    for (const std::uint32_t stream : stage.inputs) traits_[stream].used = true;
    traits_.push_back(out);
    job_.stages.push_back(std::move(stage));
  }

  static bool can_read(StageKind kind, const StreamTraits& traits) {
    switch (kind) {
      case StageKind::kSteps: return !traits.late || traits.single_origin;
      case StageKind::kUnion: return !traits.late;
      case StageKind::kRunningFold:
      case StageKind::kSessions: return !traits.late && traits.times != StreamTraits::Times::kAny;
      case StageKind::kBuckets:
      case StageKind::kCollected:
      case StageKind::kTotals:
      case StageKind::kTumbling:
      case StageKind::kSliding:
      case StageKind::kTumblingReduce:
      case StageKind::kBroadcastJoin: return !traits.late;
      case StageKind::kLateWindow: return traits.late && traits.single_origin;
    }
    return false;
  }

  bool add_union_input(StageSpec& stage, StreamTraits& out) {
    const std::uint32_t first = stage.inputs[0];
    const auto second = choose_stream([this, first](const StreamTraits& traits) {
      return !traits.late && &traits != &traits_[first];
    });
    if (!second) return false;
    const StreamTraits& other = traits_[*second];
    const bool unique = out.times == StreamTraits::Times::kUnique && other.times == out.times &&
                        (out.sources & other.sources) == 0;
    out.times = unique ? StreamTraits::Times::kUnique : StreamTraits::Times::kAny;
    out.sources |= other.sources;
    out.ordered = false;
    out.single_origin = out.single_origin && other.single_origin;
    stage.inputs.push_back(*second);
    return true;
  }

  // May be the stream that is joined itself: that is there if no other is.
  void add_broadcast_input(StageSpec& stage, StreamTraits& out) {
    const auto second = choose_stream([](const StreamTraits& traits) { return !traits.late; });
    out.sources |= traits_[*second].sources;
    stage.inputs.push_back(*second);
  }

  void add_steps(StageSpec& stage, StreamTraits& out) {
    const std::uint64_t count = 1 + rng_.uniform(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      StepKind kind =
          pick<StepKind>({StepKind::kMap, StepKind::kRekey, StepKind::kFilter, StepKind::kFlatMap});
      if (kind == StepKind::kFlatMap && job_.has_late_records) kind = StepKind::kMap;
      stage.steps.push_back({kind, rng_.next()});
      if (kind == StepKind::kFlatMap) out.times = StreamTraits::Times::kAny;
      if (kind == StepKind::kRekey && out.times == StreamTraits::Times::kUniquePerKey) {
        out.times = StreamTraits::Times::kAny;
      }
    }
    out.ordered = false;  // another parallelism or key may stand between
  }

  void set_sizes(StageSpec& stage) {
    stage.size = std::max<Millis>(1, span_ / rng_.uniform_between(1, 25));
    if (stage.kind == StageKind::kSliding) {
      stage.slide = std::max<Millis>(1, stage.size / rng_.uniform_between(1, 6));
    }
    const bool window = stage.kind == StageKind::kTumbling || stage.kind == StageKind::kSliding ||
                        stage.kind == StageKind::kTumblingReduce ||
                        stage.kind == StageKind::kLateWindow;
    if (window && rng_.chance(0.3)) stage.lateness = stage.size / rng_.uniform_between(1, 4);
  }

  void add_sinks() {
    for (std::uint32_t i = 0; i < traits_.size(); ++i) {
      if (traits_[i].used) continue;
      SinkSpec sink;
      sink.kind = sink_kind();
      sink.input = i;
      sink.ordered = traits_[i].ordered;
      // Forward, or everything to one: both keep the order of each key.
      const StageSpec* const stage = job_.stage_before(sink);
      const bool forward = rng_.chance(0.5);
      sink.parallelism = !sink.ordered ? parallelism() : forward ? stage->parallelism : 1;
      job_.sinks.push_back(sink);
    }
    for (std::size_t i = 0; i < job_.stages.size(); ++i) {
      if (job_.stages[i].kind != StageKind::kLateWindow) continue;
      SinkSpec sink;
      sink.input = job_.stream_of_stage(i);
      sink.late = true;
      job_.sinks.push_back(sink);
    }
  }

  SinkKind sink_kind() {
    return limits_.file_sink && rng_.chance(0.35) ? SinkKind::kFile : SinkKind::kTransactional;
  }

  static constexpr std::int64_t kStep = 2;

  Rng rng_;
  // Of its own, so that jobs without a broadcast join are what they were before there was one.
  Rng broadcast_rng_;
  const JobLimits limits_;
  JobSpec job_;
  std::vector<StreamTraits> traits_;
  std::int64_t records_per_split_ = 1;
  std::int64_t positions_ = 1;  // records of a source, at most
  std::int64_t source_count_ = 1;
  Millis unit_ = 1;
  Millis span_ = 1;
  Millis base_time_ = 0;
  std::uint32_t key_space_ = 1;
  std::int64_t life_nanos_ = 0;
};

}  // namespace

JobSpec rescaled(JobSpec job, Rng& rng) {
  const auto any = [&rng, &job] {
    return 1 +
           static_cast<std::uint32_t>(rng.uniform(std::min<std::uint64_t>(8, job.max_parallelism)));
  };
  for (SourceSpec& source : job.sources) source.parallelism = any();
  for (StageSpec& stage : job.stages) stage.parallelism = any();
  for (SinkSpec& sink : job.sinks) {
    const bool forward = rng.chance(0.5);
    sink.parallelism = !sink.ordered ? any() : forward ? job.stage_before(sink)->parallelism : 1;
  }
  return job;
}

JobSpec generate_job(std::uint64_t seed, const JobLimits& limits) {
  return Generator(seed, limits).run();
}

}  // namespace weir::simulation
