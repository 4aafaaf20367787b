// SPDX-License-Identifier: Apache-2.0
// What becomes of output that nobody takes.
#include "base/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace weir {
namespace {

// Says on standard error what writing gives, and ends the process; for death tests.
[[noreturn]] void write_and_tell() {
  const Status status = write_standard_output("text");
  std::fprintf(stderr, "%s, retry %d\n", status.to_string().c_str(),
               status.retry() == RetryHint::kWithBackoff ? 1 : 0);
  std::_Exit(status.is_ok() ? 0 : 1);
}

TEST(StandardStreamsDeathTest, AFullOutputIsAnErrorThatNamesIt) {
  EXPECT_EXIT(
      {
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
        write_and_tell();
      },
      testing::ExitedWithCode(1), "standard output: No space left on device, retry 0");
}

TEST(StandardStreamsDeathTest, APipeWithoutAReaderIsAnError) {
  EXPECT_EXIT(
      {
        signal(SIGPIPE, SIG_IGN);
        int ends[2];
        if (pipe(ends) != 0) std::_Exit(2);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        write_and_tell();
      },
      testing::ExitedWithCode(1), "standard output: Broken pipe, retry 0");
}

TEST(StandardStreamsDeathTest, NoFileTakesTheNumberOfAClosedOutput) {
  EXPECT_EXIT(
      {
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        reserve_standard_streams();
        if (open("/dev/zero", O_RDWR) <= STDERR_FILENO) std::_Exit(2);
        write_and_tell();
      },
      testing::ExitedWithCode(1), "standard output: Bad file descriptor");
}

TEST(StandardStreamsDeathTest, WhatGoesToAClosedErrorOutputIsDropped) {
  EXPECT_EXIT(
      {
        close(STDERR_FILENO);
        reserve_standard_streams();
        if (write(STDERR_FILENO, "x", 1) != 1) std::_Exit(2);
        std::_Exit(open("/dev/zero", O_RDWR) > STDERR_FILENO ? 0 : 3);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StandardStreamsTest, StreamsThatAreOpenStayAsTheyAre) {
  reserve_standard_streams();
  testing::internal::CaptureStdout();
  EXPECT_TRUE(write_standard_output("a").is_ok());
  EXPECT_TRUE(write_standard_output("b\n").is_ok());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "ab\n");
}

}  // namespace
}  // namespace weir
