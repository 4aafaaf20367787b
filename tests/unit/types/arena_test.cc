// SPDX-License-Identifier: Apache-2.0
// Arenas: what lies in them, how long it stays, and lists of them.
#include "types/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

TEST(ArenaTest, WhatWasAllocatedKeepsItsPlaceWhileChunksAreAdded) {
  const ArenaRef arena = Arena::make(64);
  std::vector<std::pair<char*, std::string>> written;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = "text number " + std::to_string(i) + std::string(i % 40, 'x');
    char* place = arena->allocate(bytes.size());
    std::memcpy(place, bytes.data(), bytes.size());
    written.emplace_back(place, std::move(bytes));
  }
  for (const auto& [place, bytes] : written) {
    ASSERT_EQ(std::string_view(place, bytes.size()), bytes);
    ASSERT_TRUE(arena->contains(place));
    ASSERT_TRUE(arena->contains(place + bytes.size() - 1));
  }
}

TEST(ArenaTest, ContainsEndsWithTheChunk) {
  const ArenaRef arena = Arena::make(16);
  const ArenaRef other = Arena::make(16);
  const char* place = arena->allocate(16);
  EXPECT_TRUE(arena->contains(place));
  EXPECT_TRUE(arena->contains(place + 15));
  EXPECT_FALSE(arena->contains(place + 16));
  EXPECT_FALSE(arena->contains(place - 1));
  EXPECT_FALSE(arena->contains(nullptr));
  EXPECT_FALSE(other->contains(place));
}

TEST(ArenaTest, MoreThanAChunkGetsAChunkOfItsOwn) {
  const ArenaRef arena = Arena::make(8);
  char* large = arena->allocate(3 * Arena::kChunkBytesMax);
  std::memset(large, 'x', 3 * Arena::kChunkBytesMax);
  EXPECT_TRUE(arena->contains(large + 3 * Arena::kChunkBytesMax - 1));
  EXPECT_EQ(arena->bytes_used(), 3 * Arena::kChunkBytesMax);
  EXPECT_GE(arena->bytes_reserved(), arena->bytes_used());
}

TEST(ArenaTest, TheLastReferenceKeepsTheBytes) {
  ArenaRef copy;
  char* place = nullptr;
  {
    ArenaRef first = Arena::make(32);
    place = first->allocate(4);
    std::memcpy(place, "kept", 4);
    copy = first;
    ArenaRef moved = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  }
  EXPECT_EQ(std::string_view(place, 4), "kept");
  copy = copy.get() != nullptr ? std::move(copy) : ArenaRef{};
  EXPECT_TRUE(copy->contains(place));
}

TEST(ArenaTest, ReferencesAreCountedAcrossThreads) {
  const ArenaRef arena = Arena::make(32);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([arena] {
      for (int i = 0; i < 10000; ++i) {
        const ArenaRef copy = arena;
        ASSERT_TRUE(copy);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_NE(arena->allocate(1), nullptr);
}

TEST(ArenaListTest, HoldsEachArenaOnce) {
  const ArenaRef a = Arena::make(100);
  const ArenaRef b = Arena::make(200);
  ArenaList list;
  EXPECT_TRUE(list.is_empty());
  list.add(a);
  list.add(b);
  list.add(a);
  list.add(b);
  ArenaList other;
  other.add(b);
  other.add_all(list);
  other.add_all(other);
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(other.size(), 2U);
  EXPECT_EQ(list.bytes(), 300U);
  EXPECT_TRUE(other.contains(a->allocate(1)));
  EXPECT_TRUE(list.contains(b->allocate(1)));
  EXPECT_FALSE(list.contains(Arena::make(10)->allocate(1)));
  list.clear();
  EXPECT_EQ(list.size(), 0U);
  EXPECT_EQ(list.bytes(), 0U);
}

}  // namespace
}  // namespace weir
