// SPDX-License-Identifier: Apache-2.0
// Tests of the barrier aligner.
#include "taskmanager/io/barrier_aligner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"

namespace weir {
namespace {

CheckpointBarrier barrier(std::uint64_t id) {
  return {CheckpointId{id}, CheckpointKind::kCheckpoint, ProcessingTime{0}};
}

// "taken 2", "given up 1", "given up 1, taken 2" or nothing.
std::string text(const BarrierAligner::Outcome& outcome) {
  std::string result;
  if (outcome.given_up) result = "given up " + to_string(*outcome.given_up);
  if (outcome.aligned) {
    result += (result.empty() ? "" : ", ") + ("taken " + to_string(outcome.aligned->id));
  }
  return result;
}

class Gate {
 public:
  explicit Gate(std::size_t channels, std::uint64_t newest = 0)
      : aligner(channels, CheckpointId{newest}) {}
  std::string barrier(std::uint32_t channel, std::uint64_t id) {
    return text(aligner.on_barrier(ChannelIndex{channel}, weir::barrier(id)));
  }
  std::string end(std::uint32_t channel) { return text(aligner.on_end(ChannelIndex{channel})); }
  std::string abort(std::uint64_t id) { return text(aligner.on_abort(CheckpointId{id})); }
  bool blocked(std::uint32_t channel) const { return aligner.is_blocked(ChannelIndex{channel}); }

