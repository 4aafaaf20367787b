// SPDX-License-Identifier: Apache-2.0
// StateRestore: which entries of which stored snapshots an operator subtask starts from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/ids.h"
#include "core/key_group.h"
#include "core/mutants.h"
#include "core/state_table.h"
#include "state/snapshot/snapshot_reader.h"
#include "state/state_backend.h"

namespace weir {

/// Reads what the former subtasks of an operator stored, of any backend, at any parallelism and max
/// parallelism.
///
/// Thread: the one that opens it, then the subtask's; blocks on files.
class StateRestore {
 public:
  /// Opens the snapshots and verifies all of them that will be read. `files` outlives the restore.
  ///
  /// Errors: data loss, naming the file, for one that is damaged or belongs elsewhere.
  static Result<std::unique_ptr<StateRestore>> open(FileStore& files,
                                                    const OperatorStateSetup& setup);

  bool is_restored() const { return !former_.empty(); }
  KeyGroupRange groups() const { return groups_; }
  /// The key hashes of the subtask.
  HashRange range() const;
  /// Whether every run of this subtask was written by its own predecessor, for the same key groups.
  bool keeps_key_groups() const;
  /// Whether every stored file that has a state of this name has it as it is now.
  bool keeps_descriptor(const StateDescriptor& now) const;

  /// Gives `table` its entries. Throws StatusError: failed precondition, naming both, if the state
  /// was stored with another kind or schema; data loss, naming the file.
  void feed(StateTable& table);
  /// Bytes that `feed` would read for a keyed state, about.
  std::uint64_t stored_bytes(const std::string& state) const;
  /// Stored states that no `feed` asked for, by name.
  std::vector<std::string> unclaimed_states() const;

 private:
  using State = snapshot_format::State;
  struct Run {
    std::unique_ptr<SnapshotReader> reader;
    HashRange range;
  };
  // What one former subtask stored.
  struct Former {
    std::unique_ptr<SnapshotReader> snapshot;  // null where it had no state of its own
    std::vector<Run> runs;                     // later ones win
  };

  explicit StateRestore(const OperatorStateSetup& setup);
  Status open_files(FileStore& files, const std::vector<StateHandle>& handles);
  Status check_head(const SnapshotReader& reader, std::size_t from) const;
  Status verify(const SnapshotReader& reader, std::size_t from) const;
  bool keeps_parallelism() const {
    // B25: items stay where they are, though there are fewer subtasks to take them.
    if (WEIR_MUTANT(B25)) return former_.size() >= parallelism_.value();
    return former_.size() == parallelism_.value();
  }
  // Whether any item of a split state that former subtask `from` stored is for this subtask.
  bool takes_items_of(std::size_t from) const {
    return !keeps_parallelism() || from == subtask_.value();
  }
  // Whose copy of a broadcast state is for this subtask: its own, or one in turn where there are
  // more subtasks than copies. Requires: somebody stored one.
  std::size_t copy_taken(const std::string& state) const;
  // Calls `f` for each file, in the order in which they were written, until it fails.
  Status for_each_file(const std::function<Status(const SnapshotReader&, std::size_t)>& f) const;
  void check_descriptor(const StateDescriptor& now) const;
  Status feed_from(std::size_t from, StateTable& table, std::uint64_t& items_before) const;
  Status feed_keyed(const Former& former, StateTable& table) const;
  Status feed_items(std::size_t from, const State& state, std::uint64_t items_before,
                    StateTable& table) const;

  const OperatorId id_;
  const SubtaskIndex subtask_;
  const Parallelism parallelism_;
  const MaxParallelism max_parallelism_;
  const KeyGroupRange groups_;
  std::vector<Former> former_;  // by index
  std::vector<std::string> claimed_;
};

}  // namespace weir
