// SPDX-License-Identifier: Apache-2.0
// The checkpoint protocol: what the coordinator decides, as a pure function over explicit states.
// docs/CHECKPOINTING.md numbers the invariants (C1...) that code and tests cite.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "core/control_messages.h"
#include "core/ids.h"
#include "core/job_graph.h"
#include "core/stream_element.h"
#include "jobmanager/checkpoint/checkpoint_statistics.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir {

/// One operator subtask that commits on completed checkpoints.
struct CommitterId {
  OperatorId id;
  SubtaskIndex subtask;
  friend auto operator<=>(const CommitterId&, const CommitterId&) = default;
};

/// Who takes part in the checkpoints of a job. Constant over the job's life.
struct CheckpointPlan {
  JobGraph graph;
  std::vector<SubtaskId> subtasks;      ///< all of the job; each must acknowledge
  std::vector<CommitterId> committers;  ///< each must report what it has committed
};
CheckpointPlan make_checkpoint_plan(JobGraph graph);

/// What becomes of the job after a savepoint.
enum class SavepointMode {
  kGoOn,
  kStop,   ///< nothing is processed after it; the job is FINISHED once it is committed
  kDrain,  ///< sources end first, so that windows and timers fire; then as kStop
};

/// A savepoint that somebody waits for.
struct SavepointRequest {
  std::uint64_t ticket = 0;  ///< names the request in the answer
  std::string prefix;        ///< its directory is this and the id
  SavepointMode mode = SavepointMode::kGoOn;
};

/// The savepoint that a job stopped with.
struct StoppedWith {
  CheckpointId id;
  std::string path;
};

/// The checkpoint in flight (C2: there is at most one).
struct PendingCheckpoint {
  CheckpointBarrier barrier;
  AttemptNumber attempt;
  std::int64_t begun_nanos = 0;
  bool is_manual = false;
  std::optional<SavepointRequest> request = {};    ///< of a savepoint
  std::map<SubtaskId, SubtaskSnapshot> snapshots;  ///< of those who acknowledged
  std::uint32_t read_backs = 0;
  CheckpointStatistics statistics;  ///< with the phase
};

/// Whether the job runs, as far as checkpoints are concerned.
enum class AttemptPhase {
  kNone,     ///< not started, failing, or between two attempts
  kRunning,  ///< an attempt was deployed
  kClosed,   ///< the final checkpoint is committed everywhere; nothing follows
};

/// What lets the next checkpoint begin.
enum class TriggerPhase {
  kUnarmed,     ///< nothing yet
  kArmed,       ///< the timer of the interval
  kBackingOff,  ///< the same timer, after a final checkpoint failed
};

/// Everything the protocol remembers. A value; `step` makes the next one from it.
struct CheckpointProtocolState {
  CheckpointId base;                   ///< the highest id used before this run; not ours
  CheckpointId last;                   ///< the highest id given out (C1)
  std::vector<CheckpointId> retained;  ///< completed, oldest first; restores use the last

  AttemptPhase phase = AttemptPhase::kNone;
  AttemptNumber attempt;
  Duration first_delay{0};
  std::optional<CheckpointId> restored;
  std::map<SubtaskId, SubtaskState> subtasks;
  std::map<CommitterId, CheckpointId> committed;  ///< highest reported in this attempt
  std::optional<CheckpointId> final_checkpoint;   ///< complete; its commits may be missing
  std::optional<SavepointRequest> draining;       ///< sources were told to end
  bool is_restart_wanted = false;                 ///< what was drained cannot go on

  TriggerPhase trigger = TriggerPhase::kUnarmed;
  bool is_manual_wanted = false;
  std::optional<PendingCheckpoint> pending;
  std::deque<SavepointRequest> requests;  ///< savepoints that have not begun
  std::uint32_t consecutive_failures = 0;
  std::set<CheckpointId> leftovers;  ///< aborted; subtasks of this attempt may still write to them
  std::map<CheckpointId, std::string> savepoints;  ///< directories of those of this attempt
  std::set<CheckpointId> completed_savepoints;     ///< of these: they are the user's
  std::optional<StoppedWith> stopped_with;         ///< durable: the job ends, one way or another

  CheckpointCounters counters;
  std::deque<CheckpointStatistics> history;  ///< oldest first
};

// --- facts: what has happened -----------------------------------------------------------------

