// SPDX-License-Identifier: Apache-2.0
// Hashes that snapshots depend on: their values must never change.
#include "base/hash.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HashTest, ValuesAreThoseOfXxh3AndNeverChange) {
  EXPECT_EQ(xxh3_64(""), 0x2D06800538D394C2U);
  EXPECT_EQ(xxh3_64("abc"), 0x78AF5F94892F3950U);
}

TEST(HashTest, FoldUsesBothHalves) {
  EXPECT_EQ(fold_hash(0x0000000F000000F0U), 0xFFU);
  EXPECT_EQ(hash32(""), 0x2D068005U ^ 0x38D394C2U);
}

TEST(HashTest, SeedChangesTheHash) { EXPECT_NE(xxh3_64("abc", 1), xxh3_64("abc")); }

}  // namespace
}  // namespace weir
