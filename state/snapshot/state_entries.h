// SPDX-License-Identifier: Apache-2.0
// StateEntries: the entries of one stored state, one after the other, over all subtasks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "state/snapshot/checkpoint_metadata.h"
#include "state/snapshot/merged_entries.h"
#include "state/snapshot/snapshot_reader.h"

namespace weir {

/// An entry as it is stored. EntrySchema explains it.
struct StoredEntry {
  SubtaskIndex subtask;
  std::uint32_t hash = 0;  ///< of an item its index
  std::string key;
  std::string value;
};

/// Gives keyed entries in the order of hash and key, items in that of subtasks and indices.
///
/// Errors: data loss, with the file and the offset.
/// Thread: any, one at a time; blocks on files.
/// Cost:   holds one block of each file of one subtask.
class StateEntries {
 public:
  /// A snapshot without that state has no entries. `files` and `op` outlive it.
  StateEntries(FileStore& files, const OperatorCheckpoint& op, std::string state)
      : files_(files), op_(op), state_(std::move(state)) {}

  /// The next entry, valid until the next call; null at the end.
  Result<const StoredEntry*> next();

 private:
  Status open_subtask();

  FileStore& files_;
  const OperatorCheckpoint& op_;
  const std::string state_;

  std::size_t next_subtask_ = 0;
  // The files of the subtask being read. Null between two.
  std::vector<std::unique_ptr<SnapshotReader>> readers_;
  std::unique_ptr<MergedEntries> entries_;
  StoredEntry entry_;
};

}  // namespace weir
