// SPDX-License-Identifier: Apache-2.0
// SnapshotReader: reads the states of one operator subtask, no more of them than is needed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_store.h"
#include "state/snapshot/checkpoint_storage.h"
#include "state/snapshot/snapshot_format.h"

namespace weir {

/// Reads one snapshot.
///
/// Errors: data loss, with the file and the offset, for anything that is not as it was written;
///         unimplemented for a newer format.
/// Thread: any, one at a time; blocks on files.
class SnapshotReader {
 public:
  /// Called with hash, key and value; the views live as long as the call.
  using EntryFunction = std::function<void(std::uint32_t, ByteView, ByteView)>;

  /// Reads and verifies the index. `files` outlives the reader. Requires: handle.size > 0.
  static Result<std::unique_ptr<SnapshotReader>> open(FileStore& files, StateFile file);

  const snapshot_format::Index& index() const { return index_; }
  /// What the snapshot is called in messages.
  const std::string& name() const { return name_; }

  /// Whether it holds changes, which only a SnapshotCursor reads.
  bool is_run() const { return contents_ == snapshot_format::Contents::kChanges; }

  /// Verifies every byte.
  Status verify_all() const;
  /// Verifies what the state's entries lie in.
  Status verify(const snapshot_format::State& state) const;
  /// Reads the entries of the blocks that overlap `range`: more may come than lie in it. Exceptions
  /// of `f` pass.
  Status read(const snapshot_format::State& state, HashRange range, const EntryFunction& f) const;

 private:
  friend class SnapshotCursor;
  SnapshotReader(FileStore& files, StateFile file);

  Status open_content();
  Status read_index();
  Result<std::string> bytes_at(std::uint64_t offset, std::uint64_t size) const;
  Result<std::string> read_block(const snapshot_format::Block& block) const;
  Status damaged(std::string_view what, std::uint64_t offset) const;

  FileStore& files_;
  const StateFile stored_;
  const std::string name_;
  std::unique_ptr<ReadableFile> file_;  // null when inline
  snapshot_format::Contents contents_ = snapshot_format::Contents::kAll;
  snapshot_format::Index index_;
};

/// Walks through the entries of one state, in their order, block by block.
///
/// Errors: as SnapshotReader. Thread: one at a time; blocks on files.
class SnapshotCursor {
 public:
  /// Gives the entries of the blocks that overlap `range`: more may come than lie in it. `reader`
  /// outlives the cursor.
  SnapshotCursor(const SnapshotReader& reader, const snapshot_format::State& state,
                 HashRange range)
      : reader_(reader), state_(state), range_(range) {}
  SnapshotCursor(const SnapshotCursor&) = delete;
  SnapshotCursor& operator=(const SnapshotCursor&) = delete;

  /// Goes to the next entry; false past the last one.
  Result<bool> next();
  std::uint32_t hash() const { return hash_; }
  /// Both live until the next call of `next`.
  ByteView key() const { return key_; }
  ByteView value() const { return value_; }
  /// Whether the entry is no more. Only of runs.
  bool is_erased() const { return is_erased_; }
  /// Where the block of the entry begins in the file.
  std::uint64_t block_offset() const { return offset_; }

 private:
  Result<bool> next_block();

  const SnapshotReader& reader_;
  const snapshot_format::State& state_;
  const HashRange range_;
  std::size_t next_block_ = 0;
  // The current block.
  std::uint64_t offset_ = 0;
  std::string bytes_;
  ByteReader in_{ByteView()};
  std::uint64_t left_ = 0;
  std::uint32_t last_hash_ = 0;
  // The current entry.
  std::uint32_t hash_ = 0;
  ByteView key_;
  ByteView value_;
  bool is_erased_ = false;
};

}  // namespace weir
