// SPDX-License-Identifier: Apache-2.0
// DirectoryCheckpointStorage: a checkpoint is published whole or not at all, whatever fails.
#include "state/snapshot/directory_checkpoint_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/posix_file_store.h"
#include "testing/faulty_file_store.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kLargeBytes = 3 * kInlineStateBytes;

std::unique_ptr<DirectoryCheckpointStorage> open_storage(FileStore& files) {
  auto storage = DirectoryCheckpointStorage::open(files, "/checkpoints", "job");
  EXPECT_TRUE(storage.is_ok()) << storage.status().to_string();
  return std::move(storage).value();
}

CheckpointMetadata metadata_of(std::uint64_t id, std::vector<StateHandle> handles = {}) {
  CheckpointMetadata metadata;
  metadata.job_name = "job";
  metadata.id = CheckpointId{id};
  metadata.operators = {{OperatorId{"op"}, "op", MaxParallelism{128}, {}, std::move(handles)}};
  return metadata;
}

std::string state_of(std::uint64_t id) {
  return std::string(kLargeBytes, static_cast<char>('a' + id));
}

// Takes a checkpoint as a job does.
Status take(CheckpointStorage& storage, std::uint64_t id) {
  const CheckpointId checkpoint{id};
  WEIR_RETURN_IF_ERROR(storage.begin(checkpoint));
  const auto writer = storage.writer(checkpoint);
  WEIR_ASSIGN_OR_RETURN(const StateHandle large, writer->write("op-0", state_of(id)));
  WEIR_ASSIGN_OR_RETURN(const StateHandle small, writer->write("op-1", "small"));
  return storage.publish(metadata_of(id, {large, small}));
}

std::vector<std::uint64_t> ids_of(CheckpointStorage& storage) {
  std::vector<std::uint64_t> ids;
  const auto stored = storage.list();
  EXPECT_TRUE(stored.is_ok()) << stored.status().to_string();
  for (const StoredCheckpoint& checkpoint : *stored) {
    ids.push_back(checkpoint.id.value());
  }
  return ids;
}

// Checks that a published checkpoint can be restored.
void expect_restorable(FileStore& files, CheckpointStorage& storage, std::uint64_t id) {
  const auto metadata = storage.read(storage.directory() + "/chk-" + std::to_string(id));
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  ASSERT_EQ(metadata->id.value(), id);
  const auto state = read_state(files, metadata->operators.at(0).subtasks.at(0));
  ASSERT_TRUE(state.is_ok()) << state.status().to_string();
  ASSERT_EQ(*state, state_of(id));
}

TEST(DirectoryCheckpointStorageTest, PublishedCheckpointsAreListedByIdAndCanBeRead) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  for (const std::uint64_t id : {9, 10, 11}) {
    ASSERT_TRUE(take(*storage, id).is_ok());
  }
  EXPECT_THAT(ids_of(*storage), ElementsAre(9, 10, 11));
  for (const std::uint64_t id : {9, 10, 11}) {
    expect_restorable(files, *storage, id);
    EXPECT_TRUE(*storage->read_back(CheckpointId{id}));
  }
  EXPECT_FALSE(*storage->read_back(CheckpointId{12}));
  EXPECT_EQ(storage->read("/checkpoints/job/chk-9/_metadata")->id, CheckpointId{9});
  EXPECT_EQ(storage->read("/checkpoints/job/chk-9/")->id, CheckpointId{9});
  EXPECT_EQ(storage->read("/checkpoints/job/chk-8").status().code(), StatusCode::kNotFound);
}

TEST(DirectoryCheckpointStorageTest, SmallStateIsInlineAndLargeStateAFile) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(storage->begin(CheckpointId{1}).is_ok());
  const auto writer = storage->writer(CheckpointId{1});
  const StateHandle small = *writer->write("a", std::string(kInlineStateBytes - 1, 'x'));
  const StateHandle large = *writer->write("b/../c d", std::string(kInlineStateBytes, 'x'));
  EXPECT_TRUE(small.is_inline());
  EXPECT_EQ(*read_state(files, small), std::string(kInlineStateBytes - 1, 'x'));
  EXPECT_EQ(large.path, "/checkpoints/job/chk-1/b%2F..%2Fc%20d");
  EXPECT_EQ(*read_state(files, large), std::string(kInlineStateBytes, 'x'));
  // B20: a name that was used is refused, not replaced.
  EXPECT_EQ(writer->write("b/../c d", std::string(kInlineStateBytes, 'y')).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(*read_state(files, large), std::string(kInlineStateBytes, 'x'));
}

