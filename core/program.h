// SPDX-License-Identifier: Apache-2.0
// A job graph together with the code that runs it. Lives where user code lives, never in the
// JobManager.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/job_graph.h"
#include "core/operator.h"
#include "core/router.h"

namespace weir {

/// Makes one instance of an operator for one subtask. Thread: any; must not share mutable state
/// between instances.
using OperatorFactory = std::function<std::unique_ptr<Operator>()>;

/// The two ends of an edge, as its router needs to know them.
struct RouterSetup {
  SubtaskIndex producer;
  Parallelism consumer_parallelism;
  MaxParallelism consumer_max_parallelism;
};
/// Makes the router of one edge for one producing subtask.
using RouterFactory = std::function<std::unique_ptr<Router>(const RouterSetup&)>;

/// What a worker runs. Immutable once built; shared by all subtasks of a job in one process.
struct Program {
  JobGraph graph;
  /// `operators[vertex][position]` makes `graph.vertices[vertex].operators[position]`.
  std::vector<std::vector<OperatorFactory>> operators;
  /// `routers[edge]` makes the router of `graph.edges[edge]`.
  std::vector<RouterFactory> routers;
};

}  // namespace weir
