// SPDX-License-Identifier: Apache-2.0
// What the steps of random jobs compute, and how a job reads as text.
#include "testing/simulation/job_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/hash.h"

namespace weir::simulation {
namespace {

std::uint64_t mix(std::int64_t value, std::uint64_t salt) {
  return splitmix64(static_cast<std::uint64_t>(value) ^ splitmix64(salt));
}

// Values stay small enough that sums of many cannot overflow.
std::int64_t small(std::uint64_t number) { return static_cast<std::int64_t>(number >> 32); }

std::string_view name_of(StageKind kind) {
  switch (kind) {
    case StageKind::kSteps: return "steps";
    case StageKind::kUnion: return "union";
    case StageKind::kRunningFold: return "running-fold";
    case StageKind::kSessions: return "sessions";
    case StageKind::kBuckets: return "buckets";
    case StageKind::kCollected: return "collected";
    case StageKind::kTotals: return "totals";
    case StageKind::kTumbling: return "tumbling";
    case StageKind::kSliding: return "sliding";
    case StageKind::kTumblingReduce: return "tumbling-reduce";
    case StageKind::kLateWindow: return "late-window";
    case StageKind::kBroadcastJoin: return "broadcast-join";
  }
  return "?";
}

std::string_view name_of(StepKind kind) {
  switch (kind) {
    case StepKind::kMap: return "map";
    case StepKind::kRekey: return "rekey";
    case StepKind::kFilter: return "filter";
    case StepKind::kFlatMap: return "flat_map";
  }
  return "?";
}

}  // namespace

std::uint64_t mixed(Origin origin) {
  return splitmix64((std::uint64_t{origin.source} << 56) ^ (std::uint64_t{origin.split} << 40) ^
                    origin.offset);
}

std::int64_t mapped_value(std::int64_t value, std::uint64_t salt) {
  return small(mix(value, salt));
}

std::uint32_t rekeyed(std::uint32_t key, std::int64_t value, std::uint64_t salt) {
  return static_cast<std::uint32_t>((key + mix(value, salt) % 5) % 97);
}

bool is_kept(std::int64_t value, std::uint64_t salt) { return mix(value, salt) % 4 != 0; }

std::uint32_t copies_of(std::int64_t value, std::uint64_t salt) {
  return static_cast<std::uint32_t>(mix(value, salt) % 3);
}

std::int64_t copied_value(std::int64_t value, std::uint64_t salt, std::uint32_t copy) {
  return small(mix(value, salt + 1 + copy));
}

std::int64_t folded_value(std::int64_t accumulator, std::int64_t value) {
  return small(mix(value, static_cast<std::uint64_t>(accumulator)));
}

std::string label_of(std::uint32_t key, std::int64_t value, std::uint32_t padding) {
  // Some are short enough to lie inside a Text, some are not.
  const std::string payload =
      key % 3 == 0 ? fmt::format("k{}", key)
                   : fmt::format("key {} with value {}", key, value) + std::string(padding, 'x');
  return fmt::format("{}#{:04x}", payload, hash32(payload) & 0xFFFF);
}

bool is_intact(std::string_view label) {
  const std::size_t mark = label.rfind('#');
  if (mark == std::string_view::npos) return false;
  return label.substr(mark) == fmt::format("#{:04x}", hash32(label.substr(0, mark)) & 0xFFFF);
}

std::size_t JobSpec::record_count() const {
  std::size_t count = 0;
  for (const SourceSpec& source : sources) {
    for (const SplitSpec& split : source.splits) count += split.records.size();
  }
  return count;
}

std::string describe(const JobSpec& job) {
  std::string text = fmt::format(
      "job of seed {}: checkpoints every {} ms, {} retained, max parallelism {}\n", job.seed,
      job.checkpoint_interval_millis, job.retained_checkpoints, job.max_parallelism);
  for (std::size_t i = 0; i < job.sources.size(); ++i) {
    const SourceSpec& source = job.sources[i];
    std::vector<std::size_t> sizes;
    for (const SplitSpec& split : source.splits) sizes.push_back(split.records.size());
    text += fmt::format("  stream {}: {} source x{}, splits of {} records, out of order by {} ms\n",
                        i, source.kind == SourceKind::kFile ? "file" : "generated",
                        source.parallelism, sizes, source.out_of_orderness);
  }
  for (std::size_t i = 0; i < job.stages.size(); ++i) {
    const StageSpec& stage = job.stages[i];
    text += fmt::format("  stream {}: {} x{} of {}", job.stream_of_stage(i), name_of(stage.kind),
                        stage.parallelism, stage.inputs);
    for (const StepSpec& step : stage.steps) text += fmt::format(" {}", name_of(step.kind));
    if (stage.size > 0) text += fmt::format(" size {}", stage.size);
    if (stage.slide > 0) text += fmt::format(" slide {}", stage.slide);
    if (stage.lateness > 0) text += fmt::format(" lateness {}", stage.lateness);
    text += '\n';
  }
  for (std::size_t i = 0; i < job.sinks.size(); ++i) {
    const SinkSpec& sink = job.sinks[i];
    text += fmt::format("  sink {}: {} of stream {}{}{}\n", i,
                        sink.kind == SinkKind::kFile ? "files" : "transactional", sink.input,
                        sink.late ? ", late records" : "", sink.ordered ? ", ordered" : "");
  }
  return text;
}

}  // namespace weir::simulation
