// SPDX-License-Identifier: Apache-2.0
// What --explain json prints is read back.
#include "cli/explained_job.h"

#include <gtest/gtest.h>

#include <string>

#include "api/graph/explain.h"

namespace weir::cli {
namespace {

TEST(ExplainedJobTest, OperatorsAndStatesComeBackAsTheGraphHadThem) {
  JobGraph graph;
  OperatorSpec op;
  op.id = OperatorId{"an \"id\""};
  op.name = "name";
  op.states = {{"one", StateKind::kMap, StateDistribution::kKeyed, "string", "map<int32,bool>"},
               {"two", StateKind::kOperator, StateDistribution::kUnion, "", "weir.own"}};
  op.states[0].ttl = Duration(3'600'000);
  graph.vertices.resize(2);
  graph.vertices[1].operators = {op, OperatorSpec{}};
  const auto job = parse_explained_job("hello from main\n" + explain_json(graph) + "\n");
  ASSERT_TRUE(job.is_ok()) << job.status().to_string();
  ASSERT_EQ(job->size(), 2U);
  EXPECT_EQ((*job)[0].id, op.id);
  EXPECT_EQ((*job)[0].name, "name");
  EXPECT_EQ((*job)[0].states, op.states);
  EXPECT_TRUE((*job)[1].states.empty());
}

TEST(ExplainedJobTest, OtherOutputIsRefused) {
  const auto with_state = [](const std::string& kind) {
    return R"({"vertices":[{"operators":[{"id":"a","name":"a","states":[{"name":"s",)" + kind +
           R"("distribution":"keyed","key":"","value":"bool"}]}]}]})";
  };
  EXPECT_TRUE(parse_explained_job(with_state(R"("kind":"value",)")).is_ok());
  for (const std::string& output :
       {std::string(), std::string("usage: nonsense"), std::string("{}"),
        std::string("{\"vertices\":[{}]}"), std::string("[1,2]"), with_state(""),
        with_state(R"("kind":"nonsense",)")}) {
    EXPECT_EQ(parse_explained_job(output).status().code(), StatusCode::kInvalidArgument) << output;
  }
}

}  // namespace
}  // namespace weir::cli
