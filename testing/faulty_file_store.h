// SPDX-License-Identifier: Apache-2.0
// FaultyFileStore: a FileStore whose operations fail, by chance or on request.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/rng.h"

namespace weir {

enum class FileOperation {
  kCreate,
  kAppend,
  kSync,
  kClose,
  kOpen,
  kRead,
  kRename,
  kRemove,
  kMakeDirectories,
  kSyncDirectory,
  kList,
  kStat,
  kLock,
};

std::string_view to_string(FileOperation operation);

/// How often operations fail, each between 0 and 1. A failing append leaves a part of its bytes.
struct FileFaults {
  /// Nothing happens, kUnavailable: an input/output error. Default: 0.
  double error = 0;
  /// It happens, kUnavailable all the same; only of what changes something. Default: 0.
  double ambiguous = 0;
  /// kResourceExhausted, of create, append, rename, make directories and lock. Default: 0.
  double no_space = 0;
  /// One bit of what is read is wrong. Default: 0.
  double bit_flip = 0;
};

/// One failure on request.
struct FileFailure {
  FileOperation operation = FileOperation::kSync;
  std::string path_part;  ///< the path contains it; empty: any path
  Status status;
  bool has_effect = false;  ///< whether the operation happens before it fails
  std::uint32_t skip = 0;   ///< how many that match go well first
};

/// Passes operations on to another store, some of them not.
///
/// Thread: any.
class FaultyFileStore final : public FileStore {
 public:
  /// `inner` outlives the store.
  FaultyFileStore(FileStore& inner, std::uint64_t seed) : inner_(inner), rng_(seed) {}

  void set_faults(FileFaults faults);
  /// Fails once; several requests wait independently of each other.
  void fail_next(FileFailure failure);
  /// What failed so far, in order: operation and path.
  std::vector<std::string> failures() const;

  Result<std::unique_ptr<WritableFile>> create(const std::string& path, CreateMode mode) override;
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status rename_new(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  // How an operation goes.
  struct Fate {
    Status status;
    bool happens = true;
  };
  class FaultyWritableFile;
  class FaultyReadableFile;

  Fate draw(FileOperation operation, const std::string& path);
  // Requires: mutex_ is held.
  Fate draw_by_chance(FileOperation operation, const std::string& path);
  template <class Do>
  Status change(FileOperation operation, const std::string& path, Do&& operate);
  template <class Do>
  auto look(FileOperation operation, const std::string& path, Do&& operate) -> decltype(operate());
  // How many of `n` bytes a failing append leaves, and which bit of `n` bytes read is wrong.
  std::size_t part_of(std::size_t n);
  void flip_by_chance(char* bytes, std::size_t n);

  FileStore& inner_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  Rng rng_;
  FileFaults faults_;
  std::vector<FileFailure> requests_;
  std::vector<std::string> failures_;
};

}  // namespace weir
