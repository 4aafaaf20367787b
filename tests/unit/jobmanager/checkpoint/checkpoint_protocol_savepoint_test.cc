// SPDX-License-Identifier: Apache-2.0
// Savepoints in the checkpoint protocol: C16, C17 and C18 of docs/CHECKPOINTING.md.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "tests/unit/jobmanager/checkpoint/checkpoint_protocol_fixture.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

class SavepointProtocolTest : public CheckpointProtocolFixture {
 protected:
  void request(SavepointMode mode, std::uint64_t ticket = 1) {
    tell(SavepointRequested{{ticket, "/s/job-", mode}});
  }
  // Brings the savepoint that has begun to where it is durable.
  std::uint64_t complete_begun() {
    const std::uint64_t id = state_.last.value();
    tell(Prepared{CheckpointId{id}, Status::ok()});
    acknowledge_all(id);
    stored(id);
    return id;
  }
  void decline(std::uint64_t id) {
    tell(DeclineCheckpoint{
        {JobId{1}, subtask(2, 0), state_.attempt}, CheckpointId{id}, unavailable("disk full")});
  }
  void commit_all(std::uint64_t id) {
    tell(commit(0, id));
    tell(commit(1, id));
  }
};

// --- C16: the user's, whole, without side effects -----------------------------------------------

TEST_F(SavepointProtocolTest, GoesIntoADirectoryOfItsOwnBelowTheOneThatIsNamed) {
  run();
  request(SavepointMode::kGoOn);
  ASSERT_TRUE(has<PrepareDirectory>());
  EXPECT_EQ(all<PrepareDirectory>()[0].savepoint, "/s/job-41");
  tell(Prepared{CheckpointId{41}, Status::ok()});
  ASSERT_TRUE(has<SendTriggers>());
  EXPECT_EQ(all<SendTriggers>()[0].barrier.kind, CheckpointKind::kSavepoint);
  EXPECT_EQ(all<SendTriggers>()[0].barrier.savepoint_directory, "/s/job-41");
  acknowledge_all(41);
  ASSERT_TRUE(has<StoreMetadata>());
  EXPECT_EQ(all<StoreMetadata>()[0].savepoint, "/s/job-41");
  EXPECT_EQ(all<StoreMetadata>()[0].metadata.kind, CheckpointKind::kSavepoint);
  stored(41);
  ASSERT_TRUE(has<AnswerSavepoint>());
  EXPECT_EQ(*all<AnswerSavepoint>()[0].path, "/s/job-41");
}

// B16
TEST_F(SavepointProtocolTest, OneThatTheJobGoesOnFromCommitsNothingAndIsNotRestored) {
  run();
  const std::uint64_t before = complete_one();
  request(SavepointMode::kGoOn);
  complete_begun();
  EXPECT_FALSE(has<SendComplete>());
  EXPECT_EQ(state_.retained, std::vector<CheckpointId>{CheckpointId{before}});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{42}) << "what held its id";
  EXPECT_FALSE(has<DiscardSavepoint>());
  EXPECT_TRUE(armed_.contains(CheckpointTimer::kTrigger)) << "checkpoints go on";
}

TEST_F(SavepointProtocolTest, WaitsBehindTheCheckpointInFlightAndNotForTheInterval) {
  run();
  const std::uint64_t id = trigger();
  request(SavepointMode::kGoOn);
  EXPECT_FALSE(has<PrepareDirectory>());
  acknowledge_all(id);
  stored(id);
  ASSERT_TRUE(has<PrepareDirectory>());
  EXPECT_EQ(all<PrepareDirectory>()[0].savepoint, "/s/job-42");
}

TEST_F(SavepointProtocolTest, EachRequestIsAnsweredOnceInTheirOrder) {
  run();
  request(SavepointMode::kGoOn, 7);
  request(SavepointMode::kGoOn, 8);
  complete_begun();
  ASSERT_EQ(all<AnswerSavepoint>().size(), 1U);
  EXPECT_EQ(all<AnswerSavepoint>()[0].request.ticket, 7U);
  complete_begun();
  ASSERT_EQ(all<AnswerSavepoint>().size(), 1U);
  EXPECT_EQ(all<AnswerSavepoint>()[0].request.ticket, 8U);
}

TEST_F(SavepointProtocolTest, OneThatFailsIsDeletedAndIsNoFailureOfTheJob) {
  run();
  request(SavepointMode::kGoOn);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  decline(41);
  EXPECT_FALSE(has<FailJob>());
  EXPECT_TRUE(has<SendAborted>());
  ASSERT_TRUE(has<DiscardSavepoint>());
  EXPECT_EQ(all<DiscardSavepoint>()[0].directory, "/s/job-41");
  ASSERT_TRUE(has<AnswerSavepoint>());
  EXPECT_EQ(all<AnswerSavepoint>()[0].path.status().message(),
            "savepoint 41 failed: 'sink' subtask 0 declined: disk full");
  EXPECT_TRUE(armed_.contains(CheckpointTimer::kTrigger));
}

