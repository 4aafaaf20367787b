// SPDX-License-Identifier: Apache-2.0
// Assertions: what they print, and that they evaluate once.
#include "base/check.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace weir {
namespace {

enum class Colour { kRed = 4, kBlue = 5 };

struct Opaque {
  int value;
  bool operator==(const Opaque&) const = default;
};

TEST(CheckTest, PassesInSilenceAndEvaluatesOnce) {
  int calls = 0;
  WEIR_CHECK(++calls == 1);
  WEIR_CHECK_EQ(++calls, 2);
  WEIR_CHECK_LE(++calls, 3);
  EXPECT_EQ(calls, 3);
}

TEST(CheckTest, FailurePrintsTheConditionAndThePlace) {
  EXPECT_DEATH(WEIR_CHECK(1 + 1 == 3), "check_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3");
}

TEST(CheckTest, ComparisonPrintsBothValues) {
  const int small = 3;
  EXPECT_DEATH(WEIR_CHECK_EQ(small, 4), "small == 4 \\(left=3 right=4\\)");
  EXPECT_DEATH(WEIR_CHECK_NE(small, 3), "small != 3 \\(left=3 right=3\\)");
  EXPECT_DEATH(WEIR_CHECK_LT(small, 3), "small < 3 ");
  EXPECT_DEATH(WEIR_CHECK_LE(small, 2), "small <= 2 ");
  EXPECT_DEATH(WEIR_CHECK_GT(small, 3), "small > 3 ");
  EXPECT_DEATH(WEIR_CHECK_GE(small, 4), "small >= 4 ");
}

TEST(CheckTest, PrintsTextEnumsBooleansAndWhatCannotBePrinted) {
  EXPECT_DEATH(WEIR_CHECK_EQ(std::string("a"), std::string_view("b")), "left=a right=b");
  EXPECT_DEATH(WEIR_CHECK_EQ(Colour::kRed, Colour::kBlue), "left=4 right=5");
  EXPECT_DEATH(WEIR_CHECK_EQ(true, false), "left=true right=false");
  EXPECT_DEATH(WEIR_CHECK_EQ(std::chrono::seconds(1), std::chrono::seconds(2)), "left=1 right=2");
  EXPECT_DEATH(WEIR_CHECK_EQ(Opaque{1}, Opaque{2}), "left=\\(unprintable\\)");
}

TEST(CheckTest, DebugCheckIsOnInDebugBuildsOnly) {
#ifdef NDEBUG
  int calls = 0;
  WEIR_DCHECK(++calls == 7);
  EXPECT_EQ(calls, 0);
#else
  EXPECT_DEATH(WEIR_DCHECK(false), "check failed: false");
#endif
}

TEST(CheckTest, UnreachableAborts) { EXPECT_DEATH(WEIR_UNREACHABLE(), "unreachable"); }

}  // namespace
}  // namespace weir
