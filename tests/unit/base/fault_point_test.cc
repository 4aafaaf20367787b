// SPDX-License-Identifier: Apache-2.0
// The armed fault point ends the process when it is due, and nothing else does.
#include "base/fault_point.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

namespace weir {
namespace {

TEST(FaultPointTest, WithoutAnArmedOneEachIsPassed) {
  fault_point("metadata-written");
  fault_point("");
}

TEST(FaultPointTest, SpecificationsThatMeanNothingAreRefused) {
  for (const char* spec : {"", ":2", "a:", "a:0", "a:-1", "a:x", "a:1x", "a:1:2"}) {
    EXPECT_EQ(arm_fault_point(spec).code(), StatusCode::kInvalidArgument) << spec;
  }
  fault_point("a");  // a refused one is not armed
}

TEST(FaultPointDeathTest, TheProcessIsKilledTheFirstTime) {
  EXPECT_EXIT(
      {
        if (!arm_fault_point("a").is_ok()) std::exit(1);
        fault_point("a");
        std::exit(0);
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST(FaultPointDeathTest, TheProcessIsKilledTheTimeThatIsAskedFor) {
  const auto reach = [](int times) {
    if (!arm_fault_point("a:3").is_ok()) std::exit(1);
    for (int i = 0; i < times; ++i) fault_point("a");
    std::exit(0);
  };
  EXPECT_EXIT(reach(2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(reach(3), testing::KilledBySignal(SIGKILL), "");
}

TEST(FaultPointDeathTest, OtherPointsDoNotCount) {
  EXPECT_EXIT(
      {
        if (!arm_fault_point("a").is_ok()) std::exit(1);
        for (const char* other : {"b", "A", "aa", ""}) fault_point(other);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace weir
