// SPDX-License-Identifier: Apache-2.0
// SnapshotWriter: writes the states of one operator subtask, block by block.
#pragma once

#include <memory>
#include <string>

#include "state/snapshot/checkpoint_storage.h"
#include "state/snapshot/snapshot_format.h"

namespace weir {

/// Writes a snapshot. For each state: `begin_state`, its entries in order, and at last `finish`.
///
/// Errors: internal error for a keyed entry outside the subtask's key groups or out of order (B26).
///         After an error the snapshot must be given up.
/// Thread: any, one at a time; blocks on files.
class SnapshotWriter final : public StateEntrySink {
 public:
  using Contents = snapshot_format::Contents;

  /// `head` says whose snapshot it is; its states are ignored.
  SnapshotWriter(std::unique_ptr<SnapshotFile> file, snapshot_format::Index head,
                 Contents contents = Contents::kAll);

  Status begin_state(const StateDescriptor& descriptor);
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override;
  /// Requires: a run is written.
  Status erased(std::uint32_t hash, ByteView key) override;
  Result<StateHandle> finish();

 private:
  Status begin_entry(std::uint32_t hash, ByteView key);
  Status end_entry();
  Status flush();

  const Contents contents_;
  std::unique_ptr<SnapshotFile> file_;
  snapshot_format::Index index_;
  HashRange range_;
  // The block being filled.
  ByteWriter block_;
  snapshot_format::Block next_;
  // Of the entry before in this state.
  std::string last_key_;
  bool has_entry_ = false;
};

}  // namespace weir
