// SPDX-License-Identifier: Apache-2.0
// One job under a JobManager, for tests of its whole life.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "jobmanager/job_manager.h"
#include "testing/manual_clock.h"
#include "testing/manual_executor.h"
#include "tests/unit/jobmanager/fake_cluster.h"
#include "tests/unit/jobmanager/memory_checkpoint_storage.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {

inline void PrintTo(JobState state, std::ostream* out) { *out << to_string(state); }

inline constexpr JobId kJob{7};

/// Remembers what it heard.
struct RecordingListener final : JobListener {
  void on_state(JobId, JobState state) override { states.push_back(state); }
  void on_end(JobId, JobState state, const Status& status) override {
    end = state;
    result = status;
  }
  std::vector<JobState> states;
  std::optional<JobState> end;
  Status result;
};

/// A JobManager, fake TaskManagers, and one job.
class JobFixture : public ::testing::Test {
 protected:
  void SetUp() override { use(make_job()); }

  void use(const JobGraph& graph, const JobManagerOptions& options = {}) {
    job_manager_.reset();
    graph_ = graph;
    storage_ = std::make_shared<MemoryCheckpointStorage>();
    new_cluster();
    start_job_manager(options);
  }
  // The processes of the old one die; their closures may still be on the executor.
  void new_cluster() {
    if (cluster_ != nullptr) cluster_->detach();
    clusters_.push_back(std::make_unique<FakeCluster>(executor_, graph_, storage_));
    cluster_ = clusters_.back().get();
  }
  void start_job_manager(const JobManagerOptions& options = {}) {
    job_manager_.emplace(options,
                         JobManagerEnvironment{clock_, executor_, blocking_, *cluster_, 1, {}});
    cluster_->attach(*job_manager_);
  }

  Status submit(std::optional<CheckpointMetadata> restore = std::nullopt, bool allow = false) {
    return job_manager_->submit({kJob, graph_, storage_, std::move(restore), allow}, listener_);
  }
  void run() {
    cluster_->add(1, 1);
    cluster_->add(2, 1);
    ASSERT_TRUE(submit().is_ok());
    advance(std::chrono::seconds{1});
    ASSERT_EQ(status().state, JobState::kRunning);
  }
  void advance(Duration duration) { executor_.advance(duration); }
  JobStatus status() { return job_manager_->status(kJob).value(); }
  JobState state() { return status().state; }
  std::uint64_t completed() { return status().checkpoints.counters.completed; }
  void check_no_violation() {
    EXPECT_EQ(cluster_->violations, std::vector<std::string>{});
    EXPECT_FALSE(storage_->lost) << "checkpoint " << to_string(*storage_->lost);
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  ManualBlockingExecutor blocking_{executor_};
  JobGraph graph_;
  std::shared_ptr<MemoryCheckpointStorage> storage_;
  std::vector<std::unique_ptr<FakeCluster>> clusters_;
  FakeCluster* cluster_ = nullptr;
  RecordingListener listener_;
  std::optional<JobManager> job_manager_;
};

}  // namespace weir
