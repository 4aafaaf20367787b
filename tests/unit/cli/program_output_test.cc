// SPDX-License-Identifier: Apache-2.0
// Programs are run to their end, and their end is told.
#include "cli/program_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using testing::HasSubstr;

TEST(ProgramOutputTest, OutputComesWholeAndArgumentsAsTheyAre) {
  EXPECT_EQ(*output_of_program("printf", {"%s|%s", "a b", "$c'\""}), "a b|$c'\"");
  const auto large = output_of_program("sh", {"-c", "head -c 3000000 /dev/zero"});
  ASSERT_TRUE(large.is_ok());
  EXPECT_EQ(large->size(), 3000000U);
}

TEST(ProgramOutputTest, FailuresAreTold) {
  EXPECT_EQ(output_of_program("/no/such/program", {}).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(output_of_program("sh", {"-c", "exit 3"}).status().message(), HasSubstr("status 3"));
  EXPECT_THAT(output_of_program("sh", {"-c", "kill -9 $$"}).status().message(),
              HasSubstr("signal 9"));
  EXPECT_EQ(output_of_program("sh", {"-c", "head -c 70000000 /dev/zero"}).status().code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace weir::cli
