// SPDX-License-Identifier: Apache-2.0
// Savepoints of a whole job: what its user hears, and how a job that stops with one ends.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "jobmanager/job_master.h"
#include "tests/unit/jobmanager/job_fixture.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

class JobMasterSavepointTest : public JobFixture {
 protected:
  // Only savepoints are taken, so that their ids are known.
  void SetUp() override {
    JobGraph graph = make_job();
    graph.checkpoints.interval = std::chrono::hours{1000};
    use(graph);
  }
  void order(SavepointMode mode) {
    job_manager_->take_savepoint(kJob, {"/s", mode},
                                 [this](Result<std::string> path) { answer_ = std::move(path); });
  }
  std::optional<Result<std::string>> answer_;
};

TEST_F(JobMasterSavepointTest, TheUserHearsThePathAndTheJobGoesOn) {
  run();
  order(SavepointMode::kGoOn);
  advance(1s);
  ASSERT_TRUE(answer_ && answer_->is_ok());
  EXPECT_EQ(**answer_, "/s/savepoint-000007-1");
  EXPECT_TRUE(storage_->savepoints.at("/s/savepoint-000007-1"));
  EXPECT_TRUE(cluster_->committed.empty()) << "B16: no side effects";
  EXPECT_EQ(state(), JobState::kRunning);
  advance(10s);
  EXPECT_FALSE(storage_->entries.contains(CheckpointId{1})) << "what held its id is gone";
  EXPECT_TRUE(storage_->savepoints.contains("/s/savepoint-000007-1"));
  check_no_violation();
}

TEST_F(JobMasterSavepointTest, AJobThatStopsIsFinishedOnceAllIsCommitted) {
  run();
  cluster_->auto_commit = false;
  order(SavepointMode::kStop);
  advance(2s);
  EXPECT_EQ(state(), JobState::kStoppingWithSavepoint);
  EXPECT_FALSE(answer_) << "not before its output is committed";
  cluster_->auto_commit = true;
  advance(3s);
  EXPECT_EQ(listener_.end, JobState::kFinished);
  EXPECT_TRUE(listener_.result.is_ok());
  ASSERT_TRUE(answer_ && answer_->is_ok());
  EXPECT_EQ(storage_->latest(), CheckpointId{1}) << "latest finds it";
  EXPECT_EQ(status().savepoint, **answer_);
  check_no_violation();
}

TEST_F(JobMasterSavepointTest, ADrainedJobEndsItsSourcesFirst) {
  run();
  order(SavepointMode::kDrain);
  advance(1s);
  EXPECT_EQ(cluster_->all<DrainSources>().size(), 2U) << "both TaskManagers";
  EXPECT_EQ(completed(), 0U);
  cluster_->set_all(SubtaskState::kEnded);
  advance(2s);
  EXPECT_EQ(listener_.end, JobState::kFinished);
  ASSERT_TRUE(answer_ && answer_->is_ok());
}

// B17
TEST_F(JobMasterSavepointTest, ADeclinedStopLetsTheJobGoOn) {
  run();
  cluster_->auto_acknowledge = false;
  order(SavepointMode::kStop);
  advance(1s);
  const AttemptId sink{kJob, subtask(2, 0), AttemptNumber{1}};
  (void)cluster_->tell_job_manager(1, DeclineCheckpoint{sink, CheckpointId{1}, unavailable("full")},
                                   LeaderEpoch{1});
  cluster_->auto_acknowledge = true;
  advance(1s);
  ASSERT_TRUE(answer_ && !answer_->is_ok());
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(status().restarts, 0U);
  EXPECT_TRUE(storage_->savepoints.empty());
  order(SavepointMode::kStop);
  advance(3s);
  EXPECT_TRUE(answer_->is_ok());
  EXPECT_EQ(listener_.end, JobState::kFinished);
}

