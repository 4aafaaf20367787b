// SPDX-License-Identifier: Apache-2.0
// Which state of a checkpoint goes to which operator.
#include "jobmanager/restore.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

OperatorCheckpoint make_entry(const std::string& id, std::uint32_t parallelism,
                              std::uint64_t size) {
  OperatorCheckpoint entry;
  entry.id = OperatorId{id};
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    StateHandle handle;
    handle.path = size > 0 ? id + "-" + std::to_string(i) : "";
    handle.size = size;
    entry.subtasks.push_back(handle);
  }
  return entry;
}

TEST(RestoreTest, AnOperatorGetsTheSnapshotsOfAllItsFormerSubtasksInOrder) {
  CheckpointMetadata checkpoint;
  checkpoint.operators = {make_entry("other", 1, 5), make_entry("reader", 3, 5)};
  const JobGraph graph = make_job(2);
  const auto restores = restores_of(graph.vertices[1], checkpoint);
  ASSERT_EQ(restores.size(), 1U);
  EXPECT_EQ(restores[0].id, OperatorId{"reader"});
  ASSERT_EQ(restores[0].handles.size(), 3U);
  EXPECT_EQ(restores[0].handles[2].path, "reader-2");
}

TEST(RestoreTest, AnOperatorThatIsNewStartsEmpty) {
  const JobGraph graph = make_job();
  EXPECT_TRUE(restores_of(graph.vertices[1], CheckpointMetadata{}).empty());
}

TEST(RestoreTest, OperatorsOfOneChainEachGetTheirOwn) {
  JobGraph graph = make_job();
  graph.vertices[1].operators.push_back(make_operator("dedup", OperatorKind::kTransform));
  CheckpointMetadata checkpoint;
  checkpoint.operators = {make_entry("dedup", 2, 5), make_entry("reader", 2, 5)};
  const auto restores = restores_of(graph.vertices[1], checkpoint);
  ASSERT_EQ(restores.size(), 2U);
  EXPECT_EQ(restores[0].handles[0].path, "reader-0");
  EXPECT_EQ(restores[1].handles[0].path, "dedup-0");
}

TEST(RestoreTest, StateThatWouldBeLostIsNamedWhole) {
  CheckpointMetadata checkpoint;
  checkpoint.id = CheckpointId{3};
  checkpoint.operators = {make_entry("gone", 2, 5), make_entry("reader", 2, 5),
                          make_entry("gone-too", 1, 1)};
  const Status status = check_restorable(make_job(), checkpoint, NonRestoredState::kRefused);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.retry(), RetryHint::kNo);
  EXPECT_NE(status.message().find("'gone', 'gone-too'"), std::string::npos) << status.message();
  EXPECT_TRUE(check_restorable(make_job(), checkpoint, NonRestoredState::kAllowed).is_ok());
}

TEST(RestoreTest, AStateThatItsOperatorNoLongerHasIsNamedToo) {
  CheckpointMetadata checkpoint;
  checkpoint.id = CheckpointId{3};
  checkpoint.job_name = "job";
  checkpoint.kind = CheckpointKind::kSavepoint;
  checkpoint.operators = {make_entry("gone", 1, 5), make_entry("reader", 2, 5)};
  checkpoint.operators[1].states.resize(3);
  checkpoint.operators[1].states[0].name = "splits";
  checkpoint.operators[1].states[1].name = "counts";
  checkpoint.operators[1].states[2].name = "names";
  JobGraph graph = make_job();
  graph.vertices[1].operators[0].states = {checkpoint.operators[1].states[0]};
  const Status status = check_restorable(graph, checkpoint, NonRestoredState::kRefused);
  EXPECT_EQ(status.message(),
            "savepoint 3 of 'job' has state of operators that the job does not have: 'gone'; and "
            "states that their operators do not have: 'counts' of 'reader', 'names' of 'reader'; "
            "give them back their ids and names, or allow state that is not restored");
  EXPECT_TRUE(check_restorable(graph, checkpoint, NonRestoredState::kAllowed).is_ok());
}

TEST(RestoreTest, AnOperatorWithoutStateMayDisappear) {
  CheckpointMetadata checkpoint;
  checkpoint.operators = {make_entry("map", 2, 0)};
  EXPECT_TRUE(check_restorable(make_job(), checkpoint, NonRestoredState::kRefused).is_ok());
}

}  // namespace
}  // namespace weir
