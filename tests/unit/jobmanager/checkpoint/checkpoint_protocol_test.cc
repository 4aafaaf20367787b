// SPDX-License-Identifier: Apache-2.0
// Each invariant of docs/CHECKPOINTING.md as a table of facts and the commands they must give.
#include "jobmanager/checkpoint/checkpoint_protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "tests/unit/jobmanager/checkpoint/checkpoint_protocol_fixture.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using CheckpointProtocolTest = CheckpointProtocolFixture;

// --- C1, C2: ids and slot -----------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, IdsGoOnAboveTheHighestEverUsed) {
  run();
  EXPECT_EQ(trigger(), 41U);
}

TEST_F(CheckpointProtocolTest, TheIdOfAnAbortedCheckpointIsNotUsedAgain) {
  run();
  trigger();
  tell(AttemptEnded{unavailable("lost")});
  tell(AttemptGone{});
  run(2);
  EXPECT_EQ(trigger(), 42U);
}

TEST_F(CheckpointProtocolTest, NoSecondCheckpointBeginsWhileOneIsInFlight) {
  run();
  trigger();
  fire(CheckpointTimer::kTrigger);
  EXPECT_FALSE(has<PrepareDirectory>());
  tell(ManualRequested{});
  EXPECT_FALSE(has<PrepareDirectory>());
  EXPECT_EQ(state_.last, CheckpointId{41});
}

// --- C3: every subtask
// ----------------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, BarriersStartOnlyAfterTheDirectoryIsThere) {
  run();
  fire(CheckpointTimer::kTrigger);
  EXPECT_TRUE(has<PrepareDirectory>());
  EXPECT_FALSE(has<SendTriggers>());
  tell(Prepared{CheckpointId{41}, Status::ok()});
  ASSERT_EQ(all<SendTriggers>().size(), 1U);
  EXPECT_EQ(all<SendTriggers>()[0].barrier.id, CheckpointId{41});
  EXPECT_EQ(all<SendTriggers>()[0].barrier.kind, CheckpointKind::kCheckpoint);
}

TEST_F(CheckpointProtocolTest, StoresOnlyWhenEverySubtaskHasAcknowledged) {
  run();
  const std::uint64_t id = trigger();
  for (std::size_t i = 0; i + 1 < plan_.subtasks.size(); ++i) {
    tell(acknowledge(plan_.subtasks[i], id));
    EXPECT_FALSE(has<StoreMetadata>());
  }
  tell(acknowledge(plan_.subtasks.back(), id));
  ASSERT_EQ(all<StoreMetadata>().size(), 1U);
  const CheckpointMetadata metadata = all<StoreMetadata>()[0].metadata;
  EXPECT_EQ(metadata.id, CheckpointId{41});
  ASSERT_EQ(metadata.operators.size(), 3U);
  EXPECT_EQ(metadata.operators[1].id, OperatorId{"reader"});
  ASSERT_EQ(metadata.operators[1].subtasks.size(), 2U);
  EXPECT_EQ(metadata.operators[1].subtasks[1].path, "f1-1");
}

// B5: a subtask that is over is not one that needs no snapshot.
TEST_F(CheckpointProtocolTest, ASubtaskThatFailedOrWasCancelledOrClosedEndsTheCheckpoint) {
  for (const SubtaskState over :
       {SubtaskState::kFailed, SubtaskState::kCancelled, SubtaskState::kClosed}) {
    use(make_job());
    run();
    const std::uint64_t id = trigger();
    for (const SubtaskId each : plan_.subtasks) {
      if (each != subtask(2, 1)) tell(acknowledge(each, id));
    }
    tell(SubtaskReported{subtask(2, 1), over});
    EXPECT_FALSE(has<StoreMetadata>());
    EXPECT_TRUE(has<SendAborted>());
    EXPECT_FALSE(state_.pending);
  }
}

