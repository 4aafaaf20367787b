// SPDX-License-Identifier: Apache-2.0
// The file sink without its record type: what becomes visible, when, and how often.
#include "connectors/files/rolling_files.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/posix_file_store.h"
#include "connectors/files/file_committer.h"
#include "tests/unit/connectors/fake_context.h"

namespace weir::detail {
namespace {

using std::chrono::seconds;

constexpr CheckpointId id(std::uint64_t number) { return CheckpointId{number}; }

RollingFilesSettings settings_for(const std::string& path) {
  return {.path = path,
          .prefix = "part",
          .roll_bytes = 100,
          .roll_interval = seconds{60},
          .inactivity = seconds{30},
          .header = {}};
}

// One attempt of one subtask.
struct Attempt {
  explicit Attempt(const std::string& path, std::uint64_t attempt = 1,
                   const std::vector<StateImage>& restored = {}, std::uint32_t subtask = 0,
                   std::uint32_t parallelism = 1, FileStore* files = nullptr)
      : context(files), sink(settings_for(path)) {
    context.mutable_info().attempt = AttemptNumber{static_cast<std::uint32_t>(attempt)};
    context.mutable_info().subtask = SubtaskIndex{subtask};
    context.mutable_info().parallelism = Parallelism{parallelism};
    for (const StateImage& image : restored) context.registry().restore_from(image);
    sink.open(context);
  }

  void write(const std::string& record) {
    sink.buffer() += record;
    sink.end_record();
    sink.end_batch();
  }
  StateImage checkpoint(std::uint64_t number) {
    sink.prepare_commit(id(number));
    auto frozen = context.registry().freeze(id(number));
    return FakeStateRegistry::write(frozen).value();
  }
  void commit(std::uint64_t number) {
    sink.commit(id(number));
    context.run_all();
  }

  FakeContext context;
  RollingFiles sink;
};

class RollingFilesTest : public testing::Test {
 protected:
  std::size_t num_hidden() const {
    std::size_t hidden = 0;
    for (const std::string& name : folder_.names()) hidden += name.front() == '.' ? 1 : 0;
    return hidden;
  }

