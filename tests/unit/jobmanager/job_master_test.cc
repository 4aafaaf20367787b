// SPDX-License-Identifier: Apache-2.0
// Failures, restores, cancelling and stopping of one job.
#include "jobmanager/job_master.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/jobmanager/job_fixture.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using JobMasterTest = JobFixture;

// --- failures -----------------------------------------------------------------------------------

TEST_F(JobMasterTest, AFailedSubtaskRestartsTheWholeJobFromTheLatestCheckpoint) {
  run();
  advance(7s);
  const CheckpointId latest = *storage_->latest();
  cluster_->fail(subtask(1, 0), unavailable("operator 'reader' (subtask 0): disk"), "reader");
  executor_.run_until_idle();
  EXPECT_EQ(state(), JobState::kRestarting);
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
  advance(1s);
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(status().restarts, 1U);
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  EXPECT_EQ(status().last_failure.message(), "operator 'reader' (subtask 0): disk");
  EXPECT_EQ(status().failed_operator, "reader");
  EXPECT_EQ(cluster_->all<DeployAttempt>().back().restored, latest);
  check_no_violation();
}

TEST_F(JobMasterTest, AFailureOfNoOperatorNamesTheSubtask) {
  run();
  cluster_->fail(subtask(1, 0), internal_error("mailbox overflowed"));
  executor_.run_until_idle();
  EXPECT_EQ(status().last_failure.message(), "'reader' subtask 0: mailbox overflowed");
}

TEST_F(JobMasterTest, TheNextAttemptWaitsUntilEveryTaskManagerConfirmedTheEnd) {
  run();
  cluster_->intercept = [](TaskManagerId to, const ControlMessage& message) {
    // One says yes and does not do it.
    const bool is_cancel = std::holds_alternative<CancelAttempt>(message);
    return is_cancel && to.value() == 2 ? std::optional(Status::ok()) : std::nullopt;
  };
  cluster_->fail(subtask(0, 0), unavailable("disk"));
  advance(20s);
  EXPECT_EQ(state(), JobState::kFailing);
  EXPECT_EQ(status().waiting_for, "TaskManager 2 to end attempt 1");
  cluster_->kill(2);
  advance(6s);
  EXPECT_EQ(state(), JobState::kWaitingForSlots);
  cluster_->intercept = nullptr;
  cluster_->add(3, 1);
  advance(1s);
  EXPECT_EQ(state(), JobState::kRunning);
}

TEST_F(JobMasterTest, ALostTaskManagerFailsTheAttempt) {
  run();
  advance(4s);
  cluster_->kill(1);
  cluster_->add(3, 1);
  advance(4s);
  EXPECT_EQ(state(), JobState::kRunning) << "not yet";
  advance(3s);
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  EXPECT_EQ(status().last_failure.message(), "TaskManager 1 is lost");
  EXPECT_EQ(state(), JobState::kRunning);
  check_no_violation();
}

TEST_F(JobMasterTest, AFailureThatNoRestartMendsEndsTheJob) {
  run();
  cluster_->fail(subtask(1, 0), data_loss("state file is damaged"));
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.code(), StatusCode::kDataLoss);
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
}

TEST_F(JobMasterTest, AfterTooManyFailuresTheJobFails) {
  JobGraph graph = make_job();
  graph.restart.kind = RestartStrategy::Kind::kFixedDelay;
  graph.restart.attempts = 2;
  graph.restart.delay = 10ms;
  use(graph);
  run();
  for (int i = 0; i < 2; ++i) {
    cluster_->fail(subtask(1, 0), unavailable("disk"));
    advance(2s);
    ASSERT_EQ(state(), JobState::kRunning);
  }
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
}

