// SPDX-License-Identifier: Apache-2.0
// What heartbeats that come late, twice or out of order make of an attempt.
#include "jobmanager/scheduler/execution_graph.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr TaskManagerId kHere{1};
constexpr TaskManagerId kThere{2};
constexpr std::int64_t kSecond = 1'000'000'000;

class ExecutionGraphTest : public ::testing::Test {
 protected:
  static SubtaskReport report(SubtaskId subtask, SubtaskState state, std::int64_t busy_nanos = 0) {
    SubtaskReport report;
    report.attempt = {JobId{7}, subtask, AttemptNumber{1}};
    report.state = state;
    report.busy_nanos = busy_nanos;
    return report;
  }
  SubtaskState state(SubtaskId subtask) const { return graph_.subtasks().at(subtask).report.state; }

  ExecutionGraph graph_{
      JobId{7},
      AttemptNumber{1},
      {{subtask(0, 0), {kHere, 0}}, {subtask(1, 0), {kHere, 0}}, {subtask(1, 1), {kThere, 0}}}};
};

TEST_F(ExecutionGraphTest, StatesOnlyMoveOn) {
  EXPECT_FALSE(graph_.apply(report(subtask(0, 0), SubtaskState::kDeploying), kHere, 0));
  EXPECT_TRUE(graph_.apply(report(subtask(0, 0), SubtaskState::kEnded), kHere, 0));
  EXPECT_FALSE(graph_.apply(report(subtask(0, 0), SubtaskState::kRunning), kHere, 0));
  EXPECT_EQ(state(subtask(0, 0)), SubtaskState::kEnded);
  EXPECT_TRUE(graph_.apply(report(subtask(0, 0), SubtaskState::kFailed), kHere, 0));
  EXPECT_FALSE(graph_.apply(report(subtask(0, 0), SubtaskState::kCancelled), kHere, 0));
  EXPECT_EQ(state(subtask(0, 0)), SubtaskState::kFailed);
}

TEST_F(ExecutionGraphTest, NumbersOfAnOlderReportDoNotReplaceNewerOnes) {
  graph_.apply(report(subtask(0, 0), SubtaskState::kRunning, 50), kHere, 0);
  graph_.apply(report(subtask(0, 0), SubtaskState::kRunning, 20), kHere, 0);
  EXPECT_EQ(graph_.subtasks().at(subtask(0, 0)).report.busy_nanos, 50);
}

TEST_F(ExecutionGraphTest, ATaskManagerSpeaksOnlyForItsOwnSubtasks) {
  EXPECT_FALSE(graph_.apply(report(subtask(1, 1), SubtaskState::kFailed), kHere, 0));
  EXPECT_FALSE(graph_.apply(report(subtask(9, 9), SubtaskState::kFailed), kHere, 0));
  EXPECT_FALSE(graph_.find_failed());
}

TEST_F(ExecutionGraphTest, FindsWhatHasNotStarted) {
  graph_.apply(report(subtask(0, 0), SubtaskState::kRunning), kHere, 0);
  graph_.apply(report(subtask(1, 0), SubtaskState::kRunning), kHere, 0);
  EXPECT_EQ(graph_.find_unstarted(), subtask(1, 1));
  graph_.apply(report(subtask(1, 1), SubtaskState::kEnded), kThere, 0);
  EXPECT_FALSE(graph_.find_unstarted());
}

TEST_F(ExecutionGraphTest, AFailureIsFoundBeforeItsConsequences) {
  graph_.apply(report(subtask(0, 0), SubtaskState::kCancelled), kHere, 0);
  EXPECT_EQ(graph_.find_failed(), subtask(0, 0));
  graph_.apply(report(subtask(1, 1), SubtaskState::kFailed), kThere, 0);
  EXPECT_EQ(graph_.find_failed(), subtask(1, 1));
}

TEST_F(ExecutionGraphTest, ASubtaskIsMissingOnceItWasTakenAndNotListedForSoLong) {
  EXPECT_FALSE(graph_.find_missing(kHere, 100 * kSecond, 5s)) << "nobody has taken it yet";
  graph_.confirm_deployed(kHere, 100 * kSecond);
  EXPECT_FALSE(graph_.find_missing(kHere, 105 * kSecond, 5s));
  graph_.apply(report(subtask(0, 0), SubtaskState::kRunning), kHere, 104 * kSecond);
  EXPECT_EQ(graph_.find_missing(kHere, 106 * kSecond, 5s), subtask(1, 0));
  EXPECT_FALSE(graph_.find_missing(kThere, 106 * kSecond, 5s));
  graph_.apply(report(subtask(1, 0), SubtaskState::kClosed), kHere, 106 * kSecond);
  EXPECT_EQ(graph_.find_missing(kHere, 120 * kSecond, 5s), subtask(0, 0)) << "not the closed one";
}

}  // namespace
}  // namespace weir