TEST_F(CheckpointProtocolTest, EndedSubtasksTakePart) {
  run();
  tell(SubtaskReported{subtask(0, 0), SubtaskState::kEnded});
  tell(SubtaskReported{subtask(1, 0), SubtaskState::kEnded});
  const std::uint64_t id = trigger();
  for (const SubtaskId each : plan_.subtasks) {
    if (each != subtask(1, 0)) tell(acknowledge(each, id));
  }
  EXPECT_EQ(phase(), CheckpointPhase::kAcknowledging);
  tell(acknowledge(subtask(1, 0), id));
  EXPECT_EQ(phase(), CheckpointPhase::kStoring);
}

TEST_F(CheckpointProtocolTest, NothingIsTriggeredWhileASubtaskIsDeploying) {
  start();
  for (const SubtaskId each : plan_.subtasks) {
    if (each != subtask(2, 1)) tell(SubtaskReported{each, SubtaskState::kRunning});
  }
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  tell(SubtaskReported{subtask(2, 1), SubtaskState::kRunning});
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 1s);
}

// --- C4, C7: every end of a checkpoint frees its slot and tells the subtasks --------------------

TEST_F(CheckpointProtocolTest, EveryWayToAbortNotifiesDiscardsAndFreesTheSlot) {
  struct Case {
    std::string name;
    std::function<void(std::uint64_t)> abort;
  };
  const std::vector<Case> cases = {
      {"declined",
       [&](std::uint64_t id) {
         tell(DeclineCheckpoint{
             {JobId{1}, subtask(1, 0), state_.attempt}, CheckpointId{id}, unavailable("full")});
       }},
      {"expired", [&](std::uint64_t) { fire(CheckpointTimer::kExpiry); }},
      {"trigger lost",
       [&](std::uint64_t id) { tell(TriggerFailed{CheckpointId{id}, unavailable("gone")}); }},
      {"attempt ended", [&](std::uint64_t) { tell(AttemptEnded{unavailable("lost")}); }},
      {"not stored",
       [&](std::uint64_t id) {
         acknowledge_all(id);
         stored(id, StoreOutcome::kNotStored);
       }},
      {"a subtask failed",
       [&](std::uint64_t) { tell(SubtaskReported{subtask(1, 1), SubtaskState::kFailed}); }},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    use(make_job());
    run();
    const std::uint64_t id = trigger();
    each.abort(id);
    ASSERT_EQ(all<SendAborted>().size(), 1U);
    EXPECT_EQ(all<SendAborted>()[0].id, CheckpointId{id});
    EXPECT_EQ(discarded(), std::vector<std::uint64_t>{id});
    EXPECT_FALSE(state_.pending);
    EXPECT_EQ(state_.counters.aborted, 1U);
    EXPECT_FALSE(armed_.contains(CheckpointTimer::kExpiry));
    EXPECT_EQ(state_.history.back().phase, CheckpointPhase::kAborted);
    EXPECT_FALSE(state_.history.back().failure.is_ok());
  }
}

TEST_F(CheckpointProtocolTest, AnExpiredCheckpointSaysWhoIsMissing) {
  run();
  const std::uint64_t id = trigger();
  for (const SubtaskId each : plan_.subtasks) {
    if (each != subtask(1, 1)) tell(acknowledge(each, id));
  }
  fire(CheckpointTimer::kExpiry);
  EXPECT_EQ(state_.history.back().failure.message(),
            "expired after 10 min with 4 of 5 subtasks, without 'reader' subtask 1");
}

TEST_F(CheckpointProtocolTest, TheNextCheckpointFollowsATolerableFailure) {
  JobGraph graph = make_job();
  graph.checkpoints.tolerable_failures = 1;
  use(graph);
  run();
  trigger();
  fire(CheckpointTimer::kExpiry);
  EXPECT_FALSE(has<FailJob>());
  EXPECT_TRUE(armed_.contains(CheckpointTimer::kTrigger));
  EXPECT_EQ(complete_one(), 42U);
}

TEST_F(CheckpointProtocolTest, WhatTheAttemptMayStillHaveWrittenIsDiscardedOnceItIsGone) {
  run();
  trigger();
  tell(AttemptEnded{unavailable("lost")});
  tell(AttemptGone{});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{41});
  tell(AttemptGone{});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
}

