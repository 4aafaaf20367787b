// SPDX-License-Identifier: Apache-2.0
// SimulatedFileStore: faults of single operations, and what late ones must not do to checkpoints.
#include "testing/simulation/simulated_file_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/memory_file_store.h"

namespace weir::simulation {
namespace {

class SimulatedFileStoreTest : public testing::Test {
 protected:
  SimulatedFileStoreTest() {
    supervisor_.faults = &faults_;
    supervisor_.at_change = [this](const SimulatedProcess&) {
      if (at_change_) at_change_();
    };
    supervisor_.renamed = [](const std::string&) {};
    supervisor_.happens_late = [this](std::function<Status()> operation) {
      late_.push_back(std::move(operation));
    };
  }

  SimulatedWorld world_{1};
  SimulatedProcess process_ = world_.make_process("process");
  MemoryFileStore disk_;
  FileFaults faults_;
  FileSupervisor supervisor_;
  SimulatedFileStore files_{world_, process_, disk_, supervisor_};
  std::function<void()> at_change_;
  std::vector<std::function<Status()>> late_;
};

TEST_F(SimulatedFileStoreTest, LateOperationIsReportedAsFailedAndHappensAfterwards) {
  ASSERT_TRUE(write_file_atomically(disk_, "/a.part", "/a", "content").is_ok());
  faults_.late = 1;
  EXPECT_EQ(files_.rename("/a", "/b").code(), StatusCode::kUnavailable);
  EXPECT_TRUE(disk_.stat("/a").is_ok());
  ASSERT_EQ(late_.size(), 1U);
  EXPECT_TRUE(late_.front()().is_ok());
  EXPECT_EQ(*read_file(disk_, "/b"), "content");
}

TEST_F(SimulatedFileStoreTest, FullFolderTakesNothingMoreAndCanBeClearedUp) {
  ASSERT_TRUE(disk_.make_directories("/full").is_ok());
  auto file = files_.create("/full/a", CreateMode::kExclusive);
  ASSERT_TRUE(file.is_ok());
  faults_.full_folder = "/full";
  EXPECT_EQ((*file)->append("12345").code(), StatusCode::kResourceExhausted);
  EXPECT_LE((*file)->size(), 5U) << "a part of it may be there";
  EXPECT_EQ(files_.create("/full/b", CreateMode::kExclusive).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(files_.create("/elsewhere", CreateMode::kExclusive).is_ok());
  EXPECT_TRUE(files_.remove("/full/a").is_ok());
}

TEST_F(SimulatedFileStoreTest, AfterAFailedSyncNothingIsDurableWhateverTheNextOneSays) {
  auto file = files_.create("/a", CreateMode::kExclusive);
  ASSERT_TRUE((*file)->append("12345").is_ok());
  faults_.error_before = 1;
  EXPECT_FALSE((*file)->sync().is_ok());
  faults_.error_before = 0;
  EXPECT_TRUE((*file)->sync().is_ok());
  EXPECT_TRUE(files_.sync_directory("/").is_ok());
  EXPECT_FALSE(disk_.would_survive("/a"));
}

TEST_F(SimulatedFileStoreTest, AppendInWhichTheProcessDiesLeavesABeginning) {
  bool is_torn = false;
  for (int round = 0; round < 20; ++round) {
    const std::string path = "/file-" + std::to_string(round);
    SimulatedProcess process = world_.make_process("dies");
    SimulatedFileStore files(world_, process, disk_, supervisor_);
    auto file = files.create(path, CreateMode::kExclusive);
    ASSERT_TRUE(file.is_ok());
    at_change_ = [&] { world_.crash(process); };
    EXPECT_FALSE((*file)->append("12345").is_ok());
    at_change_ = nullptr;
    const std::string content = *read_file(disk_, path);
    EXPECT_TRUE(std::string("12345").starts_with(content));
    is_torn = is_torn || (!content.empty() && content.size() < 5);
  }
  EXPECT_TRUE(is_torn);
}

// B15. The metadata of a checkpoint that is being given up may still be renamed into its place.
TEST_F(SimulatedFileStoreTest, LateRenameAtAnyMomentOfADiscardPublishesNothing) {
  int changes = 1;
  for (int moment = 0; moment < changes; ++moment) {
    const std::string root = "/" + std::to_string(moment);
    const auto storage = std::move(DirectoryCheckpointStorage::open(files_, root, "job")).value();
    const CheckpointId id{1};
    ASSERT_TRUE(storage->begin(id).is_ok());
    CheckpointMetadata metadata;
    metadata.id = id;
    const auto handle = storage->writer(id)->write("op", std::string(2 * kInlineStateBytes, 'x'));
    ASSERT_TRUE(handle.is_ok());
    metadata.operators = {{OperatorId{"op"}, "op", MaxParallelism{128}, {}, {*handle}}};
    const std::string path = root + "/job/chk-1/_metadata";
    auto file = disk_.create(path + ".tmp-1", CreateMode::kExclusive);
    ASSERT_TRUE((*file)->append(encode_checkpoint_metadata(metadata)).is_ok());
    changes = 0;
    at_change_ = [&] {
      if (changes++ == moment) (void)disk_.rename_new(path + ".tmp-1", path);
    };
    ASSERT_TRUE(storage->discard(id).is_ok()) << moment;
    at_change_ = nullptr;
    EXPECT_TRUE(storage->list()->empty()) << "at change " << moment;
    EXPECT_GT(changes, 4);
  }
}

}  // namespace
}  // namespace weir::simulation
