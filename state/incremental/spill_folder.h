// SPDX-License-Identifier: Apache-2.0
// SpillFolder: local files in which changes wait for the checkpoint that they belong to.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/file_store.h"
#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// Makes and deletes files of one operator subtask. They need not outlive the process, so that
/// nothing is synced.
///
/// Thread: any; blocks on files. Errors name the path.
class SpillFolder {
 public:
  /// `directory` is the folder's own: deleted with it. `files` outlives it.
  SpillFolder(FileStore& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  ~SpillFolder();
  SpillFolder(const SpillFolder&) = delete;
  SpillFolder& operator=(const SpillFolder&) = delete;

  FileStore& files() { return files_; }
  Result<std::unique_ptr<SnapshotFile>> create();
  void remove(const StateFile& file);

 private:
  FileStore& files_;
  const std::string directory_;
  std::atomic<std::uint64_t> created_{0};
};

}  // namespace weir
