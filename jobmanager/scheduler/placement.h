// SPDX-License-Identifier: Apache-2.0
// Placement: which subtask goes into which slot. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/ids.h"
#include "core/job_graph.h"
#include "jobmanager/scheduler/slot_pool.h"

namespace weir {

/// How many slots the job needs: per slot sharing group as many as its widest vertex has subtasks.
std::uint32_t slots_needed(const JobGraph& graph);

/// Puts every subtask of the job into one of `slots`. A slot holds subtasks of one sharing group,
/// and of each vertex at most one. Subtasks that a forward edge connects share their slot where
/// both vertices have the same parallelism; narrow vertices go where the fewest subtasks are.
///
/// Requires: slots.size() == slots_needed(graph).
std::map<SubtaskId, SlotId> place(const JobGraph& graph, const std::vector<SlotId>& slots);

}  // namespace weir
