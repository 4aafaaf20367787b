// SPDX-License-Identifier: Apache-2.0
// DirectoryCheckpointStorage: checkpoints in a directory of a FileStore.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// Keeps checkpoints in `<root>/<job name>/chk-<id>/`, each with its snapshot files and, once it is
/// complete, `_metadata`. `.lock` beside them is held while the storage is open. Runs, which
/// checkpoints share, lie in `runs/<id>-<name>`, with the id of the checkpoint they were begun for.
///
/// A directory without `_metadata` is an incomplete checkpoint. The one with the highest id keeps
/// its empty directory when it is discarded, so that no id is ever used twice (B14).
class DirectoryCheckpointStorage final : public CheckpointStorage {
 public:
  /// Makes the directory, takes its lock and deletes incomplete checkpoints of former runs, and
  /// savepoints that these left incomplete.
  /// `files` outlives the storage.
  ///
  /// Errors: failed precondition if another run uses the directory.
  static Result<std::unique_ptr<DirectoryCheckpointStorage>> open(FileStore& files,
                                                                  const std::string& root,
                                                                  const std::string& job_name);

  const std::string& directory() const override { return directory_; }
  Status begin(CheckpointId checkpoint) override;
  std::unique_ptr<CheckpointWriter> writer(CheckpointId checkpoint) override;
  Status publish(const CheckpointMetadata& metadata) override;
  Result<bool> read_back(CheckpointId checkpoint) override;
  Result<std::vector<StoredCheckpoint>> list() override;
  Result<CheckpointMetadata> read(const std::string& path) override;
  Status discard(CheckpointId checkpoint) override;
  Status discard_unused_runs() override;
  Status begin_savepoint(CheckpointId checkpoint, const std::string& directory) override;
  Status publish_savepoint(const CheckpointMetadata& metadata,
                           const std::string& directory) override;
  Result<bool> read_back_savepoint(const std::string& directory) override;
  Status discard_savepoint(const std::string& directory) override;
  Result<CheckpointId> highest_id() override;

 private:
  DirectoryCheckpointStorage(FileStore& files, std::string directory,
                             std::unique_ptr<FileLock> lock)
      : files_(files), directory_(std::move(directory)), lock_(std::move(lock)) {}

  /// Whether a checkpoint may be under way that refers to runs of its own.
  enum class InFlight { kMaybe, kNone };

  /// The directory of another job; null while that runs, and where no job ever was.
  static Result<std::unique_ptr<DirectoryCheckpointStorage>> open_idle(
      FileStore& files, const std::string& directory);

  std::string path_of(CheckpointId checkpoint) const;
  Status begin_with(CheckpointId checkpoint, const std::string& note);
  Status discard_runs(InFlight in_flight);
  Status lock_savepoint(const std::string& directory);
  void unlock_savepoint(const std::string& directory);
  Status discard_unfinished_savepoint(CheckpointId checkpoint);
  Status publish_in(const CheckpointMetadata& metadata, const std::string& path);
  /// Ids of all checkpoint directories, complete or not, in order.
  Result<std::vector<CheckpointId>> all_ids();
  Result<bool> is_published(CheckpointId checkpoint);
  Status discard_unpublished();

  // Constant after construction.
  FileStore& files_;
  const std::string directory_;
  const std::unique_ptr<FileLock> lock_;

  std::mutex mutex_;
  // A discarded checkpoint whose empty directory still holds the highest id. Guarded by mutex_.
  std::optional<CheckpointId> emptied_;
  // Savepoints that are being taken, by directory. Guarded by mutex_.
  std::map<std::string, std::unique_ptr<FileLock>> savepoint_locks_;
};

/// Reads the metadata of a checkpoint wherever it lies and whoever uses it; `path` is its directory
/// or its `_metadata` file. The snapshot files are not looked at.
///
/// Errors: not found; data loss; unimplemented for a newer format.
Result<CheckpointMetadata> read_checkpoint_metadata(FileStore& files, const std::string& path);

/// Returns the writer of a checkpoint below the directory of a storage that some other process may
/// hold: how subtasks write. What is smaller than `inline_bytes` becomes inline. `files` outlives
/// the writer.
std::unique_ptr<CheckpointWriter> open_checkpoint_writer(FileStore& files,
                                                         const std::string& directory,
                                                         CheckpointId checkpoint);
/// The same for what a barrier asks for, which may be a savepoint. What is smaller than
/// `inline_bytes` becomes inline.
std::unique_ptr<CheckpointWriter> open_checkpoint_writer(
    FileStore& files, const std::string& directory, const CheckpointBarrier& barrier,
    std::size_t inline_bytes = kInlineStateBytes);

}  // namespace weir
