// SPDX-License-Identifier: Apache-2.0
// The coordinator's way to the storage: one operation at a time, off its thread, answers posted.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/status.h"
#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "jobmanager/ha_store.h"
#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// What the directory held when the job started.
struct RecoveredCheckpoints {
  CheckpointId highest;                ///< ever used there, or restored from
  std::vector<CheckpointId> retained;  ///< those this run may delete: the restored one and older
  std::string claimed_path = {};       ///< of the last of these, where it lies in another directory
};

/// What a job starts from.
struct RestorePoint {
  CheckpointMetadata metadata;
  std::string path = {};  ///< its directory; may be empty where it is not claimed
  /// Whether it is the job's own from now on, deleted when a newer one makes it superfluous (B19).
  bool is_claimed = true;
};

/// What the operations work on. Shared with the closures that are under way, which go last.
struct CheckpointStorageAccess {
  std::shared_ptr<CheckpointStorage> storage;
  std::shared_ptr<HaStore> ha;  ///< may be null
  JobId job;
  LeaderEpoch epoch;
};

/// Runs the storage operations of one job in the order of the calls: a discard never overtakes the
/// preparation or the publication before it.
///
/// Thread: the executor's; `done` runs there, never inside the call, and not after destruction.
class CompletedCheckpointStore {
 public:
  using Answer = std::function<void(StoreOutcome, Status)>;

  /// Both executors must outlive every operation.
  CompletedCheckpointStore(Executor& executor, BlockingExecutor& blocking,
                           CheckpointStorageAccess access);

  /// Looks at what the directory holds.
  void recover(std::optional<RestorePoint> restore,
               std::function<void(Result<RecoveredCheckpoints>)> done);
  void prepare(const PrepareDirectory& command, std::function<void(Status)> done);
  void publish(StoreMetadata command, Answer done);
  void read_back(const ReadBack& command, Answer done);
  /// Reads and verifies a completed checkpoint. Errors: data loss when it is gone or damaged.
  void read(CheckpointId checkpoint, std::function<void(Result<CheckpointMetadata>)> done);
  /// Tries a few times; then the files stay, with a line in the log.
  void discard(CheckpointId checkpoint);
  void discard_savepoint(const std::string& directory);

  bool is_idle() const { return !is_running_ && queue_.empty() && num_waiting_ == 0; }
  /// Calls `done` once, when nothing is under way any more.
  void when_idle(std::function<void()> done);

 private:
  void discard_with(std::function<Status()> work, const std::string& what);
  // Where a claimed snapshot lies, if it is this one and lies elsewhere.
  std::string claimed_path(CheckpointId checkpoint) const {
    return claimed_ && claimed_->first == checkpoint ? claimed_->second : "";
  }
  template <class T>
  void run(std::function<T()> work, std::function<void(T)> done);
  // As run, but failures that may pass are tried again.
  template <class T>
  void run_with_retries(std::function<T()> work, std::function<void(T)> done, int tries_left);
  void start_next();
  void discard_unused_runs();

  Executor& executor_;
  BlockingExecutor& blocking_;
  const std::shared_ptr<const CheckpointStorageAccess> access_;
  std::optional<std::pair<CheckpointId, std::string>> claimed_;  // in another directory
  std::deque<std::function<void()>> queue_;
  bool is_running_ = false;
  int num_waiting_ = 0;  // operations that wait to be tried again
  std::function<void()> when_idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures hold it weakly
};

}  // namespace weir
