// SPDX-License-Identifier: Apache-2.0
// Handing out ranges, across snapshots.
#include "connectors/files/file_enumerator.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/connectors/fake_context.h"

namespace weir::detail {
namespace {

class FileEnumeratorTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  FakeContext context_;
};

TEST_F(FileEnumeratorTest, CutsFilesInOrderAndLeavesOutEmptyOnes) {
  folder_.write("a", "0123456789");
  folder_.write("b", "");
  folder_.write("c", "012");
  FileEnumerator enumerator(folder_.path(), 4);
  enumerator.open(context_, std::nullopt);
  std::vector<std::string> ids;
  std::uint64_t ordinal = 0;
  while (const auto split = enumerator.next_split(SubtaskIndex{0})) {
    EXPECT_FALSE(split->id.empty());
    ids.push_back(split->id.substr(folder_.path().size() + 1));
    EXPECT_EQ(FileRange::from_split(*split).ordinal, ordinal++);
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"a:0", "a:4", "a:8", "c:0"}));
  EXPECT_TRUE(enumerator.is_exhausted());
}

TEST_F(FileEnumeratorTest, GoesOnFromItsSnapshotAfterEverySplit) {
  folder_.write("a", std::string(25, 'x'));
  folder_.write("b", std::string(9, 'x'));
  std::optional<std::string> state;
  std::uint64_t bytes = 0;
  std::uint64_t ordinal = 0;
  for (;;) {
    FileEnumerator enumerator(folder_.path(), 4);
    enumerator.open(context_, state);
    const auto split = enumerator.next_split(SubtaskIndex{0});
    if (!split.has_value()) break;
    const FileRange range = FileRange::from_split(*split);
    EXPECT_EQ(range.ordinal, ordinal++);
    bytes += range.end - range.begin;
    state = enumerator.snapshot();
    // What appears later is not this run's.
    folder_.write("c" + std::to_string(ordinal), "more");
  }
  EXPECT_EQ(bytes, 34U);
}

TEST_F(FileEnumeratorTest, MissingFileEndsTheAttemptWithoutRetry) {
  FileEnumerator enumerator(folder_.path("missing"), 4);
  try {
    enumerator.open(context_, std::nullopt);
    FAIL() << "did not throw";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().retry(), RetryHint::kNo);
  }
}

TEST_F(FileEnumeratorTest, DamagedStateIsRefused) {
  folder_.write("a", std::string(25, 'x'));
  FileEnumerator enumerator(folder_.path(), 4);
  enumerator.open(context_, std::nullopt);
  const std::string state = enumerator.snapshot();
  for (std::size_t size = 0; size < state.size(); ++size) {
    FileEnumerator restored(folder_.path(), 4);
    EXPECT_THROW(restored.open(context_, state.substr(0, size)), StatusError) << size;
  }
}

}  // namespace
}  // namespace weir::detail
