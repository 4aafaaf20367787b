// SPDX-License-Identifier: Apache-2.0
// What the hash of a job graph depends on.
#include "core/job_graph.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

namespace weir {
namespace {

JobGraph make_graph() {
  JobGraph graph;
  graph.name = "job";
  for (std::uint32_t i = 0; i < 2; ++i) {
    JobVertex vertex;
    vertex.id = VertexId{i};
    vertex.name = "vertex-" + std::to_string(i);
    OperatorSpec spec;
    spec.id = OperatorId{"operator-" + std::to_string(i)};
    spec.steps = {"map"};
    spec.states.push_back({"count", StateKind::kValue, StateDistribution::kKeyed, "text", "u64"});
    vertex.operators.push_back(spec);
    graph.vertices.push_back(vertex);
  }
  JobEdge edge;
  edge.from = VertexId{0};
  edge.to = VertexId{1};
  graph.edges.push_back(edge);
  return graph;
}

TEST(GraphHashTest, IsTheSameForTheSameGraph) {
  EXPECT_EQ(graph_hash(make_graph()), graph_hash(make_graph()));
}

TEST(GraphHashTest, DependsOnWhatAWorkerMustAgreeOn) {
  const std::vector<std::function<void(JobGraph&)>> changes = {
      [](JobGraph& graph) { graph.name = "other"; },
      [](JobGraph& graph) { graph.vertices.pop_back(); },
      [](JobGraph& graph) { graph.vertices[1].name = "other"; },
      [](JobGraph& graph) { graph.vertices[1].parallelism = Parallelism{2}; },
      [](JobGraph& graph) { graph.vertices[1].max_parallelism = MaxParallelism{64}; },
      [](JobGraph& graph) { graph.vertices[1].slot_sharing_group = "own"; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].id = OperatorId{"other"}; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].kind = OperatorKind::kSink; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].steps.push_back("filter"); },
      [](JobGraph& graph) { graph.vertices[1].operators[0].commits = true; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].chained_after = 0; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].chained_output = OutputIndex{1}; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].states.clear(); },
      [](JobGraph& graph) { graph.vertices[1].operators[0].states[0].value_schema = "i64"; },
      [](JobGraph& graph) { graph.vertices[1].operators[0].states[0].kind = StateKind::kList; },
      [](JobGraph& graph) { graph.edges[0].partitioning = Partitioning::kHash; },
      [](JobGraph& graph) { graph.edges[0].input = InputIndex{1}; },
      [](JobGraph& graph) { graph.edges[0].output = OutputIndex{1}; },
      [](JobGraph& graph) { graph.edges.clear(); },
  };
  std::set<std::uint64_t> hashes = {graph_hash(make_graph())};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    JobGraph graph = make_graph();
    changes[i](graph);
    EXPECT_TRUE(hashes.insert(graph_hash(graph)).second) << "change " << i;
  }
}

TEST(GraphHashTest, DoesNotDependOnWhatTheJobManagerAloneActsOn) {
  JobGraph graph = make_graph();
  graph.edges[0].why_not_chained = "it has two inputs";
  graph.checkpoints.interval = Duration{1};
  graph.restart.kind = RestartStrategy::Kind::kNone;
  EXPECT_EQ(graph_hash(graph), graph_hash(make_graph()));
}

}  // namespace
}  // namespace weir
