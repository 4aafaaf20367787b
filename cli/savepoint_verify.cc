// SPDX-License-Identifier: Apache-2.0
// First the bytes, then what they say.
#include "cli/savepoint_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/opened_checkpoint.h"
#include "state/snapshot/entry_schema.h"
#include "state/snapshot/snapshot_reader.h"

namespace weir::cli {
namespace {

using snapshot_format::Block;
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
    for (const Block& block : state_.blocks) {
      WEIR_RETURN_IF_ERROR(
          reader.read_entries(state_, block, [&](std::uint32_t hash, ByteView key, ByteView value) {
            check(hash, key, value, block.offset);
          }));
      WEIR_RETURN_IF_ERROR(found_);
      if (block.entries > 0 && last_.first != block.last_hash) {
        return data_loss(fmt::format("a block does not end with the hash that it names: offset={}",
                                     block.offset));
      }
    }
    return count_ == state_.entries
               ? Status::ok()
               : data_loss(fmt::format("{} entries, {} were recorded", count_, state_.entries));
  }

 private:
  void check(std::uint32_t hash, ByteView key, ByteView value, std::uint64_t block) {
    ++count_;
    std::pair<std::uint32_t, std::string> place(hash, key);
    const bool is_in_order =
        count_ == 1 || last_ < place || state_.descriptor.distribution != StateDistribution::kKeyed;
    last_ = std::move(place);
    if (!found_.is_ok()) {
      return;
    }
    found_ = is_in_order ? schema_.check(hash, key, value) : data_loss("an entry is out of order");
    if (!found_.is_ok()) {
      found_ = found_.with_context(fmt::format("entry {} of state '{}', in the block at {}",
                                               count_ - 1, state_.descriptor.name, block));
    }
  }

  const EntrySchema schema_;
  const State& state_;
  std::uint64_t count_ = 0;
  std::pair<std::uint32_t, std::string> last_;
  Status found_;
};

Result<std::uint64_t> verify_snapshot(FileStore& files, const OperatorCheckpoint& op,
                                      std::size_t subtask) {
  WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files, op.subtasks[subtask]));
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
  for (const OperatorCheckpoint& op : metadata->operators) {
    for (std::size_t subtask = 0; subtask < op.subtasks.size(); ++subtask) {
      const StateHandle& handle = op.subtasks[subtask];
      if (handle.size == 0) {
        continue;
      }
      ++snapshots;
      const Result<std::uint64_t> verified = verify_snapshot(context.files, op, subtask);
      if (verified.is_ok()) {
        entries += *verified;
        continue;
      }
      ++damaged;
      context.out << fmt::format("DAMAGED  {}, operator '{}', subtask {}: {}\n",
                                 handle.is_inline() ? "inside the metadata" : handle.path,
                                 op.id.value(), subtask, verified.status().message());
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
