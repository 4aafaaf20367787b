// SPDX-License-Identifier: Apache-2.0
// MemoryFileStore: behaves as a file system does, and loses what one may lose.
#include "testing/memory_file_store.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace weir {
namespace {

void write(FileStore& files, const std::string& path, std::string_view bytes) {
  auto file = files.create(path, CreateMode::kTruncate);
  ASSERT_TRUE(file.is_ok());
  ASSERT_TRUE((*file)->append(bytes).is_ok());
  ASSERT_TRUE((*file)->sync().is_ok());
}

std::vector<std::string> names_in(FileStore& files, const std::string& path) {
  std::vector<std::string> names;
  const auto entries = files.list(path);
  for (const DirectoryEntry& entry : *entries) {
    names.push_back(entry.name);
  }
  return names;
}

TEST(MemoryFileStoreTest, BehavesAsAFileSystem) {
  MemoryFileStore files;
  EXPECT_EQ(files.create("/a/b", CreateMode::kTruncate).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(files.make_directories("/a/b").is_ok());
  EXPECT_TRUE(files.make_directories("a/b/").is_ok());
  write(files, "/a/b/two", "22");
  write(files, "/a/b/one", "1");
  EXPECT_EQ(files.create("/a/b/one", CreateMode::kExclusive).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(names_in(files, "/a/b"), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(files.stat("/a/b/two")->size, 2U);
  EXPECT_TRUE(files.stat("/a/b")->is_directory);
  EXPECT_EQ(files.open("/a/b").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(files.make_directories("/a/b/one").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(*read_file(files, "/a/b/two"), "22");

  EXPECT_EQ(files.rename_new("/a/b/one", "/a/b/two").code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(files.rename("/a/b/one", "/a/b/two").is_ok());
  EXPECT_EQ(*read_file(files, "/a/b/two"), "1");
  EXPECT_EQ(files.remove("/a/b/one").code(), StatusCode::kNotFound);
  EXPECT_EQ(files.remove("/a/b").code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(files.remove_tree("/a").is_ok());
  EXPECT_TRUE(files.remove_tree("/a").is_ok());
  EXPECT_EQ(files.list("/a").status().code(), StatusCode::kNotFound);

  const auto appended = files.create("/log", CreateMode::kAppend);
  ASSERT_TRUE((*appended)->append("x").is_ok());
  EXPECT_EQ((*files.create("/log", CreateMode::kAppend))->size(), 1U);
}

TEST(MemoryFileStoreTest, LockIsHeldOnceAndFallsWithItsHolder) {
  MemoryFileStore files;
  auto lock = files.lock("/lock");
  ASSERT_TRUE(lock.is_ok());
  EXPECT_EQ(files.lock("/lock").status().code(), StatusCode::kFailedPrecondition);
  (*lock).reset();
  auto again = files.lock("/lock");
  ASSERT_TRUE(again.is_ok());
  files.kill();
  const auto of_the_next = files.lock("/lock");
  ASSERT_TRUE(of_the_next.is_ok());
  (*again).reset();  // of a process that has ended: releases nothing
  EXPECT_FALSE(files.lock("/lock").is_ok());
}

TEST(MemoryFileStoreTest, KillKeepsWhatWasWrittenAndEndsOpenFiles) {
  MemoryFileStore files;
  const auto file = files.create("/a", CreateMode::kTruncate);
  ASSERT_TRUE((*file)->append("unsynced").is_ok());
  files.kill();
  EXPECT_EQ((*file)->append("more").code(), StatusCode::kUnavailable);
  EXPECT_EQ((*file)->sync().code(), StatusCode::kUnavailable);
  EXPECT_EQ(*read_file(files, "/a"), "unsynced");
}

TEST(MemoryFileStoreTest, WhatWasSyncedSurvivesEveryCrash) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFileStore files;
    ASSERT_TRUE(files.make_directories("/d").is_ok());
    ASSERT_TRUE(files.sync_directory("/").is_ok());
    write(files, "/d/a", "durable");
    ASSERT_TRUE(files.sync_directory("/d").is_ok());
    files.crash(seed);
    ASSERT_EQ(*read_file(files, "/d/a"), "durable");
  }
}

TEST(MemoryFileStoreTest, WhatWasNotSyncedMayBeLostTornOrWhole) {
  std::set<std::string> seen;
  bool is_name_lost = false;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    MemoryFileStore files;
    const auto file = files.create("/a", CreateMode::kTruncate);
    ASSERT_TRUE((*file)->append("ab").is_ok());
    ASSERT_TRUE((*file)->sync().is_ok());
    ASSERT_TRUE((*file)->append("cd").is_ok());
    files.crash(seed);
    const auto content = read_file(files, "/a");
    is_name_lost = is_name_lost || !content.is_ok();
    if (content.is_ok()) {
      ASSERT_TRUE(content->starts_with("ab")) << "the synced part stays";
      seen.insert(*content);
    }
  }
  EXPECT_TRUE(is_name_lost);
  EXPECT_TRUE(seen.contains("ab") && seen.contains("abc") && seen.contains("abcd"));
  EXPECT_GT(seen.size(), 3U) << "sometimes its end is garbage";
}

TEST(MemoryFileStoreTest, ARenameHappensAsAWhole) {
  bool is_old_seen = false;
  bool is_new_seen = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    MemoryFileStore files;
    write(files, "/a", "new");
    write(files, "/b", "old");
    ASSERT_TRUE(files.sync_directory("/").is_ok());
    ASSERT_TRUE(files.rename("/a", "/b").is_ok());
    files.crash(seed);
    const std::string content = *read_file(files, "/b");
    ASSERT_EQ(files.stat("/a").is_ok(), content == "old");
    is_old_seen = is_old_seen || content == "old";
    is_new_seen = is_new_seen || content == "new";
  }
  EXPECT_TRUE(is_old_seen && is_new_seen);
}

TEST(MemoryFileStoreTest, ASeedGivesTheSameCrash) {
  const auto run = [](std::uint64_t seed) {
    MemoryFileStore files;
    for (int i = 0; i < 20; ++i) {
      const auto file = files.create("/f" + std::to_string(i), CreateMode::kTruncate);
      EXPECT_TRUE((*file)->append(std::string(100, 'x')).is_ok());
    }
    files.crash(seed);
    std::string all;
    for (const std::string& name : names_in(files, "/")) {
      all += name + "=" + *read_file(files, "/" + name) + ";";
    }
    return all;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace weir
