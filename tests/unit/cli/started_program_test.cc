// SPDX-License-Identifier: Apache-2.0
// Programs that go on by themselves, and how a running one is started again.
#include "cli/started_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/posix_file_store.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;

class StartedProgramTest : public testing::Test {
 protected:
  StartedProgramTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~StartedProgramTest() override { std::filesystem::remove_all(folder_); }

  // Waits for its end and says how it ended.
  static std::string end_of(StartedProgram& program) {
    while (!program.ended()) ::poll(nullptr, 0, 5);
    return *program.ended();
  }
  std::string printed() {
    PosixFileStore files;
    const Result<std::string> text = read_file(files, output_);
    return text.is_ok() ? *text : "";
  }
  StartedProgram started(const ProgramStart& start) {
    auto program = StartedProgram::start(start, output_);
    EXPECT_TRUE(program.is_ok()) << program.status().to_string();
    return *program;
  }

  const std::string folder_ = testing::TempDir() + "weir-started-" + std::to_string(getpid());
  const std::string output_ = folder_ + "/output";
};

TEST_F(StartedProgramTest, WhatItPrintsIsAppendedAndItsEndIsTold) {
  StartedProgram good = started({"sh", {"-c", "echo \"$0 $1\"; pwd", "a b"}, "", folder_});
  EXPECT_EQ(end_of(good), "status 0");
  EXPECT_TRUE(good.is_success());
  StartedProgram bad = started({"sh", {"-c", "echo oh >&2; echo $X; exit 3"}, "", "", {{"X=y z"}}});
  EXPECT_EQ(end_of(bad), "status 3");
  EXPECT_FALSE(bad.is_success());
  EXPECT_EQ(printed(), "a b \n" + folder_ + "\noh\ny z\n");
  EXPECT_EQ(StartedProgram::start({"/no/such/program", {}}, output_).status().code(),
            StatusCode::kNotFound);
}

TEST_F(StartedProgramTest, OneThatStandsStillGoesOnOrIsKilled) {
  const ProgramStart loop{"sh", {"-c", "while :; do echo x; done"}};
  StartedProgram program = started(loop);
  while (printed().empty()) ::poll(nullptr, 0, 5);
  program.pause();
  const std::size_t size = printed().size();
  ::poll(nullptr, 0, 20);
  EXPECT_EQ(printed().size(), size);
  EXPECT_FALSE(program.ended());
  program.go_on();
  while (printed().size() == size) ::poll(nullptr, 0, 5);
  program.pause();
  program.kill();
  EXPECT_EQ(*program.ended(), "signal 9");
  program.kill();  // once is enough
  program.pause();
}

TEST_F(StartedProgramTest, AProcessIsStartedAgainAsItWasAlsoWhenItsFileIsGone) {
  const std::string copy = folder_ + "/shell";
  std::filesystem::copy_file("/bin/sh", copy);
  const std::string script = "echo \"$0 $1 $X\"; pwd; read line < fifo";
  ASSERT_EQ(std::system(("mkfifo " + folder_ + "/fifo").c_str()), 0);
  StartedProgram first =
      started({copy, {"-c", script, "zero", ""}, "my name", folder_, {{"X=from here", "Y="}}});
  while (printed().size() < folder_.size() + 1) ::poll(nullptr, 0, 5);
  const auto start = start_of_process(first.process());
  ASSERT_TRUE(start.is_ok()) << start.status().to_string();
  EXPECT_EQ(start->path, std::filesystem::canonical(copy).string());
  EXPECT_EQ(start->start.name, "my name");
  EXPECT_EQ(start->start.arguments, (std::vector<std::string>{"-c", script, "zero", ""}));
  first.kill();
  std::filesystem::remove(copy);
  const std::string before = printed();
  StartedProgram again = started(start->start);
  while (printed().size() < 2 * before.size()) ::poll(nullptr, 0, 5);
  EXPECT_EQ(printed(), before + before);
  again.kill();
  EXPECT_FALSE(start_of_process(first.process()).is_ok());
}

}  // namespace
}  // namespace weir::cli