  TemporaryFolder folder_;
  const std::string big_ = std::string(99, 'x') + "\n";
};

TEST_F(RollingFilesTest, NothingIsVisibleBeforeACheckpointIsComplete) {
  Attempt attempt(folder_.path());
  attempt.write(big_);
  attempt.write("small\n");
  attempt.sink.finish();
  EXPECT_EQ(folder_.visible(), "");
  attempt.checkpoint(1);
  EXPECT_EQ(folder_.visible(), "");
  attempt.commit(1);
  EXPECT_EQ(folder_.visible(), big_ + "small\n");
  EXPECT_EQ(num_hidden(), 0U);
  EXPECT_EQ(attempt.context.committed(), (std::vector<std::uint64_t>{1}));
}

TEST_F(RollingFilesTest, FileClosedAfterTheBarrierWaitsForTheNextCheckpoint) {
  Attempt attempt(folder_.path());
  attempt.write("one\n");
  attempt.checkpoint(1);
  attempt.write(big_);  // closes the file that holds "one"
  attempt.commit(1);
  EXPECT_EQ(folder_.visible(), "");
  attempt.checkpoint(2);
  attempt.commit(2);
  EXPECT_EQ(folder_.visible(), "one\n" + big_);
}

TEST_F(RollingFilesTest, CompletionCoversEveryEarlierCheckpoint) {
  // The notification of 1 is lost, that of 2 comes (B6).
  Attempt attempt(folder_.path());
  attempt.write(big_);
  attempt.checkpoint(1);
  attempt.write(big_);
  attempt.checkpoint(2);
  attempt.commit(2);
  EXPECT_EQ(folder_.visible(), big_ + big_);
  // And that of 1 comes after all.
  attempt.commit(1);
  EXPECT_EQ(folder_.visible(), big_ + big_);
}

TEST_F(RollingFilesTest, CompletionsDuringACommitAreReportedOnlyWhenAllIsCommitted) {
  Attempt attempt(folder_.path());
  attempt.write(big_);
  attempt.checkpoint(1);
  attempt.sink.commit(id(1));
  attempt.write(big_);
  attempt.checkpoint(2);
  attempt.sink.commit(id(2));
  EXPECT_EQ(attempt.context.num_waiting(), 1U);
  EXPECT_TRUE(attempt.context.committed().empty());
  attempt.context.run_all();
  EXPECT_EQ(attempt.context.committed(), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(folder_.visible(), big_ + big_);
}

TEST_F(RollingFilesTest, RestoreContinuesTheFileAtTheLengthOfTheBarrier) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  first.write("lost\n");
  first.sink.prepare_commit(id(2));  // flushed, but no checkpoint came of it
  Attempt second(folder_.path(), 2, {state});
  EXPECT_EQ(second.context.committed(), (std::vector<std::uint64_t>{1}));
  second.write("two\n");
  // The attempt that was thought dead goes on writing.
  first.write("zombie\n");
  first.sink.prepare_commit(id(3));
  second.sink.finish();
  second.checkpoint(2);
  second.commit(2);
  EXPECT_EQ(folder_.visible(), "one\ntwo\n");
}

TEST_F(RollingFilesTest, SameCheckpointCanBeRestoredAgainUntilANewOneIsComplete) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  for (std::uint64_t number = 2; number < 5; ++number) {
    Attempt next(folder_.path(), number, {state});
    next.write("again\n");
    next.checkpoint(number);
    next.commit(1);  // a reminder of the restored one clears nothing up
  }
  Attempt last(folder_.path(), 9, {state});
  last.sink.finish();
  last.checkpoint(10);
  last.commit(10);
  EXPECT_EQ(folder_.visible(), "one\n");
  EXPECT_EQ(num_hidden(), 0U);
}

TEST_F(RollingFilesTest, RestoreCommitsWhatWasPendingWhereverTheCommitWasInterrupted) {
  for (const bool renamed_before_crash : {false, true}) {
    TemporaryFolder folder;
    Attempt first(folder.path());
    first.write(big_);
    const StateImage state = first.checkpoint(1);
    first.sink.commit(id(1));
    if (renamed_before_crash) first.context.run_all_without_mail();
    EXPECT_TRUE(first.context.committed().empty());
    Attempt second(folder.path(), 2, {state});
    EXPECT_EQ(folder.visible(), big_);
    EXPECT_EQ(second.context.committed(), (std::vector<std::uint64_t>{1}));
    Attempt third(folder.path(), 3, {state});
    EXPECT_EQ(folder.visible(), big_);
  }
}

TEST_F(RollingFilesTest, BothNamesOfOneFileAreOneFile) {
  // What a store without atomic rename_new leaves when it is interrupted.
  Attempt first(folder_.path());
  first.write(big_);
  const StateImage state = first.checkpoint(1);
  const std::string hidden = folder_.names().at(0);
  Attempt second(folder_.path(), 2, {state});
  const std::string visible = folder_.names().at(0);
  std::filesystem::create_hard_link(folder_.path(visible), folder_.path(hidden));
  Attempt third(folder_.path(), 3, {state});
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{visible}));
}

TEST_F(RollingFilesTest, LostPendingFileIsDataLossThatNamesBothPaths) {
  Attempt first(folder_.path());
  first.write(big_);
  const StateImage state = first.checkpoint(1);
  const std::string hidden = folder_.names().at(0);
  std::filesystem::remove(folder_.path(hidden));
  try {
    Attempt second(folder_.path(), 2, {state});
    FAIL() << "did not throw";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().code(), StatusCode::kDataLoss);
    EXPECT_NE(error.status().message().find(folder_.path(hidden)), std::string::npos);
    EXPECT_NE(error.status().message().find(folder_.path("part-0-")), std::string::npos);
  }
}

