// SPDX-License-Identifier: Apache-2.0
// MergedEntries: one state, read from several files of which later ones win.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/key_group.h"
#include "state/snapshot/snapshot_reader.h"

namespace weir {

/// Walks through the entries of a state in the order of hash and key. Of entries with one key the
/// one of the file that was added last is given.
///
/// Errors: as SnapshotReader. Thread: one at a time; blocks on files.
/// Cost:   O(log files) comparisons an entry.
class MergedEntries {
 public:
  /// Adds a file of which only hashes in `range` count. `reader` outlives this. Before the first
  /// `next`.
  void add(const SnapshotReader& reader, const snapshot_format::State& state, HashRange range);

  /// Goes to the next entry, which may be an erased one; false past the last one.
  Result<bool> next();
  std::uint32_t hash() const { return current().hash(); }
  /// Both live until the next call of `next`.
  ByteView key() const { return current().key(); }
  ByteView value() const { return current().value(); }
  bool is_erased() const { return current().is_erased(); }
  /// Which file the entry is from, in the order of adding.
  std::size_t file() const { return current_; }

 private:
  struct Input {
    std::unique_ptr<SnapshotCursor> cursor;
    HashRange range;
  };
  const SnapshotCursor& current() const { return *inputs_[current_].cursor; }
  // The first of a heap is the one that comes first; of equal ones, the one that was added last.
  bool comes_later(std::size_t a, std::size_t b) const;
  Status advance(std::size_t input);

  std::vector<Input> inputs_;
  std::vector<std::size_t> heap_;     // inputs that stand on an entry that was not given yet
  std::vector<std::size_t> to_move_;  // inputs whose entry was given, or hidden by a later one
  std::size_t current_ = 0;
};

}  // namespace weir
