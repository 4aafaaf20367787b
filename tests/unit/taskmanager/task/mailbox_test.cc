// SPDX-License-Identifier: Apache-2.0
// Tests of the mailbox.
#include "taskmanager/task/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir {
namespace {

class MailboxTest : public ::testing::Test {
 protected:
  std::size_t run_batch() {
    const std::vector<Mail> batch = mailbox.take_batch();
    for (const Mail& mail : batch) mail();
    return batch.size();
  }
  std::shared_ptr<Waker> waker = std::make_shared<Waker>();
  Mailbox mailbox{waker};
};

TEST_F(MailboxTest, RunsMailInTheOrderOfPosting) {
  std::string order;
  mailbox.post([&] { order += "a"; });
  mailbox.post([&] { order += "b"; });
  EXPECT_TRUE(mailbox.has_mail());
  EXPECT_EQ(run_batch(), 2U);
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(mailbox.has_mail());
}

TEST_F(MailboxTest, MailThatPostsMailWaitsForTheNextBatch) {
  int count = 0;
  std::function<void()> again = [&] {
    ++count;
    mailbox.post(again);
  };
  mailbox.post(again);
  EXPECT_EQ(run_batch(), 1U);
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(mailbox.has_mail());
}

TEST_F(MailboxTest, PostingWakesTheSubtask) {
  mailbox.post([] {});
  EXPECT_TRUE(waker->take());
}

TEST_F(MailboxTest, ClosingDropsWhatIsThereAndWhatComes) {
  const auto owned = std::make_shared<int>(1);
  mailbox.post([owned] { FAIL(); });
  EXPECT_EQ(owned.use_count(), 2);
  mailbox.close();
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(mailbox.post([] { FAIL(); }));
  EXPECT_FALSE(mailbox.has_mail());
}

TEST_F(MailboxTest, BeyondItsCapacityItDropsAndSaysSoOnce) {
  for (std::size_t i = 0; i < Mailbox::kCapacity; ++i) ASSERT_TRUE(mailbox.post([] {}));
  EXPECT_FALSE(mailbox.post([] {}));
  EXPECT_TRUE(mailbox.take_overflow());
  EXPECT_FALSE(mailbox.take_overflow());
  EXPECT_EQ(run_batch(), Mailbox::kCapacity);
  EXPECT_TRUE(mailbox.post([] {}));
}

TEST_F(MailboxTest, SeveralThreadsMayPostAtOnce) {
  constexpr int kEach = 5000;
  std::atomic<int> running{3};
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) ASSERT_TRUE(mailbox.post([&count] { ++count; }));
      --running;
    });
  }
  while (running > 0 || mailbox.has_mail()) run_batch();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 3 * kEach);
}

}  // namespace
}  // namespace weir
