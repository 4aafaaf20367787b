// SPDX-License-Identifier: Apache-2.0
// Snapshots: what is written comes back, in blocks; what is damaged is found before it is used.
#include "state/snapshot/snapshot_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/crc32c.h"
#include "base/rng.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_writer.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

using testing::HasSubstr;
using Entry = std::tuple<std::uint32_t, std::string, std::string>;

StateDescriptor state_named(std::string name, StateDistribution distribution) {
  return {std::move(name), StateKind::kValue, distribution, "string", "string"};
}

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directories("/dir/chk-1").is_ok());
    writer_ = open_checkpoint_writer(files_, "/dir", CheckpointId{1});
  }
  SnapshotWriter start(const std::string& name, std::uint32_t subtask = 0,
                       std::uint32_t parallelism = 1) {
    return SnapshotWriter(writer_->create(name).value(), {OperatorId{"op"},
                                                          CheckpointId{1},
                                                          SubtaskIndex{subtask},
                                                          Parallelism{parallelism},
                                                          MaxParallelism{128},
                                                          {}});
  }
  // Writes one keyed state of `n` entries and one of items.
  StateHandle write_sample(const std::string& name, int n) {
    SnapshotWriter snapshot = start(name);
    EXPECT_TRUE(snapshot.begin_state(state_named("keyed", StateDistribution::kKeyed)).is_ok());
    Rng rng(1);
    std::uint32_t hash = 0;
    for (int i = 0; i < n; ++i) {
      // Several entries of one hash, too.
      hash += static_cast<std::uint32_t>(rng.uniform(3) * rng.uniform(100'000));
      Entry entry(hash, "key-" + std::to_string(1'000'000 + i), std::string(rng.uniform(100), 'v'));
      EXPECT_TRUE(snapshot.entry(hash, std::get<1>(entry), std::get<2>(entry)).is_ok());
      entries_.push_back(std::move(entry));
    }
    EXPECT_TRUE(snapshot.begin_state(state_named("items", StateDistribution::kSplit)).is_ok());
    EXPECT_TRUE(snapshot.entry(0, "", "first").is_ok());
    EXPECT_TRUE(snapshot.entry(1, "", "second").is_ok());
    auto handle = snapshot.finish();
    EXPECT_TRUE(handle.is_ok()) << handle.status().to_string();
    return *handle;
  }
  std::vector<Entry> read(const SnapshotReader& reader, std::string_view state, HashRange range) {
    std::vector<Entry> entries;
    const Status status = reader.read(
        *reader.index().find(state), range, [&](std::uint32_t hash, ByteView key, ByteView value) {
          entries.emplace_back(hash, std::string(key), std::string(value));
        });
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    return entries;
  }
  void replace(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(write_file_atomically(files_, path + ".new", path, bytes).is_ok());
  }
  // What opening and verifying the snapshot says.
  Status verify(const StateHandle& handle) {
    WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files_, handle));
    return reader->verify_all();
  }

  MemoryFileStore files_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::vector<Entry> entries_;
};

TEST_F(SnapshotTest, WhatIsWrittenComesBackInOrder) {
  for (const int n : {0, 1, 100, 20000}) {
    entries_.clear();
    const StateHandle handle = write_sample("s" + std::to_string(n), n);
    EXPECT_EQ(handle.is_inline(), n <= 100);
    const auto reader = SnapshotReader::open(files_, handle);
    ASSERT_TRUE(reader.is_ok()) << reader.status().to_string();
    EXPECT_TRUE((*reader)->verify_all().is_ok());
    EXPECT_EQ((*reader)->index().id, OperatorId{"op"});
    EXPECT_EQ((*reader)->index().find("keyed")->entries, static_cast<std::uint64_t>(n));
    EXPECT_EQ(read(**reader, "keyed", HashRange{}), entries_);
    EXPECT_EQ(read(**reader, "items", HashRange{}),
              (std::vector<Entry>{{0, "", "first"}, {1, "", "second"}}));
    EXPECT_EQ((*reader)->index().find("other"), nullptr);
  }
}

TEST_F(SnapshotTest, ReadsOnlyBlocksThatOverlapTheRangeButAllOfTheRange) {
  const StateHandle handle = write_sample("s", 20000);
  const auto reader = SnapshotReader::open(files_, handle).value();
  ASSERT_GT(reader->index().find("keyed")->blocks.size(), 10U);
  const std::uint32_t last = std::get<0>(entries_.back());
  Rng rng(2);
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t first = rng.uniform(last);
    const HashRange range{first, first + rng.uniform(last / 20)};
    std::vector<Entry> expected;
    for (const Entry& entry : entries_) {
      if (range.contains(std::get<0>(entry))) {
        expected.push_back(entry);
      }
    }
    std::vector<Entry> found = read(*reader, "keyed", range);
    EXPECT_LT(found.size(), entries_.size() / 2);
    std::erase_if(found, [&](const Entry& entry) { return !range.contains(std::get<0>(entry)); });
    ASSERT_EQ(found, expected);
  }
}

