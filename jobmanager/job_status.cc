// SPDX-License-Identifier: Apache-2.0
// Sums and phrases for people.
#include "jobmanager/job_status.h"

#include <algorithm>

#include "base/check.h"

namespace weir {
namespace {

OperatorStatus blank_status(const OperatorSpec& spec) {
  OperatorStatus status;
  status.id = spec.id;
  status.name = spec.name;
  status.kind = spec.kind;
  status.steps = spec.steps;
  return status;
}

void add(VertexStatus& vertex, const SubtaskReport& report) {
  if (report.state == SubtaskState::kRunning) ++vertex.running;
  if (report.state == SubtaskState::kEnded || report.state == SubtaskState::kClosed) {
    ++vertex.running;
    ++vertex.ended;
  }
  vertex.busy_nanos += report.busy_nanos;
  vertex.back_pressured_nanos += report.back_pressured_nanos;
  for (const OperatorReport& part : report.operators) {
    const auto status = std::ranges::find(vertex.operators, part.id, &OperatorStatus::id);
    if (status == vertex.operators.end()) continue;
    status->records_in += part.records_in;
    status->records_out += part.records_out;
    status->late_records += part.late_records;
    status->bad_records += part.bad_records;
    status->state_entries += part.state_entries;
    status->state_loads += part.state_loads;
  }
}

}  // namespace

std::string to_string(JobState state) {
  switch (state) {
    case JobState::kCreated: return "CREATED";
    case JobState::kWaitingForSlots: return "WAITING_FOR_SLOTS";
    case JobState::kDeploying: return "DEPLOYING";
    case JobState::kRunning: return "RUNNING";
    case JobState::kFailing: return "FAILING";
    case JobState::kRestarting: return "RESTARTING";
    case JobState::kStoppingWithCheckpoint: return "STOPPING_WITH_CHECKPOINT";
    case JobState::kStoppingWithSavepoint: return "STOPPING_WITH_SAVEPOINT";
    case JobState::kCancelling: return "CANCELLING";
    case JobState::kFinishing: return "FINISHING";
    case JobState::kFinished: return "FINISHED";
    case JobState::kFailed: return "FAILED";
    case JobState::kCancelled: return "CANCELLED";
  }
  WEIR_UNREACHABLE();
}

bool is_terminal(JobState state) {
  return state == JobState::kFinished || state == JobState::kFailed ||
         state == JobState::kCancelled;
}

std::vector<VertexStatus> summarize_vertices(const JobGraph& graph,
                                             const ExecutionGraph* execution) {
  std::vector<VertexStatus> vertices;
  for (const JobVertex& vertex : graph.vertices) {
    VertexStatus& status = vertices.emplace_back();
    status.id = vertex.id;
    status.name = vertex.name;
    status.subtasks = vertex.parallelism.value();
    for (const OperatorSpec& spec : vertex.operators) {
      status.operators.push_back(blank_status(spec));
    }
    if (execution != nullptr) status.watermark = EventTime::max();
  }
  if (execution == nullptr) return vertices;
  for (const auto& [subtask, each] : execution->subtasks()) {
    VertexStatus& status = vertices[subtask.vertex.value()];
    add(status, each.report);
    // None lies below all times, so one without a watermark makes the minimum none.
    status.watermark = std::min(status.watermark, each.report.watermark);
  }
  return vertices;
}

EventTime lowest_watermark(const JobGraph& graph, const std::vector<VertexStatus>& vertices) {
  EventTime lowest = EventTime::max();
  for (const VertexStatus& vertex : vertices) {
    const auto& operators = graph.vertex(vertex.id).operators;
    if (!operators.empty() && operators.front().kind == OperatorKind::kEnumerator) continue;
    lowest = std::min(lowest, vertex.watermark);
  }
  return lowest;
}

CheckpointsStatus summarize_checkpoints(const CheckpointProtocolState& state) {
  CheckpointsStatus status;
  status.counters = state.counters;
  if (state.pending) status.pending = state.pending->statistics;
  status.history.assign(state.history.begin(), state.history.end());
  if (!state.retained.empty()) status.latest_retained = state.retained.back();
  status.restored = state.restored;
  return status;
}

std::string checkpoint_waiting_for(const CheckpointPlan& plan,
                                   const CheckpointProtocolState& state) {
  if (state.phase != AttemptPhase::kRunning && !state.pending) return "";
  if (state.draining) {
    for (const auto& [subtask, each] : state.subtasks) {
      if (each != SubtaskState::kEnded) return subtask_text(plan.graph, subtask) + " to drain";
    }
  }
  if (state.pending) {
    const PendingCheckpoint& pending = *state.pending;
    const std::string name =
        (pending.request ? "savepoint " : "checkpoint ") + to_string(pending.barrier.id);
    switch (pending.statistics.phase) {
      case CheckpointPhase::kPreparing: return "the directory of " + name;
      case CheckpointPhase::kStoring: return "the metadata of " + name;
      case CheckpointPhase::kReadingBack:
        return "storage to tell whether " + name + " was stored (" +
               pending.statistics.failure.message() + ")";
      case CheckpointPhase::kAcknowledging:
        for (const SubtaskId subtask : plan.subtasks) {
          if (!pending.snapshots.contains(subtask)) {
            return subtask_text(plan.graph, subtask) + " to acknowledge " + name;
          }
        }
        return "";
      case CheckpointPhase::kCompleted:
      case CheckpointPhase::kAborted: return "";
    }
  }
  const auto wanted = state.final_checkpoint ? state.final_checkpoint : state.restored;
  if (!wanted) return "";
  for (const CommitterId& committer : plan.committers) {
    const auto found = state.committed.find(committer);
    if (found == state.committed.end() || found->second < *wanted) {
      return "'" + committer.id.value() + "' subtask " + to_string(committer.subtask) +
             " to commit its output of checkpoint " + to_string(*wanted);
    }
  }
  return "";
}

}  // namespace weir
