// SPDX-License-Identifier: Apache-2.0
// Which keys need not be looked for.
#include "core/absent_keys.h"

#include <gtest/gtest.h>

namespace weir::detail {
namespace {

TEST(AbsentKeysTest, AKeyIsLookedForOnceUntilThatIsForgotten) {
  AbsentKeys keys;
  EXPECT_TRUE(keys.add_unless_known("a"));
  EXPECT_FALSE(keys.add_unless_known("a"));
  keys.forget_loaded();
  EXPECT_TRUE(keys.add_unless_known("a"));
}

TEST(AbsentKeysTest, AnErasedKeyIsAbsentUntilItsErasureHasArrived) {
  AbsentKeys keys(7);
  keys.add_erased("a");
  keys.count_freeze();  // the eighth holds it
  keys.forget_erased(7);
  EXPECT_FALSE(keys.add_unless_known("a"));
  keys.forget_erased(8);
  EXPECT_TRUE(keys.add_unless_known("a"));
}

TEST(AbsentKeysTest, AKeyErasedTwiceIsAbsentUntilTheSecondErasureHasArrived) {
  AbsentKeys keys;
  keys.add_erased("a");
  keys.count_freeze();
  keys.add_erased("a");
  keys.forget_erased(1);
  EXPECT_FALSE(keys.add_unless_known("a")) << "the second is not even frozen";
  keys.count_freeze();
  keys.forget_erased(2);
  EXPECT_TRUE(keys.add_unless_known("a"));
}

}  // namespace
}  // namespace weir::detail
