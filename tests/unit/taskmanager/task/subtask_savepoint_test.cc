// SPDX-License-Identifier: Apache-2.0
// What a subtask does when its job stops with a savepoint, or drains.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "taskmanager/task/subtask.h"
#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::barrier;
using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;
using Texts = std::vector<std::string>;

class SubtaskSavepointTest : public testing::SubtaskFixture {
 protected:
  void make_reader(Behaviour behaviour) {
    behaviour.kind = OperatorKind::kSourceReader;
    ProgramBuilder builder(journal);
    const VertexId enumerator =
        builder.add(1, {{.name = "splits", .kind = OperatorKind::kEnumerator}});
    const VertexId vertex = builder.add(1, {std::move(behaviour)});
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(enumerator, vertex, Partitioning::kAddressed).connect(vertex, sink);
    make(builder.build(), vertex);
  }
  Behaviour counting_reader() {
    return {.name = "s",
            .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {},
            .on_poll =
                [this](FakeOperator& self, Budget& budget) {
                  self.port().emit(++polled_);
                  self.port().flush();
                  budget.spend(1);
                  return polled_ % 2 == 0 ? PollResult::kNothing : PollResult::kMore;
                }};
  }
  CheckpointBarrier stop(std::uint64_t id) {
    CheckpointBarrier stop = barrier(id, CheckpointKind::kSavepointStop);
    stop.savepoint_directory = "/s/1";
    return stop;
  }
  int polled_ = 0;
};

TEST_F(SubtaskSavepointTest, NothingIsProcessedBehindTheBarrierOfAStop) {
  make_reader(counting_reader());
  run();
  received();
  const int before = polled_;
  send(0, stop(1));
  send(0, {77});
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  EXPECT_EQ(received(), (Texts{"barrier 1"}));
  ASSERT_EQ(host.all<AcknowledgeCheckpoint>().size(), 1U);
  subtask->notify_complete(CheckpointId{1});
  run();
  EXPECT_TRUE(journal_has("s.complete 1")) << "its output is committed";
  EXPECT_EQ(polled_, before);
  EXPECT_FALSE(journal_has("s.rows 77"));
}

// B17: a savepoint that is declined lets the job go on.
TEST_F(SubtaskSavepointTest, AnAbortLetsItGoOn) {
  make_reader(counting_reader());
  run();
  received();
  const int before = polled_;
  send(0, stop(1));
  send(0, {77});
  run();
  subtask->notify_aborted(CheckpointId{1});
  run();
  EXPECT_GT(polled_, before);
  EXPECT_TRUE(journal_has("s.rows 77"));
}

TEST_F(SubtaskSavepointTest, TheSnapshotGoesWhereTheBarrierSays) {
  make_reader(counting_reader());
  run();
  send(0, stop(1));
  run();
  const auto acknowledged = host.all<AcknowledgeCheckpoint>();
  for (const auto& part : acknowledged.at(0).snapshot.operators) {
    EXPECT_TRUE(part.handle.size == 0 || part.handle.path.starts_with("/s/1/")) << part.handle.path;
  }
}

TEST_F(SubtaskSavepointTest, ARepeatedTriggerDoesNotWakeAnEnumeratorThatHasStopped) {
  Behaviour behaviour = counting_reader();
  behaviour.kind = OperatorKind::kEnumerator;
  ProgramBuilder builder(journal);
  const VertexId vertex = builder.add(1, {std::move(behaviour)});
  const VertexId reader = builder.add(1, {{.name = "reader", .kind = OperatorKind::kSourceReader}});
  builder.connect(vertex, reader, Partitioning::kAddressed);
  make(builder.build(), vertex);
  run();
  subtask->request_checkpoint(stop(1));
  run();
  const int before = polled_;
  subtask->request_checkpoint(stop(1));
  run();
  EXPECT_EQ(polled_, before);
  subtask->request_checkpoint(barrier(2));
  run();
  EXPECT_GT(polled_, before) << "the JobManager has gone on";
}

TEST_F(SubtaskSavepointTest, ADrainedReaderEndsOnceNoSplitCanFollow) {
  make_reader(counting_reader());
  run();
  received();
  subtask->request_drain();
  run();
  const int before = polled_;
  send(0, {77});
  run();
  EXPECT_TRUE(journal_has("s.rows 77")) << "a split that was on its way is kept";
  EXPECT_EQ(polled_, before) << "but not read";
  EXPECT_EQ(host.last.state, SubtaskState::kRunning);
  send(0, EndOfInput{});
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kEnded);
  EXPECT_TRUE(journal_has("s.watermark max"));
  EXPECT_EQ(received().back(), "end");
}

}  // namespace
}  // namespace weir
