// SPDX-License-Identifier: Apache-2.0
// What JobManager and TaskManager say to each other. Each message is delivered at least once or
// reported as failed; receivers drop what is stale and tolerate repeats and any order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "core/ids.h"
#include "core/key_group.h"
#include "core/stream_element.h"

namespace weir {

/// Counts up with every leader; a receiver refuses messages of an older one.
using LeaderEpoch = StrongId<struct LeaderEpochTag, std::uint64_t>;

/// Reference to stored bytes: a file of a checkpoint, or the bytes themselves.
struct StateFile {
  std::string path;            ///< full path of the file; empty when inline
  std::string inline_bytes;    ///< the content, when it is small
  std::uint64_t size = 0;      ///< bytes
  std::uint32_t checksum = 0;  ///< CRC32C of the content
  bool is_inline() const { return path.empty(); }
  friend bool operator==(const StateFile&, const StateFile&) = default;
};

/// Changes of keyed state that several checkpoints share.
struct StateRun {
  StateFile file;
  HashRange range;  ///< of the key hashes for which the run counts; it may hold others
  friend bool operator==(const StateRun&, const StateRun&) = default;
};

/// The state of one operator subtask: a snapshot of its own and, in incremental checkpoints, runs
/// of changes, of which a later one wins over those before it. Size 0 without runs: no state.
struct StateHandle : StateFile {
  std::vector<StateRun> runs = {};
  friend bool operator==(const StateHandle&, const StateHandle&) = default;
};

/// One operator's part of a subtask's snapshot.
struct OperatorSnapshot {
  OperatorId id;
  StateHandle handle;
  friend bool operator==(const OperatorSnapshot&, const OperatorSnapshot&) = default;
};

/// One subtask's part of a checkpoint.
struct SubtaskSnapshot {
  std::vector<OperatorSnapshot> operators;
  friend bool operator==(const SubtaskSnapshot&, const SubtaskSnapshot&) = default;
};

/// State to start an operator from: the snapshots of all its former subtasks, by their index.
struct OperatorRestore {
  OperatorId id;
  std::vector<StateHandle> handles;
};

enum class SubtaskState {
  kDeploying,  ///< created, restoring, opening
  kRunning,
  kEnded,      ///< all data ended; still takes part in checkpoints
  kClosed,     ///< closed after the final checkpoint
  kCancelled,
  kFailed,
};

// --- to a TaskManager -------------------------------------------------------------------------

struct DeployedSubtask {
  SubtaskId subtask;
  std::uint32_t slot = 0;
  std::vector<OperatorRestore> restores;
};
struct PlacedSubtask {
  SubtaskId subtask;
  TaskManagerId task_manager;
};
/// Start all subtasks of one attempt that were placed on this TaskManager.
struct DeployAttempt {
  JobId job;
  AttemptNumber attempt;
  std::uint64_t graph_hash = 0;
  std::optional<CheckpointId> restored;
  /// Where this job's checkpoints go; subtasks write below `<directory>/chk-<id>/`.
  std::string checkpoint_directory;
  std::vector<DeployedSubtask> subtasks;
  std::vector<PlacedSubtask> placement;  ///< every subtask of the job
};
/// End every subtask of `job` with this attempt or an older one; never deploy it later.
struct CancelAttempt {
  JobId job;
  AttemptNumber attempt;
};
/// To an enumerator subtask: let a barrier start.
struct TriggerCheckpoint {
  AttemptId attempt;
  CheckpointBarrier barrier;
};
struct NotifyCheckpointComplete {
  JobId job;
  AttemptNumber attempt;
  CheckpointId checkpoint;
};
struct NotifyCheckpointAborted {
  JobId job;
  AttemptNumber attempt;
  CheckpointId checkpoint;
};
/// The final checkpoint is committed: close every subtask.
struct CloseAttempt {
  JobId job;
  AttemptNumber attempt;
};
/// The job is drained: let every source end, whatever it has not read yet.
struct DrainSources {
  JobId job;
  AttemptNumber attempt;
};
/// From a source reader to its enumerator, by way of the TaskManagers. May be lost.
struct SourceHint {
  AttemptId enumerator;
  SubtaskIndex reader;
  std::string payload;
};

// --- to the JobManager ------------------------------------------------------------------------

struct RegisterTaskManager {
  TaskManagerId task_manager;
  std::uint32_t slots = 0;
};
/// What an operator subtask did since the start of its attempt.
struct OperatorReport {
  OperatorId id;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t late_records = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t state_entries = 0;
  std::uint64_t state_loads = 0;  ///< keys looked for on disk
};
/// How one subtask is, and what it has done in its attempt.
struct SubtaskReport {
  AttemptId attempt;
  SubtaskState state = SubtaskState::kDeploying;
  Status failure;             ///< why, when failed
  std::string failed_operator;  ///< name of the operator it failed in; empty if none
  EventTime watermark = EventTime::none();
  std::int64_t busy_nanos = 0;
  std::int64_t back_pressured_nanos = 0;
  std::vector<OperatorReport> operators;
  /// Snapshots acknowledged but not known to have arrived are sent again by their own message.
};
/// Sent at an interval and at once when a subtask changes its state; repeats heal lost messages.
struct Heartbeat {
  TaskManagerId task_manager;
  std::vector<SubtaskReport> subtasks;
};
struct AcknowledgeCheckpoint {
  AttemptId attempt;
  CheckpointId checkpoint;
  SubtaskSnapshot snapshot;
  std::int64_t alignment_nanos = 0;
  std::int64_t freeze_nanos = 0;  ///< how long the record path stood still
  std::int64_t write_nanos = 0;
};
struct DeclineCheckpoint {
  AttemptId attempt;
  CheckpointId checkpoint;
  Status reason;
};
/// A committing operator subtask has committed everything up to `checkpoint`.
struct CommitReport {
  AttemptId attempt;
  OperatorId id;
  CheckpointId checkpoint;
};

using ControlMessage =
    std::variant<DeployAttempt, CancelAttempt, TriggerCheckpoint, NotifyCheckpointComplete,
                 NotifyCheckpointAborted, CloseAttempt, DrainSources, SourceHint,
                 RegisterTaskManager, Heartbeat, AcknowledgeCheckpoint, DeclineCheckpoint,
                 CommitReport>;

}  // namespace weir
