// SPDX-License-Identifier: Apache-2.0
// weir gc: what it deletes, and what it must not.
#include "cli/gc_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/faulty_file_store.h"
#include "testing/memory_file_store.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Storage = std::unique_ptr<DirectoryCheckpointStorage>;

constexpr const char* kRoot = "/weir-gc/checkpoints";

class GcCommandTest : public testing::Test {
 protected:
  int run(std::vector<std::string> arguments, FileStore* files = nullptr) {
    out_.str("");
    error_.str("");
    const CommandContext context{files == nullptr ? files_ : *files, out_, error_};
    int status = -1;
    CLI::App app;
    add_gc_command(app, context, status);
    arguments.insert(arguments.begin(), "gc");
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      error_ << error.what();
      return kUnusable;
    }
    return status;
  }
  std::string out() const { return out_.str(); }
  std::string error() const { return error_.str(); }

  Storage open(const std::string& job) {
    auto storage = DirectoryCheckpointStorage::open(files_, kRoot, job);
    EXPECT_TRUE(storage.is_ok()) << storage.status().to_string();
    return std::move(storage).value();
  }
  StateRun run_of(DirectoryCheckpointStorage& storage, std::uint64_t id) {
    const auto file = storage.writer(CheckpointId{id})->create_run("op-0");
    EXPECT_TRUE((*file)->append(std::string(30000, 'r')).is_ok());
    return StateRun{*(*file)->finish(), HashRange{}};
  }
  // Takes a checkpoint with a file of its own, and these runs.
  void take(DirectoryCheckpointStorage& storage, std::uint64_t id, std::vector<StateRun> runs) {
    ASSERT_TRUE(storage.begin(CheckpointId{id}).is_ok());
    const auto handle = storage.writer(CheckpointId{id})->write("op-1", std::string(30000, 's'));
    publish(storage, id, {StateHandle{{}, std::move(runs)}, *handle});
  }
  static CheckpointMetadata metadata_of(std::uint64_t id, std::vector<StateHandle> handles) {
    CheckpointMetadata metadata;
    metadata.job_name = "job";
    metadata.id = CheckpointId{id};
    metadata.operators = {{OperatorId{"op"}, "op", MaxParallelism{128}, {}, std::move(handles)}};
    return metadata;
  }
  static void publish(DirectoryCheckpointStorage& storage, std::uint64_t id,
                      std::vector<StateHandle> handles) {
    ASSERT_TRUE(storage.publish(metadata_of(id, std::move(handles))).is_ok());
  }
  void put(const std::string& path, std::size_t bytes) {
    const auto file = files_.create(path, CreateMode::kTruncate);
    ASSERT_TRUE(file.is_ok()) << file.status().to_string();
    ASSERT_TRUE((*file)->append(std::string(bytes, 'x')).is_ok());
  }
  bool is_there(const std::string& path) { return files_.stat(path).is_ok(); }
  static std::string in(const std::string& path) { return std::string(kRoot) + "/" + path; }

  MemoryFileStore files_;
  std::ostringstream out_;
  std::ostringstream error_;
};

TEST_F(GcCommandTest, DeletesWhatNoCompletedCheckpointNeedsAndNothingElse) {
  Storage storage = open("job");
  const StateRun kept = run_of(*storage, 1);
  const StateRun lost = run_of(*storage, 2);
  take(*storage, 3, {kept});
  ASSERT_TRUE(storage->begin(CheckpointId{4}).is_ok());  // was never completed
  put(in("job/chk-4/op-0"), 100);
  put(in("job/chk-3/_metadata.tmp-1"), 10);
  put(in("job/chk-3/op-late"), 20);
  put(in("job/notes"), 5);
  ASSERT_TRUE(storage->begin(CheckpointId{5}).is_ok());
  put(in("job/chk-5/op-0"), 200);
  storage.reset();

  EXPECT_EQ(run({"--dry-run", kRoot}), kNo) << error();
  const std::string said = out();
  EXPECT_THAT(said, HasSubstr(in("job/runs/2-op-0") + "  30000 bytes  a run that no completed"));
  EXPECT_THAT(said, HasSubstr(in("job/chk-4") + "  100 bytes  a checkpoint that was never"));
  EXPECT_THAT(said, HasSubstr(in("job/chk-3/_metadata.tmp-1") + "  10 bytes  metadata that"));
  EXPECT_THAT(said, HasSubstr(in("job/chk-3/op-late") + "  20 bytes  no part of"));
  EXPECT_THAT(said, HasSubstr(in("job/chk-5/op-0") + "  200 bytes  of a checkpoint that was"));
  EXPECT_THAT(said, HasSubstr("5 entries, 30330 bytes, would be deleted\n"));
  EXPECT_TRUE(is_there(lost.file.path));

  EXPECT_EQ(run({kRoot}), kOk) << error();
  EXPECT_THAT(out(), HasSubstr("5 entries, 30330 bytes, deleted\n"));
  EXPECT_FALSE(is_there(lost.file.path) || is_there(in("job/chk-4")));
  EXPECT_TRUE(is_there(kept.file.path) && is_there(in("job/notes")));
  EXPECT_EQ(run({"--dry-run", kRoot}), kOk) << out();
  // The job goes on from it, with an id that was never used (C1).
  storage = open("job");
  EXPECT_TRUE(storage->read(in("job/chk-3")).is_ok());
  EXPECT_EQ(storage->highest_id()->value(), 5U);
}

TEST_F(GcCommandTest, OfAJobThatRunsNothingIsDeleted) {
  const Storage storage = open("job");
  const StateRun lost = run_of(*storage, 2);
  ASSERT_TRUE(storage->begin(CheckpointId{3}).is_ok());
  EXPECT_EQ(run({kRoot}), kOk);
  EXPECT_THAT(out(), HasSubstr("left alone  " + in("job") + ": its job runs\n0 entries"));
  EXPECT_TRUE(is_there(lost.file.path) && is_there(in("job/chk-3")));
}

