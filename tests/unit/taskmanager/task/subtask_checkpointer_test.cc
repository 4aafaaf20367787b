// SPDX-License-Identifier: Apache-2.0
// Tests of the subtask checkpointer.
#include "taskmanager/task/subtask_checkpointer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::barrier;
using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;

using Texts = std::vector<std::string>;

// A subtask with two operators and two channels in, through which the checkpointer is driven.
class SubtaskCheckpointerTest : public testing::SubtaskFixture {
 protected:
  void make_two(Behaviour first = {.name = "a"}, Behaviour second = {.name = "b"}) {
    ProgramBuilder builder(journal);
    const VertexId source = builder.add(2, {{.name = "source"}});
    const VertexId vertex = builder.add(1, {std::move(first), std::move(second)});
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(source, vertex, Partitioning::kHash)
        .connect(vertex, sink, Partitioning::kForward, 0, 1);
    make(builder.build(), vertex);
    run();
    journal.clear();
  }
  void checkpoint(std::uint64_t id) {
    send(0, barrier(id));
    send(1, barrier(id));
    run();
  }
  std::vector<std::string> snapshot_files(std::uint64_t checkpoint) {
    std::vector<std::string> names;
    const auto listed = files.list("snapshots/chk-" + std::to_string(checkpoint));
    if (!listed.is_ok()) return names;
    for (const DirectoryEntry& entry : *listed) names.push_back(entry.name);
    return names;
  }
  std::size_t acknowledged() const { return host.all<AcknowledgeCheckpoint>().size(); }
  std::size_t declined() const { return host.all<DeclineCheckpoint>().size(); }
};

TEST_F(SubtaskCheckpointerTest, PreparesForwardsFreezesAndAcknowledges) {
  make_two(
      {.name = "a", .on_prepare = [](FakeOperator& self, CheckpointId) { self.port().emit(3); }});
  checkpoint(1);
  EXPECT_EQ(journal, (Journal{"a.prepare 1", "b.rows 3", "b.prepare 1"}));
  EXPECT_EQ(received(), (Texts{"rows 3", "barrier 1"}));
  ASSERT_EQ(acknowledged(), 1U);
  const AcknowledgeCheckpoint message = host.all<AcknowledgeCheckpoint>()[0];
  EXPECT_EQ(message.attempt, attempt_of(VertexId{1}));
  ASSERT_EQ(message.snapshot.operators.size(), 2U);
  EXPECT_EQ(message.snapshot.operators[0].id, OperatorId{"a"});
  EXPECT_EQ(snapshot_files(1).size(), 2U);
}

TEST_F(SubtaskCheckpointerTest, RecordsFlowWhileTheSnapshotIsWritten) {
  make_two();
  blocking.pause();
  checkpoint(1);
  send(0, {1});
  run();
  EXPECT_EQ(received(), (Texts{"barrier 1", "rows 1"}));
  EXPECT_EQ(acknowledged(), 0U);
  blocking.resume();
  run();
  EXPECT_EQ(acknowledged(), 1U);
}

TEST_F(SubtaskCheckpointerTest, TheSnapshotIsOfTheMomentOfTheBarrier) {
  make_two({.name = "a", .on_rows = [](FakeOperator& self, InputIndex, const BatchView& view) {
              self.number().value += static_cast<std::int64_t>(view.size());
            }});
  blocking.pause();
  send(0, {1, 2});
  send(0, barrier(1));
  send(1, {3});
  send(1, barrier(1));
  send(0, {4});
  run();
  blocking.resume();
  run();
  const StateHandle handle = host.all<AcknowledgeCheckpoint>()[0].snapshot.operators[0].handle;
  ++attempt;
  std::int64_t restored = 0;
  ProgramBuilder builder(journal);
  const VertexId vertex = builder.add(
      1, {{.name = "a", .on_open = [&](FakeOperator& self) { restored = self.number().value; }}});
  make(builder.build(), vertex, 0, {{OperatorId{"a"}, {handle}}}, CheckpointId{1});
  run();
  EXPECT_EQ(restored, 3);
}

TEST_F(SubtaskCheckpointerTest, FileNamesTellSubtaskAndAttempt) {
  make_two();
  checkpoint(1);
  for (const std::string& name : snapshot_files(1)) EXPECT_TRUE(name.ends_with("-0-1")) << name;
}

// B8.
TEST_F(SubtaskCheckpointerTest, FilesOfACheckpointAbortedWhileWrittenAreRemoved) {
  make_two();
  blocking.pause();
  checkpoint(1);
  subtask->notify_aborted(CheckpointId{1});
  step();
  blocking.resume();
  run();
  executor.run_until_idle();
  EXPECT_EQ(snapshot_files(1), Texts{});
  EXPECT_EQ(acknowledged(), 0U);
  EXPECT_EQ(std::count(journal.begin(), journal.end(), "a.aborted 1"), 1);
}

// B8: written, but the mail that says so comes behind the abort.
TEST_F(SubtaskCheckpointerTest, AnAbortInFrontOfTheCompletionMailWins) {
  make_two();
  send(0, barrier(1));
  send(1, barrier(1));
  step();
  subtask->notify_aborted(CheckpointId{1});
  executor.run_until_idle();  // writes and posts
  run();
  executor.run_until_idle();
  EXPECT_EQ(snapshot_files(1), Texts{});
  EXPECT_EQ(acknowledged(), 0U);
}

