// SPDX-License-Identifier: Apache-2.0
// Each state meets its fate by operator id, name and schema.
#include "state/snapshot/restore_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_writer.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

StateDescriptor state(std::string name, std::string value) {
  return {std::move(name), StateKind::kValue, StateDistribution::kKeyed, "string",
          std::move(value)};
}

class RestorePlanTest : public testing::Test {
 protected:
  // An operator whose states have `entries` entries each.
  void store(const std::string& id, const std::vector<StateDescriptor>& states, int entries = 3) {
    ASSERT_TRUE(files_.make_directories("/dir/chk-1").is_ok());
    const auto writer = open_checkpoint_writer(files_, "/dir", CheckpointId{1});
    SnapshotWriter snapshot(writer->create(id).value(), {OperatorId{id},
                                                         CheckpointId{1},
                                                         SubtaskIndex{0},
                                                         Parallelism{1},
                                                         MaxParallelism{128},
                                                         {}});
    for (const StateDescriptor& descriptor : states) {
      ASSERT_TRUE(snapshot.begin_state(descriptor).is_ok());
      for (int i = 0; i < entries; ++i) {
        ASSERT_TRUE(snapshot.entry(static_cast<std::uint32_t>(i), "k", "v").is_ok());
      }
    }
    checkpoint_.operators.push_back({OperatorId{id},
                                     id,
                                     MaxParallelism{128},
                                     states,
                                     {states.empty() ? StateHandle{} : *snapshot.finish()}});
  }
  RestorePlan plan(const std::vector<PlannedOperator>& job) {
    const auto plan = plan_restore(files_, checkpoint_, job);
    EXPECT_TRUE(plan.is_ok()) << plan.status().to_string();
    return *plan;
  }

  MemoryFileStore files_;
  CheckpointMetadata checkpoint_;
};

TEST_F(RestorePlanTest, EveryOutcomeIsFound) {
  store("kept", {state("same", "A{n:int32}"), state("wider", "A{n:int32,old:bool}"),
                 state("other", "int64"), state("gone", "bool")});
  store("lost", {state("s", "bool")});
  store("stateless", {});
  const RestorePlan found =
      plan({{OperatorId{"kept"},
             "Kept",
             {state("same", "B{n:int32}"), state("wider", "A{fresh:string,n:int64}"),
              state("other", "string"), state("added", "bool")}},
            {OperatorId{"fresh"}, "Fresh", {state("s", "bool")}},
            {OperatorId{"nothing"}, "Nothing", {}}});
  ASSERT_EQ(found.operators.size(), 3U);
  const OperatorPlan& kept = found.operators[0];
  EXPECT_EQ(kept.outcome, RestoreOutcome::kIncompatible);
  ASSERT_EQ(kept.states.size(), 5U);
  EXPECT_EQ(kept.states[0].outcome, RestoreOutcome::kMatched);
  EXPECT_EQ(kept.states[0].entries, 3U);
  EXPECT_EQ(kept.states[1].outcome, RestoreOutcome::kMigrated);
  EXPECT_EQ(kept.states[1].changes.size(), 3U);
  EXPECT_EQ(kept.states[2].outcome, RestoreOutcome::kIncompatible);
  EXPECT_EQ(kept.states[2].reason, "value string, was int64");
  EXPECT_EQ(kept.states[3].name, "added");
  EXPECT_EQ(kept.states[3].outcome, RestoreOutcome::kNew);
  EXPECT_EQ(kept.states[4].name, "gone");
  EXPECT_EQ(kept.states[4].outcome, RestoreOutcome::kDropped);
  EXPECT_EQ(found.operators[1].outcome, RestoreOutcome::kNew);
  EXPECT_EQ(found.operators[2].id.value(), "lost");
  EXPECT_EQ(found.operators[2].outcome, RestoreOutcome::kDropped);
  EXPECT_EQ(found.count(RestoreOutcome::kDropped), 2U);
  EXPECT_EQ(found.count(RestoreOutcome::kNew), 2U);
  EXPECT_EQ(found.count(RestoreOutcome::kIncompatible), 1U);
}

TEST_F(RestorePlanTest, AStateWithoutEntriesIsNoLoss) {
  store("lost", {state("s", "bool")}, 0);
  EXPECT_EQ(plan({}).count(RestoreOutcome::kDropped), 0U);
  EXPECT_EQ(plan({}).operators.size(), 1U);
}

TEST_F(RestorePlanTest, DamageIsSaid) {
  store("op", {state("s", "bool")});
  checkpoint_.operators[0].subtasks[0].inline_bytes[14] ^= 1;
  checkpoint_.operators[0].subtasks[0].inline_bytes.back() ^= 1;
  EXPECT_EQ(plan_restore(files_, checkpoint_, {}).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weir
