// SPDX-License-Identifier: Apache-2.0
// Subtask by subtask; of one subtask, its runs laid over each other, or its snapshot.
#include "state/snapshot/state_entries.h"

namespace weir {

Result<const StoredEntry*> StateEntries::next() {
  for (;;) {
    if (entries_ == nullptr) {
      if (next_subtask_ == op_.subtasks.size()) {
        return nullptr;
      }
      WEIR_RETURN_IF_ERROR(open_subtask());
    }
    WEIR_ASSIGN_OR_RETURN(const bool is_there, entries_->next());
    if (!is_there) {
      entries_.reset();
    } else if (!entries_->is_erased()) {
      entry_.hash = entries_->hash();
      entry_.key = entries_->key();
      entry_.value = entries_->value();
      return &entry_;
    }
  }
}

Status StateEntries::open_subtask() {
  const StateHandle& handle = op_.subtasks[next_subtask_];
  entry_.subtask = SubtaskIndex{static_cast<std::uint32_t>(next_subtask_++)};
  entries_ = std::make_unique<MergedEntries>();
  readers_.clear();
  const auto add = [this](const StateFile& file, HashRange range) -> Status {
    WEIR_ASSIGN_OR_RETURN(auto reader, SnapshotReader::open(files_, file));
    if (const snapshot_format::State* state = reader->index().find(state_)) {
      entries_->add(*reader, *state, range);
      readers_.push_back(std::move(reader));
    }
    return Status::ok();
  };
  for (const StateRun& run : handle.runs) {
    WEIR_RETURN_IF_ERROR(add(run.file, run.range));
  }
  return handle.size == 0 ? Status::ok() : add(handle, HashRange{});
}

}  // namespace weir
