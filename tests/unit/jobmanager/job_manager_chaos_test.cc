// SPDX-License-Identifier: Apache-2.0
// A job under a network that loses, delays and repeats, TaskManagers that die or fall silent, and a
// storage that fails: it must finish, exactly once, and leave nothing behind.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/rng.h"
#include "jobmanager/job_manager.h"
#include "testing/manual_clock.h"
#include "testing/manual_executor.h"
#include "tests/unit/jobmanager/fake_cluster.h"
#include "tests/unit/jobmanager/memory_checkpoint_storage.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr JobId kJob{7};

struct EndListener final : JobListener {
  void on_end(JobId, JobState state, const Status& status) override {
    end = state;
    result = status;
  }
  std::optional<JobState> end;
  Status result;
};

class ChaosRun {
 public:
  explicit ChaosRun(std::uint64_t seed) : rng_(seed) {
    graph_ = make_job(1 + static_cast<std::uint32_t>(rng_.uniform(3)));
    graph_.checkpoints.interval = Duration{rng_.uniform_between(200, 2000)};
    graph_.checkpoints.timeout = 10s;
    graph_.checkpoints.tolerable_failures = static_cast<std::uint32_t>(rng_.uniform(3));
    graph_.checkpoints.retained = 1 + static_cast<std::uint32_t>(rng_.uniform(3));
    graph_.restart.delay_max = 2s;
    cluster_.emplace(executor_, graph_, storage_);
    cluster_->must_restore_latest = true;
    cluster_->set_faults(
        {rng_.chance(0.5) ? rng_.uniform_double() * 0.25 : 0,
         rng_.chance(0.5) ? rng_.uniform_double() * 0.5 : 0, Duration{rng_.uniform_between(0, 60)}},
        rng_.next());
    storage_fault_rate_ = rng_.chance(0.5) ? 0.1 : 0;
    storage_->fault = [this](StorageCall call, CheckpointId) { return storage_fault(call); };
    job_manager_.emplace(JobManagerOptions{}, JobManagerEnvironment{clock_, executor_, blocking_,
                                                                    *cluster_, rng_.next()});
    cluster_->attach(*job_manager_);
    for (int i = 0; i < 3; ++i) cluster_->add(next_id_++, 2);
  }

  void run() {
    ASSERT_TRUE(job_manager_->submit({kJob, graph_, storage_, {}, false}, listener_).is_ok());
    for (int i = 0; i < 60 && !listener_.end; ++i) {
      executor_.advance(Duration{rng_.uniform_between(100, 1500)});
      if (rng_.chance(0.2)) disturb();
    }
    storage_fault_rate_ = 0;
    cluster_->set_faults({}, 1);
    for (std::uint64_t id = 1; id < next_id_; ++id) cluster_->at(id).has_heartbeat = true;
    for (int i = 0; i < 180 && !listener_.end; ++i) {
      cluster_->set_all(SubtaskState::kEnded);
      executor_.advance(1s);
    }
    ASSERT_TRUE(listener_.end) << "stuck: " << to_string(job_manager_->status(kJob)->state) << ", "
                               << job_manager_->status(kJob)->waiting_for;
    EXPECT_EQ(to_string(*listener_.end), "FINISHED") << listener_.result.to_string();
    EXPECT_EQ(cluster_->violations, std::vector<std::string>{});
    EXPECT_FALSE(storage_->lost);
    const CheckpointId final = *storage_->latest();
    EXPECT_EQ(storage_->entries.at(final).metadata->kind, CheckpointKind::kFinal);
    EXPECT_LE(storage_->entries.size(), std::size_t{graph_.checkpoints.retained});
    for (const auto& [id, entry] : storage_->entries) EXPECT_TRUE(entry.metadata) << "left behind";
    EXPECT_TRUE(std::ranges::is_sorted(storage_->published));
    for (const auto& [subtask, committed] : cluster_->committed) EXPECT_EQ(committed, final);
    EXPECT_EQ(cluster_->num_alive(job_manager_->status(kJob)->attempt), 0U);
    EXPECT_EQ(savepoints_answered_, savepoints_wanted_) << "C16: each is answered once";
    for (const std::string& path : savepoints_) {
      EXPECT_TRUE(storage_->savepoints.contains(path) && storage_->savepoints.at(path)) << path;
    }
    EXPECT_EQ(storage_->savepoints.size(), savepoints_.size()) << "one that failed is left behind";
  }

  std::size_t savepoints() const { return savepoints_.size(); }

  std::uint32_t restarts() const { return job_manager_->status(kJob)->restarts; }
  std::uint64_t completed() const {
    return job_manager_->status(kJob)->checkpoints.counters.completed;
  }

 private:
  void disturb() {
    const std::uint64_t id = next_id_ - 1 - rng_.uniform(3);
    switch (rng_.uniform(4)) {
      case 3:
        ++savepoints_wanted_;
        job_manager_->take_savepoint(kJob, {"/s", SavepointMode::kGoOn},
                                     [this](const Result<std::string>& path) {
                                       ++savepoints_answered_;
                                       if (path.is_ok()) savepoints_.push_back(*path);
                                     });
        break;
      case 0:
        cluster_->kill(id);
        cluster_->add(next_id_++, 2);
        break;
      case 1:
        cluster_->fail({VertexId{static_cast<std::uint32_t>(rng_.uniform(3))}, SubtaskIndex{0}},
                       unavailable("chaos"));
        break;
      default: {
        const std::uint64_t other = next_id_ - 1 - rng_.uniform(3);
        cluster_->at(other).has_heartbeat = !cluster_->at(other).has_heartbeat;
      }
    }
  }
  StorageFault storage_fault(StorageCall call) {
    if (!rng_.chance(storage_fault_rate_)) return {};
    // Before the first attempt there is nothing to fall back on, so that is left alone.
    if (call == StorageCall::kHighestId || call == StorageCall::kList) return {};
    return {unavailable("storage"), rng_.chance(0.5)};
  }

  Rng rng_;
  ManualClock clock_;
  ManualExecutor executor_{clock_};
  ManualBlockingExecutor blocking_{executor_};
  JobGraph graph_;
  std::shared_ptr<MemoryCheckpointStorage> storage_ = std::make_shared<MemoryCheckpointStorage>();
  double storage_fault_rate_ = 0;
  std::optional<FakeCluster> cluster_;
  EndListener listener_;
  std::optional<JobManager> job_manager_;
  std::uint64_t next_id_ = 1;
  int savepoints_wanted_ = 0;
  int savepoints_answered_ = 0;
  std::vector<std::string> savepoints_;
};

TEST(JobManagerChaosTest, TheJobFinishesExactlyOnceWhateverHappensOnTheWay) {
  const LogLevel before = set_log_level(LogLevel::kError);
  std::uint64_t restarts = 0;
  std::uint64_t completed = 0;
  std::uint64_t savepoints = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ChaosRun run(seed);
    run.run();
    if (::testing::Test::HasFailure()) break;
    restarts += run.restarts();
    completed += run.completed();
    savepoints += run.savepoints();
  }
  set_log_level(before);
  EXPECT_GT(restarts, 250U) << "too quiet to prove anything";
  EXPECT_GT(completed, 1000U);
  EXPECT_GT(savepoints, 50U);
}

}  // namespace
}  // namespace weir
