// SPDX-License-Identifier: Apache-2.0
// JobStatus: what people see of a job at one moment. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "core/ids.h"
#include "core/job_graph.h"
#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "jobmanager/checkpoint/checkpoint_statistics.h"
#include "jobmanager/scheduler/execution_graph.h"

namespace weir {

/// How far a job is.
enum class JobState {
  kCreated,  ///< looking at its checkpoint directory
  kWaitingForSlots,
  kDeploying,  ///< subtasks restore and open
  kRunning,
  kFailing,     ///< an attempt failed; waiting for all of it to be over
  kRestarting,  ///< waiting for the restart delay, then reading the checkpoint
  kStoppingWithCheckpoint,
  kStoppingWithSavepoint,
  kCancelling,
  kFinishing,  ///< everything is committed; subtasks close
  kFinished,
  kFailed,
  kCancelled,
};
/// In capitals, as people know it: "WAITING_FOR_SLOTS".
std::string to_string(JobState state);
/// Whether nothing follows.
bool is_terminal(JobState state);

/// One operator, summed over the subtasks of the current attempt.
struct OperatorStatus {
  OperatorId id;
  std::string name;
  OperatorKind kind = OperatorKind::kTransform;
  std::vector<std::string> steps;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t late_records = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t state_entries = 0;
  std::uint64_t state_loads = 0;
};

/// One vertex, summed over the subtasks of the current attempt.
struct VertexStatus {
  VertexId id;
  std::string name;
  std::uint32_t subtasks = 0;
  std::uint32_t running = 0;  ///< of these, also ended ones
  std::uint32_t ended = 0;
  EventTime watermark = EventTime::none();  ///< the lowest; none while one has none
  std::int64_t busy_nanos = 0;
  std::int64_t back_pressured_nanos = 0;
  std::vector<OperatorStatus> operators;
};

/// The checkpoints of a job at one moment.
struct CheckpointsStatus {
  CheckpointCounters counters;
  std::optional<CheckpointStatistics> pending;
  std::vector<CheckpointStatistics> history;  ///< the last ten, oldest first
  std::optional<CheckpointId> latest_retained;
  std::optional<CheckpointId> restored;  ///< what the current attempt started from
};

/// A job at one moment.
struct JobStatus {
  JobId job;
  std::string name;
  JobState state = JobState::kCreated;
  Duration uptime{0};  ///< since the submission; stands still once terminal
  AttemptNumber attempt;
  std::uint32_t restarts = 0;
  Status last_failure;
  std::string failed_operator;              ///< of the last failure; may be empty
  std::string waiting_for;                  ///< one phrase; empty when it just runs
  EventTime watermark = EventTime::none();  ///< the lowest of all vertices
  std::vector<VertexStatus> vertices;
  CheckpointsStatus checkpoints;
  std::uint64_t stale_messages = 0;  ///< about past attempts or from unknown senders; dropped
  /// Once terminal: ok if the job did what was asked, else why not.
  Status result;
  std::optional<std::string> savepoint = {};  ///< the job stopped, or stops, with it
};

/// Sums up what the heartbeats said. `execution` may be null: then all counters are zero.
std::vector<VertexStatus> summarize_vertices(const JobGraph& graph,
                                             const ExecutionGraph* execution);
/// The lowest watermark of all vertices that have one to show; enumerators do not.
EventTime lowest_watermark(const JobGraph& graph, const std::vector<VertexStatus>& vertices);
CheckpointsStatus summarize_checkpoints(const CheckpointProtocolState& state);
/// What the next checkpoint, or the end of the job, waits for; may be empty.
std::string checkpoint_waiting_for(const CheckpointPlan& plan,
                                   const CheckpointProtocolState& state);

}  // namespace weir