TEST(DirectoryCheckpointStorageTest, AnUnfinishedSnapshotFileIsRemoved) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(storage->begin(CheckpointId{1}).is_ok());
  {
    const auto file = storage->writer(CheckpointId{1})->create("a");
    ASSERT_TRUE((*file)->append(std::string(1 << 20, 'x')).is_ok());
    EXPECT_TRUE(files.stat("/checkpoints/job/chk-1/a").is_ok());
  }
  EXPECT_FALSE(files.stat("/checkpoints/job/chk-1/a").is_ok());
}

TEST(DirectoryCheckpointStorageTest, DirectoryWithoutMetadataIsIgnoredAndDeletedAtTheNextStart) {
  MemoryFileStore files;
  auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  ASSERT_TRUE(storage->begin(CheckpointId{2}).is_ok());
  ASSERT_TRUE(storage->writer(CheckpointId{2})->write("op", state_of(2)).is_ok());
  ASSERT_TRUE(storage->begin(CheckpointId{3}).is_ok());
  EXPECT_THAT(ids_of(*storage), ElementsAre(1));
  storage.reset();
  storage = open_storage(files);
  EXPECT_THAT(ids_of(*storage), ElementsAre(1));
  EXPECT_FALSE(files.stat("/checkpoints/job/chk-2").is_ok());
  EXPECT_EQ(storage->highest_id()->value(), 3U);
  ASSERT_TRUE(take(*storage, 4).is_ok());
  EXPECT_FALSE(files.stat("/checkpoints/job/chk-3").is_ok());
}

TEST(DirectoryCheckpointStorageTest, AnIdIsNeverUsedTwice) {
  MemoryFileStore files;
  auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  EXPECT_EQ(storage->begin(CheckpointId{1}).code(), StatusCode::kAlreadyExists);
  ASSERT_TRUE(take(*storage, 2).is_ok());
  // Even when the newest of all is gone, and after a restart.
  ASSERT_TRUE(storage->discard(CheckpointId{2}).is_ok());
  ASSERT_TRUE(storage->discard(CheckpointId{1}).is_ok());
  EXPECT_THAT(ids_of(*storage), IsEmpty());
  EXPECT_EQ(storage->highest_id()->value(), 2U);
  EXPECT_EQ(storage->begin(CheckpointId{2}).code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(files.list("/checkpoints/job/chk-2").value(), testing::SizeIs(1));
  storage.reset();
  storage = open_storage(files);
  EXPECT_EQ(storage->highest_id()->value(), 2U);
  ASSERT_TRUE(take(*storage, 3).is_ok());
  EXPECT_FALSE(files.stat("/checkpoints/job/chk-2").is_ok()) << "no longer needed";
}

TEST(DirectoryCheckpointStorageTest, DiscardOfWhatIsNotThereIsOk) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  EXPECT_TRUE(storage->discard(CheckpointId{5}).is_ok());
  EXPECT_EQ(storage->highest_id()->value(), 0U);
}

TEST(DirectoryCheckpointStorageTest, ASecondRunIsRefusedWithTheDirectory) {
  MemoryFileStore files;
  auto storage = open_storage(files);
  const auto second = DirectoryCheckpointStorage::open(files, "/checkpoints", "job");
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("/checkpoints/job"));
  EXPECT_THAT(second.status().message(), HasSubstr("another run"));
  EXPECT_TRUE(DirectoryCheckpointStorage::open(files, "/checkpoints", "job 2").is_ok());
  storage.reset();
  EXPECT_TRUE(DirectoryCheckpointStorage::open(files, "/checkpoints", "job").is_ok());
}

TEST(DirectoryCheckpointStorageTest, JobNamesBecomeOneComponentOfAPath) {
  EXPECT_EQ(file_name_of("fraud-detection_2.1"), "fraud-detection_2.1");
  EXPECT_EQ(file_name_of("../etc"), "%2E.%2Fetc");
  EXPECT_EQ(file_name_of(".."), "%2E.");
  EXPECT_EQ(file_name_of(""), "%");
  EXPECT_NE(file_name_of("a b"), file_name_of("a_b"));
  EXPECT_NE(file_name_of("a%20b"), file_name_of("a b"));
  EXPECT_LE(file_name_of(std::string(1000, 'x')).size(), 255U);
  EXPECT_NE(file_name_of(std::string(1000, 'x')), file_name_of(std::string(1001, 'x')));
}

