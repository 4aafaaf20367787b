// SPDX-License-Identifier: Apache-2.0
// FileStore: every file operation of checkpoints, sources and sinks, so that a simulator can fail
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"

namespace weir {

enum class CreateMode {
  kExclusive,  ///< kAlreadyExists if there is one
  kTruncate,   ///< an existing file loses its content
  kAppend,     ///< writing continues at the end; the file is made if it is not there
};

/// A file being written. Bytes are durable after sync(); the name is durable after sync_directory()
/// of its folder.
///
/// Thread: one at a time.
class WritableFile {
 public:
  /// Closes, without sync; a failure is lost. Call close() where it matters.
  virtual ~WritableFile() = default;

  /// Appends all of `bytes`. After a failure an unknown part of them may be in the file.
  virtual Status append(std::string_view bytes) = 0;
  /// Returns when all bytes appended are on the medium. After a failure the file must be given up.
  virtual Status sync() = 0;
  /// Closes. A second call is ok and does nothing; append and sync after it are programmer errors.
  virtual Status close() = 0;
  /// Bytes in the file, with those before the open when appending.
  virtual std::uint64_t size() const = 0;
};

/// A file being read.
///
/// Thread: any, also several at once.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;

  /// Reads up to `n` bytes at `offset`. Fewer only at the end of the file; 0 at or past it.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const = 0;
  /// Bytes in the file when it was opened.
  virtual std::uint64_t size() const = 0;
};

/// One entry of a folder; `name` has no path.
struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;   ///< bytes; 0 for a folder
  bool is_special = false;  ///< a pipe, a device or a socket
  friend bool operator==(const DirectoryEntry&, const DirectoryEntry&) = default;
};

/// What stat() tells.
struct FileInfo {
  bool is_directory = false;
  std::uint64_t size = 0;  ///< bytes; 0 for a folder
  ProcessingTime modified;
  bool is_special = false;  ///< a pipe, a device or a socket: its size says nothing
};

/// Holds a lock on a path until destroyed. The lock falls with the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Reads and writes files. Paths are UTF-8 bytes, `/` separates; relative ones start at the
/// working folder of the process.
///
/// Errors: each names the operation, the path and the system's text. kNotFound: no such file or
///         folder; kAlreadyExists; kPermissionDenied: not allowed, or a read-only file system;
///         kResourceExhausted: disk full, quota, too many open files, file too large;
///         kFailedPrecondition: a folder where a file is needed or the reverse, folder not empty;
///         kUnavailable: everything else that the system reports.
/// Thread: any.
/// Cost:   every call may block; run it on a BlockingExecutor.
class FileStore {
 public:
  virtual ~FileStore() = default;

  /// Requires the folder to exist.
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path,
                                                       CreateMode mode) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> open(const std::string& path) = 0;

  /// Renames a file or folder at once: readers see the old `to` or the new one.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  /// As rename, but kAlreadyExists if `to` is there: of two at the same time one succeeds.
  virtual Status rename_new(const std::string& from, const std::string& to) = 0;
  /// Removes a file or an empty folder. kNotFound if it is not there.
  virtual Status remove(const std::string& path) = 0;
  /// Removes a file, or a folder with all in it; does not follow links. Nothing there is ok.
  virtual Status remove_tree(const std::string& path) = 0;
  /// Makes the folder and those above it; existing ones are ok.
  virtual Status make_directories(const std::string& path) = 0;
  /// Makes creations, renames and removals in the folder durable.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Entries without "." and "..", sorted by name byte by byte.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
  virtual Result<FileInfo> stat(const std::string& path) = 0;
  /// Takes the exclusive lock on a file, which is made if it is not there; its folder must be.
  /// kFailedPrecondition if another process, or another lock of this one, holds it. Never waits.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// Reads a whole file. kResourceExhausted if it is longer than `bytes_max`.
Result<std::string> read_file(FileStore& store, const std::string& path,
                              std::uint64_t bytes_max = std::uint64_t{1} << 30);

/// Writes `temporary_path`, syncs it, renames it to `path` and syncs `path`'s folder: afterwards
/// the whole file is there, durable, or (after a failure or a crash) the old one is.
/// Requires: both paths lie in the same folder.
Status write_file_atomically(FileStore& store, const std::string& temporary_path,
                             const std::string& path, std::string_view bytes);

/// Makes the folder and those above it, and the names of all of them durable: also of those that a
/// process made before it ended. Folders above that may not be opened are taken to be durable.
Status make_durable_directories(FileStore& store, const std::string& path);

/// Returns what lies before the last `/`: "." for a plain name, "/" for an entry of the root.
std::string parent_directory(const std::string& path);

}  // namespace weir