  BarrierAligner aligner;
};

TEST(BarrierAlignerTest, HoldsChannelUntilEveryBarrierArrived) {
  Gate gate(3);
  EXPECT_EQ(gate.barrier(0, 1), "");
  EXPECT_TRUE(gate.blocked(0));
  EXPECT_FALSE(gate.blocked(1));
  EXPECT_EQ(gate.barrier(2, 1), "");
  EXPECT_EQ(gate.barrier(1, 1), "taken 1");
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_FALSE(gate.blocked(i));
}

TEST(BarrierAlignerTest, OneChannelIsAlignedAtOnce) {
  Gate gate(1);
  EXPECT_EQ(gate.barrier(0, 1), "taken 1");
  EXPECT_EQ(gate.barrier(0, 2), "taken 2");
}

// B1.
TEST(BarrierAlignerTest, AnEndThatComesLastCompletesTheAlignment) {
  Gate gate(2);
  gate.barrier(0, 1);
  EXPECT_EQ(gate.end(1), "taken 1");
  EXPECT_FALSE(gate.blocked(0));
}

// B1.
TEST(BarrierAlignerTest, AnEndThatCameFirstCountsForEveryCheckpoint) {
  Gate gate(3);
  EXPECT_EQ(gate.end(1), "");
  EXPECT_EQ(gate.barrier(0, 1), "");
  EXPECT_EQ(gate.barrier(2, 1), "taken 1");
  EXPECT_EQ(gate.barrier(2, 2), "");
  EXPECT_EQ(gate.barrier(0, 2), "taken 2");
}

TEST(BarrierAlignerTest, BarriersThatFollowAnEndSayNothingWhileOthersLive) {
  Gate gate(2);
  gate.end(0);
  EXPECT_EQ(gate.barrier(0, 1), "");
  EXPECT_FALSE(gate.blocked(0));
  EXPECT_EQ(gate.barrier(1, 1), "taken 1");
  EXPECT_EQ(gate.barrier(0, 2), "");
  EXPECT_EQ(gate.aligner.barriers_dropped(), 0U);
}

TEST(BarrierAlignerTest, WhenAllHaveEndedTheFirstBarrierTakesTheCheckpoint) {
  Gate gate(2);
  gate.end(0);
  gate.end(1);
  EXPECT_EQ(gate.barrier(1, 1), "taken 1");
  EXPECT_EQ(gate.barrier(0, 1), "");
  EXPECT_EQ(gate.barrier(0, 2), "taken 2");
  EXPECT_EQ(gate.barrier(1, 2), "");
  EXPECT_EQ(gate.aligner.barriers_dropped(), 0U);
}

// B2.
TEST(BarrierAlignerTest, ALateBarrierIsDropped) {
  Gate gate(2);
  gate.barrier(0, 1);
  EXPECT_EQ(gate.abort(1), "given up 1");
  EXPECT_FALSE(gate.blocked(0));
  EXPECT_EQ(gate.barrier(1, 1), "");
  EXPECT_FALSE(gate.blocked(1));
  EXPECT_EQ(gate.aligner.barriers_dropped(), 1U);
}

// B2: A's barrier 1 was dropped on its way, B's was not.
TEST(BarrierAlignerTest, AnOvertakenBarrierDoesNotDisturbTheAlignment) {
  Gate gate(2);
  EXPECT_EQ(gate.barrier(0, 2), "");
  EXPECT_EQ(gate.barrier(1, 1), "");
  EXPECT_FALSE(gate.blocked(1));
  EXPECT_TRUE(gate.blocked(0));
  EXPECT_EQ(gate.barrier(1, 2), "taken 2");
}

TEST(BarrierAlignerTest, ANewerBarrierGivesUpTheAlignment) {
  Gate gate(3);
  gate.barrier(0, 1);
  gate.barrier(1, 1);
  EXPECT_EQ(gate.barrier(2, 2), "given up 1");
  EXPECT_FALSE(gate.blocked(0));
  EXPECT_TRUE(gate.blocked(2));
  EXPECT_EQ(gate.barrier(0, 2), "");
  EXPECT_EQ(gate.barrier(1, 2), "taken 2");
}

TEST(BarrierAlignerTest, ANewerBarrierMayGiveUpOneAndCompleteTheOther) {
  Gate gate(2);
  gate.barrier(0, 1);
  gate.aligner.on_abort(CheckpointId{0});
  EXPECT_EQ(gate.barrier(1, 2), "given up 1");
  EXPECT_EQ(gate.end(0), "taken 2");
}

// B3: the abort came before any barrier.
TEST(BarrierAlignerTest, AnAbortedCheckpointNeverStarts) {
  Gate gate(2);
  EXPECT_EQ(gate.abort(3), "");
  EXPECT_EQ(gate.barrier(0, 3), "");
  EXPECT_EQ(gate.barrier(1, 2), "");
  EXPECT_EQ(gate.barrier(0, 4), "");
  EXPECT_EQ(gate.barrier(1, 4), "taken 4");
}

TEST(BarrierAlignerTest, AnAbortOfAnOlderCheckpointLeavesTheAlignment) {
  Gate gate(2);
  gate.barrier(0, 5);
  EXPECT_EQ(gate.abort(4), "");
  EXPECT_EQ(gate.barrier(1, 5), "taken 5");
}

TEST(BarrierAlignerTest, OnlyCheckpointsAfterTheRestoredOneAreTaken) {
  Gate gate(1, 7);
  EXPECT_EQ(gate.barrier(0, 7), "");
  EXPECT_EQ(gate.barrier(0, 8), "taken 8");
}

// The rules as a restatement over sets, without blocking or counters.
struct Model {
  std::size_t channels;
  std::uint64_t newest = 0;
  std::uint64_t current = 0;  // 0: none
  std::set<std::uint32_t> arrived = {};
  std::set<std::uint32_t> ended = {};

