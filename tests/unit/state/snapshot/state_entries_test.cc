// SPDX-License-Identifier: Apache-2.0
// All entries of a state come in order, whatever files and blocks they lie in.
#include "state/snapshot/state_entries.h"

#include <gtest/gtest.h>

#include <string>

#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_writer.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

TEST(StateEntriesTest, EntriesOfAllSubtasksComeInOrder) {
  MemoryFileStore files;
  ASSERT_TRUE(files.make_directories("/dir/chk-1").is_ok());
  const auto writer = open_checkpoint_writer(files, "/dir", CheckpointId{1});
  constexpr std::uint32_t kParallelism = 3;
  constexpr int kEntries = 1500;  // several blocks each
  OperatorCheckpoint op{OperatorId{"op"}, "op", MaxParallelism{128}, {}, {}};
  for (std::uint32_t i = 0; i < kParallelism; ++i) {
    if (i == 1) {
      op.subtasks.emplace_back();  // had no state
      continue;
    }
    const snapshot_format::Index head{OperatorId{"op"},    CheckpointId{1},
                                      SubtaskIndex{i},     Parallelism{kParallelism},
                                      MaxParallelism{128}, {}};
    SnapshotWriter snapshot(writer->create("op-" + std::to_string(i)).value(), head);
    for (const std::string name : {"other", "wanted"}) {
      const StateDescriptor descriptor{name, StateKind::kValue, StateDistribution::kKeyed, "string",
                                       "string"};
      ASSERT_TRUE(snapshot.begin_state(descriptor).is_ok());
      for (int n = 0; n < kEntries; ++n) {
        const auto hash = static_cast<std::uint32_t>(head.range().first) + static_cast<unsigned>(n);
        ASSERT_TRUE(snapshot.entry(hash, name, std::string(100, 'v')).is_ok());
      }
    }
    op.subtasks.push_back(*snapshot.finish());
    ASSERT_FALSE(op.subtasks.back().is_inline());
  }
  StateEntries entries(files, op, "wanted");
  int count = 0;
  std::uint32_t last = 0;
  for (;;) {
    const auto entry = entries.next();
    ASSERT_TRUE(entry.is_ok()) << entry.status().to_string();
    if (*entry == nullptr) {
      break;
    }
    EXPECT_EQ((*entry)->key, "wanted");
    EXPECT_TRUE(count == 0 || (*entry)->hash > last);
    EXPECT_EQ((*entry)->subtask.value(), count < kEntries ? 0U : 2U);
    last = (*entry)->hash;
    ++count;
  }
  EXPECT_EQ(count, 2 * kEntries);
  StateEntries none(files, op, "unknown");
  EXPECT_EQ(*none.next(), nullptr);
}

TEST(StateEntriesTest, DamageEndsTheWalk) {
  MemoryFileStore files;
  StateHandle handle;
  handle.inline_bytes = "not a snapshot, but long enough to be one, is it not?";
  handle.size = handle.inline_bytes.size();
  const OperatorCheckpoint op{OperatorId{"op"}, "op", MaxParallelism{128}, {}, {handle}};
  StateEntries entries(files, op, "any");
  EXPECT_EQ(entries.next().status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weir
