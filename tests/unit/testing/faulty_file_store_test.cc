// SPDX-License-Identifier: Apache-2.0
// FaultyFileStore: fails what it is told to, and what it did by then.
#include "testing/faulty_file_store.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/memory_file_store.h"

namespace weir {
namespace {

TEST(FaultyFileStoreTest, PassesEverythingOnWithoutFaults) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  ASSERT_TRUE(files.make_directories("/d").is_ok());
  ASSERT_TRUE(write_file_atomically(files, "/d/tmp", "/d/a", "content").is_ok());
  EXPECT_EQ(*read_file(files, "/d/a"), "content");
  EXPECT_EQ(files.list("/d")->size(), 1U);
  EXPECT_TRUE(files.lock("/d/lock").is_ok());
  EXPECT_TRUE(files.remove_tree("/d").is_ok());
  EXPECT_TRUE(files.failures().empty());
}

TEST(FaultyFileStoreTest, FailsOnRequestBeforeOrAfterTheEffect) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  ASSERT_TRUE(files.create("/a", CreateMode::kTruncate).is_ok());
  files.fail_next({FileOperation::kRename, "b", unavailable("before"), false});
  files.fail_next({FileOperation::kRename, "c", unavailable("after"), true});
  EXPECT_TRUE(files.rename("/a", "/x").is_ok()) << "another path";
  EXPECT_EQ(files.rename("/x", "/b").message(), "before");
  EXPECT_FALSE(memory.stat("/b").is_ok());
  EXPECT_EQ(files.rename("/x", "/c").message(), "after");
  EXPECT_TRUE(memory.stat("/c").is_ok());
  EXPECT_TRUE(files.rename("/c", "/b").is_ok()) << "once";
  EXPECT_EQ(files.failures(), (std::vector<std::string>{"rename /b", "rename /c"}));
}

TEST(FaultyFileStoreTest, SkipsWhatItIsToldTo) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  files.fail_next({FileOperation::kMakeDirectories, "", resource_exhausted("full"), false, 2});
  EXPECT_TRUE(files.make_directories("/a").is_ok());
  EXPECT_TRUE(files.make_directories("/b").is_ok());
  EXPECT_EQ(files.make_directories("/c").code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(files.make_directories("/c").is_ok());
}

TEST(FaultyFileStoreTest, AFailedAppendLeavesAPart) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  const auto file = files.create("/a", CreateMode::kTruncate);
  files.fail_next({FileOperation::kAppend, "", resource_exhausted("full")});
  EXPECT_FALSE((*file)->append(std::string(1000, 'x')).is_ok());
  EXPECT_LT(memory.stat("/a")->size, 1000U);
}

TEST(FaultyFileStoreTest, FailsByChanceAndASeedGivesTheSameFaults) {
  const auto run = [](std::uint64_t seed) {
    MemoryFileStore memory;
    FaultyFileStore files(memory, seed);
    files.set_faults({.error = 0.1, .ambiguous = 0.1, .no_space = 0.1});
    for (int i = 0; i < 200; ++i) {
      (void)files.make_directories("/d" + std::to_string(i));
    }
    return files.failures();
  };
  EXPECT_GT(run(1).size(), 20U);
  EXPECT_LT(run(1).size(), 100U);
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(FaultyFileStoreTest, ReadsMayBeWrongByOneBit) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  const std::string content(1000, '\0');
  ASSERT_TRUE(write_file_atomically(memory, "/tmp", "/a", content).is_ok());
  files.set_faults({.bit_flip = 1});
  const std::string read = *read_file(files, "/a");
  int differing = 0;
  for (const char c : read) {
    differing += __builtin_popcount(static_cast<unsigned char>(c));
  }
  EXPECT_EQ(differing, 1);
}

}  // namespace
}  // namespace weir
