// SPDX-License-Identifier: Apache-2.0
// First the bytes, then what they say.
#include "cli/savepoint_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "cli/opened_checkpoint.h"
#include "state/snapshot/entry_schema.h"
#include "state/snapshot/snapshot_reader.h"

namespace weir::cli {
namespace {

using snapshot_format::Index;
using snapshot_format::State;

// A whole file may still be that of another subtask.
Status check_head(const Index& index, const OperatorCheckpoint& op, std::size_t subtask) {
  if (index.id == op.id && index.subtask.value() == subtask &&
      index.parallelism.value() == op.subtasks.size() &&
      index.max_parallelism == op.max_parallelism) {
    return Status::ok();
  }
  return data_loss(
      fmt::format("it belongs to operator '{}', subtask {} of {}, max parallelism {}; "
                  "expected operator '{}', subtask {} of {}, max parallelism {}",
                  index.id.value(), index.subtask.value(), index.parallelism.value(),
                  index.max_parallelism.value(), op.id.value(), subtask, op.subtasks.size(),
                  op.max_parallelism.value()));
}

/// Checks the entries of one state of one snapshot.
class EntryChecker {
 public:
  EntryChecker(EntrySchema schema, const State& state)
      : schema_(std::move(schema)), state_(state) {}

  Status run(const SnapshotReader& reader) {
    SnapshotCursor cursor(reader, state_, HashRange{});
    for (;;) {
      WEIR_ASSIGN_OR_RETURN(const bool is_there, cursor.next());
      if (!is_there) {
        break;
      }
      WEIR_RETURN_IF_ERROR(check(cursor).with_context(
          fmt::format("entry {} of state '{}', in the block at {}", count_, state_.descriptor.name,
                      cursor.block_offset())));
      ++count_;
    }
    return count_ == state_.entries
               ? Status::ok()
               : data_loss(fmt::format("{} entries, {} were recorded", count_, state_.entries));
  }

 private:
  Status check(const SnapshotCursor& cursor) {
    std::pair<std::uint32_t, std::string> place(cursor.hash(), cursor.key());
    const bool is_in_order =
        count_ == 0 || last_ < place || state_.descriptor.distribution != StateDistribution::kKeyed;
    last_ = std::move(place);
    if (!is_in_order) {
      return data_loss("an entry is out of order");
    }
    return cursor.is_erased() ? schema_.check_key(cursor.hash(), cursor.key())
                              : schema_.check(cursor.hash(), cursor.key(), cursor.value());
  }

  const EntrySchema schema_;
  const State& state_;
  std::uint64_t count_ = 0;
  std::pair<std::uint32_t, std::string> last_;
};

Result<std::uint64_t> verify_file(FileStore& files, const StateFile& file,
                                  const OperatorCheckpoint& op, std::size_t subtask) {
  WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files, file));
  WEIR_RETURN_IF_ERROR(reader->verify_all());
  WEIR_RETURN_IF_ERROR(check_head(reader->index(), op, subtask));
  std::uint64_t entries = 0;
  for (const State& state : reader->index().states) {
    if (std::find(op.states.begin(), op.states.end(), state.descriptor) == op.states.end()) {
      return data_loss(fmt::format("the metadata has no state '{}' with its kind and schema",
                                   state.descriptor.name));
    }
    WEIR_ASSIGN_OR_RETURN(EntrySchema schema, EntrySchema::of(state.descriptor));
    WEIR_RETURN_IF_ERROR(EntryChecker(std::move(schema), state).run(*reader));
    entries += state.entries;
  }
  return entries;
}

int verify_one(const CommandContext& context, const std::string& path) {
  const Result<CheckpointMetadata> metadata = open_checkpoint(context.files, path);
  if (metadata.status().code() == StatusCode::kDataLoss) {
    context.out << "DAMAGED  " << metadata.status().message() << '\n';
    return kNo;
  }
  if (!metadata.is_ok()) {
    return fail(context, metadata.status());
  }
  std::uint64_t snapshots = 0;
  std::uint64_t damaged = 0;
  std::uint64_t entries = 0;
  std::set<std::string> seen;
  for (const OperatorCheckpoint& op : metadata->operators) {
    for (std::size_t subtask = 0; subtask < op.subtasks.size(); ++subtask) {
      const auto verify = [&](const StateFile& file) {
        if (file.size == 0 ||
            !seen.insert(file.path.empty() ? file.inline_bytes : file.path).second) {
          return;  // a run may count for several ranges of hashes
        }
        ++snapshots;
        const Result<std::uint64_t> verified = verify_file(context.files, file, op, subtask);
        if (verified.is_ok()) {
          entries += *verified;
          return;
        }
        ++damaged;
        context.out << fmt::format("DAMAGED  {}, operator '{}', subtask {}: {}\n",
                                   file.is_inline() ? "inside the metadata" : file.path,
                                   op.id.value(), subtask, verified.status().message());
      };
      verify(op.subtasks[subtask]);
      for (const StateRun& run : op.subtasks[subtask].runs) {
        verify(run.file);
      }
    }
  }
  context.out << fmt::format("{}: {} of {} snapshots damaged, {} entries checked\n", path, damaged,
                             snapshots, entries);
  return damaged == 0 ? kOk : kNo;
}

}  // namespace

int verify_savepoints(const CommandContext& context, const std::vector<std::string>& paths) {
  int worst = kOk;
  for (const std::string& path : paths) {
    worst = std::max(worst, verify_one(context, path));
  }
  return worst;
}

}  // namespace weir::cli
