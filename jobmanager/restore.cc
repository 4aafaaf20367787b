// SPDX-License-Identifier: Apache-2.0
// Operators meet their state by id alone.
#include "jobmanager/restore.h"

#include <algorithm>
#include <set>
#include <string>

namespace weir {
namespace {

bool has_state(const OperatorCheckpoint& entry) {
  return std::ranges::any_of(entry.subtasks, [](const auto& handle) { return handle.size > 0; });
}

}  // namespace

Status check_restorable(const JobGraph& graph, const CheckpointMetadata& checkpoint,
                        NonRestoredState non_restored) {
  if (non_restored == NonRestoredState::kAllowed) return Status::ok();
  std::set<OperatorId> known;
  for (const JobVertex& vertex : graph.vertices) {
    for (const OperatorSpec& spec : vertex.operators) known.insert(spec.id);
  }
  std::string lost;
  for (const OperatorCheckpoint& entry : checkpoint.operators) {
    if (known.contains(entry.id) || !has_state(entry)) continue;
    lost += (lost.empty() ? "'" : ", '") + entry.id.value() + "'";
  }
  if (lost.empty()) return Status::ok();
  return Status(StatusCode::kFailedPrecondition,
                "checkpoint " + to_string(checkpoint.id) + " of '" + checkpoint.job_name +
                    "' has state of operators that the job does not have: " + lost +
                    "; give them back their ids, or allow state that is not restored",
                ErrorDomain::kUser, RetryHint::kNo);
}

std::vector<OperatorRestore> restores_of(const JobVertex& vertex,
                                         const CheckpointMetadata& checkpoint) {
  std::vector<OperatorRestore> restores;
  for (const OperatorSpec& spec : vertex.operators) {
    const auto entry = std::ranges::find(checkpoint.operators, spec.id, &OperatorCheckpoint::id);
    if (entry != checkpoint.operators.end()) restores.push_back({spec.id, entry->subtasks});
  }
  return restores;
}

}  // namespace weir