/// An attempt was deployed. Requires: the one before it ended, and no checkpoint is pending.
struct AttemptStarted {
  AttemptNumber attempt;
  std::optional<CheckpointId> restored;
  Duration first_delay{0};  ///< drawn from [min pause, interval]
};
struct SubtaskReported {
  SubtaskId subtask;
  SubtaskState state;
};
/// The attempt fails, restarts or is cancelled: nothing of it counts from now on.
struct AttemptEnded {
  Status reason;
};
/// No subtask of the ended attempt runs any more: nobody writes to its checkpoints.
struct AttemptGone {};
struct ManualRequested {};
struct SavepointRequested {
  SavepointRequest request;
};
/// The directory of a checkpoint was prepared, or could not be.
struct Prepared {
  CheckpointId id;
  Status status;
};
/// A trigger did not reach its enumerator.
struct TriggerFailed {
  CheckpointId id;
  Status reason;
};
enum class StoreOutcome {
  kStored,
  kNotStored,  ///< surely
  kUnknown,
};
/// What became of storing the metadata, or what reading it back showed.
struct StoreAnswered {
  CheckpointId id;
  StoreOutcome outcome;
  Status reason;
};
/// There is one timer of each kind; arming it replaces it.
enum class CheckpointTimer {
  kTrigger,
  kExpiry,
  kReadBack,
  kReminder,  ///< commits are awaited: tell the subtasks again what is complete
};
struct TimerFired {
  CheckpointTimer timer;
};
using CheckpointFact =
    std::variant<AttemptStarted, SubtaskReported, AttemptEnded, AttemptGone, ManualRequested,
                 SavepointRequested, Prepared, TriggerFailed, StoreAnswered, TimerFired,
                 AcknowledgeCheckpoint, DeclineCheckpoint, CommitReport>;

// --- commands: what is to be done, in this order ------------------------------------------------

struct PrepareDirectory {
  CheckpointId id;
  std::string savepoint = {};  ///< its directory; empty for a checkpoint
};
struct SendTriggers {
  AttemptNumber attempt;
  CheckpointBarrier barrier;
};
struct StoreMetadata {
  CheckpointMetadata metadata;
  std::string savepoint = {};
};
struct ReadBack {
  CheckpointId id;
  CheckpointKind kind = CheckpointKind::kCheckpoint;
  std::string savepoint = {};
};
/// Tells the sources to end.
struct SendDrain {
  AttemptNumber attempt;
};
struct SendComplete {
  AttemptNumber attempt;
  CheckpointId id;
};
struct SendAborted {
  AttemptNumber attempt;
  CheckpointId id;
};
struct DiscardFiles {
  CheckpointId id;
};
/// Deletes a savepoint that is not complete.
struct DiscardSavepoint {
  std::string directory;
};
struct ArmTimer {
  CheckpointTimer timer;
  Duration delay;
};
struct DropTimer {
  CheckpointTimer timer;
};
/// More checkpoints failed in a row than the job tolerates.
struct FailJob {
  AttemptNumber attempt;
  Status reason;
};
/// Sources have ended for a savepoint that came to nothing: goes on from the latest checkpoint.
struct RestartJob {
  AttemptNumber attempt;
  Status reason;
};
/// The final checkpoint is committed: the job is done.
struct CloseJob {
  AttemptNumber attempt;
  CheckpointId final_checkpoint;
};
/// Answers every manual request since the last answer.
struct AnswerManual {
  Result<CheckpointId> result;
};
/// Answers one request for a savepoint. Also of one to stop with: that its output is committed is
/// told by CloseJob.
struct AnswerSavepoint {
  SavepointRequest request;
  Result<std::string> path;
};
using CheckpointCommand =
    std::variant<PrepareDirectory, SendTriggers, SendDrain, StoreMetadata, ReadBack, SendComplete,
                 SendAborted, DiscardFiles, DiscardSavepoint, ArmTimer, DropTimer, FailJob,
                 RestartJob, CloseJob, AnswerManual, AnswerSavepoint>;

/// The time of a fact.
struct CheckpointInstant {
  ProcessingTime wall;
  std::int64_t monotonic_nanos = 0;
};

struct CheckpointStep {
  CheckpointProtocolState state;
  std::vector<CheckpointCommand> commands;
};

/// Decides. Pure: the same arguments give the same answer, and nothing else is touched.
CheckpointStep step(const CheckpointPlan& plan, CheckpointProtocolState state,
                    const CheckpointFact& fact, const CheckpointInstant& now);

/// Whether every committing subtask of this attempt has reported `id` or a later one.
bool is_committed(const CheckpointPlan& plan, const CheckpointProtocolState& state,
                  CheckpointId id);

/// How people see a subtask: 'name' subtask 3.
std::string subtask_text(const JobGraph& graph, SubtaskId subtask);

}  // namespace weir
