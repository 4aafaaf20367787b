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
  static Result<std::unique_ptr<SnapshotReader>> open(FileStore& files, StateHandle handle);

  const snapshot_format::Index& index() const { return index_; }
  /// What the snapshot is called in messages.
  const std::string& name() const { return name_; }

  /// Verifies every byte.
  Status verify_all() const;
  /// Verifies what the state's entries lie in.
  Status verify(const snapshot_format::State& state) const;
  /// Reads the entries of the blocks that overlap `range`: more may come than lie in it. Exceptions
  /// of `f` pass.
  Status read(const snapshot_format::State& state, HashRange range, const EntryFunction& f) const;
  /// Reads the entries of one block of the state.
  Status read_entries(const snapshot_format::State& state, const snapshot_format::Block& block,
                      const EntryFunction& f) const;

 private:
  SnapshotReader(FileStore& files, StateHandle handle);

  Status open_content();
  Status read_index();
  Result<std::string> bytes_at(std::uint64_t offset, std::uint64_t size) const;
  Result<std::string> read_block(const snapshot_format::Block& block) const;
  Status damaged(std::string_view what, std::uint64_t offset) const;

  FileStore& files_;
  const StateHandle handle_;
  const std::string name_;
  std::unique_ptr<ReadableFile> file_;  // null when inline
  snapshot_format::Index index_;
};

}  // namespace weir
