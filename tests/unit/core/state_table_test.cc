// SPDX-License-Identifier: Apache-2.0
// Names of kinds and distributions lead back to them.
#include "core/state_table.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(StateTableTest, KindsAndDistributionsAreFoundByTheirNames) {
  for (int i = 0; i <= static_cast<int>(StateKind::kBroadcast); ++i) {
    const auto kind = static_cast<StateKind>(i);
    EXPECT_EQ(state_kind_named(to_string(kind)), kind);
  }
  for (const auto distribution : {StateDistribution::kKeyed, StateDistribution::kSplit,
                                  StateDistribution::kUnion, StateDistribution::kBroadcast}) {
    EXPECT_EQ(state_distribution_named(to_string(distribution)), distribution);
  }
  EXPECT_EQ(state_kind_named("keyed"), std::nullopt);
  EXPECT_EQ(state_distribution_named("value"), std::nullopt);
}

}  // namespace
}  // namespace weir
