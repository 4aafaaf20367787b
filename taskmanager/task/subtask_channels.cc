// SPDX-License-Identifier: Apache-2.0
// Walking the edges of a job graph that touch one vertex.
#include "taskmanager/task/subtask_channels.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace weir {
namespace {

// The other ends of an edge, seen from subtask `self` of one of its vertices.
std::vector<SubtaskIndex> peers(const JobEdge& edge, Parallelism parallelism, SubtaskIndex self) {
  if (edge.partitioning == Partitioning::kForward) return {self};
  std::vector<SubtaskIndex> all;
  for (std::uint32_t i = 0; i < parallelism.value(); ++i) all.emplace_back(i);
  return all;
}

}  // namespace

std::vector<GateChannel> take_inputs(ChannelRegistry& registry, const Program& program,
                                     const AttemptId& attempt) {
  const JobGraph& graph = program.graph;
  const SubtaskIndex self = attempt.subtask.index;
  std::vector<GateChannel> channels;
  for (std::uint32_t i = 0; i < graph.edges.size(); ++i) {
    const JobEdge& edge = graph.edges[i];
    if (edge.to != attempt.subtask.vertex) continue;
    const JobVertex& from = graph.vertex(edge.from);
    for (const SubtaskIndex producer : peers(edge, from.parallelism, self)) {
      channels.push_back({edge.input,
                          registry.take_input({attempt.job, attempt.attempt, i, producer, self}),
                          fmt::format("'{}' (subtask {})", from.name, producer.value())});
    }
  }
  return channels;
}

std::vector<std::unique_ptr<ResultPartition>> take_outputs(ChannelRegistry& registry,
                                                           MemoryBudget& memory,
                                                           const Program& program,
                                                           const AttemptId& attempt) {
  const JobGraph& graph = program.graph;
  const SubtaskIndex self = attempt.subtask.index;
  std::vector<std::unique_ptr<ResultPartition>> partitions;
  for (std::uint32_t i = 0; i < graph.edges.size(); ++i) {
    const JobEdge& edge = graph.edges[i];
    if (edge.from != attempt.subtask.vertex) continue;
    std::vector<std::shared_ptr<OutputChannel>> channels;
    for (const SubtaskIndex to : peers(edge, graph.vertex(edge.to).parallelism, self)) {
      channels.push_back(registry.take_output({attempt.job, attempt.attempt, i, self, to}));
    }
    const std::string& name = graph.vertex(edge.from).operators[edge.from_operator].name;
    partitions.push_back(std::make_unique<ResultPartition>(std::move(channels), memory, name));
  }
  return partitions;
}

std::optional<AttemptId> enumerator_of(const Program& program, const AttemptId& attempt) {
  const JobGraph& graph = program.graph;
  for (const JobEdge& edge : graph.edges) {
    if (edge.to != attempt.subtask.vertex) continue;
    if (graph.vertex(edge.from).operators.front().kind != OperatorKind::kEnumerator) continue;
    return AttemptId{attempt.job, {edge.from, SubtaskIndex{0}}, attempt.attempt};
  }
  return std::nullopt;
}

}  // namespace weir
