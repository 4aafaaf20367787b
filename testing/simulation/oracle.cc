// SPDX-License-Identifier: Apache-2.0
// The sequential interpreter: whole streams as vectors, one stage after the other.
#include "testing/simulation/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::simulation {
namespace {

using Stream = std::vector<OracleRecord>;

void add(Provenance& to, const Provenance& from) {
  to.count += from.count;
  to.sum += from.sum;
}

// The last multiple of `size` that is not above `time`.
Millis floor_to(Millis time, Millis size) {
  Millis quotient = time / size;
  if (quotient * size > time) --quotient;
  return quotient * size;
}

Stream read(const SourceSpec& source, std::uint32_t index) {
  Stream out;
  for (std::uint32_t split = 0; split < source.splits.size(); ++split) {
    const std::vector<InputRecord>& records = source.splits[split].records;
    for (std::uint32_t offset = 0; offset < records.size(); ++offset) {
      const InputRecord& record = records[offset];
      out.push_back({record.key, record.value, record.time, {1, mixed({index, split, offset})}});
    }
  }
  return out;
}

Stream step(const StepSpec& spec, const Stream& in) {
  Stream out;
  for (OracleRecord record : in) {
    switch (spec.kind) {
      case StepKind::kMap:
        record.value = mapped_value(record.value, spec.salt);
        out.push_back(record);
        break;
      case StepKind::kRekey:
        record.key = rekeyed(record.key, record.value, spec.salt);
        out.push_back(record);
        break;
      case StepKind::kFilter:
        if (is_kept(record.value, spec.salt)) out.push_back(record);
        break;
      case StepKind::kFlatMap:
        for (std::uint32_t copy = 0; copy < copies_of(record.value, spec.salt); ++copy) {
          OracleRecord made = record;
          made.value = copied_value(record.value, spec.salt, copy);
          made.key += copy;
          out.push_back(made);
        }
        break;
    }
  }
  return out;
}

std::map<std::uint32_t, Stream> by_key(const Stream& in) {
  std::map<std::uint32_t, Stream> groups;
  for (const OracleRecord& record : in) groups[record.key].push_back(record);
  return groups;
}

void sort_by_time(Stream& stream) {
  std::stable_sort(stream.begin(), stream.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
}

Stream running_fold(const Stream& in) {
  Stream out;
  for (auto& [key, records] : by_key(in)) {
    Stream sorted = records;
    sort_by_time(sorted);
    OracleRecord folded;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const OracleRecord& record = sorted[i];
      if (i == 0) {
        folded = record;
      } else {
        folded.value = folded_value(folded.value, record.value);
        folded.time = record.time;
        add(folded.made_from, record.made_from);
      }
      out.push_back(folded);
    }
  }
  return out;
}

Stream sessions(const Stream& in, Millis gap) {
  Stream out;
  for (auto& [key, records] : by_key(in)) {
    Stream sorted = records;
    sort_by_time(sorted);
    OracleRecord session;
    bool open = false;
    Millis last = 0;
    const auto close = [&] {
      session.time = last + gap;
      out.push_back(session);
    };
    for (const OracleRecord& record : sorted) {
      if (open && record.time - last >= gap) {
        close();
        open = false;
      }
      if (!open) {
        session = {key, 0, 0, {}};
        open = true;
      }
      session.value = folded_value(session.value, record.value);
      add(session.made_from, record.made_from);
      last = record.time;
    }
    if (open) close();
  }
  return out;
}

// Groups by key and by each window of `size`, one every `slide`, that holds the record's time. The
// second part of the group's name is the window's last millisecond.
std::map<std::pair<std::uint32_t, Millis>, Stream> by_window(const Stream& in, Millis size,
                                                             Millis slide) {
  std::map<std::pair<std::uint32_t, Millis>, Stream> groups;
  for (const OracleRecord& record : in) {
    for (Millis start = floor_to(record.time, slide); start + size > record.time; start -= slide) {
      groups[{record.key, start + size - 1}].push_back(record);
    }
  }
  return groups;
}

Stream sums(const Stream& in, Millis size, Millis slide) {
  Stream out;
  for (const auto& [group, records] : by_window(in, size, slide)) {
    OracleRecord sum{group.first, 0, group.second, {}};
    for (const OracleRecord& record : records) {
      sum.value += record.value + 1;
      add(sum.made_from, record.made_from);
    }
    out.push_back(sum);
  }
  return out;
}

Stream largest(const Stream& in, Millis size) {
  Stream out;
  for (const auto& [group, records] : by_window(in, size, size)) {
    OracleRecord result{group.first, records[0].value, group.second, {}};
    for (const OracleRecord& record : records) {
      result.value = std::max(result.value, record.value);
      add(result.made_from, record.made_from);
    }
    out.push_back(result);
  }
  return out;
}

Stream collected(const Stream& in, Millis size) {
  Stream out;
  for (auto& [group, records] : by_window(in, size, size)) {
    std::vector<std::int64_t> values;
    OracleRecord result{group.first, 0, group.second, {}};
    for (const OracleRecord& record : records) {
      values.push_back(record.value);
      add(result.made_from, record.made_from);
    }
    std::sort(values.begin(), values.end());
    for (const std::int64_t value : values) result.value = folded_value(result.value, value);
    out.push_back(result);
  }
  return out;
}

Stream totals(const Stream& in) {
  Stream out;
  for (const auto& [key, records] : by_key(in)) {
    std::int64_t sum = 0;
    std::int64_t max = std::numeric_limits<std::int64_t>::min();
    OracleRecord total{key, 0, kTotalsAt, {}};
    for (const OracleRecord& record : records) {
      sum += record.value;
      max = std::max(max, record.value);
      add(total.made_from, record.made_from);
    }
    total.value = sum + max;
    out.push_back(total);
  }
  return out;
}

// Each key's total, with what all records of the other stream come to.
Stream broadcast_join(const Stream& in, const Stream& broadcast) {
  std::map<std::uint32_t, std::int64_t> sums;
  Provenance all;
  for (const OracleRecord& record : broadcast) {
    sums[record.key] += record.value + 1;
    add(all, record.made_from);
  }
  std::int64_t digest = 0;
  for (const auto& [key, sum] : sums) digest = folded_value(digest, sum + key);
  Stream out;
  for (const auto& [key, records] : by_key(in)) {
    OracleRecord total{key, digest, kTotalsAt, all};
    for (const OracleRecord& record : records) {
      total.value += record.value;
      add(total.made_from, record.made_from);
    }
    out.push_back(total);
  }
  return out;
}

Stream run_stage(const StageSpec& stage, const std::vector<Stream>& streams) {
  const Stream& in = streams[stage.inputs[0]];
  switch (stage.kind) {
    case StageKind::kSteps: {
      Stream out = in;
      for (const StepSpec& spec : stage.steps) out = step(spec, out);
      return out;
    }
    case StageKind::kUnion: {
      Stream out = in;
      const Stream& second = streams[stage.inputs[1]];
      out.insert(out.end(), second.begin(), second.end());
      return out;
    }
    case StageKind::kRunningFold: return running_fold(in);
    case StageKind::kSessions: return sessions(in, stage.size);
    case StageKind::kBuckets: return sums(in, stage.size, stage.size);
    case StageKind::kCollected: return collected(in, stage.size);
    case StageKind::kTotals: return totals(in);
    case StageKind::kTumbling: return sums(in, stage.size, stage.size);
    case StageKind::kSliding: return sums(in, stage.size, stage.slide);
    case StageKind::kTumblingReduce: return largest(in, stage.size);
    case StageKind::kBroadcastJoin: return broadcast_join(in, streams[stage.inputs[1]]);
    case StageKind::kLateWindow: return {};  // depends on arrival; a checker of its own looks at it
  }
  return {};
}

}  // namespace

