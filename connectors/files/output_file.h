// SPDX-License-Identifier: Apache-2.0
// OutputFile: a hidden file that a sink appends to; FileSyncer: what makes it durable meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/file_store.h"

namespace weir::detail {

/// Makes one output file durable in the background while the subtask may go on appending to it.
///
/// A WritableFile belongs to one thread at a time, so this is a second handle on the same file,
/// which is only ever synced: fsync writes out what is in the file, by whichever handle it came.
///
/// Thread: any. The mutex is held during fsync; `has_failed` does not take it.
class FileSyncer {
 public:
  FileSyncer(FileStore& files, std::string path, std::unique_ptr<WritableFile> handle);

  /// Returns when everything appended before the call is durable, name included. A file that could
  /// not be synced stays failed: the system may have dropped its pages, so a later sync proves
  /// nothing.
  Status sync();
  bool has_failed() const { return failed_.load(std::memory_order_acquire); }
  /// Nothing will be appended any more: after its next success `sync` has nothing left to do.
  void set_complete() { complete_.store(true, std::memory_order_release); }
  const std::string& path() const { return path_; }

 private:
  Status sync_file_and_name(bool complete);

  FileStore& files_;
  const std::string path_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> complete_{false};

  std::mutex mutex_;
  // Guarded by mutex_. Null once the complete file is durable.
  std::unique_ptr<WritableFile> handle_;
  bool is_name_durable_ = false;
  Status failure_;
};

/// A file being written under its hidden name.
///
/// Errors: throws StatusError naming the path.
/// Thread: the subtask's, but for the syncer.
class OutputFile {
 public:
  /// Makes the file. Throws kAlreadyExists if it is there.
  OutputFile(FileStore& files, const std::string& path);

  void append(std::string_view bytes);
  /// Ends writing. What is in the file is not durable before the syncer says so.
  void close();

  const std::string& path() const { return syncer_->path(); }
  std::uint64_t size() const { return size_; }
  /// Shared with the frozen states that will sync the file; the last of them closes the handle.
  const std::shared_ptr<FileSyncer>& syncer() const { return syncer_; }

 private:
  std::unique_ptr<WritableFile> file_;
  std::shared_ptr<FileSyncer> syncer_;
  std::uint64_t size_ = 0;
};

}  // namespace weir::detail
