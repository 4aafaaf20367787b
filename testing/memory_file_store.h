// SPDX-License-Identifier: Apache-2.0
// MemoryFileStore: files in memory that can lose power.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_store.h"
#include "base/rng.h"

namespace weir {

/// Implements FileStore in memory, deterministically, with two ways to end:
///
/// `crash` loses power. Of each file stays what was synced and a beginning of what came after, its
/// end perhaps garbage; of creations, renames and removals in a folder that was not synced since,
/// each happened or did not. `kill` ends the processes alone: everything written stays.
///
/// Absolute and relative paths are the same; there are no links.
///
/// Thread: any.
class MemoryFileStore final : public FileStore {
 public:
  /// `clock` tells when files were modified; without one they were at 0.
  explicit MemoryFileStore(const Clock* clock = nullptr);
  ~MemoryFileStore() override;

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

  /// Loses what was not synced, as far as the seed says. Open files fail from now on, locks fall.
  void crash(std::uint64_t seed);
  /// Keeps everything; open files fail from now on, locks fall.
  void kill();
  /// True if the file is there and would be, with all its content, after any crash now.
  bool would_survive(const std::string& path);

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;  // shared by the folder and those who have it open
  // One creation, rename or removal that a crash may undo as a whole.
  struct Change {
    NodePtr folder;
    std::string name;
    NodePtr node;  // null: the name goes
  };
  using Operation = std::vector<Change>;
  // A folder and a name in it.
  struct Place {
    NodePtr folder;
    std::string name;
    NodePtr node;  // null if there is none
  };
  class OpenFile;
  class OpenLock;
  class ReadFile;

  // All require: mutex_ is held.
  Result<Place> find(const std::string& path, std::string_view action) const;
  void apply(Operation operation);
  Status rename_locked(const std::string& from, const std::string& to, bool replace);
  ProcessingTime now() const { return clock_ == nullptr ? ProcessingTime{0} : clock_->now(); }
  static void crash_content(Node& node, Rng& rng);
  static void crash_below(Node& node, Rng& rng);

  const Clock* const clock_;

  std::mutex mutex_;
  // Guarded by mutex_.
  NodePtr root_;
  std::vector<Operation> unsynced_;  // in the order they were done
  std::set<const Node*> locked_;     // looked up only, never iterated
  std::uint64_t generation_ = 0;     // of processes; open files of an earlier one fail
};

}  // namespace weir
