// SPDX-License-Identifier: Apache-2.0
// UnneededFiles: what lies in directories of checkpoints and savepoints and nothing needs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"

namespace weir::cli {

/// One file, or one folder with all in it.
struct UnneededFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string reason;
};

/// Finds files that no completed checkpoint or savepoint refers to and nobody will.
///
/// A directory is the root of the checkpoints of several jobs, the directory of one job, or a
/// folder of savepoints; what else lies in it is not looked at. Of a job that runs nothing is ever
/// found, but what its checkpoints refer to is needed. The locks of jobs that do not run, and of
/// savepoints that nobody takes, are held until this is destroyed, so that none begins meanwhile;
/// to look only, they are let go at once.
///
/// Errors: any metadata that cannot be read, naming it: what it needs is not known.
/// Thread: one at a time; blocks on files.
class UnneededFiles {
 public:
  enum class Locks { kHeld, kLetGo };

  /// `files` outlives this. With `retained`, also completed checkpoints of which that many newer
  /// ones lie in the directory of the job are not needed.
  UnneededFiles(FileStore& files, Locks locks, std::optional<std::uint32_t> retained)
      : files_(files), locks_(locks), retained_(retained) {}

  /// Looks at all directories, once.
  Status find(const std::vector<std::string>& directories);

  /// By path.
  const std::vector<UnneededFile>& found() const { return found_; }
  /// Directories of which nothing was taken, each with the reason.
  const std::vector<std::string>& left_alone() const { return left_alone_; }

 private:
  struct Folder {
    std::string path;
    std::vector<DirectoryEntry> entries;
    bool has(std::string_view name) const;
  };
  struct Content {
    std::uint64_t bytes = 0;
    bool is_needed = false;  // any of it
    bool is_directory = false;
  };
  enum class Owner { kNobody, kSomebody };

  Result<Folder> open(const std::string& path);
  Status sort_in(const std::string& path);
  Status sort_in_job(Folder folder);
  Status sort_in_savepoint(Folder folder);
  Result<Owner> take_lock(const std::string& path);
  Status remember_needed(const std::string& directory, Owner owner);
  Status look_at_job(const Folder& job);
  Status look_at_checkpoint(const Folder& checkpoint, bool is_newest);
  Status look_at_savepoint(const Folder& savepoint);
  /// Adds a file, or a folder with what in it is not needed.
  Status add(const std::string& path, const std::string& reason);
  Result<Content> content_of(const std::string& path);
  bool is_needed(const std::string& path) const;

  FileStore& files_;
  const Locks locks_;
  const std::optional<std::uint32_t> retained_;
  std::set<std::string> seen_;  // directories, by the path without links
  std::vector<Folder> jobs_;    // that do not run
  std::vector<Folder> savepoints_;
  std::set<std::string> superfluous_;  // completed checkpoints that are not to be retained
  std::set<std::string> needed_;       // files, by the path without links
  std::vector<std::unique_ptr<FileLock>> held_;
  std::vector<UnneededFile> found_;
  std::vector<std::string> left_alone_;
};

}  // namespace weir::cli
