// SPDX-License-Identifier: Apache-2.0
// Local folders come when needed and go with their process, whatever its end.
#include "launch/local_directory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/posix_file_store.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

class LocalDirectoryTest : public ::testing::Test {
 protected:
  ~LocalDirectoryTest() override { fs::remove_all(parent_); }
  std::size_t folders() const {
    return fs::exists(parent_) ? static_cast<std::size_t>(std::distance(
                                     fs::directory_iterator(parent_), fs::directory_iterator()))
                               : 0;
  }
  PosixFileStore files_;
  const fs::path parent_ =
      fs::temp_directory_path() / ("weir-local-test-" + std::to_string(getpid()));
};

TEST_F(LocalDirectoryTest, IsMadeWhenAskedForAndDeletedWithItsOwner) {
  {
    LocalDirectory directory(files_, parent_.string());
    EXPECT_EQ(folders(), 0U);
    const Result<std::string> first = directory.next_path();
    const Result<std::string> second = directory.next_path();
    ASSERT_TRUE(first.is_ok() && second.is_ok());
    EXPECT_NE(*first, *second);
    EXPECT_TRUE(fs::is_directory(directory.path()));
    fs::create_directories(*first + "/deep");
  }
  EXPECT_EQ(folders(), 0U);
}

TEST_F(LocalDirectoryTest, WhatADeadProcessLeftIsDeletedAndWhatALiveOneHasIsNot) {
  const pid_t child = fork();
  if (child == 0) {
    // Ends without destructors, as if it were killed.
    auto* left = new LocalDirectory(files_, parent_.string());
    _exit(left->make().is_ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(folders(), 1U);
  LocalDirectory alive(files_, parent_.string());
  EXPECT_EQ(folders(), 0U);
  ASSERT_TRUE(alive.make().is_ok());
  EXPECT_EQ(folders(), 1U);
  LocalDirectory another(files_, parent_.string());
  ASSERT_TRUE(another.make().is_ok());
  EXPECT_EQ(folders(), 2U);
}

TEST_F(LocalDirectoryTest, AParentThatCannotBeIsNamedWithItsSetting) {
  LocalDirectory directory(files_, "/dev/null/folder");
  const Status status = directory.make();
  EXPECT_NE(status.message().find("/dev/null/folder"), std::string::npos) << status.to_string();
  EXPECT_NE(status.message().find("state.backend.rocksdb.localdir"), std::string::npos);
}

}  // namespace
}  // namespace weir
