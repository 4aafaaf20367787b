// SPDX-License-Identifier: Apache-2.0
// ChangeBuffer: order, and that the last change of an entry counts.
#include "core/change_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/core/captured_changes.h"

namespace weir {
namespace {

using testing::CapturedChanges;

TEST(ChangeBufferTest, GivesChangesInTheOrderOfHashAndKey) {
  ChangeBuffer buffer;
  ASSERT_TRUE(buffer.entry(7, "b", "1").is_ok());
  ASSERT_TRUE(buffer.erased(7, "a").is_ok());
  ASSERT_TRUE(buffer.entry(3, "z", "2").is_ok());
  CapturedChanges changes;
  ASSERT_TRUE(buffer.write(changes).is_ok());
  EXPECT_EQ(changes.lines, (std::vector<std::string>{"3 z=2", "7 a erased", "7 b=1"}));
}

TEST(ChangeBufferTest, TheLastChangeOfAnEntryCountsAlsoWhenWrittenAgain) {
  ChangeBuffer buffer;
  ASSERT_TRUE(buffer.entry(1, "a", "old").is_ok());
  ASSERT_TRUE(buffer.erased(1, "a").is_ok());
  ASSERT_TRUE(buffer.entry(1, "a", "new").is_ok());
  ASSERT_TRUE(buffer.entry(1, "b", "x").is_ok());
  CapturedChanges first;
  ASSERT_TRUE(buffer.write(first).is_ok());
  EXPECT_EQ(first.lines, (std::vector<std::string>{"1 a=new", "1 b=x"}));
  ASSERT_TRUE(buffer.erased(1, "b").is_ok());
  CapturedChanges second;
  ASSERT_TRUE(buffer.write(second).is_ok());
  EXPECT_EQ(second.lines, (std::vector<std::string>{"1 a=new", "1 b erased"}));
}

TEST(ChangeBufferTest, StopsWhereTheSinkFails) {
  ChangeBuffer buffer;
  ASSERT_TRUE(buffer.entry(1, "a", "1").is_ok());
  ASSERT_TRUE(buffer.entry(2, "b", "2").is_ok());
  CapturedChanges changes;
  changes.fails_after = 1;
  EXPECT_EQ(buffer.write(changes).code(), StatusCode::kUnavailable);
  EXPECT_EQ(changes.lines.size(), 1U);
}

}  // namespace
}  // namespace weir
