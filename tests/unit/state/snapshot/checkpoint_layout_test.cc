// SPDX-License-Identifier: Apache-2.0
// Names in a directory of checkpoints.
#include "state/snapshot/checkpoint_layout.h"

#include <gtest/gtest.h>

namespace weir::checkpoint_layout {
namespace {

TEST(CheckpointLayoutTest, OnlyTheNamesOfCheckpointsAndRunsHaveIds) {
  EXPECT_EQ(checkpoint_directory("/c/job", CheckpointId{12}), "/c/job/chk-12");
  EXPECT_EQ(checkpoint_id_of("chk-12"), CheckpointId{12});
  for (const char* name : {"chk-", "chk-012", "chk-12x", "chk-x", "12", "savepoint-1a-12"}) {
    EXPECT_EQ(checkpoint_id_of(name), std::nullopt) << name;
  }
  EXPECT_EQ(checkpoint_id_of_run("12-op-0-1"), CheckpointId{12});
  EXPECT_EQ(checkpoint_id_of_run("op-0"), std::nullopt);
}

}  // namespace
}  // namespace weir::checkpoint_layout