// B14
TEST_F(CheckpointProtocolTest, ADirectoryThatWasThereIsNotDiscarded) {
  run();
  fire(CheckpointTimer::kTrigger);
  tell(Prepared{CheckpointId{41}, already_exists("chk-41")});
  EXPECT_TRUE(has<FailJob>());
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
}

TEST_F(CheckpointProtocolTest, ADirectoryPreparedTooLateIsDiscarded) {
  run();
  fire(CheckpointTimer::kTrigger);
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
  tell(Prepared{CheckpointId{41}, Status::ok()});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{41});
  EXPECT_FALSE(has<SendTriggers>());
}

// --- C5, C6: durable first, and never delete on a maybe -----------------------------------------

TEST_F(CheckpointProtocolTest, NobodyHearsOfACheckpointBeforeItIsStored) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  EXPECT_FALSE(has<SendComplete>());
  stored(id);
  ASSERT_EQ(all<SendComplete>().size(), 1U);
  EXPECT_EQ(all<SendComplete>()[0].id, CheckpointId{id});
  EXPECT_EQ(state_.retained, std::vector<CheckpointId>{CheckpointId{id}});
}

// B10
TEST_F(CheckpointProtocolTest, AnUnknownOutcomeIsReadBackUntilItIsKnown) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  stored(id, StoreOutcome::kUnknown);
  EXPECT_TRUE(has<ReadBack>());
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
  Duration last{0};
  for (int i = 0; i < 20; ++i) {
    stored(id, StoreOutcome::kUnknown);
    EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
    EXPECT_FALSE(has<SendAborted>());
    EXPECT_GE(armed_.at(CheckpointTimer::kReadBack), last);
    EXPECT_LE(armed_.at(CheckpointTimer::kReadBack), 5s);
    last = armed_.at(CheckpointTimer::kReadBack);
    fire(CheckpointTimer::kReadBack);
    EXPECT_TRUE(has<ReadBack>());
  }
  stored(id);
  EXPECT_TRUE(has<SendComplete>());
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
}

TEST_F(CheckpointProtocolTest, ReadBackAsNotStoredAbortsWithTheFirstReason) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  tell(StoreAnswered{CheckpointId{id}, StoreOutcome::kUnknown, unavailable("fsync failed")});
  tell(StoreAnswered{CheckpointId{id}, StoreOutcome::kNotStored, unavailable("not there")});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{id});
  EXPECT_EQ(state_.history.back().failure.message(), "fsync failed");
}

TEST_F(CheckpointProtocolTest, NeitherExpiryNorTheEndOfTheAttemptAbortsWhatIsBeingStored) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  fire(CheckpointTimer::kExpiry);
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
  EXPECT_EQ(phase(), CheckpointPhase::kStoring);
  stored(id);
  EXPECT_EQ(state_.retained.back(), CheckpointId{id});
  EXPECT_FALSE(has<SendComplete>()) << "nobody of that attempt is left to hear it";
}

// --- C8: acknowledges that come late, twice or out of nowhere -----------------------------------

TEST_F(CheckpointProtocolTest, ALateAcknowledgeIsCountedAndItsFilesAreDiscarded) {
  JobGraph graph = make_job();
  graph.checkpoints.tolerable_failures = 5;
  use(graph);
  run();
  const std::uint64_t id = trigger();
  fire(CheckpointTimer::kExpiry);
  const AcknowledgeCheckpoint late = acknowledge(subtask(1, 0), id);
  tell(late);
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{id});
  EXPECT_EQ(state_.counters.late_acknowledges, 1U);
  const std::uint64_t next = trigger();
  tell(late);
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{id});
  EXPECT_EQ(state_.pending->barrier.id, CheckpointId{next});
  EXPECT_TRUE(state_.pending->snapshots.empty());
}

TEST_F(CheckpointProtocolTest, ARepeatedAcknowledgeChangesNothing) {
  run();
  const std::uint64_t id = trigger();
  tell(acknowledge(subtask(1, 0), id));
  AcknowledgeCheckpoint again = acknowledge(subtask(1, 0), id);
  again.snapshot.operators[0].handle.path = "other";
  tell(again);
  EXPECT_EQ(state_.counters.duplicate_acknowledges, 1U);
  EXPECT_EQ(state_.pending->snapshots.at(subtask(1, 0)).operators[0].handle.path, "f1-0");
  EXPECT_TRUE(commands_.empty());
}

