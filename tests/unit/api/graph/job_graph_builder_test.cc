// SPDX-License-Identifier: Apache-2.0
// Chaining: which operators become one vertex.
#include "api/graph/job_graph_builder.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

using Env = StreamExecutionEnvironment;

std::shared_ptr<const Program> built(const Env& env) {
  const auto program = env.build("job");
  EXPECT_EQ(program.status().to_string(), "ok");
  return program.is_ok() ? *program : std::make_shared<const Program>();
}

/// "a, b | c": the operators of each vertex, without enumerators.
std::string vertices(const Program& program) {
  std::string text;
  for (const JobVertex& vertex : program.graph.vertices) {
    if (vertex.operators[0].kind == OperatorKind::kEnumerator) continue;
    if (!text.empty()) text += " | ";
    for (std::size_t i = 0; i < vertex.operators.size(); ++i) {
      text += (i == 0 ? "" : ", ") + vertex.operators[i].id.value();
    }
  }
  return text;
}
/// The edge into the vertex whose head has this id.
const JobEdge& edge_into(const Program& program, const std::string& head) {
  for (const JobEdge& edge : program.graph.edges) {
    if (program.graph.vertex(edge.to).operators[0].id.value() == head) return edge;
  }
  ADD_FAILURE() << "no edge into " << head;
  static const JobEdge kNone;
  return kNone;
}

DataStream<Reading> source(Env& env, const std::string& id = "in") {
  return env.from_collection(id, std::vector<Reading>{}, by_time())
      .set_parallelism(env.settings().parallelism.value());
}
const auto is_positive = [](const Reading& r) { return r.value > 0; };
const auto doubled = [](const Reading& r) { return Reading{r.sensor, 2 * r.value, r.at}; };
const auto larger = [](const Reading& a, const Reading& b) { return a.value > b.value ? a : b; };

TEST(JobGraphBuilderTest, ChainsFromSourceToSinkWhereRecordsAreForwarded) {
  Env env(settings(2));
  source(env).filter(is_positive).map(doubled).print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in, in/filter-map, out");
  ASSERT_EQ(program->graph.vertices.size(), 2U);
  EXPECT_EQ(program->graph.vertices[0].parallelism, Parallelism{1});
  EXPECT_EQ(program->graph.vertices[1].parallelism, Parallelism{2});
  EXPECT_EQ(program->graph.vertices[1].operators[1].steps,
            (std::vector<std::string>{"filter", "map"}));
  EXPECT_EQ(edge_into(*program, "in").partitioning, Partitioning::kAddressed);
  EXPECT_EQ(program->operators[1].size(), 3U);
  EXPECT_EQ(program->routers.size(), program->graph.edges.size());
}

TEST(JobGraphBuilderTest, MakesAStreamWithANameAnOperatorOfItsOwnAndSharesIt) {
  Env env(settings());
  auto positive = source(env).filter(is_positive);
  positive.map(doubled).print("a");
  positive.print("b");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in, in/filter, in/filter/map, a, b");
  const auto& operators = program->graph.vertices[1].operators;
  EXPECT_EQ(operators[1].chained_after, 0U);
  EXPECT_EQ(operators[2].chained_after, 1U);
  EXPECT_EQ(operators[3].chained_after, 2U);
  EXPECT_EQ(operators[4].chained_after, 1U);
}

TEST(JobGraphBuilderTest, CopiesOfAStreamAreTheSameOperator) {
  Env env(settings());
  auto positive = source(env).filter(is_positive);
  const auto copy = positive;
  const DataStream<Reading> plain = copy;
  positive.print("a");
  copy.print("b");
  plain.print("c");
  EXPECT_EQ(vertices(*built(env)), "in, in/filter, a, b, c");
}

TEST(JobGraphBuilderTest, BreaksTheChainAtKeys) {
  Env env(settings(2));
  source(env).key_by(&Reading::sensor).reduce("largest", larger).print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in | largest, out");
  EXPECT_EQ(edge_into(*program, "largest").partitioning, Partitioning::kHash);
  EXPECT_EQ(edge_into(*program, "largest").why_not_chained, "records are spread by key");
}

TEST(JobGraphBuilderTest, ChainsWhatFollowsASortedStream) {
  Env env(settings(2));
  source(env)
      .key_by(&Reading::sensor)
      .sorted_by_event_time("sorted")
      .reduce("largest", larger)
      .print("out");
  EXPECT_EQ(vertices(*built(env)), "in | sorted, largest, out");
}

TEST(JobGraphBuilderTest, KeepsKeysTogetherWhereASortedStreamCannotBeForwarded) {
  Env env(settings(2));
  source(env)
      .key_by(&Reading::sensor)
      .sorted_by_event_time("sorted")
      .reduce("largest", larger)
      .set_parallelism(3)
      .print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in | sorted | largest | out");
  EXPECT_EQ(edge_into(*program, "largest").partitioning, Partitioning::kHash);
  EXPECT_EQ(edge_into(*program, "largest").why_not_chained, "the parallelism differs: 2 and 3");
  EXPECT_EQ(edge_into(*program, "out").partitioning, Partitioning::kRebalance);
}