TEST(DirectoryCheckpointStorageTest, AMovedCheckpointCanBeRead) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  ASSERT_TRUE(files.make_directories("/backup").is_ok());
  ASSERT_TRUE(files.rename("/checkpoints/job/chk-1", "/backup/before-upgrade").is_ok());
  const auto metadata = storage->read("/backup/before-upgrade");
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  EXPECT_EQ(*read_state(files, metadata->operators.at(0).subtasks.at(0)), state_of(1));
}

// --- what --restore names ---------------------------------------------------------------------

TEST(FindCheckpointTest, LatestIsTheHighestPublishedOrNothing) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  EXPECT_EQ(*find_checkpoint(*storage, "latest"), std::nullopt);
  ASSERT_TRUE(take(*storage, 9).is_ok());
  ASSERT_TRUE(take(*storage, 10).is_ok());
  ASSERT_TRUE(storage->begin(CheckpointId{11}).is_ok());
  EXPECT_EQ(find_checkpoint(*storage, "latest")->value().id.value(), 10U);
  EXPECT_EQ(find_checkpoint(*storage, "/checkpoints/job/chk-9")->value().id.value(), 9U);
  EXPECT_EQ(find_checkpoint(*storage, "/nowhere").status().code(), StatusCode::kNotFound);
}

TEST(FindCheckpointTest, ADamagedLatestIsRefusedAndAnOlderOneUsedOnlyWhenNamed) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  ASSERT_TRUE(take(*storage, 2).is_ok());
  const std::string path = "/checkpoints/job/chk-2/_metadata";
  std::string bytes = *read_file(files, path);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomically(files, path + "x", path, bytes).is_ok());
  const auto latest = find_checkpoint(*storage, "latest");
  EXPECT_EQ(latest.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(latest.status().message(), HasSubstr(path));
  EXPECT_EQ(find_checkpoint(*storage, "/checkpoints/job/chk-1")->value().id.value(), 1U);
}

TEST(FindCheckpointTest, AMissingTruncatedOrForeignFileIsDataLossNamingIt) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  ASSERT_TRUE(take(*storage, 2).is_ok());
  const std::string state = "/checkpoints/job/chk-2/op-0";
  ASSERT_TRUE(write_file_atomically(files, state + "x", state, "short").is_ok());
  Status status = find_checkpoint(*storage, "latest").status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr(state));
  ASSERT_TRUE(files.remove(state).is_ok());
  status = find_checkpoint(*storage, "latest").status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr(state));
  // The metadata of another checkpoint, whole but in the wrong place.
  ASSERT_TRUE(
      files.rename("/checkpoints/job/chk-1/_metadata", "/checkpoints/job/chk-2/_metadata").is_ok());
  status = find_checkpoint(*storage, "latest").status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("another checkpoint"));
}

TEST(FindCheckpointTest, AStorageThatDoesNotAnswerIsNotTakenForEmpty) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  const auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  ASSERT_TRUE(take(*storage, 2).is_ok());
  for (const FileOperation operation :
       {FileOperation::kList, FileOperation::kStat, FileOperation::kOpen, FileOperation::kRead}) {
    files.fail_next({operation, "", unavailable("no answer")});
    EXPECT_EQ(find_checkpoint(*storage, "latest").status().code(), StatusCode::kUnavailable);
  }
  EXPECT_EQ(find_checkpoint(*storage, "latest")->value().id.value(), 2U);
}

// --- failures ---------------------------------------------------------------------------------

TEST(DirectoryCheckpointStorageTest, AFullDiskIsNamedAndNothingIsPublished) {
  for (const FileOperation operation : {FileOperation::kCreate, FileOperation::kAppend}) {
    for (const std::string path : {"op-0", "_metadata"}) {
      MemoryFileStore memory;
      FaultyFileStore files(memory, 1);
      const auto storage = open_storage(files);
      ASSERT_TRUE(take(*storage, 1).is_ok());
      files.fail_next({operation, path, resource_exhausted("cannot write '" + path + "': full")});
      const Status status = take(*storage, 2);
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
      EXPECT_THAT(status.message(), HasSubstr(path));
      EXPECT_FALSE(*storage->read_back(CheckpointId{2}));
      EXPECT_THAT(ids_of(*storage), ElementsAre(1));
      EXPECT_TRUE(storage->discard(CheckpointId{2}).is_ok());
      EXPECT_TRUE(take(*storage, 3).is_ok());
    }
  }
}

