// SPDX-License-Identifier: Apache-2.0
// Identifiers of everything a job is made of. They are values: copy them freely.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/strong_id.h"

namespace weir {

/// One submitted dataflow; unique over all runs.
using JobId = StrongId<struct JobIdTag, std::uint64_t>;
/// A vertex of the job graph: one operator chain with all its subtasks.
using VertexId = StrongId<struct VertexIdTag, std::uint32_t>;
/// The id a user gives an operator; stable across restarts and upgrades, keys its state.
using OperatorId = StrongId<struct OperatorIdTag, std::string>;
/// Position of a subtask among its vertex's parallel instances, from zero.
using SubtaskIndex = StrongId<struct SubtaskIndexTag, std::uint32_t>;
/// How many subtasks a vertex has now.
using Parallelism = StrongId<struct ParallelismTag, std::uint32_t>;
/// How many key groups a vertex has; the bound of its parallelism, at most 32768.
using MaxParallelism = StrongId<struct MaxParallelismTag, std::uint32_t>;
/// Which execution of the whole job this is: every restart counts it up. Also the restore number.
using AttemptNumber = StrongId<struct AttemptNumberTag, std::uint32_t>;
/// Strictly increasing over the life of a job, restarts and restores included; the first is 1.
using CheckpointId = StrongId<struct CheckpointIdTag, std::uint64_t>;
/// Which edge into a vertex (0 for the only or left input).
using InputIndex = StrongId<struct InputIndexTag, std::uint32_t>;
/// Which output of an operator (0 is the main output, others are side outputs).
using OutputIndex = StrongId<struct OutputIndexTag, std::uint32_t>;
/// One channel of a gate or of a result partition.
using ChannelIndex = StrongId<struct ChannelIndexTag, std::uint32_t>;
/// A TaskManager process. A restarted one takes a new id.
using TaskManagerId = StrongId<struct TaskManagerIdTag, std::uint64_t>;

/// One parallel instance of a vertex.
struct SubtaskId {
  VertexId vertex;
  SubtaskIndex index;
  friend auto operator<=>(const SubtaskId&, const SubtaskId&) = default;
};

/// One execution of one subtask. Messages about any other attempt are stale and dropped.
struct AttemptId {
  JobId job;
  SubtaskId subtask;
  AttemptNumber attempt;
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};

}  // namespace weir