TEST(JobGraphBuilderTest, SaysWhyOperatorsAreNotChained) {
  Env env(settings());
  const auto in = source(env);
  in.map(doubled).start_new_chain().print("new-chain");
  in.filter(is_positive).disable_chaining().print("never");
  in.rebalance().print("rebalanced");
  in.broadcast().print("broadcast");
  in.print("group").slot_sharing_group("other");
  in.map(doubled).set_max_parallelism(64).print("keeps-64");
  in.map(doubled).set_max_parallelism(32).print("keeps-32");
  in.union_with(in.filter(is_positive)).print("union");
  const auto program = built(env);
  const auto why = [&](const std::string& head) {
    return edge_into(*program, head).why_not_chained;
  };
  EXPECT_EQ(why("in/map"), "'in/map' begins a new chain");
  EXPECT_EQ(why("in/filter"), "chaining is disabled for 'in/filter'");
  EXPECT_EQ(why("never"), "chaining is disabled for 'in/filter'");
  EXPECT_EQ(why("rebalanced"), "records are spread evenly");
  EXPECT_EQ(why("broadcast"), "every record goes to every subtask");
  EXPECT_EQ(why("group"), "the slot sharing group differs: 'default' and 'other'");
  EXPECT_EQ(why("in/map-3"), "the max parallelism differs: 64 and 32");
  EXPECT_EQ(why("union"), "it has 2 inputs");
}

TEST(JobGraphBuilderTest, ChainsNothingWhenChainingIsOff) {
  ExecutionSettings off = settings();
  off.chaining = ExecutionSettings::Chaining::kOff;
  Env env(off);
  source(env).map(doubled).print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in | in/map | out");
  EXPECT_EQ(edge_into(*program, "out").why_not_chained, "chaining is switched off for the job");
  EXPECT_EQ(edge_into(*program, "out").partitioning, Partitioning::kForward);
}

TEST(JobGraphBuilderTest, GivesAVertexTheMaxParallelismThatItsOperatorsName) {
  Env env(settings(2));
  source(env).map(doubled).set_max_parallelism(64).print("out");
  source(env, "other").print("other-out");
  const auto program = built(env);
  EXPECT_EQ(program->graph.vertices[1].max_parallelism, MaxParallelism{64});
  EXPECT_EQ(program->graph.vertices[3].max_parallelism, MaxParallelism{128});
}

TEST(JobGraphBuilderTest, TakesTheSlotSharingGroupOfTheInput) {
  Env env(settings());
  source(env).slot_sharing_group("mine").map(doubled).print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in, in/map, out");
  EXPECT_EQ(program->graph.vertices[0].slot_sharing_group, "mine");
  EXPECT_EQ(program->graph.vertices[1].slot_sharing_group, "mine");
}

TEST(JobGraphBuilderTest, ConnectsSideOutputsByTheirIndex) {
  Env env(settings());
  const OutputTag<Reading> late("late");
  auto counts = source(env)
                    .key_by(&Reading::sensor)
                    .window(tumbling(Duration{10}))
                    .late_to(late)
                    .aggregate("counts", count());
  counts.side_output(late).print("late-out");
  counts.print("out");
  const auto program = built(env);
  EXPECT_EQ(vertices(*program), "in | counts, late-out, out");
  const auto& operators = program->graph.vertices[2].operators;
  EXPECT_EQ(operators[1].chained_output, OutputIndex{1});
  EXPECT_EQ(operators[2].chained_output, OutputIndex{0});
  const std::unique_ptr<Operator> window = program->operators[2][0]();
  EXPECT_EQ(window->outputs().size(), 2U);
}

TEST(JobGraphBuilderTest, CarriesSettingsAndStatesIntoTheGraph) {
  ExecutionSettings mine = settings();
  mine.checkpoints.interval = Duration{77};
  mine.restart.kind = RestartStrategy::Kind::kNone;
  Env env(mine);
  source(env).key_by(&Reading::sensor).reduce("largest", larger).print("out");
  const auto program = built(env);
  EXPECT_EQ(program->graph.name, "job");
  EXPECT_EQ(program->graph.checkpoints.interval, Duration{77});
  EXPECT_EQ(program->graph.restart.kind, RestartStrategy::Kind::kNone);
  const StateDescriptor& state = program->graph.vertices[2].operators[0].states.at(0);
  EXPECT_EQ(state.name, "reduced");
  EXPECT_EQ(state.key_schema, "int64");
  EXPECT_EQ(state.value_schema, "Reading{sensor:int64,value:int64,at:event_time}");
}

struct Both : KeyedBroadcastProcessFunction<std::int64_t, Reading, Reading, Reading> {
  void declare(States& states) { states.broadcast<int, int>("rules"); }
  void process(const Reading&, Context&, Output&) {}
  void process_broadcast(const Reading&, BroadcastContext&, Output&) {}
};

TEST(JobGraphBuilderTest, ConnectsTheInputsOfAKeyedStreamBeforeThoseOfABroadcastStream) {
  Env env(settings());
  auto a = source(env, "a");
  auto b = source(env, "b");
  a.union_with(b)
      .key_by(&Reading::sensor)
      .connect(b.union_with(a).rebalance().broadcast("rules"))
      .process("both", Both())
      .print("out");
  const auto program = built(env);
  std::string inputs;
  std::uint32_t number = 0;
  for (const JobEdge& edge : program->graph.edges) {
    const JobVertex& to = program->graph.vertex(edge.to);
    if (to.operators[0].id.value() != "both") continue;
    EXPECT_EQ(edge.input, InputIndex{number++});
    inputs += program->graph.vertex(edge.from).operators[0].id.value() +
              (edge.partitioning == Partitioning::kBroadcast ? " to all, " : " by key, ");
    EXPECT_EQ(edge.why_not_chained, "it has 4 inputs");
  }
  EXPECT_EQ(inputs, "a by key, b by key, b to all, a to all, ");
}

TEST(JobGraphBuilderTest, GivesTheSameGraphEveryTime) {
  const auto hash = [] {
    Env env(settings(2));
    source(env).map(doubled).key_by(&Reading::sensor).reduce("largest", larger).print("out");
    return graph_hash(built(env)->graph);
  };
  EXPECT_EQ(hash(), hash());
}

}  // namespace
}  // namespace weir::test