TEST(DirectoryCheckpointStorageTest, AnUnclearPublicationIsUnavailableAndReadBackDecides) {
  for (const bool has_effect : {false, true}) {
    for (const FileOperation operation : {FileOperation::kRename, FileOperation::kSyncDirectory}) {
      MemoryFileStore memory;
      FaultyFileStore files(memory, 1);
      const auto storage = open_storage(files);
      ASSERT_TRUE(storage->begin(CheckpointId{1}).is_ok());
      files.fail_next({operation, "chk-1", permission_denied("strange"), has_effect});
      EXPECT_EQ(storage->publish(metadata_of(1)).code(), StatusCode::kUnavailable);
      const bool is_visible = has_effect || operation == FileOperation::kSyncDirectory;
      EXPECT_EQ(*storage->read_back(CheckpointId{1}), is_visible);
      memory.crash(1);
      EXPECT_EQ(*storage->read_back(CheckpointId{1}), is_visible) << "read back is durable";
    }
  }
}

TEST(DirectoryCheckpointStorageTest, ReadBackThatCannotMakeItDurableDoesNotSayTrue) {
  MemoryFileStore memory;
  FaultyFileStore files(memory, 1);
  const auto storage = open_storage(files);
  ASSERT_TRUE(take(*storage, 1).is_ok());
  files.fail_next({FileOperation::kSyncDirectory, "chk-1", unavailable("no answer")});
  EXPECT_EQ(storage->read_back(CheckpointId{1}).status().code(), StatusCode::kUnavailable);
}

// Runs a few checkpoints; the disk stops at one operation, then power is lost.
class StoppingStore {
 public:
  explicit StoppingStore(std::uint32_t operations) : operations_(operations) {}
  MemoryFileStore memory;
  FaultyFileStore files{memory, 1};
  void arm() {
    for (const FileOperation operation :
         {FileOperation::kCreate, FileOperation::kAppend, FileOperation::kSync,
          FileOperation::kRename, FileOperation::kRemove, FileOperation::kMakeDirectories,
          FileOperation::kSyncDirectory}) {
      files.fail_next(
          {operation, "", unavailable("power lost"), operations_ % 2 == 0, operations_ / 2});
    }
  }

 private:
  std::uint32_t operations_;
};

TEST(DirectoryCheckpointStorageTest, PowerMayBeLostAtAnyMoment) {
  int published_unsaid = 0;
  for (std::uint32_t stop = 0; stop < 40; ++stop) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
      SCOPED_TRACE(testing::Message() << "stop " << stop << " seed " << seed);
      StoppingStore store(stop);
      std::uint64_t confirmed = 0;
      std::uint64_t begun = 0;
      {
        const auto storage = open_storage(store.files);
        store.arm();
        Status status;
        for (std::uint64_t id = 1; id <= 4 && status.is_ok(); ++id) {
          begun = id;
          status = take(*storage, id);
          if (status.is_ok()) {
            confirmed = id;
            if (id > 1) {
              status = storage->discard(CheckpointId{id - 1});
            }
          }
        }
        store.memory.crash(seed);
      }
      const auto storage = open_storage(store.memory);
      const std::vector<std::uint64_t> ids = ids_of(*storage);
      for (const std::uint64_t id : ids) {
        expect_restorable(store.memory, *storage, id);
      }
      ASSERT_TRUE(confirmed == 0 || (!ids.empty() && ids.back() >= confirmed))
          << "what was confirmed is there";
      ASSERT_TRUE(ids.empty() || ids.back() <= begun);
      published_unsaid += !ids.empty() && ids.back() > confirmed ? 1 : 0;
      const auto latest = find_checkpoint(*storage, "latest");
      ASSERT_TRUE(latest.is_ok()) << latest.status().to_string();
      ASSERT_TRUE(take(*storage, storage->highest_id()->value() + 1).is_ok());
    }
  }
  EXPECT_GT(published_unsaid, 0) << "the test reaches the unclear moments";
}

// --- on the real file system ------------------------------------------------------------------

class OnDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/weir-checkpoints-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern), nullptr);
    root_ = pattern;
  }
  void TearDown() override { (void)files_.remove_tree(root_); }

  PosixFileStore files_;
  std::string root_;
};

