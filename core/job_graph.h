// SPDX-License-Identifier: Apache-2.0
// The job graph: plain data that says what a job is, without any of its code.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/ids.h"
#include "core/router.h"
#include "core/state_table.h"

namespace weir {

enum class OperatorKind {
  kEnumerator,    ///< finds splits; parallelism 1; where barriers start
  kSourceReader,  ///< reads splits
  kTransform,
  kSink,
};

/// One operator of a chain.
struct OperatorSpec {
  OperatorId id;
  std::string name;
  OperatorKind kind = OperatorKind::kTransform;
  std::vector<std::string> steps;  ///< fused stateless steps, for people
  std::vector<StateDescriptor> states;
  /// True for sinks that commit on completed checkpoints and report it.
  bool commits = false;
  /// The operator in the same chain that feeds this one, by position, and which of its outputs.
  /// None for the head, which reads the vertex's inputs.
  std::optional<std::uint32_t> chained_after;
  OutputIndex chained_output{0};
};

/// One operator chain and its parallelism.
struct JobVertex {
  VertexId id;  ///< its position in `JobGraph::vertices`
  std::string name;
  Parallelism parallelism{1};
  MaxParallelism max_parallelism{128};
  std::string slot_sharing_group = "default";
  std::vector<OperatorSpec> operators;  ///< in topological order; the head is the first
};

/// Records flow from an operator of one vertex to the head of another.
struct JobEdge {
  VertexId from;
  std::uint32_t from_operator = 0;  ///< position in the chain of `from`
  OutputIndex output{0};
  VertexId to;
  InputIndex input{0};
  Partitioning partitioning = Partitioning::kForward;
  std::string why_not_chained;  ///< one sentence, for `--explain`
};

/// When a failed job is started again.
struct RestartStrategy {
  enum class Kind { kNone, kFixedDelay, kFailureRate, kExponentialDelay };
  Kind kind = Kind::kExponentialDelay;
  /// Fixed delay: how many restarts; failure rate: how many failures per interval.
  std::uint32_t attempts = 1;
  /// Fixed delay and failure rate: the wait. Exponential: the first wait.
  Duration delay = std::chrono::milliseconds{50};
  Duration delay_max = std::chrono::minutes{1};
  double multiplier = 2.0;
  double jitter = 0.1;
  /// Exponential: quiet time after which the wait starts over. Failure rate: the interval.
  Duration interval = std::chrono::minutes{10};
};

/// How checkpoints are taken.
struct CheckpointOptions {
  bool enabled = true;
  Duration interval = std::chrono::seconds{3};
  Duration timeout = std::chrono::minutes{10};
  Duration min_pause = Duration{0};
  /// Consecutive failed checkpoints that do not fail the job.
  std::uint32_t tolerable_failures = 0;
  std::uint32_t retained = 1;
};

/// The whole job as the JobManager knows it.
struct JobGraph {
  std::string name;
  std::vector<JobVertex> vertices;
  std::vector<JobEdge> edges;
  CheckpointOptions checkpoints;
  RestartStrategy restart;

  const JobVertex& vertex(VertexId id) const { return vertices[id.value()]; }
};

/// Hash over everything that must be the same in the process that submitted a job and in the one
/// that runs it.
std::uint64_t graph_hash(const JobGraph& graph);

}  // namespace weir
