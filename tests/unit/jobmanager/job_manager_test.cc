// SPDX-License-Identifier: Apache-2.0
// Submissions, TaskManagers that come and go, stale messages, and what people see.
#include "jobmanager/job_manager.h"

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
using JobManagerTest = JobFixture;

// --- from submission to the end -----------------------------------------------------------------

TEST_F(JobManagerTest, RunsAJobToItsEnd) {
  run();
  advance(10s);
  EXPECT_GE(completed(), 2U);
  cluster_->set_all(SubtaskState::kEnded);
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kFinished);
  EXPECT_TRUE(listener_.result.is_ok());
  EXPECT_EQ(listener_.states,
            (std::vector<JobState>{JobState::kWaitingForSlots, JobState::kDeploying,
                                   JobState::kRunning, JobState::kFinishing, JobState::kFinished}));
  EXPECT_EQ(storage_->entries.rbegin()->second.metadata->kind, CheckpointKind::kFinal);
  EXPECT_EQ(storage_->entries.size(), 1U);
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
  check_no_violation();
}

TEST_F(JobManagerTest, WaitsForEnoughSlotsAndSaysSo) {
  cluster_->add(1, 1);
  ASSERT_TRUE(submit().is_ok());
  advance(1s);
  EXPECT_EQ(state(), JobState::kWaitingForSlots);
  EXPECT_EQ(status().waiting_for, "2 slots; 1 of 1 are free");
  cluster_->add(2, 1);
  advance(1s);
  EXPECT_EQ(state(), JobState::kRunning);
}

TEST_F(JobManagerTest, DeploysEverySubtaskOnceAndTellsAllWhereTheOthersAre) {
  run();
  const auto deployed = cluster_->all<DeployAttempt>();
  ASSERT_EQ(deployed.size(), 2U);
  EXPECT_EQ(deployed[0].subtasks.size() + deployed[1].subtasks.size(), 5U);
  for (const DeployAttempt& each : deployed) {
    EXPECT_EQ(each.placement.size(), 5U);
    EXPECT_EQ(each.graph_hash, graph_hash(graph_));
    EXPECT_EQ(each.attempt, AttemptNumber{1});
    EXPECT_EQ(each.checkpoint_directory, storage_->directory());
    EXPECT_FALSE(each.restored);
  }
}

TEST_F(JobManagerTest, TwoJobsShareTheSlots) {
  cluster_->add(1, 2);
  ASSERT_TRUE(submit().is_ok());
  RecordingListener second;
  ASSERT_TRUE(
      job_manager_
          ->submit({JobId{8}, graph_, std::make_shared<MemoryCheckpointStorage>(), {}, false},
                   second)
          .is_ok());
  advance(1s);
  EXPECT_EQ(job_manager_->status(JobId{8})->state, JobState::kWaitingForSlots);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  EXPECT_EQ(job_manager_->status(JobId{8})->state, JobState::kRunning);
}