TEST_F(OnDiskTest, CheckpointsAreTakenListedReadAndDiscarded) {
  auto storage = DirectoryCheckpointStorage::open(files_, root_ + "/deep/er", "my job").value();
  EXPECT_EQ(storage->directory(), root_ + "/deep/er/my%20job");
  for (const std::uint64_t id : {1, 2, 3}) {
    ASSERT_TRUE(take(*storage, id).is_ok());
    expect_restorable(files_, *storage, id);
  }
  ASSERT_TRUE(storage->discard(CheckpointId{1}).is_ok());
  EXPECT_THAT(ids_of(*storage), ElementsAre(2, 3));
  EXPECT_EQ(DirectoryCheckpointStorage::open(files_, root_ + "/deep/er", "my job").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_F(OnDiskTest, AFileInThePlaceOfTheDirectoryIsNamed) {
  ASSERT_TRUE(write_file_atomically(files_, root_ + "/x", root_ + "/file", "").is_ok());
  const auto storage = DirectoryCheckpointStorage::open(files_, root_ + "/file", "job");
  EXPECT_FALSE(storage.is_ok());
  EXPECT_THAT(storage.status().message(), HasSubstr(root_ + "/file"));
}

TEST_F(OnDiskTest, AReadOnlyDirectoryIsNamed) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may write everywhere";
  }
  ASSERT_EQ(::chmod(root_.c_str(), 0555), 0);
  const auto storage = DirectoryCheckpointStorage::open(files_, root_, "job");
  EXPECT_EQ(storage.status().code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(storage.status().message(), HasSubstr(root_));
  ::chmod(root_.c_str(), 0755);
}

// --- savepoints ----------------------------------------------------------------------------------

// Takes a savepoint as a job does.
Status take_savepoint(FileStore& files, CheckpointStorage& storage, const std::string& path) {
  WEIR_RETURN_IF_ERROR(storage.begin_savepoint(CheckpointId{5}, path));
  const CheckpointBarrier barrier{
      .id = CheckpointId{5}, .kind = CheckpointKind::kSavepoint, .savepoint_directory = path};
  const auto writer = open_checkpoint_writer(files, storage.directory(), barrier);
  WEIR_ASSIGN_OR_RETURN(const StateHandle large, writer->write("op-0", state_of(5)));
  CheckpointMetadata metadata = metadata_of(5, {large});
  metadata.kind = barrier.kind;
  return storage.publish_savepoint(metadata, path);
}

TEST(DirectorySavepointTest, LiesWholeInItsDirectoryAndCanBeMoved) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take_savepoint(files, *storage, "/savepoints/a/s-5").is_ok());
  EXPECT_TRUE(storage->read_back_savepoint("/savepoints/a/s-5").value());
  EXPECT_THAT(ids_of(*storage), IsEmpty()) << "it is no checkpoint of the job";
  ASSERT_TRUE(files.make_directories("/moved").is_ok());
  const auto entries = files.list("/savepoints/a/s-5");
  for (const DirectoryEntry& entry : *entries) {
    const std::string from = "/savepoints/a/s-5/" + entry.name;
    const std::string bytes = read_file(files, from).value();
    ASSERT_TRUE(
        write_file_atomically(files, "/moved/aside", "/moved/" + entry.name, bytes).is_ok());
  }
  ASSERT_TRUE(storage->discard_savepoint("/savepoints/a/s-5").is_ok());
  const auto metadata = storage->read("/moved");
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  EXPECT_EQ(metadata->kind, CheckpointKind::kSavepoint);
  EXPECT_EQ(read_state(files, metadata->operators.at(0).subtasks.at(0)).value(), state_of(5));
}

TEST(DirectorySavepointTest, SurvivesALossOfPower) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take_savepoint(files, *storage, "/savepoints/a/s-5").is_ok());
  const auto entries = files.list("/savepoints/a/s-5");
  for (const DirectoryEntry& entry : *entries) {
    EXPECT_TRUE(files.would_survive("/savepoints/a/s-5/" + entry.name)) << entry.name;
  }
}

TEST(DirectorySavepointTest, ADirectoryThatIsThereIsRefusedAndLeftAlone) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  ASSERT_TRUE(take_savepoint(files, *storage, "/savepoints/s-5").is_ok());
  EXPECT_EQ(storage->begin_savepoint(CheckpointId{6}, "/savepoints/s-5").code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(storage->read("/savepoints/s-5").is_ok());
  // Nor is one begun whose id is taken.
  EXPECT_EQ(storage->begin_savepoint(CheckpointId{5}, "/savepoints/t-5").code(),
            StatusCode::kAlreadyExists);
  EXPECT_FALSE(files.stat("/savepoints/t-5").is_ok());
}

