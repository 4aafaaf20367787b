// SPDX-License-Identifier: Apache-2.0
// The state of a file sink: which files hold output that is not committed, and how it is frozen.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/files/output_file.h"
#include "core/state_table.h"

namespace weir::detail {

/// One file whose content is not visible yet.
struct UncommittedFile {
  std::string hidden;
  std::string visible;
  std::uint64_t length = 0;  ///< valid bytes
  /// The first checkpoint that contains the whole file; 0 while it is being written, and until the
  /// first barrier after it was closed.
  CheckpointId checkpoint;
  /// Makes it durable; null after a restore, when it is. Shared with frozen states.
  std::shared_ptr<FileSyncer> syncer;
};

/// What a sink subtask knew at a barrier.
struct FileSinkSnapshot {
  SubtaskIndex subtask;
  CheckpointId checkpoint;
  std::string lineage;
  std::uint64_t generation = 0;
  std::vector<UncommittedFile> pending;      ///< closed; each with its checkpoint
  std::vector<UncommittedFile> in_progress;  ///< being written: none or one
};

/// Holds the snapshot of each subtask as one item that every subtask gets on restore (union): each
/// takes those of the former subtasks that are its own index modulo the parallelism, so with the
/// same parallelism every subtask gets back what was its own.
///
/// Freezing asks for the current snapshot; the background write syncs the files it names first.
class FileSinkTable final : public StateTable {
 public:
  explicit FileSinkTable(std::function<FileSinkSnapshot(CheckpointId)> take);

  static StateDescriptor make_descriptor();
  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId checkpoint) override;
  void restore(std::uint32_t hash, ByteView key, ByteView value) override;

  /// What all former subtasks knew; empty for a fresh start.
  const std::vector<FileSinkSnapshot>& restored() const { return restored_; }

 private:
  const StateDescriptor descriptor_;
  const std::function<FileSinkSnapshot(CheckpointId)> take_;
  std::vector<FileSinkSnapshot> restored_;
};

/// The stored form. Errors: decode throws DecodeError.
std::string encode_file_sink_snapshot(const FileSinkSnapshot& snapshot);
FileSinkSnapshot decode_file_sink_snapshot(ByteView bytes);

}  // namespace weir::detail
