// SPDX-License-Identifier: Apache-2.0
// Which subtask shares a slot with which.
#include "jobmanager/scheduler/placement.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

std::vector<SlotId> make_slots(std::uint32_t count) {
  std::vector<SlotId> slots;
  for (std::uint32_t i = 0; i < count; ++i) slots.push_back({TaskManagerId{1 + i}, 0});
  return slots;
}

TEST(PlacementTest, AGroupNeedsAsManySlotsAsItsWidestVertexHasSubtasks) {
  JobGraph graph = make_job(3);
  EXPECT_EQ(slots_needed(graph), 3U);
  graph.vertices[2].slot_sharing_group = "sinks";
  EXPECT_EQ(slots_needed(graph), 6U);
}

TEST(PlacementTest, SubtasksOfOneIndexShareASlot) {
  const JobGraph graph = make_job(2);
  const auto placed = place(graph, make_slots(2));
  ASSERT_EQ(placed.size(), 5U);
  EXPECT_EQ(placed.at(subtask(1, 0)), placed.at(subtask(2, 0)));
  EXPECT_EQ(placed.at(subtask(1, 1)), placed.at(subtask(2, 1)));
  EXPECT_NE(placed.at(subtask(1, 0)), placed.at(subtask(1, 1)));
}

TEST(PlacementTest, NarrowVerticesAreSpread) {
  JobGraph graph = make_job(2);
  graph.vertices.push_back(make_vertex(3, "enumerator-2", 1, OperatorKind::kEnumerator));
  const auto placed = place(graph, make_slots(2));
  EXPECT_NE(placed.at(subtask(0, 0)), placed.at(subtask(3, 0)));
}

TEST(PlacementTest, ForwardNeighboursStayTogether) {
  JobGraph graph = make_job(3);
  graph.vertices.push_back(make_vertex(3, "filter", 1, OperatorKind::kTransform));
  graph.edges.push_back(make_edge(0, 3, Partitioning::kForward));
  const auto placed = place(graph, make_slots(3));
  EXPECT_EQ(placed.at(subtask(0, 0)), placed.at(subtask(3, 0)));
}

TEST(PlacementTest, ASlotHoldsOneGroupAndOneSubtaskPerVertex) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Rng rng(seed);
    JobGraph graph;
    const auto count = static_cast<std::uint32_t>(1 + rng.uniform(6));
    for (std::uint32_t i = 0; i < count; ++i) {
      graph.vertices.push_back(make_vertex(i, "v" + std::to_string(i),
                                           1 + static_cast<std::uint32_t>(rng.uniform(5)),
                                           OperatorKind::kTransform));
      graph.vertices.back().slot_sharing_group = "g" + std::to_string(rng.uniform(3));
      if (i > 0 && rng.chance(0.5))
        graph.edges.push_back(make_edge(i - 1, i, Partitioning::kForward));
    }
    const auto placed = place(graph, make_slots(slots_needed(graph)));
    std::map<SlotId, std::set<VertexId>> vertices;
    std::map<SlotId, std::string> groups;
    std::size_t subtasks = 0;
    for (const JobVertex& vertex : graph.vertices) subtasks += vertex.parallelism.value();
    ASSERT_EQ(placed.size(), subtasks);
    for (const auto& [id, slot] : placed) {
      ASSERT_TRUE(vertices[slot].insert(id.vertex).second) << "seed " << seed;
      const std::string& group = graph.vertex(id.vertex).slot_sharing_group;
      ASSERT_EQ(groups.try_emplace(slot, group).first->second, group) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace weir
