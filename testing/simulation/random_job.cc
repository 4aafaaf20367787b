// SPDX-License-Identifier: Apache-2.0
// Writes random jobs with the typed API: one record type, so streams can be chosen at run time.
#include "testing/simulation/random_job.h"

#include <fmt/format.h>
#include <weir/connectors/files.h>
#include <weir/connectors/formats.h>
#include <weir/weir.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/simulation/sim_source.h"
#include "testing/simulation/transactional_sink.h"

namespace weir::simulation {
namespace {

using Stream = DataStream<SimRecord>;

// The steps as user functions.
struct Map {
  std::uint64_t salt;
  std::uint32_t padding;
  FailureHook hook;
  SimRecord operator()(const SimRecord& row, TextMaker& text) const {
    hook();
    SimRecord mapped = row;
    mapped.value = mapped_value(row.value, salt);
    mapped.label = text.text(label_of(mapped.key, mapped.value, padding));
    return mapped;
  }
};
struct Rekey {
  std::uint64_t salt;
  SimRecord operator()(const SimRecord& row) const {
    SimRecord mapped = row;
    mapped.key = rekeyed(row.key, row.value, salt);
    return mapped;
  }
};
struct Filter {
  std::uint64_t salt;
  bool operator()(const SimRecord& row) const { return is_kept(row.value, salt); }
};
struct FlatMap {
  std::uint64_t salt;
  FailureHook hook;
  template <class Out>
  void operator()(const SimRecord& row, Out& out) const {
    hook();
    for (std::uint32_t copy = 0; copy < copies_of(row.value, salt); ++copy) {
      SimRecord made = row;
      made.value = copied_value(row.value, salt, copy);
      made.key += copy;
      out.emit(made);
    }
  }
};

class JobWriter {
 public:
  JobWriter(const JobSpec& job, const JobSurroundings& surroundings)
      : job_(job), surroundings_(surroundings), environment_(settings_of(job)) {}

  Result<std::shared_ptr<const Program>> write() {
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) streams_.push_back(source(i));
    for (std::size_t i = 0; i < job_.stages.size(); ++i) streams_.push_back(stage(i));
    for (std::uint32_t i = 0; i < job_.sinks.size(); ++i) sink(i);
    return environment_.build("random-job");
  }

 private:
  static ExecutionSettings settings_of(const JobSpec& job) {
    ExecutionSettings settings;
    settings.max_parallelism = MaxParallelism{job.max_parallelism};
    settings.checkpoints.interval = Duration{job.checkpoint_interval_millis};
    settings.checkpoints.timeout = std::chrono::seconds{20};
    settings.checkpoints.retained = job.retained_checkpoints;
    settings.checkpoints.tolerable_failures = job.seed % 3 == 0 ? 3 : 0;
    return settings;
  }

  Stream source(std::uint32_t index) {
    const SourceSpec& spec = job_.sources[index];
    const std::string id = fmt::format("source-{}", index);
    auto strategy =
        WatermarkStrategy<SimRecord>::bounded_out_of_orderness(Duration{spec.out_of_orderness})
            .with_event_time(&SimRecord::at);
    if (spec.idleness_millis > 0) strategy = strategy.with_idleness(Duration{spec.idleness_millis});
    switch (spec.kind) {
      case SourceKind::kGenerated:
        return environment_
            .from_source(id, SimSource{.job = &job_, .source = index, .log = surroundings_.log},
                         strategy)
            .set_parallelism(spec.parallelism);
      case SourceKind::kFile:
        return environment_
            .from_source(id,
                         FileSource<SimRecord>{.path = source_folder(index),
                                               .format = json(),
                                               .split_bytes = 100 + job_.seed % 4000,
                                               .on_bad_record = OnBadRecord::kFail,
                                               .rate_per_second = 200.0},
                         strategy)
            .set_parallelism(spec.parallelism);
    }
    WEIR_UNREACHABLE();
  }

