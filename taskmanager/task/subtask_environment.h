// SPDX-License-Identifier: Apache-2.0
// What all subtasks of one TaskManager share.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_store.h"
#include "core/control_messages.h"
#include "state/snapshot/checkpoint_storage.h"
#include "state/state_backend.h"
#include "taskmanager/background_work.h"
#include "taskmanager/io/channel_registry.h"
#include "taskmanager/io/memory_budget.h"

namespace weir {

/// Whom a subtask tells what. The TaskManager.
///
/// Thread: any; must not call back into the subtask.
class SubtaskHost {
 public:
  virtual ~SubtaskHost() = default;
  /// Passes on how the subtask is; at once when its state has changed.
  virtual void report(SubtaskReport report) = 0;
  /// The subtask has closed everything and will not be stepped again.
  virtual void over(const AttemptId& attempt) = 0;
  /// Delivers a message to the JobManager, again and again until it is known to have arrived or the
  /// attempt has ended.
  virtual void deliver(const AttemptId& attempt, ControlMessage message) = 0;
  /// Sends a hint once.
  virtual void hint(SourceHint hint) = 0;
};

/// Makes the writer of what a barrier asks for: a checkpoint below a directory, or a savepoint.
using CheckpointWriterFactory = std::function<std::unique_ptr<CheckpointWriter>(
    const std::string& directory, const CheckpointBarrier& barrier)>;

/// Shared by the subtasks, since background work may let go of one after its TaskManager is gone.
/// What it refers to outlives them.
struct SubtaskEnvironment {
  const Clock& clock;
  FileStore& files;
  StateBackend& state_backend;
  CheckpointWriterFactory make_writer;
  ChannelRegistry& channels;
  std::shared_ptr<BackgroundWork> background;
  SubtaskHost& host;  ///< as long as the subtask is stepped
  MemoryBudget memory;
};

/// Intervals of a subtask.
struct SubtaskOptions {
  /// How long emitted rows wait for their batch to fill. Default: 100 ms.
  Duration buffer_timeout = std::chrono::milliseconds{100};
  /// How often a source is asked for its watermark. Default: 200 ms.
  Duration watermark_interval = std::chrono::milliseconds{200};
};

}  // namespace weir
