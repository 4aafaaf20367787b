// SPDX-License-Identifier: Apache-2.0
// Every message gets one answer or a time-out, whatever the network does to it.
#include "testing/simulation/simulated_transport.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weir::simulation {
namespace {

class CountingHandler final : public ControlHandler {
 public:
  Status handle(const ControlEnvelope&) override {
    ++handled;
    return not_found("as the test wants it");
  }
  int handled = 0;
};

class SimulatedTransportTest : public ::testing::Test {
 protected:
  SimulatedTransportTest() {
    transport_.attach(ControlAddress::job_manager(), manager_, manager_handler_, manager_executor_);
    transport_.attach(kTask, task_, task_handler_, task_executor_);
  }
  // Sends one message and returns the answers that came within ten seconds.
  std::vector<StatusCode> send() {
    auto answers = std::make_shared<std::vector<StatusCode>>();
    transport_.send(kTask, {ControlAddress::job_manager(), LeaderEpoch{1}, CancelAttempt{}},
                    [answers](const Status& status) { answers->push_back(status.code()); });
    const Nanos end = world_.now() + 10 * kSecond;
    while (world_.step(end)) {
    }
    return *answers;
  }

  static constexpr ControlAddress kTask{TaskManagerId{5}};
  SimulatedWorld world_{3};
  SimulatedProcess network_ = world_.make_process("network");
  SimulatedProcess manager_ = world_.make_process("manager");
  SimulatedProcess task_ = world_.make_process("task");
  SimulatedExecutor manager_executor_{world_, manager_};
  SimulatedExecutor task_executor_{world_, task_};
  CountingHandler manager_handler_;
  CountingHandler task_handler_;
  SimulatedTransport transport_{world_, network_};
};

TEST_F(SimulatedTransportTest, AnswerOfTheReceiverComesBack) {
  EXPECT_EQ(send(), std::vector{StatusCode::kNotFound});
  EXPECT_EQ(task_handler_.handled, 1);
}

TEST_F(SimulatedTransportTest, LostMessageTimesOut) {
  transport_.set_faults({.loss = 1.0});
  EXPECT_EQ(send(), std::vector{StatusCode::kDeadlineExceeded});
  EXPECT_EQ(task_handler_.handled, 0);
}

TEST_F(SimulatedTransportTest, LostReplyTimesOutAlthoughTheMessageArrived) {
  transport_.set_faults({.reply_lost = 1.0});
  EXPECT_EQ(send(), std::vector{StatusCode::kDeadlineExceeded});
  EXPECT_EQ(task_handler_.handled, 1);
}

TEST_F(SimulatedTransportTest, RepeatedMessageIsHandledAgainAndAnsweredOnce) {
  transport_.set_faults({.duplicate = 1.0});
  EXPECT_EQ(send(), std::vector{StatusCode::kNotFound});
  EXPECT_EQ(task_handler_.handled, 2);
}

TEST_F(SimulatedTransportTest, CutLinkLosesOneDirection) {
  transport_.cut(kTask, ControlAddress::job_manager());
  EXPECT_EQ(send(), std::vector{StatusCode::kDeadlineExceeded});
  EXPECT_EQ(task_handler_.handled, 1);
  transport_.heal_all();
  EXPECT_EQ(send(), std::vector{StatusCode::kNotFound});
}

TEST_F(SimulatedTransportTest, CrashedReceiverIsUnavailableAndCrashedSenderHearsNothing) {
  world_.crash(task_);
  EXPECT_EQ(send(), std::vector{StatusCode::kUnavailable});
  world_.crash(manager_);
  EXPECT_EQ(send(), std::vector<StatusCode>{});
}

}  // namespace
}  // namespace weir::simulation