TEST_F(JobManagerTest, RefusesWhatCannotRun) {
  EXPECT_EQ(job_manager_->cancel(kJob).code(), StatusCode::kNotFound);
  EXPECT_EQ(job_manager_->stop_with_checkpoint(kJob).code(), StatusCode::kNotFound);
  EXPECT_EQ(job_manager_->status(kJob).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(submit().is_ok());
  EXPECT_EQ(submit().code(), StatusCode::kAlreadyExists);
  JobGraph wide = graph_;
  wide.vertices[1].parallelism = Parallelism{129};
  EXPECT_EQ(check_graph(wide).code(), StatusCode::kInvalidArgument);
  JobGraph empty;
  EXPECT_EQ(check_graph(empty).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(job_manager_->submit({JobId{9}, graph_, nullptr, {}, false}, listener_).code(),
            StatusCode::kInvalidArgument);
}

TEST_F(JobManagerTest, AnUnreadableCheckpointDirectoryFailsTheJobWithItsReason) {
  storage_->fault = [](StorageCall call, CheckpointId) {
    return call == StorageCall::kHighestId ? StorageFault{permission_denied("/checkpoints"), false}
                                           : StorageFault{};
  };
  ASSERT_TRUE(submit().is_ok());
  advance(1s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_EQ(listener_.result.message(), "/checkpoints");
}

// --- stale messages, zombies
// ----------------------------------------------------------------------

// B34
TEST_F(JobManagerTest, AZombieThatComesBackIsToldToEndAndGetsNothingUntilItHas) {
  run();
  cluster_->at(1).has_heartbeat = false;
  advance(6s);
  EXPECT_EQ(state(), JobState::kWaitingForSlots);
  EXPECT_GT(cluster_->num_alive(AttemptNumber{1}), 0U) << "it does not know";
  cluster_->intercept = [](TaskManagerId, const ControlMessage& message) {
    return std::holds_alternative<CancelAttempt>(message) ? std::optional(Status::ok())
                                                          : std::nullopt;
  };
  cluster_->at(1).has_heartbeat = true;
  advance(10s);
  EXPECT_EQ(state(), JobState::kWaitingForSlots);
  cluster_->intercept = nullptr;
  advance(3s);
  EXPECT_EQ(cluster_->num_alive(AttemptNumber{1}), 0U);
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  check_no_violation();
}

TEST_F(JobManagerTest, ASilentTaskManagerGetsNothingNewToDo) {
  cluster_->add(1, 2);
  advance(1s);
  cluster_->kill(1);
  advance(3s);  // less than the timeout
  ASSERT_TRUE(submit().is_ok());
  advance(100ms);
  EXPECT_EQ(state(), JobState::kWaitingForSlots);
}

// B32
TEST_F(JobManagerTest, MessagesOfAPastAttemptDoNotCount) {
  run();
  advance(4s);
  cluster_->fail(subtask(1, 0), unavailable("disk"));
  advance(1s);
  ASSERT_EQ(status().attempt, AttemptNumber{2});
  SubtaskReport stale;
  stale.attempt = {kJob, subtask(1, 1), AttemptNumber{1}};
  stale.state = SubtaskState::kFailed;
  stale.failure = unavailable("long ago");
  for (const std::uint64_t id : {1, 2}) {
    ASSERT_TRUE(
        cluster_->tell_job_manager(id, Heartbeat{TaskManagerId{id}, {stale}}, LeaderEpoch{1})
            .is_ok());
  }
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_GE(status().stale_messages, 2U);
}

TEST_F(JobManagerTest, AMessageFromANewerLeadersTimeIsRefused) {
  run();
  EXPECT_EQ(cluster_->tell_job_manager(1, Heartbeat{TaskManagerId{1}, {}}, LeaderEpoch{2}).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(job_manager_->counters().stale_epochs, 1U);
}

TEST_F(JobManagerTest, AnAcknowledgeFromAnOlderLeadersTimeIsDropped) {
  use(make_job(), {.epoch = LeaderEpoch{5}});
  cluster_->auto_acknowledge = false;
  run();
  advance(4s);
  ASSERT_TRUE(status().checkpoints.pending);
  AcknowledgeCheckpoint ack;
  ack.attempt = {kJob, subtask(0, 0), AttemptNumber{1}};
  ack.checkpoint = status().checkpoints.pending->id;
  EXPECT_TRUE(cluster_->tell_job_manager(1, ack, LeaderEpoch{4}).is_ok());
  EXPECT_EQ(status().checkpoints.pending->acknowledged, 0U);
  EXPECT_TRUE(cluster_->tell_job_manager(1, ack, LeaderEpoch{5}).is_ok());
  EXPECT_EQ(status().checkpoints.pending->acknowledged, 1U);
}

TEST_F(JobManagerTest, AnUnknownTaskManagerIsAskedToRegisterAndToEndWhatItRuns) {
  SubtaskReport stray;
  stray.attempt = {JobId{99}, subtask(0, 0), AttemptNumber{3}};
  stray.state = SubtaskState::kRunning;
  EXPECT_EQ(
      cluster_->tell_job_manager(5, Heartbeat{TaskManagerId{5}, {stray}}, LeaderEpoch{1}).code(),
      StatusCode::kNotFound);
  ASSERT_EQ(cluster_->all<CancelAttempt>().size(), 1U);
  EXPECT_EQ(cluster_->all<CancelAttempt>()[0].job, JobId{99});
  EXPECT_EQ(cluster_->all<CancelAttempt>()[0].attempt, AttemptNumber{3});
}

// --- what people see
// ------------------------------------------------------------------------------

TEST_F(JobManagerTest, StatusSumsUpWhatTheHeartbeatsSay) {
  run();
  Heartbeat heartbeat{TaskManagerId{1}, {}};
  Heartbeat other{TaskManagerId{2}, {}};
  for (std::uint64_t id : {1, 2}) {
    for (const auto& [attempt, each] : cluster_->at(id).subtasks) {
      SubtaskReport report;
      report.attempt = attempt;
      report.state = SubtaskState::kRunning;
      report.watermark = EventTime{1000 + static_cast<std::int64_t>(attempt.subtask.index.value())};
      if (attempt.subtask.vertex.value() == 0) report.watermark = EventTime::none();
      report.busy_nanos = 5;
      report.operators.push_back(
          {graph_.vertex(attempt.subtask.vertex).operators[0].id, 10, 20, 1, 2, 3});
      (id == 1 ? heartbeat : other).subtasks.push_back(report);
    }
  }
  ASSERT_TRUE(cluster_->tell_job_manager(1, heartbeat, LeaderEpoch{1}).is_ok());
  ASSERT_TRUE(cluster_->tell_job_manager(2, other, LeaderEpoch{1}).is_ok());
  const JobStatus seen = status();
  EXPECT_EQ(seen.name, "job");
  EXPECT_EQ(seen.watermark, EventTime{1000});
  ASSERT_EQ(seen.vertices.size(), 3U);
  EXPECT_EQ(seen.vertices[1].running, 2U);
  EXPECT_EQ(seen.vertices[1].busy_nanos, 10);
  ASSERT_EQ(seen.vertices[1].operators.size(), 1U);
  EXPECT_EQ(seen.vertices[1].operators[0].records_in, 20U);
  EXPECT_EQ(seen.vertices[1].operators[0].records_out, 40U);
  EXPECT_EQ(seen.vertices[1].operators[0].late_records, 2U);
  EXPECT_EQ(seen.vertices[1].operators[0].bad_records, 4U);
  EXPECT_EQ(seen.vertices[1].operators[0].state_entries, 6U);
}

TEST_F(JobManagerTest, StatusShowsTheCheckpointsAndTheUptimeStandsStillAtTheEnd) {
  run();
  advance(10s);
  const JobStatus seen = status();
  EXPECT_EQ(seen.uptime, 11s);
  EXPECT_EQ(seen.checkpoints.latest_retained, storage_->latest());
  ASSERT_FALSE(seen.checkpoints.history.empty());
  EXPECT_EQ(seen.checkpoints.history.back().phase, CheckpointPhase::kCompleted);
  EXPECT_EQ(seen.checkpoints.history.back().subtasks, 5U);
  cluster_->set_all(SubtaskState::kEnded);
  advance(1s);
  const Duration end = status().uptime;
  advance(60s);
  EXPECT_EQ(status().uptime, end);
}

TEST_F(JobManagerTest, NothingRunsAfterTheJobManagerIsGone) {
  run();
  advance(4s);
  blocking_.pause();
  advance(4s);
  job_manager_.reset();
  cluster_->detach();
  blocking_.resume();
  advance(20s);
}

}  // namespace
}  // namespace weir