TEST_F(GcCommandTest, WhatACheckpointOfAnotherJobNeedsStays) {
  Storage one = open("one");
  const StateRun run_of_one = run_of(*one, 1);
  one.reset();
  Storage two = open("two");
  take(*two, 1, {run_of_one});
  // Also of a job that runs.
  EXPECT_EQ(run({"--dry-run", kRoot}), kOk) << out();
  two.reset();
  EXPECT_EQ(run({"--dry-run", in("one"), in("two"), in("one/")}), kOk) << out();
  // Nobody is told of the other one.
  EXPECT_EQ(run({"--dry-run", in("one")}), kNo) << out();
}

TEST_F(GcCommandTest, MetadataThatCannotBeReadIsNamedAndNothingIsDeleted) {
  Storage storage = open("job");
  const StateRun lost = run_of(*storage, 1);
  take(*storage, 2, {});
  storage.reset();
  put(in("job/chk-2/_metadata"), 40);
  EXPECT_EQ(run({kRoot}), kUnusable);
  EXPECT_THAT(error(), AllOf(HasSubstr(in("job/chk-2")), HasSubstr("nothing is deleted")));
  EXPECT_TRUE(is_there(lost.file.path));
  FaultyFileStore faulty(files_, 1);
  faulty.fail_next({FileOperation::kOpen, "chk-2/_metadata", permission_denied("no")});
  EXPECT_EQ(run({kRoot}, &faulty), kUnusable);
  EXPECT_TRUE(is_there(lost.file.path));
  EXPECT_EQ(run({"/weir-gc/nowhere"}), kUnusable);
  EXPECT_EQ(run({in("job/chk-2")}), kUnusable);
  EXPECT_THAT(error(), HasSubstr("is a single checkpoint"));
  EXPECT_EQ(run({"--retain", "0", kRoot}), kUnusable);
}

TEST_F(GcCommandTest, SavepointsThatDiedIncompleteGoAndOthersStay) {
  const std::string dead = "/weir-gc/savepoints/savepoint-a-1";
  const std::string taken = "/weir-gc/savepoints/savepoint-b-1";
  const std::string complete = "/weir-gc/savepoints/savepoint-c-2";
  const std::string unknown = "/weir-gc/savepoints/savepoint-d-1";
  Storage died = open("died");
  ASSERT_TRUE(died->begin_savepoint(CheckpointId{1}, dead).is_ok());
  put(dead + "/op-0", 300);
  died.reset();
  const Storage runs = open("runs");
  ASSERT_TRUE(runs->begin_savepoint(CheckpointId{1}, taken).is_ok());
  ASSERT_TRUE(runs->begin_savepoint(CheckpointId{2}, complete).is_ok());
  ASSERT_TRUE(runs->publish_savepoint(metadata_of(2, {}), complete).is_ok());
  put(complete + "/mine", 1);
  ASSERT_TRUE(files_.make_directories(unknown).is_ok());
  ASSERT_TRUE(files_.make_directories("/weir-gc/savepoints/photos").is_ok());

  EXPECT_EQ(run({"/weir-gc/savepoints"}), kOk) << error();
  EXPECT_THAT(out(), AllOf(HasSubstr(dead + "  300 bytes  a savepoint that was never completed\n"),
                           HasSubstr(taken + ": a running job is taking it"),
                           HasSubstr(unknown + ": it has no _metadata"),
                           HasSubstr("1 entry, 300 bytes, deleted")));
  EXPECT_FALSE(is_there(dead));
  for (const std::string& path : {taken, complete + "/mine", unknown}) {
    EXPECT_TRUE(is_there(path)) << path;
  }
}

TEST_F(GcCommandTest, OnlyWithRetainAreCompletedCheckpointsDeletedAndTheNewestStay) {
  Storage storage = open("job");
  const StateRun first = run_of(*storage, 1);
  const StateRun shared = run_of(*storage, 2);
  take(*storage, 2, {first, shared});
  take(*storage, 3, {shared});
  take(*storage, 4, {shared});
  storage.reset();
  EXPECT_EQ(run({"--dry-run", kRoot}), kOk);
  EXPECT_EQ(run({"--retain", "2", kRoot}), kOk);
  EXPECT_THAT(out(), AllOf(HasSubstr(in("job/chk-2") + "  "), HasSubstr("superfluous"),
                           HasSubstr(in("job/runs/1-op-0")), Not(HasSubstr("chk-3"))));
  EXPECT_FALSE(is_there(in("job/chk-2")) || is_there(first.file.path));
  storage = open("job");
  EXPECT_TRUE(storage->read(in("job/chk-3")).is_ok());
  EXPECT_TRUE(storage->read(in("job/chk-4")).is_ok());
}

TEST_F(GcCommandTest, WhatCannotBeDeletedIsToldAndTheRestIsDeleted) {
  Storage storage = open("job");
  run_of(*storage, 1);
  run_of(*storage, 2);
  storage.reset();
  FaultyFileStore faulty(files_, 1);
  faulty.fail_next({FileOperation::kRemove, "runs/1-op-0", permission_denied("not this one")});
  faulty.fail_next({FileOperation::kRemove, "runs/1-op-0", permission_denied("not this one")});
  EXPECT_EQ(run({kRoot}, &faulty), kUnusable);
  EXPECT_THAT(error(), HasSubstr("not this one"));
  EXPECT_TRUE(is_there(in("job/runs/1-op-0")));
  EXPECT_FALSE(is_there(in("job/runs/2-op-0")));
}

}  // namespace
}  // namespace weir::cli
