// SPDX-License-Identifier: Apache-2.0
// The memory of a process: what it may have, and how it is divided.
#include "launch/memory_plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace weir {
namespace {

namespace fs = std::filesystem;

class DefaultMemoryTest : public ::testing::Test {
 protected:
  DefaultMemoryTest() { write("proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 1 kB\n"); }
  ~DefaultMemoryTest() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::uint64_t found() const {
    return default_process_memory((root_ / "proc").string(), (root_ / "cgroup").string());
  }
  const fs::path root_ = fs::temp_directory_path() / ("weir-memory-" + std::to_string(getpid()));
};

TEST_F(DefaultMemoryTest, WithoutALimitItIsThreeQuartersOfTheMachine) {
  write("proc/self/cgroup", "0::/user/job\n");
  write("cgroup/user/job/memory.max", "max\n");
  EXPECT_EQ(found(), std::uint64_t{6} << 30);
}

TEST_F(DefaultMemoryTest, TheLeastLimitOfTheCgroupAndThoseAboveItCounts) {
  write("proc/self/cgroup", "0::/user/job\n");
  write("cgroup/user/job/memory.max", "4294967296\n");
  write("cgroup/user/memory.max", "1073741824\n");
  EXPECT_EQ(found(), (std::uint64_t{1} << 30) / 4 * 3);
}

TEST_F(DefaultMemoryTest, ALimitOfTheFirstVersionOfCgroupsCounts) {
  write("cgroup/memory/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(found(), (std::uint64_t{2} << 30) / 4 * 3);
}

TEST(MemoryPlanTest, TheSharesLeaveRoomForTheRest) {
  const MemoryPlan plan = plan_memory(std::uint64_t{256} << 20);
  EXPECT_GT(plan.tables, 0U);
  EXPECT_GT(plan.queues, 0U);
  EXPECT_GT(plan.block_cache, 0U);
  EXPECT_LT(plan.tables + plan.queues + plan.block_cache, plan.process / 4 * 3);
}

TEST(MemoryPlanTest, QueuesHoldABatchHoweverLittleThereIs) {
  EXPECT_EQ(plan_memory(kProcessMemoryMin).queues, std::uint64_t{1} << 20);
  EXPECT_GT(plan_memory(kProcessMemoryMin).tables, 0U);
}

}  // namespace
}  // namespace weir
