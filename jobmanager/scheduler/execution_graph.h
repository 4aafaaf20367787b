// SPDX-License-Identifier: Apache-2.0
// ExecutionGraph: one attempt of a job: where each subtask was put and what is known of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "core/control_messages.h"
#include "core/ids.h"
#include "jobmanager/scheduler/slot_pool.h"

namespace weir {

/// Whether a subtask in this state still runs on its TaskManager.
bool is_alive(SubtaskState state);

/// One subtask of the attempt.
struct SubtaskExecution {
  SlotId slot;
  SubtaskReport report;  ///< the latest; its state never goes back
  /// When a heartbeat last listed it, or its deployment was confirmed. None before that.
  std::optional<std::int64_t> listed_nanos;
};

/// What the JobManager wants and what the heartbeats say, per subtask of one attempt. Heartbeats
/// may come late, twice and out of order.
///
/// Thread: one.
class ExecutionGraph {
 public:
  ExecutionGraph(JobId job, AttemptNumber attempt, const std::map<SubtaskId, SlotId>& placement);

  AttemptNumber attempt() const { return attempt_; }
  const std::map<SubtaskId, SubtaskExecution>& subtasks() const { return subtasks_; }
  const std::set<TaskManagerId>& task_managers() const { return task_managers_; }

  /// The TaskManager has taken its part of the attempt.
  void confirm_deployed(TaskManagerId task_manager, std::int64_t now_nanos);
  /// Takes a report about this attempt. True if the subtask's state has changed.
  bool apply(const SubtaskReport& report, TaskManagerId from, std::int64_t now_nanos);
  /// A subtask that `task_manager` took but has not listed for longer than `timeout`.
  std::optional<SubtaskId> find_missing(TaskManagerId task_manager, std::int64_t now_nanos,
                                        Duration timeout) const;

  /// Some subtask that has not started yet.
  std::optional<SubtaskId> find_unstarted() const;
  /// Some subtask that is failed, or over although nobody asked for it. Failed ones come first.
  std::optional<SubtaskId> find_failed() const;

 private:
  const AttemptNumber attempt_;
  std::map<SubtaskId, SubtaskExecution> subtasks_;
  std::set<TaskManagerId> task_managers_;
};

}  // namespace weir