  // Two steps in a row are written on a temporary and fuse; the third begins an operator again.
  Stream steps(const StageSpec& spec, Stream stream) {
    std::size_t i = 0;
    while (i < spec.steps.size()) {
      const StepSpec* const second = i + 1 < spec.steps.size() ? &spec.steps[i + 1] : nullptr;
      stream = with_step(std::move(stream), spec.steps[i], [&](auto first) -> Stream {
        if (second == nullptr) return first;
        return with_step(std::move(first), *second, [](auto both) -> Stream { return both; });
      });
      if (job_.seed % 2 == 0) stream = stream.set_parallelism(spec.parallelism);
      stream = chained(spec, stream);
      i += 2;
    }
    return stream;
  }
  template <class In, class Next>
  Stream with_step(In stream, const StepSpec& step, Next next) {
    switch (step.kind) {
      case StepKind::kMap:
        return next(std::move(stream).map(Map{step.salt, job_.padding, surroundings_.hook}));
      case StepKind::kRekey: return next(std::move(stream).map(Rekey{step.salt}));
      case StepKind::kFilter: return next(std::move(stream).filter(Filter{step.salt}));
      case StepKind::kFlatMap:
        return next(
            std::move(stream).template flat_map<SimRecord>(FlatMap{step.salt, surroundings_.hook}));
    }
    WEIR_UNREACHABLE();
  }

  Stream stage(std::size_t index) {
    const StageSpec& spec = job_.stages[index];
    const Stream& in = streams_[spec.inputs[0]];
    if (spec.kind == StageKind::kSteps) return steps(spec, in);
    if (spec.kind == StageKind::kUnion) return in.union_with(streams_[spec.inputs[1]]);
    const std::string id = fmt::format("stage-{}", index);
    const auto keyed = in.key_by(&SimRecord::key);
    const Stream out = spec.kind == StageKind::kBroadcastJoin
                           ? keyed.connect(streams_[spec.inputs[1]].broadcast("sums"))
                                 .process(id, BroadcastJoin(surroundings_.hook))
                           : keyed_stage(spec, id, keyed);
    return chained(spec, out.set_parallelism(spec.parallelism));
  }

  static Stream chained(const StageSpec& spec, const Stream& stream) {
    switch (spec.chaining) {
      case Chaining::kFree: return stream;
      case Chaining::kNewChain: return stream.start_new_chain();
      case Chaining::kAlone: return stream.disable_chaining();
    }
    WEIR_UNREACHABLE();
  }

  template <class Keyed>
  Stream keyed_stage(const StageSpec& spec, const std::string& id, const Keyed& keyed) {
    const FailureHook& hook = surroundings_.hook;
    const Duration size{spec.size};
    const SumAggregate sum{hook};
    switch (spec.kind) {
      case StageKind::kRunningFold:
        return keyed.sorted_by_event_time(id + "-sorted").reduce(id, fold);
      case StageKind::kSessions:
        return versioned<Sessions>(spec, id, keyed.sorted_by_event_time(id + "-sorted"));
      case StageKind::kBuckets: return versioned<Buckets>(spec, id, keyed);
      case StageKind::kCollected: return keyed.process(id, Collected(spec.size, hook));
      case StageKind::kTotals: return keyed.process(id, Totals(hook));
      case StageKind::kTumbling:
        return keyed.window(tumbling(size))
            .allowed_lateness(Duration{spec.lateness})
            .aggregate(id, sum, window_result);
      case StageKind::kSliding:
        return keyed.window(sliding(size, Duration{spec.slide}))
            .allowed_lateness(Duration{spec.lateness})
            .aggregate(id, sum, window_result);
      case StageKind::kTumblingReduce:
        return keyed.window(tumbling(size)).reduce(id, larger, reduced_result);
      case StageKind::kLateWindow:
        return keyed.window(tumbling(size))
            .allowed_lateness(Duration{spec.lateness})
            .late_to(late_)
            .aggregate(id, sum, window_result);
      case StageKind::kSteps:
      case StageKind::kUnion:
      case StageKind::kBroadcastJoin: break;
    }
    WEIR_UNREACHABLE();
  }

  template <template <class> class Function, class Keyed>
  Stream versioned(const StageSpec& spec, const std::string& id, const Keyed& keyed) {
    const FailureHook& hook = surroundings_.hook;
    if (job_.version == 1) return keyed.process(id, Function<OpenResult>(spec.size, hook));
    return keyed.process(id, Function<OpenResult2>(spec.size, hook));
  }