TEST_F(JobMasterTest, ARefusedDeploymentFailsTheAttempt) {
  cluster_->intercept = [](TaskManagerId, const ControlMessage& message) {
    return std::holds_alternative<DeployAttempt>(message)
               ? std::optional(failed_precondition("another job graph"))
               : std::nullopt;
  };
  cluster_->add(1, 2);
  ASSERT_TRUE(submit().is_ok());
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.message(), "TaskManager 1 refused the deployment: another job graph");
}

TEST_F(JobMasterTest, TimeInWhichTheProcessStoodStillIsNobodysSilence) {
  run();
  clock_.advance(1min);  // suspended: no timer runs meanwhile
  advance(10s);
  EXPECT_EQ(status().attempt, AttemptNumber{1});
  EXPECT_EQ(job_manager_->task_managers().size(), 2U);
}

TEST_F(JobMasterTest, ASubtaskThatHeartbeatsDoNotListAnyMoreIsLost) {
  JobGraph graph = make_job();
  graph.checkpoints.interval = graph.checkpoints.min_pause = 1h;
  use(graph);
  run();
  advance(2s);
  cluster_->at(1).subtasks.clear();
  advance(6s);
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  EXPECT_EQ(status().last_failure.message(),
            "TaskManager 1 does not run 'enumerator' subtask 0 any more");
}

TEST_F(JobMasterTest, AHeartbeatFromBeforeTheDeploymentDoesNotMakeSubtasksMissing) {
  run();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        cluster_->tell_job_manager(1, Heartbeat{TaskManagerId{1}, {}}, LeaderEpoch{1}).is_ok());
    advance(1s);
  }
  EXPECT_EQ(status().attempt, AttemptNumber{1});
}

TEST_F(JobMasterTest, OldHeartbeatsNeverMakeASubtaskGoBack) {
  run();
  cluster_->find(subtask(1, 0))->state = SubtaskState::kEnded;
  cluster_->heartbeat_all();
  executor_.run_until_idle();
  SubtaskReport old;
  old.attempt = {kJob, subtask(1, 0), AttemptNumber{1}};
  old.state = SubtaskState::kDeploying;
  const std::uint64_t host = cluster_->at(1).subtasks.contains(old.attempt) ? 1 : 2;
  ASSERT_TRUE(
      cluster_->tell_job_manager(host, Heartbeat{TaskManagerId{host}, {old}}, LeaderEpoch{1})
          .is_ok());
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(status().vertices[1].ended, 1U);
}

// --- checkpoints and restores
// ---------------------------------------------------------------------

TEST_F(JobMasterTest, AfterARestoreTheNextCheckpointWaitsForTheTail) {
  run();
  advance(4s);
  cluster_->auto_commit = false;
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  const std::uint64_t before = completed();
  advance(30s);
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(completed(), before);
  EXPECT_EQ(status().waiting_for, "'sink' subtask 0 to commit its output of checkpoint " +
                                      to_string(*storage_->latest()));
  cluster_->auto_commit = true;  // the reminders take effect
  advance(10s);
  EXPECT_GT(completed(), before);
}

// B11
TEST_F(JobMasterTest, ADamagedLatestCheckpointFailsTheJobAndNothingElseIsTried) {
  JobGraph graph = make_job();
  graph.checkpoints.retained = 3;
  use(graph);
  run();
  advance(10s);
  ASSERT_GE(completed(), 2U);
  storage_->fault = [](StorageCall call, CheckpointId id) {
    return call == StorageCall::kRead
               ? StorageFault{data_loss("chk-" + to_string(id) + " is damaged"), false}
               : StorageFault{};
  };
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(5s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.code(), StatusCode::kDataLoss);
  EXPECT_NE(listener_.result.message().find("is damaged"), std::string::npos);
  EXPECT_EQ(cluster_->all<DeployAttempt>().back().attempt, AttemptNumber{1});
}

TEST_F(JobMasterTest, ALatestCheckpointThatIsGoneFailsTheJob) {
  run();
  advance(4s);
  storage_->entries.clear();
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(5s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.code(), StatusCode::kDataLoss);
}

