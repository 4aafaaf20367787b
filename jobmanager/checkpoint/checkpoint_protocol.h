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

/// The checkpoint in flight (C2: there is at most one).
struct PendingCheckpoint {
  CheckpointBarrier barrier;
  AttemptNumber attempt;
  std::int64_t begun_nanos = 0;
  bool is_manual = false;
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

  TriggerPhase trigger = TriggerPhase::kUnarmed;
  bool is_manual_wanted = false;
  std::optional<PendingCheckpoint> pending;
  std::uint32_t consecutive_failures = 0;
  std::set<CheckpointId> leftovers;  ///< aborted; subtasks of this attempt may still write to them

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
                 Prepared, TriggerFailed, StoreAnswered, TimerFired, AcknowledgeCheckpoint,
                 DeclineCheckpoint, CommitReport>;

// --- commands: what is to be done, in this order ------------------------------------------------

struct PrepareDirectory {
  CheckpointId id;
};
struct SendTriggers {
  AttemptNumber attempt;
  CheckpointBarrier barrier;
};
struct StoreMetadata {
  CheckpointMetadata metadata;
};
struct ReadBack {
  CheckpointId id;
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
/// The final checkpoint is committed: the job is done.
struct CloseJob {
  AttemptNumber attempt;
  CheckpointId final_checkpoint;
};
/// Answers every manual request since the last answer.
struct AnswerManual {
  Result<CheckpointId> result;
};
using CheckpointCommand =
    std::variant<PrepareDirectory, SendTriggers, StoreMetadata, ReadBack, SendComplete, SendAborted,
                 DiscardFiles, ArmTimer, DropTimer, FailJob, CloseJob, AnswerManual>;

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
