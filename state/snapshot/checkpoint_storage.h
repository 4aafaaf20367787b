// SPDX-License-Identifier: Apache-2.0
// Where checkpoints are written: a directory on a FileStore, with atomically published metadata.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/control_messages.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir {

/// Snapshots smaller than this many bytes travel inside the metadata instead of in a file.
inline constexpr std::size_t kInlineStateBytes = 20 * 1024;

/// Writes the snapshot files of one checkpoint.
///
/// Thread: any; blocks on files.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  /// Stores `bytes` durably (file and directory synced) under a name no other attempt uses, or
  /// inline if small.
  virtual Result<StateHandle> write(const std::string& name, std::string bytes) = 0;
};

/// A completed checkpoint as found in storage.
struct StoredCheckpoint {
  CheckpointId id;
  std::string path;  ///< its directory
};

/// The checkpoints of one job name: `<root>/<job name>/chk-<id>/`. One run at a time holds it.
///
/// Thread: any; blocks on files. Errors name the path.
class CheckpointStorage {
 public:
  virtual ~CheckpointStorage() = default;
  /// The directory that subtasks write below.
  virtual const std::string& directory() const = 0;
  /// Prepares the directory for a checkpoint. Errors: already exists.
  virtual Status begin(CheckpointId checkpoint) = 0;
  virtual std::unique_ptr<CheckpointWriter> writer(CheckpointId checkpoint) = 0;
  /// Publishes a checkpoint: write aside, fsync, rename, fsync the directory. On an error other
  /// than "surely not published" the code is kUnavailable and `read_back` must decide.
  virtual Status publish(const CheckpointMetadata& metadata) = 0;
  /// True if the checkpoint is published, false if it surely is not.
  virtual Result<bool> read_back(CheckpointId checkpoint) = 0;
  /// Completed checkpoints, oldest first.
  virtual Result<std::vector<StoredCheckpoint>> list() = 0;
  /// Reads and verifies metadata. `path` is a checkpoint directory or its `_metadata` file.
  /// Errors: not found; data loss.
  virtual Result<CheckpointMetadata> read(const std::string& path) = 0;
  /// Deletes a checkpoint, published or not; metadata first, so that a crash leaves it unpublished.
  virtual Status discard(CheckpointId checkpoint) = 0;
  /// The highest id that any checkpoint in the directory ever used, published or not; 0 if none.
  virtual Result<CheckpointId> highest_id() = 0;
};

/// Reads a stored snapshot and verifies size and checksum. Errors: data loss, naming the file.
Result<std::string> read_state(FileStore& files, const StateHandle& handle);

}  // namespace weir