  void sink(std::uint32_t index) {
    const SinkSpec& spec = job_.sinks[index];
    const Stream& main = streams_[spec.input];
    const Stream in = spec.late ? main.side_output(late_) : main;
    const std::string id = fmt::format("sink-{}", index);
    switch (spec.kind) {
      case SinkKind::kTransactional:
        in.sink_to(id,
                   TransactionalSink{
                       .store = surroundings_.store, .sink = index, .padding = job_.padding})
            .set_parallelism(spec.parallelism);
        break;
      case SinkKind::kFile:
        in.sink_to(id, FileSink<SimRecord>{.path = sink_folder(index),
                                           .format = json(),
                                           .roll_bytes = 200 + job_.seed % 10000,
                                           .roll_interval = std::chrono::seconds{2},
                                           .inactivity = std::chrono::milliseconds{500},
                                           .on_bad_record = OnBadRecord::kFail})
            .set_parallelism(spec.parallelism);
        break;
    }
  }

  const JobSpec& job_;
  const JobSurroundings& surroundings_;
  const OutputTag<SimRecord> late_{"late"};
  StreamExecutionEnvironment environment_;
  std::vector<Stream> streams_;
};

// A number of a JSON line, by its name: the lines are ours, so this is all the parser it takes.
// Reads up to 2^64 - 1; negative numbers come out right when converted to a signed type.
std::uint64_t number_in(const std::string& line, std::string_view name) {
  const std::string quoted = fmt::format("\"{}\":", name);
  const std::size_t at = line.find(quoted);
  WEIR_CHECK(at != std::string::npos);
  return std::strtoull(line.c_str() + at + quoted.size(), nullptr, 10);
}

OracleRecord record_in(const std::string& line) {
  return {static_cast<std::uint32_t>(number_in(line, "key")),
          static_cast<std::int64_t>(number_in(line, "value")),
          static_cast<Millis>(number_in(line, "at")),
          {static_cast<std::uint32_t>(number_in(line, "origins")), number_in(line, "origin_sum")}};
}

}  // namespace

std::string source_folder(std::uint32_t source) { return fmt::format("/input/source-{}", source); }
std::string sink_folder(std::uint32_t sink) { return fmt::format("/output/sink-{}", sink); }

Status write_source_files(const JobSpec& job, FileStore& files) {
  for (std::uint32_t index = 0; index < job.sources.size(); ++index) {
    const SourceSpec& source = job.sources[index];
    if (source.kind != SourceKind::kFile) continue;
    const std::string folder = source_folder(index);
    WEIR_RETURN_IF_ERROR(files.make_directories(folder));
    for (std::uint32_t split = 0; split < source.splits.size(); ++split) {
      std::string lines;
      for (std::uint32_t i = 0; i < source.splits[split].records.size(); ++i) {
        const InputRecord& record = source.splits[split].records[i];
        lines += fmt::format(
            R"({{"key":{},"value":{},"at":{},"label":"{}","origins":1,"origin_sum":{}}})",
            record.key, record.value, record.time, label_of(record.key, record.value, job.padding),
            mixed({index, split, i}));
        lines += '\n';
      }
      const std::string path = fmt::format("{}/split-{:05}", folder, split);
      WEIR_RETURN_IF_ERROR(write_file_atomically(files, path + ".part", path, lines));
    }
  }
  for (const std::string folder : {"/input", "/"}) {
    if (files.stat(folder).is_ok()) WEIR_RETURN_IF_ERROR(files.sync_directory(folder));
  }
  return Status::ok();
}

Result<std::vector<OracleRecord>> read_sink_files(std::uint32_t sink, FileStore& files) {
  std::vector<OracleRecord> records;
  const std::string folder = sink_folder(sink);
  const Result<std::vector<DirectoryEntry>> entries = files.list(folder);
  if (entries.status().code() == StatusCode::kNotFound) return records;
  WEIR_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name.starts_with('.')) continue;  // not visible yet
    WEIR_ASSIGN_OR_RETURN(const std::string content, read_file(files, folder + "/" + entry.name));
    std::istringstream lines(content);
    for (std::string line; std::getline(lines, line);) records.push_back(record_in(line));
  }
  return records;
}

Result<std::shared_ptr<const Program>> build_program(const JobSpec& job,
                                                     const JobSurroundings& surroundings) {
  return JobWriter(job, surroundings).write();
}

}  // namespace weir::simulation
