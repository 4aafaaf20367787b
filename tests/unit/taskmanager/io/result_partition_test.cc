// SPDX-License-Identifier: Apache-2.0
// Tests of the result partition.
#include "taskmanager/io/result_partition.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/status.h"
#include "taskmanager/io/local_channel.h"
#include "tests/unit/taskmanager/fake_program.h"

namespace weir {
namespace {

using testing::batch_of;
using testing::values_of;

constexpr std::size_t kCapacity = LocalChannel::kCapacity;

class ResultPartitionTest : public ::testing::Test {
 protected:
  void make(std::size_t count, std::size_t limit = std::size_t{1} << 30) {
    memory = std::make_unique<MemoryBudget>(limit);
    std::vector<std::shared_ptr<OutputChannel>> ends;
    for (std::size_t i = 0; i < count; ++i) {
      channels.push_back(std::make_shared<LocalChannel>());
      ends.push_back(channels.back());
    }
    partition = std::make_unique<ResultPartition>(std::move(ends), *memory, "alerts");
  }
  void send(std::uint32_t channel, std::int64_t value) {
    partition->send(ChannelIndex{channel}, batch_of({value}));
  }
  // The next value, minus the watermark, or 0 if there is nothing.
  std::int64_t pop(std::size_t channel) {
    const auto element = channels[channel]->pop();
    if (!element) return 0;
    const auto* batch = std::get_if<BatchPtr>(&*element);
    return batch != nullptr ? values_of(**batch).front()
                            : -std::get<Watermark>(*element).time.millis();
  }

  std::unique_ptr<MemoryBudget> memory;
  std::vector<std::shared_ptr<LocalChannel>> channels;
  std::unique_ptr<ResultPartition> partition;
};

TEST_F(ResultPartitionTest, SendsOnOneChannelAndBroadcastsOnAll) {
  make(2);
  send(1, 7);
  partition->broadcast(Watermark{EventTime{3}});
  EXPECT_EQ(pop(0), -3);
  EXPECT_EQ(pop(1), 7);
  EXPECT_EQ(pop(1), -3);
}

TEST_F(ResultPartitionTest, WithoutRoomElementsQueueInOrderAndNoRecordPassesAWatermark) {
  make(1);
  for (std::int64_t i = 1; i <= 20; ++i) {
    send(0, i);
    if (i == 10) partition->broadcast(Watermark{EventTime{10}});
  }
  EXPECT_FALSE(partition->has_room());
  EXPECT_EQ(partition->queued_elements(), 21 - kCapacity);
  std::vector<std::int64_t> all;
  for (int i = 0; i < 100; ++i) {
    if (const std::int64_t value = pop(0); value != 0) all.push_back(value);
    if (i % 3 == 0) partition->drain();
  }
  std::vector<std::int64_t> want;
  for (std::int64_t i = 1; i <= 20; ++i) {
    want.push_back(i);
    if (i == 10) want.push_back(-10);
  }
  EXPECT_EQ(all, want);
  EXPECT_TRUE(partition->has_room());
}

TEST_F(ResultPartitionTest, OneFullChannelDoesNotHoldUpTheOthers) {
  make(2);
  for (std::int64_t i = 1; i <= 10; ++i) send(0, i);
  send(1, 5);
  EXPECT_EQ(pop(1), 5);
  EXPECT_FALSE(partition->has_room());
}

TEST_F(ResultPartitionTest, AQueueIsNotOvertakenByWhatIsSentOnceThereIsRoom) {
  make(1);
  for (std::int64_t i = 1; i <= 10; ++i) send(0, i);
  for (std::int64_t i = 1; i <= 5; ++i) EXPECT_EQ(pop(0), i);
  send(0, 11);
  for (std::int64_t i = 6; i <= 8; ++i) EXPECT_EQ(pop(0), i);
  partition->drain();
  for (std::int64_t i = 9; i <= 11; ++i) EXPECT_EQ(pop(0), i);
}

TEST_F(ResultPartitionTest, WhatWaitsIsChargedToTheMemoryBudgetAndGivenBack) {
  make(1);
  for (std::size_t i = 0; i < kCapacity; ++i) send(0, 1);
  EXPECT_EQ(memory->used(), 0U);
  send(0, 1);
  EXPECT_GT(memory->used(), batch_of({1})->memory_bytes());
  pop(0);
  partition->drain();
  EXPECT_EQ(memory->used(), 0U);
}

TEST_F(ResultPartitionTest, BeyondTheMemoryBudgetItFailsAndNamesTheOperator) {
  make(1, 100);
  for (std::size_t i = 0; i < kCapacity; ++i) send(0, 1);
  try {
    send(0, 1);
    FAIL() << "no failure";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().code(), StatusCode::kResourceExhausted);
    EXPECT_NE(error.status().message().find("'alerts'"), std::string::npos);
  }
  EXPECT_EQ(memory->used(), 0U);
}

TEST_F(ResultPartitionTest, ClosingDropsWhatWaitsAndGivesItsMemoryBack) {
  make(2);
  for (std::int64_t i = 1; i <= 20; ++i) send(0, i);
  partition->close(ChannelClose::kCancelled);
  EXPECT_EQ(memory->used(), 0U);
  EXPECT_EQ(channels[0]->producer_close(), ChannelClose::kCancelled);
  EXPECT_EQ(channels[1]->producer_close(), ChannelClose::kCancelled);
}

TEST_F(ResultPartitionTest, OneThatIsDestroyedOpenClosesItsChannelsAsEarly) {
  make(1);
  for (std::int64_t i = 1; i <= 20; ++i) send(0, i);
  partition.reset();
  EXPECT_EQ(channels[0]->producer_close(), ChannelClose::kEarly);
  EXPECT_EQ(memory->used(), 0U);
}

// I4: each channel is first in, first out, and all consumers see a watermark at the same place.
TEST_F(ResultPartitionTest, RandomSendingAndReadingKeepsEveryChannelInOrder) {
  make(3);
  Rng rng(1);
  std::vector<std::vector<std::int64_t>> sent(3), got(3);
  for (std::int64_t i = 1; i < 5000; ++i) {
    const auto channel = static_cast<std::uint32_t>(rng.uniform(3));
    if (rng.chance(0.2)) {
      partition->broadcast(Watermark{EventTime{i}});
      for (auto& values : sent) values.push_back(-i);
    } else {
      send(channel, i);
      sent[channel].push_back(i);
    }
    if (rng.chance(0.3)) partition->drain();
    for (std::size_t reads = rng.uniform(6); reads > 0; --reads) {
      const std::size_t from = rng.uniform(3);
      if (const std::int64_t value = pop(from); value != 0) got[from].push_back(value);
    }
  }
  for (int i = 0; i < 2000; ++i) {
    partition->drain();
    for (std::size_t from = 0; from < 3; ++from) {
      if (const std::int64_t value = pop(from); value != 0) got[from].push_back(value);
    }
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(memory->used(), 0U);
}

}  // namespace
}  // namespace weir