// B17: durable, then the commit fails.
TEST_F(JobMasterSavepointTest, AFailureAfterTheSavepointIsDurableNeverRestartsTheJob) {
  run();
  advance(5s);
  cluster_->auto_commit = false;
  order(SavepointMode::kStop);
  advance(2s);
  ASSERT_EQ(state(), JobState::kStoppingWithSavepoint);
  cluster_->fail(subtask(2, 1), unavailable("sink broke"));
  advance(10s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_NE(listener_.result.message().find(*status().savepoint), std::string::npos)
      << listener_.result.message();
  ASSERT_TRUE(answer_ && !answer_->is_ok());
  EXPECT_NE(answer_->status().message().find("sink broke"), std::string::npos);
  EXPECT_EQ(status().attempt, AttemptNumber{1});
}

// B17: the failure is seen before the savepoint is.
TEST_F(JobMasterSavepointTest, ASavepointThatBecomesDurableWhileTheAttemptEndsDecidesItsEnd) {
  run();
  bool is_slow = true;
  int published = 0;
  storage_->fault = [&](StorageCall call, CheckpointId) {
    // The second is what makes it the latest checkpoint; it happens, and the answer is lost.
    const bool is_pointer = call == StorageCall::kPublish && ++published == 2;
    const bool hides = is_pointer || call == StorageCall::kReadBack;
    return hides && is_slow ? StorageFault{unavailable("slow"), true} : StorageFault{};
  };
  order(SavepointMode::kStop);
  advance(2s);
  ASSERT_EQ(status().checkpoints.pending->phase, CheckpointPhase::kReadingBack);
  cluster_->fail(subtask(1, 0), unavailable("lost"));
  advance(2s);
  EXPECT_EQ(state(), JobState::kFailing) << "nothing begins while it is not known";
  is_slow = false;
  advance(10s);
  EXPECT_EQ(to_string(*listener_.end), "FAILED");
  EXPECT_TRUE(status().savepoint);
}

TEST_F(JobMasterSavepointTest, AFailureBeforeTheSavepointIsDurableRestartsTheJob) {
  run();
  cluster_->auto_acknowledge = false;
  order(SavepointMode::kStop);
  advance(1s);
  cluster_->fail(subtask(1, 0), unavailable("lost"));
  cluster_->auto_acknowledge = true;
  advance(10s);
  EXPECT_EQ(state(), JobState::kRunning);
  EXPECT_EQ(status().attempt, AttemptNumber{2});
  ASSERT_TRUE(answer_ && !answer_->is_ok());
}

TEST_F(JobMasterSavepointTest, CommitsThatNeverComeFailTheJobWithTheSavepointNamed) {
  graph_.checkpoints.timeout = 30s;
  use(graph_);
  run();
  cluster_->auto_commit = false;
  order(SavepointMode::kStop);
  advance(60s);
  EXPECT_EQ(listener_.end, JobState::kFailed);
  EXPECT_NE(listener_.result.message().find("/s/savepoint-"), std::string::npos);
}

TEST_F(JobMasterSavepointTest, ACancelledJobAnswersWhoWaitsForASavepoint) {
  run();
  cluster_->auto_acknowledge = false;
  order(SavepointMode::kStop);
  advance(1s);
  ASSERT_TRUE(job_manager_->cancel(kJob).is_ok());
  advance(3s);
  EXPECT_EQ(listener_.end, JobState::kCancelled);
  ASSERT_TRUE(answer_ && !answer_->is_ok());
}

TEST_F(JobMasterSavepointTest, AJobThatDoesNotRunTakesNoSavepoint) {
  order(SavepointMode::kGoOn);
  EXPECT_EQ(answer_->status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(submit().is_ok());
  order(SavepointMode::kGoOn);
  EXPECT_EQ(answer_->status().message(), "the job is CREATED");
}

// --- B19: whose the restored snapshot is --------------------------------------------------------

TEST_F(JobMasterSavepointTest, AClaimedSavepointIsDeletedWhenANewerCheckpointIsThere) {
  for (const bool is_claimed : {true, false}) {
    use(make_job());
    CheckpointMetadata metadata;
    metadata.job_name = "job";
    metadata.id = CheckpointId{9};
    storage_->savepoints["/s/savepoint-1"] = metadata;
    cluster_->add(1, 1);
    cluster_->add(2, 1);
    ASSERT_TRUE(
        job_manager_
            ->submit({kJob, graph_, storage_, metadata, false, "/s/savepoint-1", is_claimed},
                     listener_)
            .is_ok());
    cluster_->violations.clear();
    advance(10s);
    EXPECT_GE(completed(), 1U);
    EXPECT_EQ(storage_->savepoints.contains("/s/savepoint-1"), !is_claimed);
  }
}

}  // namespace
}  // namespace weir
