// SPDX-License-Identifier: Apache-2.0
// The one interface through which a subtask's working state is held, frozen and restored.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "core/control_messages.h"
#include "core/key_group.h"
#include "core/state_table.h"
#include "core/stream_element.h"
#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// All states of one operator subtask at one barrier.
class FrozenOperatorState {
 public:
  virtual ~FrozenOperatorState() = default;
  /// Writes them as one file (or inline when small) and returns its handle. Thread: any, once.
  virtual Result<StateHandle> write(CheckpointWriter& writer, const std::string& file_name) = 0;
};

/// The states of one operator subtask.
///
/// Thread: the subtask's.
class OperatorStateBackend : public StateRegistry {
 public:
  /// Takes the content of every state. Microseconds to a few milliseconds. Of a savepoint, what is
  /// written must be whole: it refers to no file of another snapshot.
  virtual std::unique_ptr<FrozenOperatorState> freeze(const CheckpointBarrier& barrier) = 0;
  /// As for a checkpoint.
  std::unique_ptr<FrozenOperatorState> freeze(CheckpointId checkpoint) {
    return freeze(CheckpointBarrier{.id = checkpoint});
  }
  /// Called between batch calls.
  virtual void tidy() = 0;
  virtual std::size_t entry_count() const = 0;
  /// Keys that were looked for below the tables, as they were not in memory.
  virtual std::uint64_t load_count() const { return 0; }
  /// States of the snapshot that no `add` asked for, by name; empty after a full restore.
  virtual std::vector<std::string> unclaimed_states() const = 0;
};

/// What an operator subtask starts from.
struct OperatorStateSetup {
  OperatorId id;
  SubtaskIndex subtask;
  Parallelism parallelism;
  MaxParallelism max_parallelism;
  /// Snapshots of all former subtasks of this operator, by index; empty for a fresh start.
  std::vector<StateHandle> restores = {};
  /// Where the job's checkpoints lie.
  std::string checkpoint_directory = {};
  /// A file name that no other operator, subtask or attempt has in this process.
  std::string local_name = {};
};

/// How working state is held. One per process; makes one backend per operator subtask.
///
/// Thread: any.
class StateBackend {
 public:
  virtual ~StateBackend() = default;
  /// Errors: data loss, naming the file, if a snapshot is damaged.
  virtual Result<std::unique_ptr<OperatorStateBackend>> open(const OperatorStateSetup& setup) = 0;
};

}  // namespace weir
