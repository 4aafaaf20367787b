// SPDX-License-Identifier: Apache-2.0
// Which channels a subtask has, by the job graph.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/program.h"
#include "taskmanager/io/channel_registry.h"
#include "taskmanager/io/input_gate.h"
#include "taskmanager/io/memory_budget.h"
#include "taskmanager/io/result_partition.h"

namespace weir {

/// Takes the consumer's end of every channel into the subtask: by edge, then by producer.
std::vector<GateChannel> take_inputs(ChannelRegistry& registry, const Program& program,
                                     const AttemptId& attempt);

/// Takes the producer's ends: one partition per edge out of the subtask's vertex, in their order.
std::vector<std::unique_ptr<ResultPartition>> take_outputs(ChannelRegistry& registry,
                                                           MemoryBudget& memory,
                                                           const Program& program,
                                                           const AttemptId& attempt);

/// The enumerator whose splits come in, for hints to it; none if there is no such input.
std::optional<AttemptId> enumerator_of(const Program& program, const AttemptId& attempt);

}  // namespace weir
