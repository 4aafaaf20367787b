// SPDX-License-Identifier: Apache-2.0
// The contract of FileStore, on the machine's file system.
#include "base/posix_file_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace weir {
namespace {

class PosixFileStoreTest : public testing::Test {
 protected:
  PosixFileStoreTest() {
    std::string pattern = testing::TempDir() + "weir-files-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~PosixFileStoreTest() override { EXPECT_TRUE(store_.remove_tree(root_).is_ok()); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }

  void write(const std::string& name, std::string_view bytes) {
    auto file = store_.create(path(name), CreateMode::kTruncate);
    ASSERT_TRUE(file.is_ok()) << file.status().to_string();
    ASSERT_TRUE((*file)->append(bytes).is_ok());
    ASSERT_TRUE((*file)->close().is_ok());
  }
  std::string read(const std::string& name) { return read_file(store_, path(name)).value(); }
  StatusCode stat_code(const std::string& name) { return store_.stat(path(name)).status().code(); }

  PosixFileStore store_;
  std::string root_;
};

TEST_F(PosixFileStoreTest, WritesAndReadsBack) {
  auto file = store_.create(path("a"), CreateMode::kExclusive).value();
  EXPECT_TRUE(file->append("hello ").is_ok());
  EXPECT_TRUE(file->append("world").is_ok());
  EXPECT_TRUE(file->sync().is_ok());
  EXPECT_EQ(file->size(), 11U);
  EXPECT_TRUE(file->close().is_ok());
  EXPECT_TRUE(file->close().is_ok());
  EXPECT_EQ(read("a"), "hello world");
}

TEST_F(PosixFileStoreTest, WritingAfterCloseIsAProgrammerError) {
  auto file = store_.create(path("a"), CreateMode::kExclusive).value();
  EXPECT_TRUE(file->close().is_ok());
  EXPECT_DEATH((void)file->append("x"), "is_open");
  EXPECT_DEATH((void)file->sync(), "is_open");
}

TEST_F(PosixFileStoreTest, CreateModesDifferOnAnExistingFile) {
  write("a", "old");
  const auto exclusive = store_.create(path("a"), CreateMode::kExclusive);
  EXPECT_EQ(exclusive.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(read("a"), "old");

  auto appended = store_.create(path("a"), CreateMode::kAppend).value();
  EXPECT_EQ(appended->size(), 3U);
  EXPECT_TRUE(appended->append("er").is_ok());
  EXPECT_EQ(appended->size(), 5U);
  EXPECT_EQ(read("a"), "older");

  auto truncated = store_.create(path("a"), CreateMode::kTruncate).value();
  EXPECT_EQ(truncated->size(), 0U);
  EXPECT_EQ(read("a"), "");
}

TEST_F(PosixFileStoreTest, ReadsAtAnyOffsetAndShortOnlyAtTheEnd) {
  write("a", "0123456789");
  const auto file = store_.open(path("a")).value();
  EXPECT_EQ(file->size(), 10U);
  std::string buffer(4, '.');
  EXPECT_EQ(file->read_at(3, buffer.data(), 4).value(), 4U);
  EXPECT_EQ(buffer, "3456");
  EXPECT_EQ(file->read_at(8, buffer.data(), 4).value(), 2U);
  EXPECT_EQ(buffer, "8956");
  EXPECT_EQ(file->read_at(10, buffer.data(), 4).value(), 0U);
  EXPECT_EQ(file->read_at(1000, buffer.data(), 4).value(), 0U);
}

TEST_F(PosixFileStoreTest, RenameReplacesAndRenameNewDoesNot) {
  write("a", "A");
  write("b", "B");
  EXPECT_EQ(store_.rename_new(path("a"), path("b")).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(read("a"), "A");
  EXPECT_EQ(read("b"), "B");
  EXPECT_TRUE(store_.rename(path("a"), path("b")).is_ok());
  EXPECT_EQ(read("b"), "A");
  EXPECT_EQ(stat_code("a"), StatusCode::kNotFound);
  EXPECT_TRUE(store_.rename_new(path("b"), path("c")).is_ok());
  EXPECT_EQ(read("c"), "A");
  EXPECT_EQ(stat_code("b"), StatusCode::kNotFound);
}

TEST_F(PosixFileStoreTest, RenameFailuresNameBothPaths) {
  for (const Status& status :
       {store_.rename(path("gone"), path("to")), store_.rename_new(path("gone"), path("to"))}) {
    EXPECT_EQ(status.code(), StatusCode::kNotFound);
    EXPECT_NE(status.message().find(path("gone")), std::string::npos) << status.to_string();
    EXPECT_NE(status.message().find(path("to")), std::string::npos) << status.to_string();
  }
}

TEST_F(PosixFileStoreTest, RemoveTakesFilesAndEmptyFoldersOnly) {
  write("a", "");
  ASSERT_TRUE(store_.make_directories(path("full")).is_ok());
  write("full/x", "");
  EXPECT_TRUE(store_.remove(path("a")).is_ok());
  EXPECT_EQ(store_.remove(path("a")).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.remove(path("full")).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(store_.remove(path("full/x")).is_ok());
  EXPECT_TRUE(store_.remove(path("full")).is_ok());
  EXPECT_EQ(stat_code("full"), StatusCode::kNotFound);
}

TEST_F(PosixFileStoreTest, RemoveTreeTakesAllBelowButDoesNotFollowLinks) {
  ASSERT_TRUE(store_.make_directories(path("keep")).is_ok());
  write("keep/file", "kept");
  ASSERT_TRUE(store_.make_directories(path("tree/sub/deep")).is_ok());
  write("tree/sub/deep/f", "");
  ASSERT_EQ(::symlink(path("keep").c_str(), path("tree/sub/link").c_str()), 0);
  EXPECT_TRUE(store_.remove_tree(path("tree")).is_ok());
  EXPECT_EQ(stat_code("tree"), StatusCode::kNotFound);
  EXPECT_EQ(read("keep/file"), "kept");
  EXPECT_TRUE(store_.remove_tree(path("tree")).is_ok());
}

TEST_F(PosixFileStoreTest, MakeDirectoriesMakesThoseAboveAndAcceptsExistingOnes) {
  EXPECT_TRUE(store_.make_directories(path("x/y/z")).is_ok());
  EXPECT_TRUE(store_.make_directories(path("x/y/z")).is_ok());
  EXPECT_TRUE(store_.make_directories(path("x/y/w/")).is_ok());
  EXPECT_TRUE(store_.stat(path("x/y/w"))->is_directory);
  write("file", "");
  EXPECT_EQ(store_.make_directories(path("file")).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_.make_directories(path("file/below")).code(), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileStoreTest, ListIsSortedByNameAndTellsFoldersAndSizes) {
  write("b", "12");
  write("a", "1");
  write("B", "");
  ASSERT_TRUE(store_.make_directories(path("c")).is_ok());
  const std::vector<DirectoryEntry> expected = {
      {"B", false, 0}, {"a", false, 1}, {"b", false, 2}, {"c", true, 0}};
  EXPECT_EQ(store_.list(root_).value(), expected);
  EXPECT_EQ(store_.list(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.list(path("a")).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileStoreTest, ListShowsDanglingLinks) {
  ASSERT_EQ(::symlink("nowhere", path("link").c_str()), 0);
  ASSERT_EQ(store_.list(root_)->size(), 1U);
  EXPECT_FALSE(store_.list(root_)->front().is_special);
}

TEST_F(PosixFileStoreTest, PipesAndDevicesAreSpecialAndFilesAreNot) {
  write("file", "1");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const std::vector<DirectoryEntry> expected = {{"file", false, 1, false},
                                                {"pipe", false, 0, true}};
  EXPECT_EQ(store_.list(root_).value(), expected);
  EXPECT_TRUE(store_.stat(path("pipe"))->is_special);
  EXPECT_TRUE(store_.stat("/dev/null")->is_special);
  EXPECT_FALSE(store_.stat(path("file"))->is_special);
  EXPECT_FALSE(store_.stat(root_)->is_special);
}

TEST_F(PosixFileStoreTest, StatTellsSizeKindAndTime) {
  write("a", "123");
  const FileInfo info = store_.stat(path("a")).value();
  EXPECT_EQ(info.size, 3U);
  EXPECT_FALSE(info.is_directory);
  EXPECT_GT(info.modified, ProcessingTime(1'600'000'000'000));
  EXPECT_TRUE(store_.stat(root_)->is_directory);
}

TEST_F(PosixFileStoreTest, SyncDirectoryNeedsAFolder) {
  write("a", "");
  EXPECT_TRUE(store_.sync_directory(root_).is_ok());
  EXPECT_EQ(store_.sync_directory(path("none")).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.sync_directory(path("a")).code(), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileStoreTest, LockIsHeldByOneUntilItFalls) {
  auto lock = store_.lock(path("lock"));
  ASSERT_TRUE(lock.is_ok());
  const auto second = store_.lock(path("lock"));
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find(path("lock")), std::string::npos);
  std::move(lock).value().reset();
  EXPECT_TRUE(store_.lock(path("lock")).is_ok());
}

TEST_F(PosixFileStoreTest, FailuresNameThePathAndTheSystemsText) {
  const Status status = store_.open(path("missing")).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.domain(), ErrorDomain::kExternal);
  EXPECT_EQ(status.message(), "cannot open '" + path("missing") + "': No such file or directory");
  EXPECT_EQ(store_.create(path("no/file"), CreateMode::kTruncate).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(store_.open(root_).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFileStoreTest, FullDiskIsResourceExhausted) {
  auto file = store_.create("/dev/full", CreateMode::kTruncate);
  ASSERT_TRUE(file.is_ok());
  const Status status = (*file)->append("x");
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.retry(), RetryHint::kWithBackoff);
  EXPECT_EQ(status.message(), "cannot write '/dev/full': No space left on device");
}

TEST_F(PosixFileStoreTest, ReadFileRefusesWhatIsTooLong) {
  write("a", "12345");
  EXPECT_EQ(read_file(store_, path("a"), 5).value(), "12345");
  EXPECT_EQ(read_file(store_, path("a"), 4).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(PosixFileStoreTest, WriteFileAtomicallyLeavesOnlyTheNewContent) {
  write("a", "old");
  write("a.tmp", "left by a crash");
  EXPECT_TRUE(write_file_atomically(store_, path("a.tmp"), path("a"), "new").is_ok());
  EXPECT_EQ(read("a"), "new");
  EXPECT_EQ(stat_code("a.tmp"), StatusCode::kNotFound);
}

TEST(ErrnoStatusTest, MapsEveryErrorThatCallersTellApart) {
  const std::pair<int, StatusCode> rows[] = {{ENOENT, StatusCode::kNotFound},
                                             {EEXIST, StatusCode::kAlreadyExists},
                                             {EACCES, StatusCode::kPermissionDenied},
                                             {EPERM, StatusCode::kPermissionDenied},
                                             {EROFS, StatusCode::kPermissionDenied},
                                             {ENOSPC, StatusCode::kResourceExhausted},
                                             {EDQUOT, StatusCode::kResourceExhausted},
                                             {EMFILE, StatusCode::kResourceExhausted},
                                             {ENOTEMPTY, StatusCode::kFailedPrecondition},
                                             {EISDIR, StatusCode::kFailedPrecondition},
                                             {ENAMETOOLONG, StatusCode::kInvalidArgument},
                                             {EIO, StatusCode::kUnavailable}};
  for (const auto& [error, code] : rows) {
    EXPECT_EQ(errno_status(error, "read", "p").code(), code) << error;
  }
  EXPECT_EQ(errno_status(EIO, "read", "p").retry(), RetryHint::kWithBackoff);
  EXPECT_EQ(errno_status(EACCES, "read", "p").retry(), RetryHint::kNo);
}

TEST(ParentDirectoryTest, IsWhatLiesBeforeTheLastSlash) {
  EXPECT_EQ(parent_directory("a/b/c"), "a/b");
  EXPECT_EQ(parent_directory("/a"), "/");
  EXPECT_EQ(parent_directory("a"), ".");
}

}  // namespace
}  // namespace weir