TEST_F(JobMasterTest, ALatestCheckpointThatCannotBeReadJustNowIsTriedAgain) {
  run();
  advance(4s);
  bool is_broken = true;
  storage_->fault = [&](StorageCall call, CheckpointId) {
    return call == StorageCall::kRead && is_broken ? StorageFault{unavailable("busy"), false}
                                                   : StorageFault{};
  };
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(30s);
  EXPECT_EQ(state(), JobState::kRestarting);
  const CheckpointId latest = *storage_->latest();
  is_broken = false;
  advance(30s);
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(cluster_->all<DeployAttempt>().back().restored, latest);
}

// B10
TEST_F(JobMasterTest, TheRestartWaitsUntilItIsKnownWhetherTheLastCheckpointWasStored) {
  run();
  bool is_silent = true;
  storage_->fault = [&](StorageCall call, CheckpointId id) {
    if (id.value() != 2 || !is_silent) return StorageFault{};
    if (call == StorageCall::kPublish) return StorageFault{unavailable("fsync"), true};
    if (call == StorageCall::kReadBack) return StorageFault{unavailable("read"), false};
    return StorageFault{};
  };
  advance(8s);
  ASSERT_EQ(status().checkpoints.pending->phase, CheckpointPhase::kReadingBack);
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(20s);
  EXPECT_EQ(state(), JobState::kFailing);
  EXPECT_EQ(status().waiting_for, "the checkpoint storage");
  is_silent = false;
  advance(10s);
  EXPECT_EQ(state(), JobState::kRunning);
  const auto deployed = cluster_->all<DeployAttempt>();
  EXPECT_EQ(deployed.back().restored, CheckpointId{2});
  check_no_violation();
}

TEST_F(JobMasterTest, ACheckpointThatFailsOnceTooOftenRestartsTheJob) {
  storage_->fault = [](StorageCall call, CheckpointId id) {
    return call == StorageCall::kPublish && id.value() == 1
               ? StorageFault{resource_exhausted("disk full"), false}
               : StorageFault{};
  };
  run();
  advance(5s);
  EXPECT_EQ(status().last_failure.message(), "checkpoint 1 failed: disk full");
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  advance(5s);
  EXPECT_GE(completed(), 1U);
  EXPECT_FALSE(storage_->entries.contains(CheckpointId{1}));
}

TEST_F(JobMasterTest, FilesThatCannotBeDeletedAtOnceAreDeletedLater) {
  run();
  advance(4s);
  int failures = 2;
  storage_->fault = [&](StorageCall call, CheckpointId) {
    return call == StorageCall::kDiscard && failures-- > 0
               ? StorageFault{unavailable("busy"), false}
               : StorageFault{};
  };
  advance(4s);
  ASSERT_GE(completed(), 2U);
  ASSERT_LT(failures, 0);
  EXPECT_EQ(storage_->entries.size(), 1U);
}

TEST_F(JobMasterTest, StartsFromTheGivenCheckpointAndCountsOn) {
  run();
  advance(4s);
  const CheckpointMetadata restore = *storage_->entries.at(*storage_->latest()).metadata;
  job_manager_.reset();  // killed
  new_cluster();
  start_job_manager();
  cluster_->add(11, 2);
  ASSERT_TRUE(submit(restore).is_ok());
  advance(1s);
  const DeployAttempt deployed = cluster_->all<DeployAttempt>().back();
  EXPECT_EQ(deployed.restored, restore.id);
  EXPECT_EQ(deployed.attempt, AttemptNumber{2});
  advance(4s);
  EXPECT_EQ(storage_->entries.size(), 1U) << "the restored one is subsumed";
  EXPECT_GT(*storage_->latest(), restore.id);
  check_no_violation();
}

