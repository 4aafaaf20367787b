// SPDX-License-Identifier: Apache-2.0
// From a checkpoint to what each subtask starts from. Pure.
#pragma once

#include <vector>

#include "base/status.h"
#include "core/control_messages.h"
#include "core/job_graph.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir {

/// What becomes of state in a checkpoint that no operator of the job asks for.
enum class NonRestoredState { kRefused, kAllowed };

/// Checks that the job can start from `checkpoint`.
///
/// Errors: failed precondition (no restart) that names every operator, and every state of an
///         operator, that would be lost.
Status check_restorable(const JobGraph& graph, const CheckpointMetadata& checkpoint,
                        NonRestoredState non_restored);

/// What every subtask of `vertex` starts from: per operator that the checkpoint knows by its id,
/// the snapshots of all former subtasks. Each takes what is its own, whatever the parallelism was.
std::vector<OperatorRestore> restores_of(const JobVertex& vertex,
                                         const CheckpointMetadata& checkpoint);

}  // namespace weir
