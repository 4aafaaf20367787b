// SPDX-License-Identifier: Apache-2.0
// LocalDirectory: a folder for files that need not outlive the process.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/file_store.h"

namespace weir {

/// A folder `weir-local-<process>-<number>` below a parent, made when it is first asked for and
/// deleted with this. Folders of that kind whose processes have died are deleted first, so they go
/// even if this one is never needed.
///
/// Thread: any; blocks on files. Errors name the path.
class LocalDirectory {
 public:
  /// `parent` empty: the system's folder for temporary files. `files` outlives this.
  LocalDirectory(FileStore& files, std::string parent);
  ~LocalDirectory();
  LocalDirectory(const LocalDirectory&) = delete;
  LocalDirectory& operator=(const LocalDirectory&) = delete;

  /// Where it is, or will be.
  const std::string& path() const { return path_; }
  /// Makes it.
  Status make();
  /// A path in it that nobody else has; makes the folder, but not what the path names.
  Result<std::string> next_path();

 private:
  void remove_abandoned() const;

  FileStore& files_;
  const std::string parent_;
  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<FileLock> lock_;  // guarded by mutex_; null until it is made
  std::uint64_t paths_given_ = 0;   // guarded by mutex_
};

}  // namespace weir
