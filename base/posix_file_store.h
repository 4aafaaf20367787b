// SPDX-License-Identifier: Apache-2.0
// PosixFileStore: FileStore on the file system of the machine.
#pragma once

#include "base/file_store.h"

namespace weir {

/// Implements FileStore by system calls: pread, fsync, renameat2, flock. Holds no state.
class PosixFileStore final : public FileStore {
 public:
  Result<std::unique_ptr<WritableFile>> create(const std::string& path, CreateMode mode) override;
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  /// Where the file system cannot rename without replacing, by link and unlink: then files only,
  /// and a crash may leave both names.
  Status rename_new(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
};

/// Turns an errno value into a Status: "cannot <action> '<path>': <text of the system>".
Status errno_status(int error, std::string_view action, const std::string& path);

}  // namespace weir