TEST_F(JobMasterTest, AFreshStartLeavesTheCheckpointsOfEarlierRunsAlone) {
  storage_->entries[CheckpointId{3}].metadata = CheckpointMetadata{};
  storage_->fault = [](StorageCall call, CheckpointId) {
    (void)call;
    return StorageFault{};
  };
  ASSERT_TRUE(storage_->begin(CheckpointId{4}).is_ok());
  run();
  advance(10s);
  EXPECT_GE(completed(), 2U);
  EXPECT_TRUE(storage_->entries.contains(CheckpointId{3}));
  EXPECT_EQ(storage_->published.front(), CheckpointId{5});
}

TEST_F(JobMasterTest, EveryNewSubtaskGetsTheStateOfAllFormerOnes) {
  run();
  advance(4s);
  const CheckpointMetadata restore = *storage_->entries.at(*storage_->latest()).metadata;
  use(make_job(3));
  cluster_->add(1, 3);
  ASSERT_TRUE(submit(restore).is_ok());
  advance(1s);
  EXPECT_EQ(state(), JobState::kRunning);
  const DeployAttempt deployed = cluster_->all<DeployAttempt>().back();
  for (const DeployedSubtask& each : deployed.subtasks) {
    if (each.subtask.vertex != VertexId{1}) continue;
    ASSERT_EQ(each.restores.size(), 1U);
    EXPECT_EQ(each.restores[0].id, OperatorId{"reader"});
    ASSERT_EQ(each.restores[0].handles.size(), 2U);
    EXPECT_EQ(each.restores[0].handles[1].inline_bytes, to_string(restore.id) + ":1-1");
  }
  check_no_violation();
}

TEST_F(JobMasterTest, StateThatNoOperatorAsksForIsRefusedUnlessAllowed) {
  CheckpointMetadata restore;
  restore.job_name = "job";
  restore.id = CheckpointId{9};
  OperatorCheckpoint old{OperatorId{"dedup"}, "dedup", MaxParallelism{128}, {}, {}};
  old.subtasks.push_back({"", "x", 1, 0});
  restore.operators.push_back(old);
  cluster_->add(1, 2);
  ASSERT_TRUE(submit(restore).is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.message(),
            "checkpoint 9 of 'job' has state of operators that the job does not have: 'dedup'; "
            "give them back their ids and names, or allow state that is not restored");
  EXPECT_TRUE(cluster_->all<DeployAttempt>().empty());

  use(make_job());
  cluster_->add(1, 2);
  ASSERT_TRUE(submit(restore, true).is_ok());
  advance(1s);
  EXPECT_EQ(cluster_->all<DeployAttempt>().back().restored, CheckpointId{9});
}

TEST_F(JobMasterTest, AFailureAfterTheFinalCommitNoLongerMatters) {
  run();
  cluster_->intercept = [](TaskManagerId, const ControlMessage& message) {
    return std::holds_alternative<CloseAttempt>(message) ? std::optional(Status::ok())
                                                         : std::nullopt;
  };
  cluster_->set_all(SubtaskState::kEnded);
  advance(1s);
  ASSERT_EQ(state(), JobState::kFinishing);
  cluster_->fail(subtask(2, 0), unavailable("close failed"));
  cluster_->kill(1);
  cluster_->kill(2);
  advance(10s);
  EXPECT_EQ(listener_.end, JobState::kFinished);
}

// --- cancelling and stopping
// ----------------------------------------------------------------------

TEST_F(JobMasterTest, CancelEndsEverySubtaskAndKeepsTheLatestCheckpoint) {
  run();
  advance(4s);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_FALSE(listener_.result.is_ok());
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
  EXPECT_EQ(storage_->entries.size(), 1U);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok()) << "again, after the end";
  EXPECT_EQ(state(), JobState::kCancelled);
}

