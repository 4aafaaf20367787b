// SPDX-License-Identifier: Apache-2.0
// Tests of the subtask channels.
#include "taskmanager/task/subtask_channels.h"

#include <gtest/gtest.h>

#include "tests/unit/taskmanager/fake_program.h"

namespace weir {
namespace {

using testing::Journal;
using testing::ProgramBuilder;

class SubtaskChannelsTest : public ::testing::Test {
 protected:
  SubtaskChannelsTest() {
    ProgramBuilder builder(journal);
    const VertexId enumerator =
        builder.add(1, {{.name = "splits", .kind = OperatorKind::kEnumerator}});
    const VertexId reader =
        builder.add(3, {{.name = "reader", .kind = OperatorKind::kSourceReader}});
    const VertexId join = builder.add(3, {{.name = "join"}});
    builder.connect(enumerator, reader, Partitioning::kAddressed)
        .connect(reader, join, Partitioning::kForward, 0)
        .connect(reader, join, Partitioning::kHash, 1);
    program = builder.build();
  }
  AttemptId attempt(std::uint32_t vertex, std::uint32_t index) const {
    return {JobId{1}, {VertexId{vertex}, SubtaskIndex{index}}, AttemptNumber{1}};
  }
  Journal journal;
  std::shared_ptr<const Program> program;
  ChannelRegistry registry;
  MemoryBudget memory{1 << 20};
};

TEST_F(SubtaskChannelsTest, AForwardEdgeHasOneChannelAndOthersOnePerPeer) {
  const auto inputs = take_inputs(registry, *program, attempt(2, 1));
  ASSERT_EQ(inputs.size(), 4U);
  EXPECT_EQ(inputs[0].input, InputIndex{0});
  EXPECT_EQ(inputs[0].producer, "'reader' (subtask 1)");
  EXPECT_EQ(inputs[3].input, InputIndex{1});
  EXPECT_EQ(inputs[3].producer, "'reader' (subtask 2)");
  const auto outputs = take_outputs(registry, memory, *program, attempt(1, 1));
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0]->channel_count(), 1U);
  EXPECT_EQ(outputs[1]->channel_count(), 3U);
}

TEST_F(SubtaskChannelsTest, ProducerAndConsumerMeetInTheSameChannel) {
  const auto outputs = take_outputs(registry, memory, *program, attempt(1, 2));
  const auto inputs = take_inputs(registry, *program, attempt(2, 0));
  outputs[1]->send(ChannelIndex{0}, testing::batch_of({5}));
  EXPECT_FALSE(inputs[0].channel->pop().has_value());  // forward from reader 0
  EXPECT_TRUE(inputs[3].channel->pop().has_value());   // hash from reader 2
}

TEST_F(SubtaskChannelsTest, HintsGoToTheEnumeratorThatFeedsTheReader) {
  EXPECT_EQ(enumerator_of(*program, attempt(1, 2)), attempt(0, 0));
  EXPECT_EQ(enumerator_of(*program, attempt(2, 0)), std::nullopt);
}

}  // namespace
}  // namespace weir