std::string to_string(const OracleRecord& record) {
  return fmt::format("(key {}, value {}, time {}, from {} records, sum {:x})", record.key,
                     record.value, record.time, record.made_from.count, record.made_from.sum);
}

std::vector<ExpectedSink> interpret(const JobSpec& job) {
  std::vector<Stream> streams;
  for (std::uint32_t i = 0; i < job.sources.size(); ++i) streams.push_back(read(job.sources[i], i));
  for (const StageSpec& stage : job.stages) streams.push_back(run_stage(stage, streams));

  std::vector<ExpectedSink> expected;
  for (const SinkSpec& sink : job.sinks) {
    ExpectedSink result;
    const StageSpec* const stage = job.stage_before(sink);
    if (stage != nullptr && stage->kind == StageKind::kLateWindow) {
      result.window_input = streams[stage->inputs[0]];
    } else {
      result.records = streams[sink.input];
      std::sort(result.records.begin(), result.records.end());
      if (sink.ordered) sort_by_time(result.records);
    }
    expected.push_back(std::move(result));
  }
  return expected;
}

std::map<std::uint64_t, Millis> highest_watermarks(const JobSpec& job) {
  std::map<std::uint64_t, Millis> highest;
  for (std::uint32_t i = 0; i < job.sources.size(); ++i) {
    const SourceSpec& source = job.sources[i];
    // A reader may have read any of the splits before this one.
    Millis watermark = std::numeric_limits<Millis>::min();
    for (std::uint32_t split = 0; split < source.splits.size(); ++split) {
      const std::vector<InputRecord>& records = source.splits[split].records;
      for (std::uint32_t offset = 0; offset < records.size(); ++offset) {
        highest[mixed({i, split, offset})] = watermark;
        watermark = std::max(watermark, records[offset].time - source.out_of_orderness - 1);
      }
    }
  }
  return highest;
}

}  // namespace weir::simulation
