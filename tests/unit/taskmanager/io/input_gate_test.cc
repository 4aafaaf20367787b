// SPDX-License-Identifier: Apache-2.0
// Tests of the input gate.
#include "taskmanager/io/input_gate.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "taskmanager/io/local_channel.h"

namespace weir {
namespace {

class InputGateTest : public ::testing::Test {
 protected:
  std::vector<GateChannel> make_channels() {
    std::vector<GateChannel> made;
    for (std::uint32_t i = 0; i < 3; ++i) {
      channels.push_back(std::make_shared<LocalChannel>());
      made.push_back(
          {InputIndex{i / 2}, channels.back(), "'source' (subtask " + std::to_string(i) + ")"});
    }
    return made;
  }
  void send(std::size_t channel, StreamElement element) {
    ASSERT_TRUE(channels[channel]->try_push(element));
  }
  void send(std::size_t channel, int count) {
    for (int i = 0; i < count; ++i) send(channel, Watermark{EventTime{i}});
  }
  // The channels of the next elements, e.g. "0120".
  std::string order() {
    std::string all;
    while (const auto received = gate.next(aligner)) {
      all += std::to_string(received->channel.value());
    }
    return all;
  }

  std::vector<std::shared_ptr<LocalChannel>> channels;
  InputGate gate{make_channels()};
  BarrierAligner aligner{3, CheckpointId{0}};
};

TEST_F(InputGateTest, ReadsChannelsInTurn) {
  send(0, 3);
  send(1, 1);
  send(2, 2);
  EXPECT_EQ(order(), "012020");
}

TEST_F(InputGateTest, TellsTheInputOfAnElement) {
  send(2, 1);
  EXPECT_EQ(gate.next(aligner)->input, InputIndex{1});
}

TEST_F(InputGateTest, LeavesOutChannelsThatAlignmentHolds) {
  send(0, 2);
  send(1, 2);
  aligner.on_barrier(ChannelIndex{0}, {CheckpointId{1}, CheckpointKind::kCheckpoint, {}});
  EXPECT_EQ(order(), "11");
  aligner.on_abort(CheckpointId{1});
  EXPECT_EQ(order(), "00");
}

TEST_F(InputGateTest, AChannelThatClosesEarlyIsAFailureThatNamesItsProducer) {
  send(1, 1);
  channels[1]->close_producer(ChannelClose::kEarly);
  EXPECT_TRUE(gate.next(aligner).has_value());
  try {
    gate.next(aligner);
    FAIL() << "no failure";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().code(), StatusCode::kUnavailable);
    EXPECT_NE(error.status().message().find("'source' (subtask 1)"), std::string::npos);
  }
}

TEST_F(InputGateTest, AProducerThatIsCancelledIsWaitedFor) {
  channels[1]->close_producer(ChannelClose::kCancelled);
  EXPECT_FALSE(gate.next(aligner).has_value());
}

TEST_F(InputGateTest, AfterTheFinalCheckpointProducersMayClose) {
  gate.expect_close();
  channels[1]->close_producer(ChannelClose::kEarly);
  EXPECT_FALSE(gate.next(aligner).has_value());
}

TEST_F(InputGateTest, ClosingLetsProducersSendIntoNothing) {
  gate.close();
  send(0, 100);
}

}  // namespace
}  // namespace weir
