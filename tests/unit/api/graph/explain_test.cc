// SPDX-License-Identifier: Apache-2.0
// The plan as people and programs read it.
#include "api/graph/explain.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

std::shared_ptr<const Program> sensors() {
  StreamExecutionEnvironment env(settings(2));
  const OutputTag<Reading> late("late");
  auto readings = env.from_collection("readings", std::vector<Reading>{}, by_time());
  auto counts = readings.filter([](const Reading& r) { return r.value > 0; })
                    .map([](const Reading& r) { return r; })
                    .key_by(&Reading::sensor)
                    .window(tumbling(Duration{1000}))
                    .late_to(late)
                    .aggregate("counts", count());
  counts.side_output(late).print("late");
  counts.print("out");
  return env.build("sensors").value();
}

TEST(ExplainTest, PrintsVerticesOperatorsAndWhyEdgesAreNotChained) {
  EXPECT_EQ(explain_text(sensors()->graph), R"(sensors

vertex 0: parallelism 1, max parallelism 128, slot sharing group 'default'
  readings/splits (enumerator), state: enumerator
  readings/splits --addressed--> vertex 1, not chained because splits go to the reader that asked

vertex 1: parallelism 1, max parallelism 128, slot sharing group 'default'
  readings (source), state: splits
  readings --rebalance--> vertex 2, not chained because the parallelism differs: 1 and 2

vertex 2: parallelism 2, max parallelism 128, slot sharing group 'default'
  readings/filter-map (transform), fused: filter, map
  readings/filter-map --hash--> vertex 3, not chained because records are spread by key

vertex 3: parallelism 2, max parallelism 128, slot sharing group 'default'
  counts (transform), state: windows of 1 s, fired-watermarks
    late (sink), side output 1
    out (sink)
)");
}

struct Largest : KeyedBroadcastProcessFunction<std::int64_t, Reading, Reading, Reading> {
  void declare(States& states) {
    largest_ = states.broadcast<std::int64_t, std::int64_t>("largest");
    last_ = states.value<std::int64_t>("last");
  }
  void process(const Reading&, Context&, Output&) {}
  void process_broadcast(const Reading&, BroadcastContext&, Output&) {}
  BroadcastState<std::int64_t, std::int64_t> largest_;
  ValueState<std::int64_t> last_;
};

TEST(ExplainTest, ShowsWhatIsBroadcast) {
  StreamExecutionEnvironment env(settings(2));
  auto readings = env.from_collection("readings", std::vector<Reading>{}, by_time());
  readings.key_by(&Reading::sensor)
      .connect(readings.broadcast("largest"))
      .process("compare", Largest())
      .print("out");
  const std::string text = explain_text(env.build("job").value()->graph);
  EXPECT_NE(text.find("  readings --hash--> vertex 2, not chained because it has 2 inputs\n"
                      "  readings --broadcast--> vertex 2, not chained because it has 2 inputs\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  compare (transform), state: largest (broadcast), last, event-time-timers"),
            std::string::npos)
      << text;
}

TEST(ExplainTest, WritesJson) {
  JobGraph graph;
  graph.name = "a \"job\"\n";
  graph.vertices.push_back({.id = VertexId{0}, .name = "in -> out", .operators = {}});
  OperatorSpec source;
  source.id = OperatorId{"in"};
  source.name = "in";
  source.kind = OperatorKind::kSourceReader;
  source.states.push_back({.name = "splits",
                           .kind = StateKind::kOperator,
                           .distribution = StateDistribution::kSplit,
                           .key_schema = "",
                           .value_schema = "string"});
  OperatorSpec sink;
  sink.id = OperatorId{"out"};
  sink.name = "out";
  sink.kind = OperatorKind::kSink;
  sink.steps = {"filter"};
  sink.commits = true;
  sink.chained_after = 0;
  graph.vertices[0].operators = {source, sink};
  JobEdge edge;
  edge.partitioning = Partitioning::kHash;
  edge.why_not_chained = "records are spread by key";
  graph.edges.push_back(edge);
  EXPECT_EQ(explain_json(graph),
            "{\"name\":\"a \\\"job\\\"\\u000a\",\"vertices\":[{\"id\":0,\"name\":\"in -> out\","
            "\"parallelism\":1,\"max_parallelism\":128,\"slot_sharing_group\":\"default\","
            "\"operators\":[{\"id\":\"in\",\"name\":\"in\",\"kind\":\"source\",\"steps\":[],"
            "\"states\":[{\"name\":\"splits\",\"kind\":\"operator\",\"distribution\":\"split\","
            "\"key\":\"\",\"value\":\"string\"}],\"commits\":false},"
            "{\"id\":\"out\",\"name\":\"out\",\"kind\":\"sink\",\"chained_after\":0,"
            "\"chained_output\":0,\"steps\":[\"filter\"],\"states\":[],\"commits\":true}]}],"
            "\"edges\":[{\"from\":0,\"from_operator\":0,\"output\":0,\"to\":0,\"input\":0,"
            "\"partitioning\":\"hash\",\"why_not_chained\":\"records are spread by key\"}]}");
}

}  // namespace
}  // namespace weir::test
