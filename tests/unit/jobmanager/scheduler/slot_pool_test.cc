// SPDX-License-Identifier: Apache-2.0
// Slots: all or none, spread evenly, given back once.
#include "jobmanager/scheduler/slot_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace weir {
namespace {

constexpr TaskManagerId kFirst{1};
constexpr TaskManagerId kSecond{2};
constexpr TaskManagerId kThird{3};

std::map<TaskManagerId, int> count(const std::vector<SlotId>& slots) {
  std::map<TaskManagerId, int> counts;
  for (const SlotId& slot : slots) ++counts[slot.task_manager];
  return counts;
}

TEST(SlotPoolTest, GivesAllThatAreAskedForOrNone) {
  SlotPool pool;
  pool.add(kFirst, 2);
  EXPECT_FALSE(pool.allocate(JobId{1}, 3));
  EXPECT_EQ(pool.num_free(), 2U);
  EXPECT_EQ(pool.allocate(JobId{1}, 2)->size(), 2U);
  EXPECT_EQ(pool.num_free(), 0U);
  EXPECT_EQ(pool.num_slots(), 2U);
}

TEST(SlotPoolTest, SpreadsByTheShareThatIsFree) {
  SlotPool pool;
  pool.add(kFirst, 4);
  pool.add(kSecond, 4);
  pool.add(kThird, 8);
  const auto slots = pool.allocate(JobId{1}, 8);
  EXPECT_EQ(count(*slots), (std::map<TaskManagerId, int>{{kFirst, 2}, {kSecond, 2}, {kThird, 4}}));
  EXPECT_EQ(std::set<SlotId>(slots->begin(), slots->end()).size(), 8U) << "each slot once";
}

TEST(SlotPoolTest, ASecondJobGoesWhereTheFirstIsNot) {
  SlotPool pool;
  pool.add(kFirst, 2);
  pool.add(kSecond, 2);
  const auto first = pool.allocate(JobId{1}, 1);
  const auto second = pool.allocate(JobId{2}, 1);
  EXPECT_NE(first->front().task_manager, second->front().task_manager);
}

TEST(SlotPoolTest, ReleaseGivesBackOnlyTheSlotsOfThatJob) {
  SlotPool pool;
  pool.add(kFirst, 3);
  ASSERT_TRUE(pool.allocate(JobId{1}, 1));
  ASSERT_TRUE(pool.allocate(JobId{2}, 2));
  pool.release(JobId{1});
  pool.release(JobId{1});
  EXPECT_EQ(pool.num_free(), 1U);
}

// B34
TEST(SlotPoolTest, ASuspectedTaskManagerGetsNothingNew) {
  SlotPool pool;
  pool.add(kFirst, 1);
  pool.add(kSecond, 1);
  pool.set_suspected(kFirst, true);
  EXPECT_EQ(pool.num_free(), 1U);
  EXPECT_EQ(pool.allocate(JobId{1}, 1)->front().task_manager, kSecond);
  pool.set_suspected(kFirst, false);
  EXPECT_EQ(pool.allocate(JobId{2}, 1)->front().task_manager, kFirst);
}

TEST(SlotPoolTest, SlotsOfALostTaskManagerAreGoneAndComeBackFree) {
  SlotPool pool;
  pool.add(kFirst, 2);
  ASSERT_TRUE(pool.allocate(JobId{1}, 2));
  pool.remove(kFirst);
  EXPECT_EQ(pool.num_slots(), 0U);
  pool.release(JobId{1});
  pool.add(kFirst, 2);
  pool.add(kFirst, 5);  // a repeated registration
  EXPECT_EQ(pool.num_free(), 2U);
}

}  // namespace
}  // namespace weir