TEST_F(SnapshotTest, WriterRefusesEntriesOutOfOrderOrOutsideItsKeyGroups) {
  const StateDescriptor keyed = state_named("keyed", StateDistribution::kKeyed);
  const auto refuses = [&](std::uint32_t subtask, std::vector<Entry> entries) {
    static int file = 0;
    SnapshotWriter snapshot = start("w" + std::to_string(file++), subtask, 2);
    EXPECT_TRUE(snapshot.begin_state(keyed).is_ok());
    Status status;
    for (const auto& [hash, key, value] : entries) {
      EXPECT_TRUE(status.is_ok()) << "only the last is wrong";
      status = snapshot.entry(hash, key, value);
    }
    return status.code() == StatusCode::kInternal &&
           status.message().find("'keyed'") != std::string::npos;
  };
  EXPECT_FALSE(refuses(0, {{1, "b", ""}, {2, "a", ""}}));
  EXPECT_TRUE(refuses(0, {{2, "a", ""}, {1, "b", ""}}));
  EXPECT_TRUE(refuses(0, {{1, "b", ""}, {1, "a", ""}}));
  EXPECT_TRUE(refuses(0, {{1, "a", ""}, {1, "a", ""}}));
  EXPECT_TRUE(refuses(0, {{0x80000000, "a", ""}}));
  EXPECT_TRUE(refuses(1, {{0x7FFFFFFF, "a", ""}}));
  EXPECT_FALSE(refuses(1, {{0x80000000, "a", ""}, {0xFFFFFFFF, "a", ""}}));
}

TEST_F(SnapshotTest, EveryFlippedByteIsFoundAndNamesFileAndOffset) {
  const StateHandle handle = write_sample("s", 600);
  ASSERT_FALSE(handle.is_inline());
  const std::string bytes = *read_file(files_, handle.path);
  ASSERT_TRUE(verify(handle).is_ok());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= static_cast<char>(1U << (i % 8));
    replace(handle.path, damaged);
    const Status status = verify(handle);
    ASSERT_EQ(status.code(), StatusCode::kDataLoss) << "byte " << i;
    ASSERT_THAT(status.message(), HasSubstr(handle.path));
    ASSERT_THAT(status.message(), HasSubstr("offset="));
  }
}

TEST_F(SnapshotTest, EveryTruncationAndAdditionIsFound) {
  const StateHandle handle = write_sample("s", 600);
  const std::string bytes = *read_file(files_, handle.path);
  for (std::size_t length = 0; length < bytes.size(); length += 97) {
    replace(handle.path, bytes.substr(0, length));
    ASSERT_EQ(verify(handle).code(), StatusCode::kDataLoss);
  }
  replace(handle.path, bytes + "x");
  EXPECT_EQ(verify(handle).code(), StatusCode::kDataLoss);
  ASSERT_TRUE(files_.remove(handle.path).is_ok());
  EXPECT_EQ(verify(handle).code(), StatusCode::kDataLoss);
}

TEST_F(SnapshotTest, DamageOfInlineStateIsFoundToo) {
  StateHandle handle = write_sample("s", 20);
  ASSERT_TRUE(handle.is_inline());
  for (std::size_t i = 0; i < handle.inline_bytes.size(); ++i) {
    handle.inline_bytes[i] ^= 1;
    ASSERT_EQ(verify(handle).code(), StatusCode::kDataLoss);
    handle.inline_bytes[i] ^= 1;
  }
  EXPECT_TRUE(verify(handle).is_ok());
}

// A whole file in the place of another, with the same size.
TEST_F(SnapshotTest, AStaleCopyIsFound) {
  const StateHandle handle = write_sample("s", 600);
  std::string bytes = *read_file(files_, handle.path);
  SnapshotWriter snapshot = start("t");
  ASSERT_TRUE(snapshot.begin_state(state_named("keyed", StateDistribution::kKeyed)).is_ok());
  for (const auto& [hash, key, value] : entries_) {
    ASSERT_TRUE(snapshot.entry(hash, key, std::string(value.size(), 'w')).is_ok());
  }
  ASSERT_TRUE(snapshot.begin_state(state_named("items", StateDistribution::kSplit)).is_ok());
  ASSERT_TRUE(snapshot.entry(0, "", "first").is_ok());
  ASSERT_TRUE(snapshot.entry(1, "", "second").is_ok());
  const StateHandle other = snapshot.finish().value();
  ASSERT_EQ(other.size, handle.size);
  replace(handle.path, *read_file(files_, other.path));
  EXPECT_EQ(verify(handle).code(), StatusCode::kDataLoss);
}

TEST_F(SnapshotTest, ANewerVersionIsRefusedAsSuch) {
  StateHandle handle = write_sample("s", 20);
  handle.inline_bytes[8] = 9;
  EXPECT_EQ(verify(handle).code(), StatusCode::kDataLoss) << "the checksum says it is damage";
  handle.checksum = crc32c(handle.inline_bytes);
  EXPECT_EQ(verify(handle).code(), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace weir
