// SPDX-License-Identifier: Apache-2.0
// Tests of the operator chain.
#include "taskmanager/task/operator_chain.h"

#include <gtest/gtest.h>

#include "taskmanager/io/local_channel.h"
#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::batch_of;
using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;
using testing::to_text;

using Texts = std::vector<std::string>;

// Offers operators only what they use here.
class PlainContext final : public OperatorContext {
 public:
  class Registry final : public StateRegistry {
   public:
    void add(StateTable&) override {}
    bool is_restored() const override { return false; }
  };
  const OperatorInfo& info() const override { return info_; }
  const Clock& clock() const override { return clock_; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return registry_; }
  FileStore& files() override { return files_; }
  void run_blocking(std::function<void()>, std::function<void()>) override {}
  void post(std::function<void()>) override {}
  void wake_at(ProcessingTime) override {}
  void send_hint(std::string) override {}
  void report_committed(CheckpointId) override {}

 private:
  OperatorInfo info_;
  ManualClock clock_;
  MetricGroup metrics_;
  Registry registry_;
  MemoryFileStore files_;
};

class OperatorChainTest : public ::testing::Test {
 protected:
  // A chain with as many forward edges out of it as `edges` names operators and outputs.
  void make(const std::vector<Behaviour>& behaviours,
            const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges = {}) {
    ProgramBuilder builder(journal);
    const VertexId vertex = builder.add(1, behaviours);
    const VertexId next = builder.add(1, {{.name = "next"}});
    for (const auto& [from, output] : edges) {
      builder.connect(vertex, next, Partitioning::kForward, 0, from);
    }
    auto program = std::make_shared<Program>(*builder.build());
    std::vector<std::unique_ptr<ResultPartition>> partitions;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      program->graph.edges[i].output = OutputIndex{edges[i].second};
      channels.push_back(std::make_shared<LocalChannel>());
      partitions.push_back(std::make_unique<ResultPartition>(
          std::vector<std::shared_ptr<OutputChannel>>{channels.back()}, memory, "test"));
    }
    chain = std::make_unique<OperatorChain>(*program, SubtaskId{vertex, SubtaskIndex{0}},
                                            std::move(partitions));
    for (std::size_t i = behaviours.size(); i-- > 0;) chain->open(i, context);
    journal.clear();
  }
  void feed(const std::vector<std::int64_t>& values) {
    chain->feed(InputIndex{0}, batch_of(values), 0, values.size());
  }
  Texts received(std::size_t edge) {
    Texts texts;
    while (auto element = channels[edge]->pop()) texts.push_back(to_text(*element));
    return texts;
  }
  void work(std::size_t units = 1000) {
    Budget budget(units);
    chain->work(budget);
  }

  Journal journal;
  MemoryBudget memory{1 << 20};
  PlainContext context;
  std::vector<std::shared_ptr<LocalChannel>> channels;
  std::unique_ptr<OperatorChain> chain;
};

TEST_F(OperatorChainTest, OpensTheLastFirstAndClosesTheHeadFirst) {
  ProgramBuilder builder(journal);
  builder.add(1, {{.name = "a"}, {.name = "b"}});
  OperatorChain opened(*builder.build(), {VertexId{0}, SubtaskIndex{0}}, {});
  opened.open(1, context);
  opened.open(0, context);
  opened.close();
  opened.close();
  EXPECT_EQ(journal, (Journal{"b.open", "a.open", "a.close", "b.close"}));
}

TEST_F(OperatorChainTest, OperatorsThatWereNotOpenedAreNotClosed) {
  ProgramBuilder builder(journal);
  builder.add(1, {{.name = "a"}, {.name = "b"}});
  {
    OperatorChain half_open(*builder.build(), {VertexId{0}, SubtaskIndex{0}}, {});
    half_open.open(1, context);
  }
  EXPECT_EQ(journal, (Journal{"b.open", "b.close"}));
}

TEST_F(OperatorChainTest, RowsPassWhenOutputsAreFlushed) {
  make({{.name = "a"}, {.name = "b"}}, {{1, 0}});
  feed({1, 2});
  EXPECT_EQ(journal, (Journal{"a.rows 1 2"}));
  chain->flush();
  EXPECT_EQ(journal.back(), "b.rows 1 2");
  EXPECT_EQ(received(0), (Texts{"rows 1 2"}));
  EXPECT_EQ(chain->records_in(1), 2U);
  EXPECT_EQ(chain->records_out(1), 2U);
}

TEST_F(OperatorChainTest, AnOutputWithSeveralReadersSharesItsBatches) {
  bool unique = true;
  make({{.name = "a"},
        {.name = "b",
         .on_rows = [&](FakeOperator&, InputIndex,
                        const BatchView& view) { unique = unique && view.unique; }},
        {.name = "c", .after = 0}},
       {{0, 0}});
  feed({1});
  chain->flush();
  EXPECT_EQ(journal, (Journal{"a.rows 1", "b.rows 1", "c.rows 1"}));
  EXPECT_EQ(received(0), (Texts{"rows 1"}));
  EXPECT_FALSE(unique);
}

