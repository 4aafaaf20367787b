// SPDX-License-Identifier: Apache-2.0
// Where checkpoints are written: a directory on a FileStore, with atomically published metadata.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/control_messages.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir {

/// Snapshots smaller than this many bytes travel inside the metadata instead of in a file.
inline constexpr std::size_t kInlineStateBytes = 20 * 1024;

/// One snapshot file being written. Destroyed before it is finished, it removes what it wrote.
///
/// Thread: one at a time; blocks on files.
class SnapshotFile {
 public:
  virtual ~SnapshotFile() = default;
  virtual Status append(ByteView bytes) = 0;
  /// Bytes appended so far.
  virtual std::uint64_t size() const = 0;
  /// Makes the content durable (file and directory synced), or inline if small. Once.
  virtual Result<StateHandle> finish() = 0;
};

/// Writes the snapshot files of one checkpoint.
///
/// Thread: any; blocks on files. Errors name the path.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  /// Starts a file under a name that no other attempt uses. Characters that do not fit into a file
  /// name are replaced. Errors: already exists (B20: a name is never used twice).
  virtual Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) = 0;
  /// Starts a run that later checkpoints may refer to, too. It outlives this checkpoint, also an
  /// aborted one; the storage deletes it when no completed checkpoint refers to it any more.
  virtual Result<std::unique_ptr<SnapshotFile>> create_run(const std::string& name) = 0;
  /// Stores `bytes` as a whole.
  Result<StateHandle> write(const std::string& name, std::string_view bytes);
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
  /// True if the checkpoint is published and durable, false if it surely is not published.
  virtual Result<bool> read_back(CheckpointId checkpoint) = 0;
  /// Completed checkpoints, oldest first.
  virtual Result<std::vector<StoredCheckpoint>> list() = 0;
  /// Reads and verifies metadata, and that the files it names are there in their full size. One of
  /// this storage is durable afterwards.
  /// `path` is a checkpoint directory or its `_metadata` file; the checkpoint may have been moved.
  /// Errors: not found; data loss; unimplemented for a newer format.
  virtual Result<CheckpointMetadata> read(const std::string& path) = 0;
  /// Deletes a checkpoint, published or not; metadata first, so that a crash leaves it unpublished.
  /// What is not there is ok.
  virtual Status discard(CheckpointId checkpoint) = 0;
  /// Deletes runs that no completed checkpoint refers to and that no later one can: those begun for
  /// the newest completed checkpoint or before it. Nothing is deleted if one cannot be read.
  virtual Status discard_unused_runs() = 0;

  // Savepoints: each has a directory of its own, which its user named and owns.

  /// Prepares the directory of a savepoint, and that of a checkpoint, which holds the id (C1). If
  /// the process ends before the savepoint is complete, the next one that opens the storage deletes
  /// it. Errors: already exists, either of them; then the other one is not made.
  virtual Status begin_savepoint(CheckpointId checkpoint, const std::string& directory) = 0;
  /// As `publish` and `read_back`, of a savepoint.
  virtual Status publish_savepoint(const CheckpointMetadata& metadata,
                                   const std::string& directory) = 0;
  virtual Result<bool> read_back_savepoint(const std::string& directory) = 0;
  /// Deletes a savepoint that is not complete, or a snapshot elsewhere that was claimed; metadata
  /// first. Of a checkpoint in the directory of a job that does not run, also the runs that only it
  /// refers to; one that runs clears these up itself. What is not there is ok.
  virtual Status discard_savepoint(const std::string& directory) = 0;

  /// The highest id that any checkpoint in the directory ever used, published or not; 0 if none.
  virtual Result<CheckpointId> highest_id() = 0;
};

/// Finds what `--restore` names: "latest" (nothing if there is no completed checkpoint), or the
/// path of one.
///
/// Errors: not found for a path; data loss for a damaged one. The latest is refused when it cannot
///         be read; an older one is used only when named (B11).
Result<std::optional<CheckpointMetadata>> find_checkpoint(CheckpointStorage& storage,
                                                          const std::string& wanted);

/// Reads a stored snapshot and verifies size and checksum. Errors: data loss, naming the file.
Result<std::string> read_state(FileStore& files, const StateHandle& handle);

/// Where the runs of a job lie, below the directory of its checkpoints.
std::string run_directory(const std::string& directory);

/// Text as one component of a path: letters, digits, `-`, `_`, `.` and others as `%XX`. Different
/// texts give different names.
std::string file_name_of(std::string_view text);

}  // namespace weir