TEST_F(JobMasterTest, CancelWorksInEveryState) {
  ASSERT_TRUE(submit().is_ok());
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());  // CREATED
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);

  use(make_job());
  listener_ = RecordingListener();
  ASSERT_TRUE(submit().is_ok());
  advance(1s);
  ASSERT_EQ(state(), JobState::kWaitingForSlots);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);

  use(make_job());
  listener_ = RecordingListener();
  run();
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  executor_.run_until_idle();
  ASSERT_EQ(state(), JobState::kRestarting);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);

  use(make_job());
  listener_ = RecordingListener();
  run();
  cluster_->intercept = [](TaskManagerId, const ControlMessage& message) {
    return std::holds_alternative<CancelAttempt>(message) ? std::optional(Status::ok())
                                                          : std::nullopt;
  };
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  executor_.run_until_idle();
  ASSERT_EQ(state(), JobState::kFailing);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  EXPECT_EQ(state(), JobState::kCancelling);
  cluster_->kill(1);
  cluster_->kill(2);
  advance(6s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
}

TEST_F(JobMasterTest, StopTakesACheckpointThatIsCommittedAndKept) {
  run();
  advance(500ms);
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  EXPECT_EQ(state(), JobState::kStoppingWithCheckpoint);
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_TRUE(listener_.result.is_ok());
  ASSERT_EQ(storage_->entries.size(), 1U);
  const CheckpointId taken = *storage_->latest();
  EXPECT_EQ(cluster_->committed.at(SubtaskIndex{0}), taken);
  EXPECT_EQ(cluster_->committed.at(SubtaskIndex{1}), taken);
  check_no_violation();
}

// B17
TEST_F(JobMasterTest, AStopWhoseCheckpointIsDeclinedCancelsAndSaysSo) {
  run();
  advance(4s);
  cluster_->auto_acknowledge = false;
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  executor_.run_until_idle();
  const auto pending = status().checkpoints.pending;
  ASSERT_TRUE(pending);
  const AttemptId who{kJob, subtask(1, 0), AttemptNumber{1}};
  ASSERT_TRUE(cluster_
                  ->tell_job_manager(1, DeclineCheckpoint{who, pending->id, unavailable("full")},
                                     LeaderEpoch{1})
                  .is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_EQ(listener_.result.message(), "stopped without a new checkpoint (the latest is " +
                                            to_string(*storage_->latest()) + "): checkpoint " +
                                            to_string(pending->id) +
                                            " failed: 'reader' subtask 0 declined: full");
}

TEST_F(JobMasterTest, AStopDuringAFailureCancelsAndSaysSo) {
  run();
  cluster_->auto_acknowledge = false;
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  executor_.run_until_idle();
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_FALSE(listener_.result.is_ok());
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
}

TEST_F(JobMasterTest, AStopWhoseOutputCannotBeCommittedEndsAfterTheTimeout) {
  JobGraph graph = make_job();
  graph.checkpoints.timeout = 20s;
  use(graph);
  run();
  cluster_->auto_commit = false;
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  advance(10s);
  EXPECT_EQ(state(), JobState::kStoppingWithCheckpoint);
  advance(15s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_TRUE(listener_.result.is_ok()) << "the checkpoint is there; a restore commits its output";
}

TEST_F(JobMasterTest, AStopOfAJobWithoutSlotsCancelsIt) {
  ASSERT_TRUE(submit().is_ok());
  advance(1s);
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_EQ(listener_.result.message(),
            "stopped without a new checkpoint (the latest is none): the job was WAITING_FOR_SLOTS");
}

TEST_F(JobMasterTest, AStopWhileTheFinalCheckpointIsCommittedFinishesTheJob) {
  run();
  cluster_->auto_commit = false;
  cluster_->set_all(SubtaskState::kEnded);
  executor_.run_until_idle();
  ASSERT_TRUE(job_manager_->stop_with_checkpoint(kJob).is_ok());
  EXPECT_EQ(state(), JobState::kStoppingWithCheckpoint);
  cluster_->auto_commit = true;
  advance(3s);
  EXPECT_EQ(listener_.end, JobState::kFinished);
}

}  // namespace
}  // namespace weir
