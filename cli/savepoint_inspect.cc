// SPDX-License-Identifier: Apache-2.0
// Collected from metadata and the indices of snapshots, then printed as text or JSON.
#include "cli/savepoint_inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cli/opened_checkpoint.h"
#include "core/key_group.h"
#include "state/snapshot/snapshot_reader.h"
#include "state/snapshot/state_entries.h"
#include "state/snapshot/value_json.h"

namespace weir::cli {
namespace {

struct StateReport {
  StateDescriptor descriptor;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::map<std::uint32_t, std::uint64_t> key_groups;  // entries, of groups that have any
};

struct OperatorReport {
  const OperatorCheckpoint* op = nullptr;
  std::uint64_t bytes = 0;
  std::vector<StateReport> states;
};

Status count_key_groups(FileStore& files, const OperatorCheckpoint& op, StateReport& state) {
  StateEntries entries(files, op, state.descriptor.name);
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const StoredEntry* const entry, entries.next());
    if (entry == nullptr) {
      return Status::ok();
    }
    ++state.key_groups[key_group_of(entry->hash, op.max_parallelism).value()];
  }
}

// Counts what is left when runs are laid over each other.
Status count_entries(FileStore& files, const OperatorCheckpoint& op, StateReport& state) {
  StateEntries entries(files, op, state.descriptor.name);
  for (state.entries = 0;; ++state.entries) {
    WEIR_ASSIGN_OR_RETURN(const StoredEntry* const entry, entries.next());
    if (entry == nullptr) {
      return Status::ok();
    }
  }
}

Status add_file(FileStore& files, const StateFile& file, OperatorReport& report) {
  report.bytes += file.size;
  if (file.size == 0) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files, file));
  for (StateReport& state : report.states) {
    const snapshot_format::State* stored = reader->index().find(state.descriptor.name);
    if (stored == nullptr) {
      continue;
    }
    state.entries += stored->entries;
    for (const snapshot_format::Block& block : stored->blocks) {
      state.bytes += block.size;
    }
  }
  return Status::ok();
}

Result<OperatorReport> report_of(FileStore& files, const OperatorCheckpoint& op,
                                 bool with_key_groups) {
  OperatorReport report{&op, 0, {}};
  for (const StateDescriptor& state : op.states) {
    report.states.push_back({state, 0, 0, {}});
  }
  for (const StateHandle& handle : op.subtasks) {
    WEIR_RETURN_IF_ERROR(add_file(files, handle, report));
    std::set<std::string> runs;  // one may count for several ranges of hashes
    for (const StateRun& run : handle.runs) {
      if (run.file.is_inline() || runs.insert(run.file.path).second) {
        WEIR_RETURN_IF_ERROR(add_file(files, run.file, report));
      }
    }
  }
  const bool has_runs = std::any_of(op.subtasks.begin(), op.subtasks.end(),
                                    [](const StateHandle& handle) { return !handle.runs.empty(); });
  for (StateReport& state : report.states) {
    if (has_runs) {
      WEIR_RETURN_IF_ERROR(count_entries(files, op, state));
    }
  }
  for (StateReport& state : report.states) {
    if (with_key_groups && state.descriptor.distribution == StateDistribution::kKeyed) {
      WEIR_RETURN_IF_ERROR(count_key_groups(files, op, state));
    }
  }
  return report;
}

std::string_view kind_text(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kCheckpoint: return "checkpoint";
    case CheckpointKind::kFinal: return "final checkpoint";
    case CheckpointKind::kSavepoint: return "savepoint";
    case CheckpointKind::kSavepointStop: return "savepoint that ended its job";
  }
  WEIR_UNREACHABLE();
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void print_state(std::ostream& out, const StateReport& state, bool with_key_groups) {
  const StateDescriptor& descriptor = state.descriptor;
  out << fmt::format("    state {}: {}, {}, {} entries, {} bytes\n", descriptor.name,
                     to_string(descriptor.kind), to_string(descriptor.distribution), state.entries,
                     state.bytes);
  if (!descriptor.key_schema.empty()) {
    out << "      key    " << descriptor.key_schema << '\n';
  }
  out << "      value  " << descriptor.value_schema << '\n';
  if (descriptor.ttl) {
    out << "      time-to-live  " << to_string(*descriptor.ttl) << '\n';
  }
  if (with_key_groups && descriptor.distribution == StateDistribution::kKeyed) {
    out << "      entries by key group ";
    for (const auto& [group, entries] : state.key_groups) {
      out << fmt::format(" {}:{}", group, entries);
    }
    out << '\n';
  }
}

