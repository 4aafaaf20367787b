// SPDX-License-Identifier: Apache-2.0
// Tests of the local channel.
#include "taskmanager/io/local_channel.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/taskmanager/fake_program.h"

namespace weir {
namespace {

using testing::batch_of;
using testing::values_of;

StreamElement watermark(std::int64_t millis) { return Watermark{EventTime{millis}}; }

class LocalChannelTest : public ::testing::Test {
 protected:
  LocalChannelTest() {
    channel.set_consumer_waker(consumer);
    channel.set_producer_waker(producer);
  }
  bool push(std::int64_t millis) {
    StreamElement element = watermark(millis);
    return channel.try_push(element);
  }
  std::int64_t pop() {
    const auto element = channel.pop();
    return element ? std::get<Watermark>(*element).time.millis() : -1;
  }
  void fill() {
    for (std::size_t i = 0; i < LocalChannel::kCapacity; ++i) {
      ASSERT_TRUE(push(static_cast<std::int64_t>(i)));
    }
  }

  LocalChannel channel;
  std::shared_ptr<Waker> consumer = std::make_shared<Waker>();
  std::shared_ptr<Waker> producer = std::make_shared<Waker>();
};

TEST_F(LocalChannelTest, HandsElementsOnInOrder) {
  fill();
  for (std::size_t i = 0; i < LocalChannel::kCapacity; ++i) {
    EXPECT_EQ(pop(), static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(pop(), -1);
}

TEST_F(LocalChannelTest, AFullChannelLeavesTheElementWithItsProducer) {
  fill();
  StreamElement element = batch_of({1, 2});
  EXPECT_FALSE(channel.try_push(element));
  EXPECT_EQ(values_of(*std::get<BatchPtr>(element)), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(LocalChannelTest, MovesBatchesByPointerAndLetsGoOfThem) {
  BatchPtr batch = batch_of({1});
  const Batch* const address = batch.get();
  const std::weak_ptr<Batch> watch = batch;
  StreamElement element = std::move(batch);
  ASSERT_TRUE(channel.try_push(element));
  {
    const auto popped = channel.pop();
    EXPECT_EQ(std::get<BatchPtr>(*popped).get(), address);
    EXPECT_EQ(std::get<BatchPtr>(*popped).use_count(), 1);
  }
  EXPECT_TRUE(watch.expired());
}

TEST_F(LocalChannelTest, WakesTheConsumerOnlyAfterItFoundNothing) {
  push(1);
  EXPECT_FALSE(consumer->is_signalled());
  pop();
  EXPECT_EQ(pop(), -1);
  push(2);
  EXPECT_TRUE(consumer->take());
  push(3);
  EXPECT_FALSE(consumer->is_signalled());
}

TEST_F(LocalChannelTest, WakesTheProducerWhenHalfOfTheChannelIsFree) {
  fill();
  EXPECT_FALSE(push(99));
  while (!producer->is_signalled()) ASSERT_NE(pop(), -1);
  std::size_t left = 0;
  while (pop() != -1) ++left;
  EXPECT_EQ(left, LocalChannel::kCapacity / 2 - 1);
}

TEST_F(LocalChannelTest, DoesNotWakeAProducerThatDoesNotWait) {
  fill();
  while (pop() != -1) {
  }
  EXPECT_FALSE(producer->is_signalled());
}

TEST_F(LocalChannelTest, WhatWasSentBeforeTheProducerClosedStillArrives) {
  push(1);
  channel.close_producer(ChannelClose::kEarly);
  EXPECT_EQ(pop(), 1);
  EXPECT_EQ(pop(), -1);
  EXPECT_EQ(channel.producer_close(), ChannelClose::kEarly);
}

TEST_F(LocalChannelTest, TheFirstCloseCountsAndWakesTheConsumer) {
  EXPECT_EQ(pop(), -1);
  channel.close_producer(ChannelClose::kCancelled);
  channel.close_producer(ChannelClose::kEarly);
  EXPECT_EQ(channel.producer_close(), ChannelClose::kCancelled);
  EXPECT_TRUE(consumer->is_signalled());
}

TEST_F(LocalChannelTest, AClosedConsumerDropsWhatIsThereAndWhatComes) {
  BatchPtr batch = batch_of({1});
  const std::weak_ptr<Batch> watch = batch;
  StreamElement element = std::move(batch);
  ASSERT_TRUE(channel.try_push(element));
  channel.close_consumer();
  EXPECT_TRUE(watch.expired());
  BatchPtr late = batch_of({2});
  const std::weak_ptr<Batch> watch_late = late;
  element = std::move(late);
  EXPECT_TRUE(channel.try_push(element));
  EXPECT_TRUE(watch_late.expired());
}

TEST_F(LocalChannelTest, AProducerThatWaitsIsWokenWhenTheConsumerCloses) {
  fill();
  EXPECT_FALSE(push(99));
  channel.close_consumer();
  EXPECT_TRUE(producer->is_signalled());
  EXPECT_TRUE(push(100));
}

// A thread that sleeps until its waker rings. A lost wake-up hangs the test.
class Sleeper {
 public:
  explicit Sleeper(Waker& waker) : waker_(waker) {
    waker_.listen([this] {
      const std::lock_guard lock(mutex_);
      rung_ = true;
      bell_.notify_one();
    });
  }
  ~Sleeper() { waker_.listen({}); }
  void wait_for_ring() {
    {
      std::unique_lock lock(mutex_);
      bell_.wait(lock, [this] { return rung_; });
      rung_ = false;
    }
    waker_.take();
  }

 private:
  Waker& waker_;
  std::mutex mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
};

TEST_F(LocalChannelTest, TwoThreadsLoseNothingAndNoWakeUp) {
  constexpr std::int64_t kCount = 100000;
  std::thread sender([&] {
    Sleeper sleeper(*producer);
    for (std::int64_t i = 0; i < kCount; ++i) {
      StreamElement element = i % 3 == 0 ? watermark(i) : StreamElement(batch_of({i}));
      while (!channel.try_push(element)) sleeper.wait_for_ring();
    }
    channel.close_producer(ChannelClose::kEarly);
  });
  Sleeper sleeper(*consumer);
  std::int64_t next = 0;
  for (;;) {
    auto element = channel.pop();
    if (!element && channel.producer_close() != ChannelClose::kOpen) {
      element = channel.pop();
      if (!element) break;
    }
    if (!element) {
      sleeper.wait_for_ring();
      continue;
    }
    const auto* batch = std::get_if<BatchPtr>(&*element);
    const std::int64_t got =
        batch != nullptr ? values_of(**batch).front() : std::get<Watermark>(*element).time.millis();
    ASSERT_EQ(got, next++);
  }
  sender.join();
  EXPECT_EQ(next, kCount);
}

TEST_F(LocalChannelTest, AConsumerMayCloseWhileTheProducerSends) {
  for (int round = 0; round < 200; ++round) {
    LocalChannel shared;
    shared.set_producer_waker(producer);
    std::thread sender([&] {
      for (int i = 0; i < 100; ++i) {
        StreamElement element = batch_of({i});
        while (!shared.try_push(element)) std::this_thread::yield();
      }
    });
    for (int i = 0; i < round % 10; ++i) shared.pop();
    shared.close_consumer();
    sender.join();
  }
}

}  // namespace
}  // namespace weir
