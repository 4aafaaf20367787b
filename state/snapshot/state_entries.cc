// SPDX-License-Identifier: Apache-2.0
// Snapshot by snapshot, block by block.
#include "state/snapshot/state_entries.h"

namespace weir {

Result<const StoredEntry*> StateEntries::next() {
  while (next_entry_ == entries_.size()) {
    if (reader_ == nullptr && next_subtask_ == op_.subtasks.size()) {
      return nullptr;
    }
    WEIR_RETURN_IF_ERROR(reader_ == nullptr ? open_snapshot() : fill());
  }
  return &entries_[next_entry_++];
}

Status StateEntries::open_snapshot() {
  const StateHandle& handle = op_.subtasks[next_subtask_++];
  if (handle.size == 0) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(reader_, SnapshotReader::open(files_, handle));
  found_ = reader_->index().find(state_);
  next_block_ = 0;
  return Status::ok();
}

Status StateEntries::fill() {
  entries_.clear();
  next_entry_ = 0;
  if (found_ == nullptr || next_block_ == found_->blocks.size()) {
    reader_.reset();
    return Status::ok();
  }
  const SubtaskIndex subtask = reader_->index().subtask;
  return reader_->read_entries(
      *found_, found_->blocks[next_block_++],
      [&](std::uint32_t hash, ByteView key, ByteView value) {
        entries_.push_back({subtask, hash, std::string(key), std::string(value)});
      });
}

}  // namespace weir