// B8: acked state discarded
TEST_F(CheckpointProtocolTest, ARepeatedAcknowledgeNeverDiscardsWhatIsStoredOrRetained) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  tell(acknowledge(subtask(1, 0), id));
  EXPECT_TRUE(commands_.empty());
  stored(id);
  tell(acknowledge(subtask(1, 0), id));
  EXPECT_TRUE(commands_.empty());
  tell(AttemptEnded{unavailable("lost")});
  tell(acknowledge(subtask(1, 0), id));
  EXPECT_TRUE(commands_.empty());
  EXPECT_EQ(state_.counters.duplicate_acknowledges, 3U);
}

TEST_F(CheckpointProtocolTest, AcknowledgesOfWhatNeverWasAreCounted) {
  run();
  const std::uint64_t id = trigger();
  tell(acknowledge(subtask(1, 0), id + 1));
  EXPECT_TRUE(commands_.empty());
  tell(acknowledge(subtask(1, 0), 40));  // of an earlier run: not ours to delete
  EXPECT_TRUE(commands_.empty());
  AcknowledgeCheckpoint stranger = acknowledge(subtask(1, 0), id);
  stranger.attempt.subtask = subtask(1, 9);
  tell(stranger);
  EXPECT_TRUE(commands_.empty());
  EXPECT_EQ(state_.counters.unknown_acknowledges, 3U);
}

TEST_F(CheckpointProtocolTest, StateOfAnOperatorThatIsNotInTheSubtaskIsRefused) {
  run();
  const std::uint64_t id = trigger();
  AcknowledgeCheckpoint wrong = acknowledge(subtask(1, 0), id);
  wrong.snapshot.operators[0].id = OperatorId{"sink"};
  tell(wrong);
  EXPECT_TRUE(has<SendAborted>());
  EXPECT_FALSE(state_.pending);
}

// --- C9: retention ------------------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, AnOlderCheckpointGoesOnlyAfterTheNewerIsDurable) {
  run();
  const std::uint64_t first = complete_one();
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
  const std::uint64_t second = trigger();
  acknowledge_all(second);
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{});
  stored(second);
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{first});
  EXPECT_EQ(state_.retained, std::vector<CheckpointId>{CheckpointId{second}});
}

TEST_F(CheckpointProtocolTest, TheNewestOnesAreRetained) {
  JobGraph graph = make_job();
  graph.checkpoints.retained = 2;
  use(graph);
  state_.retained = {CheckpointId{38}, CheckpointId{39}};
  run();
  complete_one();
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{38});
  complete_one();
  EXPECT_EQ(discarded(), std::vector<std::uint64_t>{39});
  EXPECT_EQ(state_.retained, (std::vector<CheckpointId>{CheckpointId{41}, CheckpointId{42}}));
}

// --- C10: the restored tail first ---------------------------------------------------------------

TEST_F(CheckpointProtocolTest, NothingIsTriggeredBeforeEverySinkCommittedItsRestoredTail) {
  start(2, CheckpointId{40});
  report_all(SubtaskState::kRunning);
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  tell(ManualRequested{});
  EXPECT_FALSE(has<PrepareDirectory>());
  tell(commit(0, 40));
  tell(commit(0, 40));
  EXPECT_FALSE(has<PrepareDirectory>());
  tell(commit(1, 39));
  EXPECT_FALSE(has<PrepareDirectory>());
  tell(commit(1, 40));
  EXPECT_TRUE(has<PrepareDirectory>());
}

TEST_F(CheckpointProtocolTest, ACommitOfAnotherAttemptDoesNotCount) {
  start(2, CheckpointId{40});
  report_all(SubtaskState::kRunning);
  tell(commit(0, 40));
  CommitReport stale = commit(1, 40);
  stale.attempt.attempt = AttemptNumber{1};
  tell(stale);
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  EXPECT_EQ(state_.counters.stale_messages, 1U);
}

