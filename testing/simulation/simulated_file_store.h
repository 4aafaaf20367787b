// SPDX-License-Identifier: Apache-2.0
// SimulatedFileStore: the files as one simulated process sees them. Operations fail as the seed
// says, and none has an effect after the process has crashed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// How file operations fail. Probabilities are per operation.
struct FileFaults {
  double error_before = 0;  ///< nothing happened, and an error is reported
  double error_after = 0;   ///< it happened, and an error is reported nevertheless
  double late = 0;          ///< an error is reported, and it happens after that
  /// Below this folder there is no room: nothing can be made or grow.
  std::optional<std::string> full_folder = std::nullopt;
};

/// What every operation on files passes; shared by all processes.
struct FileSupervisor {
  /// Read at each operation: the owner may change it.
  const FileFaults* faults = nullptr;
  /// Called before and after each operation that changes files; may crash the process.
  std::function<void(const SimulatedProcess&)> at_change;
  /// Called after each successful rename, with the new path.
  std::function<void(const std::string&)> renamed;
  /// Takes an operation that happens some time later, or never.
  std::function<void(std::function<Status()>)> happens_late;
};

/// Thread: the world's.
class SimulatedFileStore final : public FileStore {
 public:
  SimulatedFileStore(SimulatedWorld& world, const SimulatedProcess& process, FileStore& disk,
                     const FileSupervisor& supervisor)
      : world_(world), process_(process), disk_(disk), supervisor_(supervisor) {}

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

  /// One operation that changes something.
  struct Change {
    std::string_view what;
    const std::string& path;
    /// Holds all that it needs by value: it may run when the caller is gone.
    std::function<Status()> run;
    /// What is left of it when it fails or the process dies in it; may be null: nothing.
    std::function<void()> run_partly = nullptr;
    bool needs_room = false;
    bool may_be_late = true;
  };
  /// Runs one operation with its faults. Also for the files that it hands out.
  Status change(const Change& operation);
  /// Decides whether a read fails.
  Status read(std::string_view what, const std::string& path);
  bool has_crashed() const { return !process_.is_running(); }
  SimulatedWorld& world() { return world_; }

 private:
  // How an operation goes.
  enum class Fate { kHappens, kFails, kHappensUnseen, kHappensLate, kFindsNoRoom };
  Fate draw(const Change& operation);
  void remove_some(const std::string& path);

  SimulatedWorld& world_;
  const SimulatedProcess& process_;
  FileStore& disk_;
  const FileSupervisor& supervisor_;
};

}  // namespace weir::simulation