TEST_F(RollingFilesTest, TruncatedFileIsDataLoss) {
  Attempt first(folder_.path());
  first.write(big_);
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  for (const std::string& name : folder_.names()) {
    std::filesystem::resize_file(folder_.path(name), 2);
    EXPECT_THROW(Attempt(folder_.path(), 2, {state}), StatusError) << name;
    break;
  }
}

TEST_F(RollingFilesTest, LeftOversOfDeadAttemptsGoAfterTheFirstCheckpoint) {
  folder_.write(".part-0-0123456789abcdef-1-0123456789abcdef-1-0.inprogress", "another job's");
  folder_.write(".part-x-0-0123456789abcdef-1-0123456789abcdef-1-0.inprogress", "another sink's");
  folder_.write(".hidden", "somebody's");
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  first.write(big_);
  first.write("never in a checkpoint\n");
  first.sink.prepare_commit(id(2));
  EXPECT_EQ(num_hidden(), 5U);
  Attempt second(folder_.path(), 2, {state});
  second.write("two\n");
  second.checkpoint(3);
  EXPECT_EQ(num_hidden(), 6U);
  second.commit(3);
  EXPECT_EQ(num_hidden(), 4U);  // the three strangers, and the one in progress
  // A run of its own knows the dead ones by the lineage in the checkpoint.
  const StateImage later = second.checkpoint(4);
  Attempt third(folder_.path(), 1, {later});
  third.context.mutable_info().job = JobId{8};
  third.sink.finish();
  third.checkpoint(5);
  third.commit(5);
  EXPECT_EQ(num_hidden(), 3U);
  EXPECT_EQ(folder_.visible(), "one\ntwo\n");
}

TEST_F(RollingFilesTest, WhatADeadAttemptWroteAfterTheClearUpGoesAtTheEnd) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  Attempt second(folder_.path(), 2, {state});
  second.write("two\n");
  second.checkpoint(3);
  second.commit(3);
  // It has not heard yet that it is dead.
  first.write(big_);
  first.sink.prepare_commit(id(2));
  first.write("never in a checkpoint\n");
  first.sink.prepare_commit(id(4));
  EXPECT_EQ(num_hidden(), 2U);  // and the one in progress
  second.sink.finish();
  second.checkpoint(4);
  second.commit(4);
  EXPECT_EQ(num_hidden(), 0U);
  EXPECT_EQ(folder_.visible(), "one\ntwo\n");
}

// It may have been cut off and outlive its job: nobody else will come.
TEST_F(RollingFilesTest, WriterThatIsClosedLeavesOnlyWhatASnapshotRefersTo) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  first.write(big_);
  first.write("never in a checkpoint\n");
  first.write(big_);
  EXPECT_EQ(num_hidden(), 2U);
  first.sink.close();
  EXPECT_EQ(num_hidden(), 1U);
  Attempt second(folder_.path(), 2, {state});
  second.sink.finish();
  second.checkpoint(2);
  second.commit(2);
  EXPECT_EQ(num_hidden(), 0U);
  EXPECT_EQ(folder_.visible(), "one\n");
}

TEST_F(RollingFilesTest, WriterThatCouldNotRestoreLeavesNothing) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  for (const std::string& name : folder_.names()) std::filesystem::remove(folder_.path(name));
  FakeContext context;
  context.mutable_info().attempt = AttemptNumber{2};
  context.registry().restore_from(state);
  RollingFiles sink(settings_for(folder_.path()));
  EXPECT_THROW(sink.open(context), StatusError);
  EXPECT_EQ(num_hidden(), 1U);
  sink.close();
  EXPECT_EQ(num_hidden(), 0U);
}

TEST_F(RollingFilesTest, FolderMayChangeBetweenRuns) {
  Attempt first(folder_.path("old"));
  first.write(big_);
  first.write("one\n");
  const StateImage state = first.checkpoint(1);
  Attempt second(folder_.path("new"), 2, {state});
  second.sink.finish();
  second.checkpoint(2);
  second.commit(2);
  std::map<std::string, int> files;
  for (const char* name : {"old", "new"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path(name))) {
      files[name] += entry.path().filename().string().starts_with("part-0-") ? 1 : 100;
    }
  }
  EXPECT_EQ(files, (std::map<std::string, int>{{"old", 1}, {"new", 1}}));
}