TEST_F(SavepointProtocolTest, ADirectoryThatIsThereAlreadyIsLeftAlone) {
  run();
  request(SavepointMode::kGoOn);
  tell(Prepared{CheckpointId{41}, already_exists("/s/job-41")});
  EXPECT_FALSE(has<DiscardSavepoint>());
  EXPECT_FALSE(has<DiscardFiles>());
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
}

// B7, B8
TEST_F(SavepointProtocolTest, ALateAcknowledgeNeverDeletesACompleteSavepoint) {
  run();
  request(SavepointMode::kGoOn);
  const std::uint64_t id = complete_begun();
  tell(acknowledge(subtask(2, 0), id));
  EXPECT_FALSE(has<DiscardSavepoint>());
  EXPECT_FALSE(has<DiscardFiles>());
  EXPECT_EQ(state_.counters.duplicate_acknowledges, 1U);
}

TEST_F(SavepointProtocolTest, ALateAcknowledgeOfAnAbortedOneDeletesWhatWasWritten) {
  run();
  request(SavepointMode::kGoOn);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  fire(CheckpointTimer::kExpiry);
  tell(acknowledge(subtask(2, 0), 41));
  ASSERT_TRUE(has<DiscardSavepoint>());
  EXPECT_EQ(all<DiscardSavepoint>()[0].directory, "/s/job-41");
}

TEST_F(SavepointProtocolTest, TheEndOfTheAttemptAnswersEveryRequest) {
  run();
  request(SavepointMode::kGoOn, 1);
  request(SavepointMode::kGoOn, 2);
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_EQ(all<AnswerSavepoint>().size(), 2U);
  request(SavepointMode::kGoOn, 3);
  EXPECT_EQ(all<AnswerSavepoint>()[0].path.status().message(), "the job is not running");
}

TEST_F(SavepointProtocolTest, SavepointsThatWaitAreLimitedInNumber) {
  run();
  trigger();
  for (std::uint64_t i = 0; i < 16; ++i) {
    request(SavepointMode::kGoOn, i);
    EXPECT_FALSE(has<AnswerSavepoint>());
  }
  request(SavepointMode::kGoOn, 16);
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
}

TEST_F(SavepointProtocolTest, AnUnknownOutcomeIsReadBackWhereTheSavepointLies) {
  run();
  request(SavepointMode::kGoOn);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  stored(41, StoreOutcome::kUnknown);
  ASSERT_TRUE(has<ReadBack>());
  EXPECT_EQ(all<ReadBack>()[0].savepoint, "/s/job-41");
  EXPECT_FALSE(has<DiscardSavepoint>());
}

// --- C17: the job stops -------------------------------------------------------------------------

TEST_F(SavepointProtocolTest, AJobThatStopsCommitsTheSavepointAndIsClosed) {
  run();
  request(SavepointMode::kStop);
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kSavepointStop);
  const std::uint64_t id = complete_begun();
  ASSERT_TRUE(has<SendComplete>());
  EXPECT_EQ(all<SendComplete>()[0].id, CheckpointId{id});
  EXPECT_EQ(state_.stopped_with->path, "/s/job-41");
  EXPECT_FALSE(has<DiscardFiles>()) << "it is found as the latest checkpoint";
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  tell(commit(0, id));
  EXPECT_FALSE(has<CloseJob>());
  tell(commit(1, id));
  ASSERT_TRUE(has<CloseJob>());
}

// C9: also when stops are all that a job completes, start after start.
TEST_F(SavepointProtocolTest, AStopDeletesCheckpointsThatAreMoreThanAreRetained) {
  run();
  const std::uint64_t first = complete_one();
  const std::uint64_t second = complete_one();
  state_.retained = {CheckpointId{1}, CheckpointId{2}, CheckpointId{first}, CheckpointId{second}};
  request(SavepointMode::kStop);
  complete_begun();
  EXPECT_LE(state_.retained.size(), 1U + discarded().size());
  EXPECT_FALSE(state_.retained.empty());
  EXPECT_EQ(state_.retained.back(), CheckpointId{second});
  EXPECT_TRUE(has<DiscardFiles>());
  EXPECT_EQ(discarded().front(), 1U);
}

TEST_F(SavepointProtocolTest, ALostNoticeOfTheCompletionIsRepeated) {
  run();
  request(SavepointMode::kStop);
  const std::uint64_t id = complete_begun();
  fire(CheckpointTimer::kReminder);
  ASSERT_TRUE(has<SendComplete>());
  EXPECT_EQ(all<SendComplete>()[0].id, CheckpointId{id});
}