// B8: the JobManager discards the whole directory then.
TEST_F(SubtaskCheckpointerTest, FilesOfAnAcknowledgedCheckpointAreLeftAlone) {
  make_two();
  checkpoint(1);
  subtask->notify_aborted(CheckpointId{1});
  run();
  subtask->request_cancel();
  run();
  subtask.reset();
  executor.run_until_idle();
  EXPECT_EQ(snapshot_files(1).size(), 2U);
  EXPECT_TRUE(journal_has("a.aborted 1"));
}

TEST_F(SubtaskCheckpointerTest, FilesWrittenWhileTheAttemptEndsAreRemoved) {
  make_two();
  blocking.pause();
  checkpoint(1);
  subtask->request_cancel();
  EXPECT_EQ(run(), StepResult::kFinished);
  std::weak_ptr<Subtask> watch = subtask;
  subtask.reset();
  EXPECT_FALSE(watch.expired());  // its tables are being read
  blocking.resume();
  executor.run_until_idle();
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(snapshot_files(1), Texts{});
  EXPECT_EQ(background->running(), 0U);
}

TEST_F(SubtaskCheckpointerTest, AFailedWriteDeclinesAndRemovesWhatWasWritten) {
  make_two({.name = "a"}, {.name = "b", .on_open = [](FakeOperator& self) {
                             self.number().fails_to_write = true;
                           }});
  checkpoint(1);
  executor.run_until_idle();
  ASSERT_EQ(declined(), 1U);
  EXPECT_NE(host.all<DeclineCheckpoint>()[0].reason.message().find("the disk is on fire"),
            std::string::npos);
  EXPECT_NE(host.all<DeclineCheckpoint>()[0].reason.message().find("'b'"), std::string::npos);
  EXPECT_EQ(snapshot_files(1), Texts{});
  EXPECT_EQ(host.last.state, SubtaskState::kRunning);
}

TEST_F(SubtaskCheckpointerTest, AFailureBeforeTheFreezeEndsTheAttempt) {
  make_two({.name = "a", .on_prepare = [](FakeOperator&, CheckpointId) {
              throw std::runtime_error("cannot flush");
            }});
  checkpoint(1);
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(host.last.failed_operator, "a");
}

TEST_F(SubtaskCheckpointerTest, AnOvertakenAlignmentIsDeclined) {
  make_two();
  send(0, barrier(1));
  send(1, barrier(2));
  run();
  ASSERT_EQ(declined(), 1U);
  EXPECT_EQ(host.all<DeclineCheckpoint>()[0].checkpoint, CheckpointId{1});
  send(0, barrier(2));
  run();
  EXPECT_EQ(acknowledged(), 1U);
}

TEST_F(SubtaskCheckpointerTest, AnAbortReleasesTheChannelsThatAlignmentHolds) {
  make_two();
  send(0, barrier(1));
  send(0, {5});
  run();
  EXPECT_EQ(journal, Journal{});
  subtask->notify_aborted(CheckpointId{1});
  run();
  EXPECT_EQ(journal.front(), "a.rows 5");
  EXPECT_EQ(declined(), 0U);
}

TEST_F(SubtaskCheckpointerTest, TooManySnapshotsUnderWayAreDeclinedButTheBarrierGoesOn) {
  make_two();
  blocking.pause();
  const std::size_t most = SubtaskCheckpointer::kWritesMax;
  for (std::uint64_t id = 1; id <= most + 1; ++id) checkpoint(id);
  EXPECT_EQ(declined(), 1U);
  EXPECT_EQ(received().size(), most + 1);
  EXPECT_TRUE(journal_has("a.aborted 5"));
  blocking.resume();
  run();
  EXPECT_EQ(acknowledged(), most);
  checkpoint(most + 2);
  EXPECT_EQ(acknowledged(), most + 1);
}

// B6.
TEST_F(SubtaskCheckpointerTest, ACompletionStandsForAllEarlierOnesAndRepeatsAreIgnored) {
  make_two();
  for (std::uint64_t id = 1; id <= 3; ++id) checkpoint(id);
  journal.clear();
  subtask->notify_complete(CheckpointId{2});  // the one for 1 was lost
  subtask->notify_complete(CheckpointId{2});
  subtask->notify_complete(CheckpointId{1});
  subtask->notify_aborted(CheckpointId{1});
  run();
  EXPECT_EQ(journal, (Journal{"a.complete 2", "b.complete 2"}));
  subtask->notify_complete(CheckpointId{3});
  run();
  EXPECT_EQ(journal.back(), "b.complete 3");
}

TEST_F(SubtaskCheckpointerTest, AlignmentTimeIsMeasuredFromTheFirstBarrier) {
  make_two();
  send(0, barrier(1));
  run();
  clock.advance(Duration{70});
  send(1, barrier(1));
  run();
  EXPECT_EQ(host.all<AcknowledgeCheckpoint>()[0].alignment_nanos, 70'000'000);
  checkpoint(2);
  EXPECT_EQ(host.all<AcknowledgeCheckpoint>()[1].alignment_nanos, 0);
}

}  // namespace
}  // namespace weir
