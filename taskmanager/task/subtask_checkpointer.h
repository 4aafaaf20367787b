// SPDX-License-Identifier: Apache-2.0
// SubtaskCheckpointer: a subtask's part of checkpoints, from the aligned barrier to the
// acknowledgement, and what becomes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/control_messages.h"
#include "core/stream_element.h"
#include "taskmanager/task/mailbox.h"
#include "taskmanager/task/operator_chain.h"
#include "taskmanager/task/subtask_context.h"
#include "taskmanager/task/subtask_environment.h"

namespace weir {

/// The files of a snapshot that nobody else knows of yet. Whoever destroys it without having called
/// `keep` has them removed: the one place where a snapshot goes from running to acknowledged or to
/// discarded, and it goes once (B8).
///
/// Thread: one at a time. Shared by the mails that carry it.
class WrittenFiles {
 public:
  WrittenFiles(FileStore& files, std::shared_ptr<BackgroundWork> background)
      : files_(files), background_(std::move(background)) {}
  ~WrittenFiles();
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;

  void add(const StateHandle& handle) {
    if (!handle.is_inline()) paths_.push_back(handle.path);
  }
  /// The files are the JobManager's from now on.
  void keep() { paths_.clear(); }

 private:
  FileStore& files_;
  const std::shared_ptr<BackgroundWork> background_;
  std::vector<std::string> paths_;
};

/// Takes snapshots and follows them until they are complete or aborted.
///
/// Notifications may come twice, late, in any order, or never: `complete(n)` stands for every
/// checkpoint up to n, and what is not newer than the last one is ignored (B6).
///
/// Errors: `take` throws what an operator or its state throws; that ends the attempt. A failure to
///         write declines the checkpoint.
/// Thread: the subtask's.
class SubtaskCheckpointer {
 public:
  /// Snapshots that may be being written at once; beyond it checkpoints are declined.
  static constexpr std::size_t kWritesMax = 4;

  struct Setup {
    AttemptId attempt;
    std::string directory;
    std::shared_ptr<Mailbox> mailbox;
    /// The subtask, whose tables the background work reads and so must keep alive.
    std::function<std::shared_ptr<const void>()> subtask;
  };

  SubtaskCheckpointer(SubtaskEnvironment& environment, Setup setup, OperatorChain& chain,
                      const std::vector<std::unique_ptr<SubtaskContext>>& contexts)
      : environment_(environment), setup_(std::move(setup)), chain_(chain), contexts_(contexts) {}

  /// Takes the checkpoint whose barriers are aligned. Requires: no work under way in the chain.
  void take(const CheckpointBarrier& barrier, std::int64_t alignment_nanos);
  void decline(CheckpointId checkpoint, Status reason);

  /// `checkpoint` is durable, and with it every earlier one.
  void complete(CheckpointId checkpoint);
  /// `checkpoint` will not complete.
  void abort(CheckpointId checkpoint);

 private:
  enum class State { kWriting, kAcknowledged };
  struct Frozen;
  struct Written;

  void write_in_background(const CheckpointBarrier& barrier, std::unique_ptr<Frozen> frozen);
  void on_written(CheckpointId checkpoint, const Written& written);

  SubtaskEnvironment& environment_;
  const Setup setup_;
  OperatorChain& chain_;
  const std::vector<std::unique_ptr<SubtaskContext>>& contexts_;
  // Checkpoints taken here that are neither complete nor aborted.
  std::map<CheckpointId, State> taken_;
  std::size_t writes_ = 0;
  CheckpointId last_complete_;
};

}  // namespace weir