// B17
TEST_F(SavepointProtocolTest, ADeclinedStopLetsTheJobGoOn) {
  run();
  request(SavepointMode::kStop);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  decline(41);
  EXPECT_TRUE(has<SendAborted>()) << "subtasks that stand still go on";
  EXPECT_FALSE(has<FailJob>());
  EXPECT_FALSE(has<RestartJob>());
  EXPECT_FALSE(state_.stopped_with);
  EXPECT_EQ(trigger(), 42U);
  acknowledge_all(42);
  stored(42);
  EXPECT_EQ(state_.retained.back(), CheckpointId{42});
}

// B17: it becomes durable though the attempt is over.
TEST_F(SavepointProtocolTest, ASavepointThatIsStoredAfterTheAttemptEndedStillStopsTheJob) {
  run();
  request(SavepointMode::kStop);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_FALSE(state_.stopped_with);
  stored(41);
  ASSERT_TRUE(state_.stopped_with);
  EXPECT_EQ(state_.stopped_with->path, "/s/job-41");
  EXPECT_FALSE(has<SendComplete>()) << "nobody is left to hear it";
}

TEST_F(SavepointProtocolTest, NothingElseIsTakenOnceTheJobStops) {
  run();
  request(SavepointMode::kStop, 1);
  request(SavepointMode::kGoOn, 2);
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
  complete_begun();
  fire(CheckpointTimer::kTrigger);
  EXPECT_FALSE(has<PrepareDirectory>());
  request(SavepointMode::kStop, 3);
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
}

TEST_F(SavepointProtocolTest, AStopOfAJobThatHasEndedTakesThePlaceOfTheFinalCheckpoint) {
  run();
  trigger();
  report_all(SubtaskState::kEnded);
  request(SavepointMode::kStop);
  acknowledge_all(41);
  stored(41);
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kSavepointStop);
  const std::uint64_t id = complete_begun();
  commit_all(id);
  EXPECT_TRUE(has<CloseJob>());
}

// --- C18: the job is drained --------------------------------------------------------------------

TEST_F(SavepointProtocolTest, SourcesEndBeforeTheSavepointOfADrainedJobIsTaken) {
  run();
  request(SavepointMode::kDrain);
  EXPECT_TRUE(has<SendDrain>());
  EXPECT_FALSE(has<PrepareDirectory>());
  report_all(SubtaskState::kEnded);
  ASSERT_TRUE(has<PrepareDirectory>());
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kSavepointStop);
  const std::uint64_t id = complete_begun();
  commit_all(id);
  EXPECT_TRUE(has<CloseJob>());
}

TEST_F(SavepointProtocolTest, NoCheckpointIsTakenOfAJobThatIsHalfDrained) {
  run();
  request(SavepointMode::kDrain);
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  tell(SubtaskReported{subtask(0, 0), SubtaskState::kEnded});
  tell(TimerFired{CheckpointTimer::kTrigger});
  EXPECT_FALSE(has<PrepareDirectory>());
}

TEST_F(SavepointProtocolTest, ADrainedJobWhoseSavepointFailsGoesOnFromItsLatestCheckpoint) {
  run();
  complete_one();
  request(SavepointMode::kDrain);
  report_all(SubtaskState::kEnded);
  const std::uint64_t id = state_.last.value();
  tell(Prepared{CheckpointId{id}, Status::ok()});
  decline(id);
  EXPECT_TRUE(has<RestartJob>());
  EXPECT_FALSE(has<FailJob>());
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
  tell(TimerFired{CheckpointTimer::kTrigger});
  EXPECT_FALSE(has<PrepareDirectory>()) << "what was drained is not kept";
  tell(AttemptEnded{unavailable("drained")});
  tell(AttemptGone{});
  tell(AttemptStarted{AttemptNumber{2}, CheckpointId{41}, 1s});
  report_all(SubtaskState::kRunning);
  commit_all(41);
  EXPECT_TRUE(armed_.contains(CheckpointTimer::kTrigger));
}

TEST_F(SavepointProtocolTest, SourcesThatDoNotEndInTimeAreGivenUp) {
  run();
  request(SavepointMode::kDrain);
  fire(CheckpointTimer::kExpiry);
  EXPECT_TRUE(has<RestartJob>());
  EXPECT_EQ(all<AnswerSavepoint>()[0].path.status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(SavepointProtocolTest, AFailureWhileDrainingForgetsTheDrain) {
  run();
  request(SavepointMode::kDrain);
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_FALSE(all<AnswerSavepoint>()[0].path.is_ok());
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kExpiry));
  tell(AttemptGone{});
  run(2);
  EXPECT_TRUE(armed_.contains(CheckpointTimer::kTrigger));
}

}  // namespace
}  // namespace weir