  std::string decide(std::string before) {
    std::set<std::uint32_t> aligned = ended;
    aligned.insert(arrived.begin(), arrived.end());
    if (current == 0 || aligned.size() < channels) return before;
    newest = current;
    current = 0;
    arrived.clear();
    return before + (before.empty() ? "" : ", ") + "taken " + std::to_string(newest);
  }
  std::string barrier(std::uint32_t channel, std::uint64_t id) {
    const bool says_nothing = ended.contains(channel) && ended.size() < channels;
    if (says_nothing || id <= newest || id < current) return "";
    std::string result;
    if (current != 0 && id > current) {
      result = "given up " + std::to_string(current);
      newest = current;
      arrived.clear();
    }
    current = id;
    arrived.insert(channel);
    return decide(result);
  }
  std::string end(std::uint32_t channel) {
    ended.insert(channel);
    return decide("");
  }
  std::string abort(std::uint64_t id) {
    std::string result;
    if (current != 0 && current <= id) {
      result = "given up " + std::to_string(current);
      current = 0;
      arrived.clear();
    }
    newest = std::max(newest, id);
    return result;
  }
};

// Each channel carries some of the barriers 1 to 4 in order, and an end somewhere; channels are
// read in any order that alignment allows, with aborts between.
void run_random_history(std::uint64_t seed) {
  Rng rng(seed);
  const auto count = static_cast<std::uint32_t>(1 + rng.uniform(6));
  std::vector<std::vector<std::uint64_t>> queues(count);  // 0 is the end
  for (auto& queue : queues) {
    for (std::uint64_t id = 1; id <= 4; ++id) {
      if (!rng.chance(0.15)) queue.push_back(id);
    }
    if (rng.chance(0.5)) {
      queue.insert(queue.begin() + static_cast<std::ptrdiff_t>(rng.uniform(queue.size() + 1)), 0);
    }
  }
  Gate gate(count);
  Model model{count};
  for (int i = 0; i < 200; ++i) {
    if (rng.chance(0.05)) {
      const std::uint64_t id = rng.uniform(5);
      ASSERT_EQ(gate.abort(id), model.abort(id)) << "seed " << seed;
    }
    const auto channel = static_cast<std::uint32_t>(rng.uniform(count));
    ASSERT_EQ(gate.blocked(channel), model.arrived.contains(channel)) << "seed " << seed;
    if (gate.blocked(channel) || queues[channel].empty()) continue;
    const std::uint64_t next = queues[channel].front();
    queues[channel].erase(queues[channel].begin());
    const std::string got = next == 0 ? gate.end(channel) : gate.barrier(channel, next);
    const std::string want = next == 0 ? model.end(channel) : model.barrier(channel, next);
    ASSERT_EQ(got, want) << "seed " << seed << " step " << i;
  }
}

TEST(BarrierAlignerTest, AgreesWithTheModelOnRandomHistories) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    run_random_history(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// Every order in which two barriers and an end per channel can arrive, for two and three channels.
void visit_orders(std::vector<std::size_t>& read,
                  const std::vector<std::vector<std::uint64_t>>& queues, const Gate& gate,
                  const Model& model, std::size_t* orders) {
  bool any = false;
  for (std::uint32_t channel = 0; channel < queues.size(); ++channel) {
    if (read[channel] == queues[channel].size() || gate.blocked(channel)) continue;
    any = true;
    Gate next_gate = gate;
    Model next_model = model;
    const std::uint64_t next = queues[channel][read[channel]];
    ASSERT_EQ(next == 0 ? next_gate.end(channel) : next_gate.barrier(channel, next),
              next == 0 ? next_model.end(channel) : next_model.barrier(channel, next));
    ++read[channel];
    visit_orders(read, queues, next_gate, next_model, orders);
    --read[channel];
    if (::testing::Test::HasFatalFailure()) return;
  }
  if (any) return;
  ++*orders;
  for (std::size_t channel = 0; channel < queues.size(); ++channel) {
    ASSERT_EQ(read[channel], queues[channel].size()) << "an alignment never completes";
  }
  ASSERT_EQ(gate.aligner.newest(), CheckpointId{2});
}

TEST(BarrierAlignerTest, EveryOrderOfBarriersAndEndsCompletesBothCheckpoints) {
  const std::vector<std::vector<std::uint64_t>> ways = {{1, 2}, {0, 1, 2}, {1, 0, 2}, {1, 2, 0}};
  std::size_t orders = 0;
  for (const auto& first : ways) {
    for (const auto& second : ways) {
      for (const auto& third : ways) {
        std::vector<std::size_t> read(3);
        visit_orders(read, {first, second, third}, Gate(3), Model{3}, &orders);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(orders, 10000U);
}

}  // namespace
}  // namespace weir
