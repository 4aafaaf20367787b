// SPDX-License-Identifier: Apache-2.0
// Operators meet their state by id alone.
#include "jobmanager/restore.h"

#include <algorithm>
#include <map>
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
  std::map<OperatorId, std::set<std::string>> known;
  for (const JobVertex& vertex : graph.vertices) {
    for (const OperatorSpec& spec : vertex.operators) {
      std::set<std::string>& states = known[spec.id];
      for (const StateDescriptor& state : spec.states) states.insert(state.name);
    }
  }
  std::string operators;
  std::string states;
  for (const OperatorCheckpoint& entry : checkpoint.operators) {
    if (!has_state(entry)) continue;
    const auto found = known.find(entry.id);
    if (found == known.end()) {
      operators += (operators.empty() ? "'" : ", '") + entry.id.value() + "'";
      continue;
    }
    for (const StateDescriptor& state : entry.states) {
      if (found->second.contains(state.name)) continue;
      states += (states.empty() ? "'" : ", '") + state.name + "' of '" + entry.id.value() + "'";
    }
  }
  if (operators.empty() && states.empty()) return Status::ok();
  std::string lost;
  if (!operators.empty()) lost = "state of operators that the job does not have: " + operators;
  if (!states.empty()) {
    lost +=
        (lost.empty() ? "" : "; and ") + std::string("states that their operators do not have: ");
    lost += states;
  }
  const std::string kind = is_savepoint(checkpoint.kind) ? "savepoint " : "checkpoint ";
  return Status(StatusCode::kFailedPrecondition,
                kind + to_string(checkpoint.id) + " of '" + checkpoint.job_name + "' has " + lost +
                    "; give them back their ids and names, or allow state that is not restored",
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