TEST_F(RollingFilesTest, RescalesInBothDirections) {
  Attempt zero(folder_.path(), 1, {}, 0, 2);
  Attempt one(folder_.path(), 1, {}, 1, 2);
  zero.write("zero\n");
  one.write("one\n");
  const std::vector<StateImage> two = {zero.checkpoint(1), one.checkpoint(1)};
  Attempt merged(folder_.path(), 2, two, 0, 1);
  merged.write("merged\n");
  const StateImage image = merged.checkpoint(2);
  merged.commit(2);
  std::vector<std::unique_ptr<Attempt>> three;
  for (std::uint32_t i = 0; i < 3; ++i) {
    three.push_back(std::make_unique<Attempt>(folder_.path(), 3, std::vector{image}, i, 3));
    EXPECT_EQ(three.back()->context.committed(), (std::vector<std::uint64_t>{2}));
  }
  for (const auto& attempt : three) {
    attempt->write("three\n");
    attempt->sink.finish();
    attempt->checkpoint(3);
  }
  for (const auto& attempt : three) attempt->commit(3);
  std::string all = folder_.visible();
  EXPECT_EQ(all.size(), std::string("zero\none\nmerged\nthree\nthree\nthree\n").size());
  for (const char* line : {"zero\n", "one\n", "merged\n"}) {
    EXPECT_NE(all.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(num_hidden(), 0U);
}

TEST_F(RollingFilesTest, OlderCheckpointThanWasCommittedIsToldAndGoesOn) {
  Attempt first(folder_.path());
  first.write("one\n");
  const StateImage older = first.checkpoint(1);
  first.sink.finish();
  first.checkpoint(2);
  first.commit(2);
  Attempt rewound(folder_.path(), 2, {older});
  rewound.write("two\n");
  rewound.sink.finish();
  rewound.checkpoint(3);
  rewound.commit(3);
  EXPECT_EQ(folder_.visible(), "one\ntwo\n");
}

TEST_F(RollingFilesTest, RollsByAgeAndByInactivity) {
  Attempt attempt(folder_.path());
  EXPECT_EQ(attempt.sink.next_processing_time(), ProcessingTime::max());
  const ProcessingTime start = attempt.context.clock().now();
  attempt.write("a\n");
  EXPECT_EQ(attempt.sink.next_processing_time(), start + seconds{30});
  attempt.context.manual_clock().advance(seconds{20});
  attempt.write("b\n");
  EXPECT_EQ(attempt.sink.next_processing_time(), start + seconds{50});
  attempt.context.manual_clock().advance(seconds{20});
  attempt.write("c\n");
  EXPECT_EQ(attempt.sink.next_processing_time(), start + seconds{60});
  attempt.sink.on_processing_time(start + seconds{59});
  EXPECT_NE(attempt.sink.next_processing_time(), ProcessingTime::max());
  attempt.sink.on_processing_time(start + seconds{60});
  EXPECT_EQ(attempt.sink.next_processing_time(), ProcessingTime::max());
  attempt.checkpoint(1);
  attempt.commit(1);
  EXPECT_EQ(folder_.visible(), "a\nb\nc\n");
}

// Passes everything on to real files, but fails what it is told to.
class FailingStore final : public FileStore {
 public:
  bool fails_append = false;
  bool fails_sync = false;
  std::vector<std::string> synced;

  Result<std::unique_ptr<WritableFile>> create(const std::string& path, CreateMode mode) override {
    WEIR_ASSIGN_OR_RETURN(auto file, real_.create(path, mode));
    return std::make_unique<File>(*this, path, std::move(file));
  }
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    return real_.open(path);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    return real_.rename_new(from, to);
  }
  Status remove(const std::string& path) override { return real_.remove(path); }
  Status remove_tree(const std::string& path) override { return real_.remove_tree(path); }
  Status make_directories(const std::string& path) override { return real_.make_directories(path); }
  Status sync_directory(const std::string& path) override {
    synced.push_back(path);
    return real_.sync_directory(path);
  }
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    return real_.list(path);
  }
  Result<FileInfo> stat(const std::string& path) override { return real_.stat(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return real_.lock(path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(FailingStore& store, std::string path, std::unique_ptr<WritableFile> file)
        : store_(store), path_(std::move(path)), file_(std::move(file)) {}
    Status append(std::string_view bytes) override {
      if (store_.fails_append) return resource_exhausted("cannot write '" + path_ + "': disk full");
      return file_->append(bytes);
    }
    Status sync() override {
      if (store_.fails_sync) return unavailable("cannot sync '" + path_ + "'");
      store_.synced.push_back(path_);
      return file_->sync();
    }
    Status close() override { return file_->close(); }
    std::uint64_t size() const override { return file_->size(); }

   private:
    FailingStore& store_;
    const std::string path_;
    const std::unique_ptr<WritableFile> file_;
  };

  PosixFileStore real_;
};

TEST_F(RollingFilesTest, FullDiskEndsTheAttemptAndNamesThePath) {
  FailingStore store;
  Attempt attempt(folder_.path(), 1, {}, 0, 1, &store);
  attempt.write("one\n");
  store.fails_append = true;
  try {
    attempt.sink.prepare_commit(id(1));
    FAIL() << "did not throw";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().code(), StatusCode::kResourceExhausted);
    EXPECT_NE(error.status().message().find(folder_.path(".part-0-")), std::string::npos);
  }
}

TEST_F(RollingFilesTest, CheckpointSyncsFilesAndFolderBeforeItIsWritten) {
  FailingStore store;
  Attempt attempt(folder_.path(), 1, {}, 0, 1, &store);
  attempt.write(big_);
  attempt.write("one\n");
  store.synced.clear();
  attempt.checkpoint(1);
  std::vector<std::string> expected;
  for (const std::string& name : folder_.names()) {
    expected.push_back(folder_.path(name));
    expected.push_back(folder_.path());
  }
  EXPECT_EQ(store.synced, expected);
  // The closed file is durable for good, the other one only up to the barrier.
  store.synced.clear();
  attempt.write("two\n");
  attempt.checkpoint(2);
  EXPECT_EQ(store.synced, (std::vector<std::string>{folder_.path(folder_.names().at(1))}));
}

TEST_F(RollingFilesTest, FailedSyncFailsTheCheckpointAndThenTheAttempt) {
  FailingStore store;
  Attempt attempt(folder_.path(), 1, {}, 0, 1, &store);
  attempt.write("one\n");
  attempt.sink.prepare_commit(id(1));
  auto frozen = attempt.context.registry().freeze(id(1));
  store.fails_sync = true;
  EXPECT_FALSE(FakeStateRegistry::write(frozen).is_ok());
  // A sync that works later proves nothing about the pages the system dropped.
  store.fails_sync = false;
  EXPECT_THROW(attempt.sink.prepare_commit(id(2)), StatusError);
}

TEST_F(RollingFilesTest, StateRoundTripsAndDamageIsRefused) {
  FileSinkSnapshot snapshot{.subtask = SubtaskIndex{3},
                            .checkpoint = id(17),
                            .lineage = "abc",
                            .generation = 5,
                            .pending = {{"h1", "v1", 10, id(16), nullptr}},
                            .in_progress = {{"h2", "v2", 20, id(0), nullptr}}};
  const std::string bytes = encode_file_sink_snapshot(snapshot);
  EXPECT_EQ(encode_file_sink_snapshot(decode_file_sink_snapshot(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode_file_sink_snapshot(std::string_view(bytes).substr(0, size)), StatusError);
  }
}

}  // namespace
}  // namespace weir::detail