TEST_F(CheckpointProtocolTest, SubtasksAreRemindedOfTheTailUntilItIsCommitted) {
  start(2, CheckpointId{40});
  report_all(SubtaskState::kRunning);
  fire(CheckpointTimer::kReminder);
  ASSERT_EQ(all<SendComplete>().size(), 1U);
  EXPECT_EQ(all<SendComplete>()[0].id, CheckpointId{40});
  tell(commit(0, 40));
  tell(commit(1, 40));
  fire(CheckpointTimer::kReminder);
  EXPECT_FALSE(has<SendComplete>());
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kReminder));
}

// --- C11: tolerated failures --------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, MoreFailuresInARowThanToleratedFailTheJob) {
  JobGraph graph = make_job();
  graph.checkpoints.tolerable_failures = 2;
  use(graph);
  run();
  for (int i = 0; i < 2; ++i) {
    trigger();
    fire(CheckpointTimer::kExpiry);
    EXPECT_FALSE(has<FailJob>());
  }
  complete_one();
  for (int i = 0; i < 2; ++i) {
    trigger();
    fire(CheckpointTimer::kExpiry);
    EXPECT_FALSE(has<FailJob>());
  }
  trigger();
  fire(CheckpointTimer::kExpiry);
  EXPECT_TRUE(has<FailJob>());
}

// B7
TEST_F(CheckpointProtocolTest, ALateFailureOfAnOldCheckpointIsNotCounted) {
  JobGraph graph = make_job();
  graph.checkpoints.tolerable_failures = 1;
  use(graph);
  run();
  const std::uint64_t old = trigger();
  fire(CheckpointTimer::kExpiry);
  const std::uint64_t next = trigger();
  const DeclineCheckpoint late{
      {JobId{1}, subtask(1, 0), state_.attempt}, CheckpointId{old}, unavailable("slow")};
  tell(late);
  EXPECT_EQ(state_.consecutive_failures, 1U);
  acknowledge_all(next);
  stored(next);
  tell(late);
  tell(StoreAnswered{CheckpointId{old}, StoreOutcome::kNotStored, unavailable("slow")});
  EXPECT_EQ(state_.consecutive_failures, 0U);
  EXPECT_FALSE(has<FailJob>());
}

TEST_F(CheckpointProtocolTest, TheEndOfAnAttemptIsNoFailureOfItsCheckpoint) {
  run();
  trigger();
  tell(AttemptEnded{unavailable("lost")});
  EXPECT_EQ(state_.consecutive_failures, 0U);
  EXPECT_FALSE(has<FailJob>());
}

TEST_F(CheckpointProtocolTest, AReasonThatNoRestartMendsReachesTheJobAsSuch) {
  run();
  const std::uint64_t id = trigger();
  acknowledge_all(id);
  tell(StoreAnswered{CheckpointId{id}, StoreOutcome::kNotStored, permission_denied("/chk")});
  ASSERT_EQ(all<FailJob>().size(), 1U);
  EXPECT_EQ(all<FailJob>()[0].reason.retry(), RetryHint::kNo);
  EXPECT_EQ(all<FailJob>()[0].reason.message(), "checkpoint 41 failed: /chk");
}

// --- C12: the end of the job --------------------------------------------------------------------

// B23
TEST_F(CheckpointProtocolTest, TheJobClosesOnlyAfterAFinalCheckpointIsCommittedByAll) {
  run();
  complete_one();
  tell(commit(0, 41));
  tell(commit(1, 41));
  report_all(SubtaskState::kEnded);
  EXPECT_FALSE(has<CloseJob>());
  EXPECT_TRUE(has<PrepareDirectory>()) << "the final checkpoint begins at once";
  tell(Prepared{CheckpointId{42}, Status::ok()});
  EXPECT_EQ(all<SendTriggers>()[0].barrier.kind, CheckpointKind::kFinal);
  acknowledge_all(42);
  stored(42);
  EXPECT_TRUE(has<SendComplete>());
  EXPECT_FALSE(has<CloseJob>());
  tell(commit(0, 42));
  EXPECT_FALSE(has<CloseJob>());
  tell(commit(1, 42));
  ASSERT_EQ(all<CloseJob>().size(), 1U);
  EXPECT_EQ(all<CloseJob>()[0].final_checkpoint, CheckpointId{42});
  EXPECT_EQ(state_.phase, AttemptPhase::kClosed);
}

