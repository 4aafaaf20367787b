// SPDX-License-Identifier: Apache-2.0
// Operators meet by id, states by name, values by schema: the same code that restores decides.
#include "state/snapshot/restore_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "state/snapshot/snapshot_reader.h"
#include "state/snapshot/state_migration.h"

namespace weir {
namespace {

using EntryCounts = std::map<std::string, std::uint64_t>;

Result<EntryCounts> count_entries(FileStore& files, const OperatorCheckpoint& op) {
  EntryCounts counts;
  for (const StateHandle& handle : op.subtasks) {
    if (handle.size == 0) {
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files, handle));
    for (const snapshot_format::State& state : reader->index().states) {
      counts[state.descriptor.name] += state.entries;
    }
  }
  return counts;
}

StatePlan plan_state(const StateDescriptor& now, const StateDescriptor& then,
                     std::uint64_t entries) {
  const StateMigration migration(now, then);
  StatePlan plan{.name = now.name, .entries = entries, .changes = migration.changes()};
  if (!migration.refusal().empty()) {
    plan.outcome = RestoreOutcome::kIncompatible;
    plan.reason = migration.refusal();
    if (!migration.remedy().empty()) {
      plan.reason += fmt::format("; keys changed: rewrite with {}", migration.remedy());
    }
  } else if (!plan.changes.empty()) {
    plan.outcome = RestoreOutcome::kMigrated;
  }
  return plan;
}

RestoreOutcome worst_of(const std::vector<StatePlan>& states) {
  RestoreOutcome worst = RestoreOutcome::kMatched;
  for (const StatePlan& state : states) {
    if (state.outcome == RestoreOutcome::kIncompatible) {
      return RestoreOutcome::kIncompatible;
    }
    if (state.outcome == RestoreOutcome::kMigrated) {
      worst = RestoreOutcome::kMigrated;
    }
  }
  return worst;
}

// `now` is null for an operator that the job does not have, `then` for one that is not stored.
OperatorPlan plan_operator(const PlannedOperator* now, const OperatorCheckpoint* then,
                           const EntryCounts& entries) {
  OperatorPlan plan{now != nullptr ? now->id : then->id, now != nullptr ? now->name : then->name};
  const auto entries_of = [&](const std::string& name) {
    const auto found = entries.find(name);
    return found == entries.end() ? 0 : found->second;
  };
  const std::vector<StateDescriptor> none;
  const auto& states_now = now != nullptr ? now->states : none;
  const auto& states_then = then != nullptr ? then->states : none;
  for (const StateDescriptor& state : states_now) {
    const auto stored = std::ranges::find(states_then, state.name, &StateDescriptor::name);
    if (stored == states_then.end()) {
      plan.states.push_back({.name = state.name, .outcome = RestoreOutcome::kNew});
    } else {
      plan.states.push_back(plan_state(state, *stored, entries_of(state.name)));
    }
  }
  for (const StateDescriptor& state : states_then) {
    if (std::ranges::find(states_now, state.name, &StateDescriptor::name) == states_now.end()) {
      plan.states.push_back({.name = state.name,
                             .outcome = RestoreOutcome::kDropped,
                             .entries = entries_of(state.name)});
    }
  }
  plan.outcome = now == nullptr    ? RestoreOutcome::kDropped
                 : then == nullptr ? RestoreOutcome::kNew
                                   : worst_of(plan.states);
  return plan;
}

}  // namespace

std::string_view to_string(RestoreOutcome outcome) {
  switch (outcome) {
    case RestoreOutcome::kMatched: return "matched";
    case RestoreOutcome::kMigrated: return "migrated";
    case RestoreOutcome::kNew: return "new";
    case RestoreOutcome::kDropped: return "dropped";
    case RestoreOutcome::kIncompatible: return "incompatible";
  }
  WEIR_UNREACHABLE();
}

std::size_t RestorePlan::count(RestoreOutcome outcome) const {
  std::size_t sum = 0;
  for (const OperatorPlan& op : operators) {
    for (const StatePlan& state : op.states) {
      const bool is_lost = outcome != RestoreOutcome::kDropped || state.entries > 0;
      sum += state.outcome == outcome && is_lost ? 1 : 0;
    }
  }
  return sum;
}

Result<RestorePlan> plan_restore(FileStore& files, const CheckpointMetadata& checkpoint,
                                 const std::vector<PlannedOperator>& job) {
  RestorePlan plan;
  for (const PlannedOperator& op : job) {
    const auto stored = std::ranges::find(checkpoint.operators, op.id, &OperatorCheckpoint::id);
    const OperatorCheckpoint* then = stored == checkpoint.operators.end() ? nullptr : &*stored;
    EntryCounts entries;
    if (then != nullptr) {
      WEIR_ASSIGN_OR_RETURN(entries, count_entries(files, *then));
    }
    plan.operators.push_back(plan_operator(&op, then, entries));
  }
  for (const OperatorCheckpoint& op : checkpoint.operators) {
    if (std::ranges::find(job, op.id, &PlannedOperator::id) == job.end()) {
      WEIR_ASSIGN_OR_RETURN(const EntryCounts entries, count_entries(files, op));
      plan.operators.push_back(plan_operator(nullptr, &op, entries));
    }
  }
  std::erase_if(plan.operators, [](const OperatorPlan& op) { return op.states.empty(); });
  return plan;
}

}  // namespace weir
