// SPDX-License-Identifier: Apache-2.0
// How often a message is sent again, and when no more.
#include "jobmanager/message_sender.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <vector>

#include "testing/manual_clock.h"
#include "testing/manual_executor.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

// Answers every message with the same status.
class AnsweringTransport final : public ControlTransport {
 public:
  explicit AnsweringTransport(Executor& executor) : executor_(executor) {}
  void send(ControlAddress, ControlEnvelope envelope,
            std::function<void(Status)> on_reply) override {
    epochs.push_back(envelope.epoch);
    if (on_reply) executor_.post([on_reply, status = answer] { on_reply(status); });
  }
  Status answer;
  std::vector<LeaderEpoch> epochs;

 private:
  Executor& executor_;
};

class MessageSenderTest : public ::testing::Test {
 protected:
  void send(std::function<bool()> is_wanted = nullptr) {
    sender_->send(TaskManagerId{1}, CancelAttempt{}, std::move(is_wanted),
                  [this](const Status& status) { answer_ = status; });
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  AnsweringTransport transport_{executor_};
  std::optional<MessageSender> sender_{std::in_place, executor_, transport_, LeaderEpoch{4},
                                       RetryPolicy{}};
  std::optional<Status> answer_;
};

TEST_F(MessageSenderTest, PassesAKnownOutcomeOnAtOnce) {
  for (const Status& status : {Status::ok(), failed_precondition("stale")}) {
    transport_.answer = status;
    transport_.epochs.clear();
    send();
    executor_.advance(1min);
    EXPECT_EQ(answer_, status);
    EXPECT_EQ(transport_.epochs, std::vector<LeaderEpoch>{LeaderEpoch{4}});
  }
}

TEST_F(MessageSenderTest, RepeatsWhileTheOutcomeIsUnknown) {
  transport_.answer = unavailable("lost");
  send();
  executor_.advance(250ms);
  EXPECT_EQ(transport_.epochs.size(), 2U) << "at 0 and 100 ms";
  transport_.answer = Status::ok();
  executor_.advance(100ms);
  EXPECT_EQ(transport_.epochs.size(), 3U) << "at 300 ms";
  EXPECT_TRUE(answer_->is_ok());
}

TEST_F(MessageSenderTest, GivesUpAfterSoManyTries) {
  transport_.answer = unavailable("lost");
  send();
  executor_.advance(1min);
  EXPECT_EQ(transport_.epochs.size(), 8U);
  EXPECT_EQ(answer_->code(), StatusCode::kUnavailable);
}

TEST_F(MessageSenderTest, DoesNotRepeatWhatNobodyWantsAnyMore) {
  transport_.answer = unavailable("lost");
  bool is_wanted = true;
  send([&] { return is_wanted; });
  executor_.advance(150ms);
  is_wanted = false;
  executor_.advance(1min);
  EXPECT_EQ(transport_.epochs.size(), 2U);
  EXPECT_FALSE(answer_);
}

TEST_F(MessageSenderTest, IsSilentOnceItIsGone) {
  transport_.answer = unavailable("lost");
  send();
  executor_.advance(150ms);
  sender_.reset();
  executor_.advance(1min);
  EXPECT_EQ(transport_.epochs.size(), 2U);
  EXPECT_FALSE(answer_);
}

}  // namespace
}  // namespace weir
