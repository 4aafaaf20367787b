// SPDX-License-Identifier: Apache-2.0
// How reports change what is known of an attempt.
#include "jobmanager/scheduler/execution_graph.h"

#include <chrono>

#include "base/check.h"

namespace weir {
namespace {

// A subtask only moves up; what is over stays as it ended.
int rank(SubtaskState state) {
  switch (state) {
    case SubtaskState::kDeploying: return 0;
    case SubtaskState::kRunning: return 1;
    case SubtaskState::kEnded: return 2;
    case SubtaskState::kClosed:
    case SubtaskState::kCancelled:
    case SubtaskState::kFailed: return 3;
  }
  WEIR_UNREACHABLE();
}

}  // namespace

bool is_alive(SubtaskState state) { return rank(state) < 3; }

ExecutionGraph::ExecutionGraph(JobId job, AttemptNumber attempt,
                               const std::map<SubtaskId, SlotId>& placement)
    : attempt_(attempt) {
  for (const auto& [subtask, slot] : placement) {
    SubtaskExecution& execution = subtasks_[subtask];
    execution.slot = slot;
    execution.report.attempt = {job, subtask, attempt};
    task_managers_.insert(slot.task_manager);
  }
}

void ExecutionGraph::confirm_deployed(TaskManagerId task_manager, std::int64_t now_nanos) {
  for (auto& [subtask, execution] : subtasks_) {
    if (execution.slot.task_manager == task_manager && !execution.listed_nanos) {
      execution.listed_nanos = now_nanos;
    }
  }
}

bool ExecutionGraph::apply(const SubtaskReport& report, TaskManagerId from,
                           std::int64_t now_nanos) {
  const auto found = subtasks_.find(report.attempt.subtask);
  if (found == subtasks_.end() || found->second.slot.task_manager != from) return false;
  SubtaskExecution& execution = found->second;
  execution.listed_nanos = now_nanos;
  const SubtaskState before = execution.report.state;
  // Within one state the busy time tells which of two reports is the newer.
  const bool is_older = rank(report.state) < rank(before) ||
                        (report.state == before && report.busy_nanos < execution.report.busy_nanos);
  if (!is_alive(before) || is_older) return false;
  execution.report = report;
  return report.state != before;
}

std::optional<SubtaskId> ExecutionGraph::find_missing(TaskManagerId task_manager,
                                                      std::int64_t now_nanos,
                                                      Duration timeout) const {
  const std::int64_t limit =
      now_nanos - std::chrono::duration_cast<std::chrono::nanoseconds>(timeout).count();
  for (const auto& [subtask, execution] : subtasks_) {
    if (execution.slot.task_manager == task_manager && is_alive(execution.report.state) &&
        execution.listed_nanos && *execution.listed_nanos < limit) {
      return subtask;
    }
  }
  return std::nullopt;
}

std::optional<SubtaskId> ExecutionGraph::find_unstarted() const {
  for (const auto& [subtask, execution] : subtasks_) {
    if (execution.report.state == SubtaskState::kDeploying) return subtask;
  }
  return std::nullopt;
}

std::optional<SubtaskId> ExecutionGraph::find_failed() const {
  std::optional<SubtaskId> over;
  for (const auto& [subtask, execution] : subtasks_) {
    if (execution.report.state == SubtaskState::kFailed) return subtask;
    if (!over && !is_alive(execution.report.state)) over = subtask;
  }
  return over;
}

}  // namespace weir
