// SPDX-License-Identifier: Apache-2.0
// What a path means, and what is said of one that means nothing.
#include "connectors/files/file_listing.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/unit/connectors/fake_context.h"

namespace weir::detail {
namespace {

class FileListingTest : public testing::Test {
 protected:
  std::vector<std::string> found(const std::string& path) {
    const Result<std::vector<FoundFile>> files = find_files(files_, path);
    if (!files.is_ok()) return {files.status().to_string()};
    std::vector<std::string> names;
    for (const FoundFile& file : *files) {
      names.push_back(file.path.substr(folder_.path().size() + 1));
    }
    return names;
  }
  using Names = std::vector<std::string>;

  TemporaryFolder folder_;
  PosixFileStore files_;
};

TEST_F(FileListingTest, FileIsItself) {
  folder_.write("a.json", "12345");
  const Result<std::vector<FoundFile>> files = find_files(files_, folder_.path("a.json"));
  ASSERT_TRUE(files.is_ok());
  EXPECT_EQ(*files, (std::vector<FoundFile>{{folder_.path("a.json"), 5}}));
}

TEST_F(FileListingTest, FolderIsItsFilesSortedWithoutHiddenOnesAndFolders) {
  for (const char* name : {"b", "a", ".hidden", "below/c"}) folder_.write(name, "x");
  EXPECT_EQ(found(folder_.path()), (Names{"a", "b"}));
  EXPECT_EQ(found(folder_.path() + "/"), (Names{"a", "b"}));
}

TEST_F(FileListingTest, PatternMatchesInAnyPartOfThePath) {
  for (const char* name :
       {"day-1/a.json", "day-2/b.json", "day-2/c.csv", "night/d.json", "day-2/.hidden.json"}) {
    folder_.write(name, "x");
  }
  EXPECT_EQ(found(folder_.path("day-*/*.json")), (Names{"day-1/a.json", "day-2/b.json"}));
  EXPECT_EQ(found(folder_.path("*/[bc].*")), (Names{"day-2/b.json", "day-2/c.csv"}));
  EXPECT_EQ(found(folder_.path("day-?")), (Names{"day-1/a.json", "day-2/b.json", "day-2/c.csv"}));
}

TEST_F(FileListingTest, PathThatExistsIsNoPattern) {
  folder_.write("a[1].json", "x");
  folder_.write("a1.json", "x");
  EXPECT_EQ(found(folder_.path("a[1].json")), (Names{"a[1].json"}));
}

TEST_F(FileListingTest, PipesAndDevicesAreNoFiles) {
  ASSERT_EQ(::mkfifo(folder_.path("pipe").c_str(), 0600), 0);
  for (const std::string& path : {folder_.path("pipe"), std::string("/dev/null")}) {
    const Status status = find_files(files_, path).status();
    EXPECT_EQ(status.domain(), ErrorDomain::kUser);
    EXPECT_EQ(status.retry(), RetryHint::kNo);
    EXPECT_NE(status.message().find("'" + path + "'"), std::string::npos) << status.message();
  }
  folder_.write("a", "x");
  EXPECT_EQ(found(folder_.path()), Names{"a"});
  EXPECT_EQ(found(folder_.path("*")), Names{"a"});
}

TEST_F(FileListingTest, NothingThereIsAUserErrorThatNamesThePath) {
  std::filesystem::create_directory(folder_.path("empty"));
  for (const char* name : {"missing", "missing/*.json", "*.json", "empty"}) {
    const Status status = find_files(files_, folder_.path(name)).status();
    EXPECT_EQ(status.code(), StatusCode::kNotFound) << name;
    EXPECT_EQ(status.domain(), ErrorDomain::kUser) << name;
    EXPECT_EQ(status.retry(), RetryHint::kNo) << name;
    EXPECT_NE(status.message().find("'" + folder_.path(name) + "'"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace weir::detail