TEST(DirectorySavepointTest, ASavepointThatWasNotCompletedIsClearedUpByTheNextRun) {
  MemoryFileStore files;
  for (const std::string path : {"/savepoints/s-5", "/savepoints/named-9"}) {
    auto storage = open_storage(files);
    ASSERT_TRUE(storage->begin_savepoint(CheckpointId{5}, path).is_ok());
    EXPECT_FALSE(files.lock(path + "/_begun").is_ok()) << "it is being taken";
    ASSERT_TRUE(files.create(path + "/op-0", CreateMode::kExclusive).is_ok());
    storage.reset();  // as when the process ends
    EXPECT_TRUE(files.lock(path + "/_begun").is_ok());
    storage = open_storage(files);
    // A note with another id at its end is torn, and names something else.
    EXPECT_EQ(files.stat(path).is_ok(), path.ends_with("-9"));
    EXPECT_TRUE(files.stat("/savepoints").is_ok());
    EXPECT_EQ(storage->highest_id()->value(), 5U);
    ASSERT_TRUE(storage->begin(CheckpointId{6}).is_ok());
    ASSERT_TRUE(storage->discard(CheckpointId{6}).is_ok());
    ASSERT_TRUE(files.remove_tree("/checkpoints/job").is_ok());
  }
}

TEST(DirectorySavepointTest, NeitherACompleteOneNorWhatTookItsPlaceIsClearedUp) {
  MemoryFileStore files;
  auto storage = open_storage(files);
  ASSERT_TRUE(take_savepoint(files, *storage, "/savepoints/s-5").is_ok());
  EXPECT_FALSE(files.stat("/savepoints/s-5/_begun").is_ok());
  storage.reset();
  storage = open_storage(files);
  EXPECT_TRUE(storage->read("/savepoints/s-5").is_ok());
  ASSERT_TRUE(files.remove_tree("/savepoints/s-5").is_ok());
  ASSERT_TRUE(files.make_directories("/savepoints/s-5").is_ok());
  ASSERT_TRUE(files.create("/savepoints/s-5/mine", CreateMode::kExclusive).is_ok());
  storage.reset();
  storage = open_storage(files);
  EXPECT_TRUE(files.stat("/savepoints/s-5/mine").is_ok());
}

// A checkpoint of another job that was claimed goes with the runs that nothing else needs.
TEST(DirectorySavepointTest, AClaimedCheckpointOfAnotherJobGoesWithItsRuns) {
  MemoryFileStore files;
  const auto run_of = [&](DirectoryCheckpointStorage& of, std::uint64_t id) {
    EXPECT_TRUE(of.begin(CheckpointId{id}).is_ok());
    const auto file = of.writer(CheckpointId{id})->create_run("op-0");
    EXPECT_TRUE((*file)->append(state_of(id)).is_ok());
    return StateRun{*(*file)->finish(), HashRange{}};
  };
  auto other = *DirectoryCheckpointStorage::open(files, "/checkpoints", "other");
  const StateRun first = run_of(*other, 1);
  ASSERT_TRUE(other->publish(metadata_of(1, {StateHandle{{}, {first}}})).is_ok());
  const StateRun second = run_of(*other, 2);
  ASSERT_TRUE(other->publish(metadata_of(2, {StateHandle{{}, {first, second}}})).is_ok());

  const auto storage = open_storage(files);
  // While that job runs, its runs are its own affair.
  ASSERT_TRUE(storage->discard_savepoint("/checkpoints/other/chk-1").is_ok());
  EXPECT_FALSE(files.stat("/checkpoints/other/chk-1").is_ok());
  EXPECT_TRUE(files.stat(first.file.path).is_ok());
  other.reset();
  ASSERT_TRUE(storage->discard_savepoint("/checkpoints/other/chk-2").is_ok());
  EXPECT_FALSE(files.stat("/checkpoints/other/chk-2/_metadata").is_ok());
  EXPECT_FALSE(files.stat(first.file.path).is_ok());
  EXPECT_FALSE(files.stat(second.file.path).is_ok());
  // Its id is not used twice (C1).
  EXPECT_EQ(DirectoryCheckpointStorage::open(files, "/checkpoints", "other")
                .value()
                ->highest_id()
                ->value(),
            2U);
}

TEST(DirectorySavepointTest, OneThatIsNotThereIsSurelyNotPublishedAndDiscardedAlready) {
  MemoryFileStore files;
  const auto storage = open_storage(files);
  EXPECT_FALSE(storage->read_back_savepoint("/savepoints/s-1").value());
  EXPECT_TRUE(storage->discard_savepoint("/savepoints/s-1").is_ok());
}

}  // namespace
}  // namespace weir