TEST_F(OperatorChainTest, ABatchForOneReaderIsItsOwn) {
  bool unique = false;
  make({{.name = "a"},
        {.name = "b", .on_rows = [&](FakeOperator&, InputIndex, const BatchView& view) {
           unique = view.unique;
         }}});
  feed({1});
  chain->flush();
  EXPECT_TRUE(unique);
}

TEST_F(OperatorChainTest, SideOutputsGoTheirOwnWay) {
  make({{.name = "a",
         .num_outputs = 3,
         .on_rows =
             [](FakeOperator& self, InputIndex, const BatchView&) {
               self.port(0).emit(1);
               self.port(1).emit(2);
               self.port(2).emit(3);  // nobody reads it
             }},
        {.name = "b", .after = 0, .after_output = 1}},
       {{0, 0}});
  feed({9});
  chain->flush();
  EXPECT_EQ(journal, (Journal{"a.rows 9", "b.rows 2"}));
  EXPECT_EQ(received(0), (Texts{"rows 1"}));
}

TEST_F(OperatorChainTest, AWatermarkPassesOperatorsInOrderBehindWhatTheyEmitted) {
  make({{.name = "a",
         .on_watermark =
             [](FakeOperator& self, Watermark, Budget&) {
               self.port().emit(7);
               return Progress::kDone;
             }},
        {.name = "b"}},
       {{1, 0}});
  feed({1});
  chain->begin_watermark({EventTime{5}}, WatermarkStatus::kIdle);
  EXPECT_TRUE(chain->has_work());
  work();
  EXPECT_FALSE(chain->has_work());
  EXPECT_EQ(journal, (Journal{"a.rows 1", "a.watermark 5", "b.rows 1 7", "b.watermark 5"}));
  EXPECT_EQ(received(0), (Texts{"rows 1 7", "watermark 5", "idle"}));
  EXPECT_EQ(chain->watermark(), EventTime{5});
}

TEST_F(OperatorChainTest, WorkStopsAtItsBudgetAndGoesOnThere) {
  int left = 3;
  make({{.name = "a",
         .on_watermark =
             [&](FakeOperator&, Watermark, Budget& budget) {
               budget.spend(1);
               return --left > 0 ? Progress::kMore : Progress::kDone;
             }},
        {.name = "b"}});
  chain->begin_watermark({EventTime{5}}, std::nullopt);
  work(1);
  work(1);
  EXPECT_EQ(journal, (Journal{"a.watermark 5", "a.watermark 5"}));
  EXPECT_TRUE(chain->has_work());
  work(2);
  EXPECT_EQ(journal.back(), "b.watermark 5");
  EXPECT_FALSE(chain->has_work());
}

// What `finish` of the first emits is not late at the second.
TEST_F(OperatorChainTest, TheEndReachesAnOperatorAfterAllThatTheFormerEmits) {
  make({{.name = "a",
         .on_finish =
             [](FakeOperator& self, Budget&) {
               self.port().emit(7);
               return Progress::kDone;
             }},
        {.name = "b"}},
       {{1, 0}});
  chain->begin_end();
  work();
  EXPECT_EQ(journal,
            (Journal{"a.watermark max", "a.finish", "b.rows 7", "b.watermark max", "b.finish"}));
  EXPECT_EQ(received(0), (Texts{"rows 7", "end"}));
  EXPECT_EQ(chain->watermark(), EventTime::max());
}

TEST_F(OperatorChainTest, ProcessingTimeGoesOnlyToOperatorsThatAreDue) {
  std::int64_t due = 10;
  make({{.name = "a"},
        {.name = "b",
         .next_time = [&](const FakeOperator&) { return ProcessingTime{due}; },
         .on_time =
             [&](FakeOperator&, ProcessingTime, Budget&) {
               due = 20;
               return Progress::kDone;
             }}});
  EXPECT_EQ(chain->next_processing_time(), ProcessingTime{10});
  chain->begin_processing_time(ProcessingTime{15});
  work();
  EXPECT_EQ(journal, (Journal{"b.time"}));
  EXPECT_EQ(chain->next_processing_time(), ProcessingTime{20});
}

TEST_F(OperatorChainTest, WhatIsEmittedBeforeASnapshotPassesDownTheChainBeforeTheNextPrepares) {
  make({{.name = "a", .on_prepare = [](FakeOperator& self, CheckpointId) { self.port().emit(7); }},
        {.name = "b"}},
       {{1, 0}});
  chain->prepare_snapshot(CheckpointBarrier{.id = CheckpointId{3}});
  EXPECT_EQ(journal, (Journal{"a.prepare 3", "b.rows 7", "b.prepare 3"}));
  EXPECT_EQ(received(0), (Texts{"rows 7"}));
}

TEST_F(OperatorChainTest, TheFailingOperatorIsKnown) {
  make({{.name = "a"}, {.name = "b", .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {
                          throw std::runtime_error("no");
                        }}});
  feed({1});
  EXPECT_FALSE(chain->running().has_value());
  EXPECT_THROW(chain->flush(), std::runtime_error);
  EXPECT_EQ(chain->running(), std::optional<std::size_t>(1));
}

}  // namespace
}  // namespace weir