void print_text(std::ostream& out, const CheckpointMetadata& metadata,
                const std::vector<OperatorReport>& reports, bool with_key_groups) {
  out << fmt::format("job {}, {} {}, attempt {}\ntriggered {}, completed {}\n", metadata.job_name,
                     kind_text(metadata.kind), metadata.id.value(), metadata.attempt.value(),
                     to_string(metadata.triggered_at), to_string(metadata.completed_at));
  for (const OperatorReport& report : reports) {
    const OperatorCheckpoint& op = *report.op;
    const std::string name = op.name == op.id.value() ? "" : " (" + op.name + ")";
    out << fmt::format("\n  operator {}{}: parallelism {}, max parallelism {}, {} bytes\n",
                       op.id.value(), name, op.subtasks.size(), op.max_parallelism.value(),
                       report.bytes);
    for (const StateReport& state : report.states) {
      print_state(out, state, with_key_groups);
    }
  }
}

std::string state_json(const StateReport& state, bool with_key_groups) {
  const StateDescriptor& descriptor = state.descriptor;
  std::string out = fmt::format(
      R"({{"name":{},"kind":"{}","distribution":"{}","key":{},"value":{},"entries":{},"bytes":{})",
      json_text(descriptor.name), to_string(descriptor.kind), to_string(descriptor.distribution),
      descriptor.key_schema.empty() ? "null" : json_text(descriptor.key_schema),
      json_text(descriptor.value_schema), state.entries, state.bytes);
  if (descriptor.ttl) {
    out += fmt::format(",\"ttl_ms\":{}", descriptor.ttl->count());
  }
  if (with_key_groups && descriptor.distribution == StateDistribution::kKeyed) {
    out += ",\"key_groups\":{";
    for (const auto& [group, entries] : state.key_groups) {
      out += fmt::format("{}\"{}\":{}", out.ends_with('{') ? "" : ",", group, entries);
    }
    out += '}';
  }
  return out + '}';
}

std::string operator_json(const OperatorReport& report, bool with_key_groups) {
  const OperatorCheckpoint& op = *report.op;
  std::string states;
  for (const StateReport& state : report.states) {
    states += (states.empty() ? "" : ",") + state_json(state, with_key_groups);
  }
  return fmt::format(
      R"({{"id":{},"name":{},"parallelism":{},"max_parallelism":{},"bytes":{},"states":[{}]}})",
      json_text(op.id.value()), json_text(op.name), op.subtasks.size(), op.max_parallelism.value(),
      report.bytes, states);
}

void print_json(std::ostream& out, const CheckpointMetadata& metadata,
                const std::vector<OperatorReport>& reports, bool with_key_groups) {
  std::string operators;
  for (const OperatorReport& report : reports) {
    operators += (operators.empty() ? "" : ",") + operator_json(report, with_key_groups);
  }
  out << fmt::format(R"({{"job":{},"id":{},"kind":"{}","attempt":{},"triggered_at":"{}",)"
                     R"("completed_at":"{}","operators":[{}]}})",
                     json_text(metadata.job_name), metadata.id.value(), kind_text(metadata.kind),
                     metadata.attempt.value(), to_string(metadata.triggered_at),
                     to_string(metadata.completed_at), operators)
      << '\n';
}

}  // namespace

int inspect_savepoint(const CommandContext& context, const InspectOptions& options) {
  const Result<CheckpointMetadata> metadata = open_checkpoint(context.files, options.path);
  if (!metadata.is_ok()) {
    return fail(context, metadata.status());
  }
  std::vector<OperatorReport> reports;
  for (const OperatorCheckpoint& op : metadata->operators) {
    Result<OperatorReport> report = report_of(context.files, op, options.with_key_groups);
    if (!report.is_ok()) {
      return fail(context, report.status().with_context("operator '" + op.id.value() + "'"));
    }
    reports.push_back(std::move(report).value());
  }
  (options.as_json ? print_json : print_text)(context.out, *metadata, reports,
                                              options.with_key_groups);
  return kOk;
}

}  // namespace weir::cli