TEST_F(CheckpointProtocolTest, ACheckpointThatWasUnderWayWhenTheInputEndedIsNotTheFinalOne) {
  run();
  const std::uint64_t id = trigger();
  report_all(SubtaskState::kEnded);
  acknowledge_all(id);
  stored(id);
  EXPECT_TRUE(has<PrepareDirectory>());
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kFinal);
  EXPECT_LT(position<SendComplete>(), position<PrepareDirectory>());
}

TEST_F(CheckpointProtocolTest, AFinalCheckpointThatFailedIsTriedAgain) {
  JobGraph graph = make_job();
  graph.checkpoints.tolerable_failures = 1;
  use(graph);
  run();
  report_all(SubtaskState::kEnded);
  tell(Prepared{CheckpointId{41}, unavailable("busy")});
  EXPECT_FALSE(has<FailJob>());
  EXPECT_FALSE(has<PrepareDirectory>()) << "not at once";
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 1s);
  fire(CheckpointTimer::kTrigger);
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kFinal);
  tell(Prepared{CheckpointId{42}, unavailable("busy")});
  EXPECT_TRUE(has<FailJob>());
}

TEST_F(CheckpointProtocolTest, WithPeriodicCheckpointsOffTheFinalOneIsTakenAllTheSame) {
  JobGraph graph = make_job();
  graph.checkpoints.enabled = false;
  use(graph);
  run();
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  report_all(SubtaskState::kEnded);
  EXPECT_TRUE(has<PrepareDirectory>());
}

TEST_F(CheckpointProtocolTest, AJobWithoutCommittersClosesWithTheFinalCheckpoint) {
  JobGraph graph = make_job();
  graph.vertices[2].operators[0].commits = false;
  use(graph);
  run();
  report_all(SubtaskState::kEnded);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  stored(41);
  EXPECT_TRUE(has<CloseJob>());
}

TEST_F(CheckpointProtocolTest, LostNotificationsOfTheFinalCheckpointAreSentAgain) {
  run();
  report_all(SubtaskState::kEnded);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  stored(41);
  tell(commit(0, 41));
  for (int i = 0; i < 3; ++i) {
    fire(CheckpointTimer::kReminder);
    ASSERT_EQ(all<SendComplete>().size(), 1U);
    EXPECT_EQ(all<SendComplete>()[0].id, CheckpointId{41});
  }
}

TEST_F(CheckpointProtocolTest, AfterAFailureBeforeTheFinalCommitAnotherFinalCheckpointIsTaken) {
  run();
  report_all(SubtaskState::kEnded);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  stored(41);
  tell(AttemptEnded{unavailable("lost")});
  tell(AttemptGone{});
  start(2, CheckpointId{41});
  report_all(SubtaskState::kEnded);
  tell(commit(0, 41));
  tell(commit(1, 41));
  EXPECT_FALSE(has<CloseJob>());
  ASSERT_TRUE(has<PrepareDirectory>());
  EXPECT_EQ(state_.pending->barrier.kind, CheckpointKind::kFinal);
}

// --- C14: when ----------------------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, TheIntervalRunsFromTriggerToTrigger) {
  run();
  const std::uint64_t id = trigger();
  advance(1s);
  acknowledge_all(id);
  stored(id);
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 2s);
  EXPECT_EQ(state_.history.back().duration, 1s);
}

TEST_F(CheckpointProtocolTest, TheMinPauseRunsFromEndToTrigger) {
  JobGraph graph = make_job();
  graph.checkpoints.min_pause = 2500ms;
  use(graph);
  run();
  const std::uint64_t id = trigger();
  advance(1s);
  acknowledge_all(id);
  stored(id);
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 2500ms);
}

TEST_F(CheckpointProtocolTest, TriggersDoNotQueueUpBehindASlowCheckpoint) {
  run();
  const std::uint64_t id = trigger();
  advance(60s);
  EXPECT_FALSE(armed_.contains(CheckpointTimer::kTrigger));
  acknowledge_all(id);
  stored(id);
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 0s);
  EXPECT_EQ(complete_one(), id + 1);
  EXPECT_EQ(armed_.at(CheckpointTimer::kTrigger), 3s);
}

