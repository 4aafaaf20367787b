// SPDX-License-Identifier: Apache-2.0
// Job graphs that the tests of this module share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/job_graph.h"

namespace weir {

inline OperatorSpec make_operator(const std::string& id, OperatorKind kind) {
  OperatorSpec spec;
  spec.id = OperatorId{id};
  spec.name = id;
  spec.kind = kind;
  spec.commits = kind == OperatorKind::kSink;
  return spec;
}

inline JobVertex make_vertex(std::uint32_t id, const std::string& name, std::uint32_t parallelism,
                             OperatorKind kind) {
  JobVertex vertex;
  vertex.id = VertexId{id};
  vertex.name = name;
  vertex.parallelism = Parallelism{parallelism};
  vertex.operators.push_back(make_operator(name, kind));
  return vertex;
}

inline JobEdge make_edge(std::uint32_t from, std::uint32_t to,
                         Partitioning partitioning = Partitioning::kHash) {
  JobEdge edge;
  edge.from = VertexId{from};
  edge.to = VertexId{to};
  edge.partitioning = partitioning;
  return edge;
}

/// enumerator (1) -> reader (parallelism) -> sink (parallelism), which commits.
inline JobGraph make_job(std::uint32_t parallelism = 2) {
  JobGraph graph;
  graph.name = "job";
  graph.vertices = {make_vertex(0, "enumerator", 1, OperatorKind::kEnumerator),
                    make_vertex(1, "reader", parallelism, OperatorKind::kSourceReader),
                    make_vertex(2, "sink", parallelism, OperatorKind::kSink)};
  graph.edges = {make_edge(0, 1, Partitioning::kAddressed), make_edge(1, 2)};
  graph.checkpoints.interval = std::chrono::seconds{3};
  graph.checkpoints.timeout = std::chrono::minutes{10};
  return graph;
}

inline SubtaskId subtask(std::uint32_t vertex, std::uint32_t index) {
  return {VertexId{vertex}, SubtaskIndex{index}};
}

}  // namespace weir
