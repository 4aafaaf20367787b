// SPDX-License-Identifier: Apache-2.0
// Tests of the channel registry.
#include "taskmanager/io/channel_registry.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

ChannelId id(std::uint32_t attempt, std::uint32_t edge = 0, std::uint64_t job = 1) {
  return {JobId{job}, AttemptNumber{attempt}, edge, SubtaskIndex{0}, SubtaskIndex{0}};
}

bool passes(OutputChannel& from, InputChannel& to) {
  StreamElement element = Watermark{EventTime{1}};
  return from.try_push(element) && to.pop().has_value();
}

TEST(ChannelRegistryTest, EndsOfOneIdMeetInEitherOrder) {
  ChannelRegistry registry;
  const auto input = registry.take_input(id(1));
  const auto output = registry.take_output(id(1));
  EXPECT_TRUE(passes(*output, *input));
  const auto other_output = registry.take_output(id(1, 1));
  const auto other_input = registry.take_input(id(1, 1));
  EXPECT_TRUE(passes(*other_output, *other_input));
  EXPECT_EQ(registry.waiting(), 0U);
}

TEST(ChannelRegistryTest, AttemptsDoNotMeet) {
  ChannelRegistry registry;
  const auto input = registry.take_input(id(1));
  const auto output = registry.take_output(id(2));
  EXPECT_FALSE(passes(*output, *input));
}

// B34: a late deployment of an attempt that is over.
TEST(ChannelRegistryTest, EndsTakenAfterTheAttemptClosedFindTheOtherEndClosed) {
  ChannelRegistry registry;
  registry.close_attempt(JobId{1}, AttemptNumber{2});
  EXPECT_EQ(registry.take_input(id(1))->producer_close(), ChannelClose::kCancelled);
  const auto output = registry.take_output(id(2));
  for (int i = 0; i < 100; ++i) {
    StreamElement element = Watermark{EventTime{1}};
    ASSERT_TRUE(output->try_push(element));
  }
  EXPECT_EQ(registry.take_input(id(3))->producer_close(), ChannelClose::kOpen);
}

TEST(ChannelRegistryTest, ClosingAnAttemptClosesTheEndsThatNobodyTook) {
  ChannelRegistry registry;
  const auto input = registry.take_input(id(1));
  const auto newer = registry.take_input(id(2));
  const auto other_job = registry.take_input(id(1, 0, 9));
  registry.close_attempt(JobId{1}, AttemptNumber{1});
  EXPECT_EQ(input->producer_close(), ChannelClose::kCancelled);
  EXPECT_EQ(newer->producer_close(), ChannelClose::kOpen);
  EXPECT_EQ(other_job->producer_close(), ChannelClose::kOpen);
}

TEST(ChannelRegistryTest, ClosingAnAttemptLeavesChannelsWithBothEndsAlone) {
  ChannelRegistry registry;
  const auto input = registry.take_input(id(1));
  const auto output = registry.take_output(id(1));
  registry.close_attempt(JobId{1}, AttemptNumber{1});
  EXPECT_TRUE(passes(*output, *input));
}

}  // namespace
}  // namespace weir