// --- manual requests
// ------------------------------------------------------------------------------

TEST_F(CheckpointProtocolTest, AManualRequestWaitsForTheOneInFlightAndGetsItsOwn) {
  run();
  const std::uint64_t first = trigger();
  tell(ManualRequested{});
  acknowledge_all(first);
  stored(first);
  EXPECT_FALSE(has<AnswerManual>());
  ASSERT_TRUE(has<PrepareDirectory>());
  tell(Prepared{CheckpointId{first + 1}, Status::ok()});
  acknowledge_all(first + 1);
  stored(first + 1);
  ASSERT_EQ(all<AnswerManual>().size(), 1U);
  EXPECT_EQ(all<AnswerManual>()[0].result.value(), CheckpointId{first + 1});
}

// B17: a declined one must not leave the request hanging.
TEST_F(CheckpointProtocolTest, AManualRequestIsAnsweredWhenItsCheckpointFails) {
  run();
  tell(ManualRequested{});
  tell(Prepared{CheckpointId{41}, Status::ok()});
  tell(DeclineCheckpoint{{JobId{1}, subtask(1, 0), state_.attempt}, CheckpointId{41}, Status()});
  ASSERT_EQ(all<AnswerManual>().size(), 1U);
  EXPECT_FALSE(all<AnswerManual>()[0].result.is_ok());
}

TEST_F(CheckpointProtocolTest, AManualRequestIsAnsweredWhenTheAttemptEnds) {
  run();
  trigger();
  tell(ManualRequested{});
  tell(AttemptEnded{unavailable("lost")});
  ASSERT_EQ(all<AnswerManual>().size(), 1U);
  EXPECT_FALSE(all<AnswerManual>()[0].result.is_ok());
  tell(ManualRequested{});
  EXPECT_EQ(all<AnswerManual>().size(), 1U) << "nothing runs, so at once";
}

TEST_F(CheckpointProtocolTest, AManualRequestAfterTheFinalCheckpointGetsThatOne) {
  run();
  report_all(SubtaskState::kEnded);
  tell(Prepared{CheckpointId{41}, Status::ok()});
  acknowledge_all(41);
  stored(41);
  tell(ManualRequested{});
  ASSERT_EQ(all<AnswerManual>().size(), 1U);
  EXPECT_EQ(all<AnswerManual>()[0].result.value(), CheckpointId{41});
}

// --- C15: other attempts
// --------------------------------------------------------------------------

// B32
TEST_F(CheckpointProtocolTest, AnAcknowledgeOfAnotherAttemptDoesNotCount) {
  run();
  const std::uint64_t id = trigger();
  AcknowledgeCheckpoint stale = acknowledge(subtask(1, 0), id);
  stale.attempt.attempt = AttemptNumber{7};
  tell(stale);
  EXPECT_TRUE(state_.pending->snapshots.empty());
  EXPECT_EQ(state_.counters.unknown_acknowledges, 1U);
}

TEST_F(CheckpointProtocolTest, TheHistoryKeepsTheLastTenAndTheirCost) {
  run();
  for (int i = 0; i < 11; ++i) complete_one();
  const std::uint64_t id = trigger();
  AcknowledgeCheckpoint slow = acknowledge(subtask(1, 0), id);
  slow.alignment_nanos = 500;
  slow.freeze_nanos = 70;
  tell(slow);
  acknowledge_all(id);
  stored(id);
  ASSERT_EQ(state_.history.size(), kCheckpointHistory);
  EXPECT_EQ(state_.history.front().id, CheckpointId{43});
  EXPECT_EQ(state_.history.back().id, CheckpointId{52});
  EXPECT_EQ(state_.history.back().bytes, 35U);
  EXPECT_EQ(state_.history.back().alignment_nanos_max, 500);
  EXPECT_EQ(state_.history.back().freeze_nanos_max, 70);
}

}  // namespace
}  // namespace weir
