// SPDX-License-Identifier: Apache-2.0
// RocksDbFloor beside a map: what was taken in comes back, key by key, by prefix and in order.
#include "state/rocksdb/rocksdb_floor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"

namespace weir {
namespace {

using Entry = std::tuple<std::uint16_t, std::uint32_t, std::string>;

class RocksDbFloorTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  ~RocksDbFloorTest() override {
    floor_.reset();
    std::filesystem::remove_all(directory_);
  }
  void open() {
    floor_.reset();
    auto opened = RocksDbFloor::open(directory_, memory_);
    ASSERT_TRUE(opened.is_ok()) << opened.status().to_string();
    floor_ = std::move(*opened);
  }
  static std::uint32_t hash_of(const std::string& key) {
    return static_cast<std::uint32_t>(xxh3_64(key));
  }
  std::map<Entry, std::string> scan(std::uint16_t state, HashRange range) {
    std::map<Entry, std::string> found;
    Entry last{};
    EXPECT_TRUE(floor_
                    ->snapshot()->scan(state, range,
                           [&](std::uint32_t hash, ByteView key, ByteView value) {
                             const Entry entry{state, hash, std::string(key)};
                             EXPECT_TRUE(found.empty() || last < entry) << "out of order";
                             last = entry;
                             found[entry] = value;
                             return Status::ok();
                           })
                    .is_ok());
    return found;
  }

  const std::string directory_ =
      std::filesystem::temp_directory_path() / ("weir-floor-" + std::to_string(getpid()));
  RocksDbMemory memory_{std::uint64_t{8} << 20};
  std::unique_ptr<RocksDbFloor> floor_;
};

TEST_F(RocksDbFloorTest, GivesBackWhatTheLastChangesSay) {
  Rng rng(7);
  std::map<Entry, std::string> expected;
  for (int round = 0; round < 20; ++round) {
    ChangeBuffer first;
    ChangeBuffer second;
    for (int i = 0; i < 300; ++i) {
      const std::uint16_t state = rng.uniform(2) == 0 ? 1 : 300;
      const std::string key = "key-" + std::to_string(rng.uniform(500));
      ChangeBuffer& buffer = state == 1 ? first : second;
      const Entry entry{state, hash_of(key), key};
      if (rng.chance(0.3)) {
        ASSERT_TRUE(buffer.erased(hash_of(key), key).is_ok());
        expected.erase(entry);
      } else {
        const std::string value = std::to_string(rng.next());
        ASSERT_TRUE(buffer.entry(hash_of(key), key, value).is_ok());
        expected[entry] = value;
      }
    }
    ASSERT_TRUE(floor_->ingest(1, first, false).is_ok());
    ASSERT_TRUE(floor_->ingest(300, second, false).is_ok());
  }
  auto all = scan(1, HashRange{});
  all.merge(scan(300, HashRange{}));
  EXPECT_EQ(all, expected);

  std::vector<StoredKey> keys;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key-" + std::to_string(i);
    keys.push_back({hash_of(key), key});
  }
  std::map<Entry, std::string> loaded;
  ASSERT_TRUE(floor_
                  ->load(300, keys,
                         [&](std::size_t i, ByteView value) {
                           loaded[{300, keys[i].hash, keys[i].bytes}] = value;
                           return Status::ok();
                         })
                  .is_ok());
  EXPECT_EQ(loaded, scan(300, HashRange{}));
}

TEST_F(RocksDbFloorTest, GivesTheEntriesOfOneKeyAndOfARangeOfHashes) {
  ChangeBuffer changes;
  for (const char* key : {"map-1", "map-2", "mapped"}) {
    ASSERT_TRUE(changes.entry(5, key, key).is_ok());
  }
  ASSERT_TRUE(changes.entry(6, "map-3", "of another hash").is_ok());
  ASSERT_TRUE(changes.entry(0xFFFFFFFF, "last", "x").is_ok());
  ASSERT_TRUE(floor_->ingest(2, changes, false).is_ok());
  std::vector<std::string> keys;
  ASSERT_TRUE(floor_
                  ->load_all(2, {5, "map-"},
                             [&](std::uint32_t, ByteView key, ByteView) {
                               keys.emplace_back(key);
                               return Status::ok();
                             })
                  .is_ok());
  EXPECT_EQ(keys, (std::vector<std::string>{"map-1", "map-2"}));
  EXPECT_EQ(scan(2, {6, std::uint64_t{1} << 32}).size(), 2U);
  EXPECT_TRUE(scan(1, HashRange{}).empty());
  EXPECT_TRUE(scan(3, HashRange{}).empty());
}

TEST_F(RocksDbFloorTest, IsEmptyWhenOpenedAgainAndGoneWhenClosed) {
  ChangeBuffer changes;
  ASSERT_TRUE(changes.entry(1, "a", "1").is_ok());
  ASSERT_TRUE(floor_->ingest(1, changes, false).is_ok());
  open();
  EXPECT_TRUE(scan(1, HashRange{}).empty());
  ChangeBuffer none;
  ASSERT_TRUE(floor_->ingest(1, none, false).is_ok());
  floor_.reset();
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(RocksDbFloorTest, AFolderThatCannotBeMadeIsNamed) {
  const auto opened = RocksDbFloor::open("/proc/nowhere/floor", memory_);
  EXPECT_THAT(opened.status().message(), ::testing::HasSubstr("/proc/nowhere/floor"));
}

}  // namespace
}  // namespace weir
