// SPDX-License-Identifier: Apache-2.0
// KeyRouter and the routers of whole batches.
#include "api/operators/key_router.h"

#include <gtest/gtest.h>

#include <map>

#include "api/operators/batch_routers.h"
#include "api/operators/split_assignment.h"
#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

struct Channels final : ChannelSender {
  explicit Channels(std::uint32_t channels) : count(channels) {}
  std::uint32_t channel_count() const override { return count; }
  void send(ChannelIndex channel, BatchPtr batch) override {
    sent[channel.value()].push_back(std::move(batch));
  }
  std::uint32_t count;
  std::map<std::uint32_t, std::vector<BatchPtr>> sent;
};

RouterSetup setup(std::uint32_t consumers, std::uint32_t producer = 0) {
  return {SubtaskIndex{producer}, Parallelism{consumers}, MaxParallelism{128}};
}
std::shared_ptr<TypedBatch<Reading>> readings(std::int64_t count, std::int64_t first = 0) {
  auto batch = std::make_shared<TypedBatch<Reading>>();
  for (std::int64_t i = first; i < first + count; ++i) {
    batch->append(EventTime(i), i, 10 * i, EventTime(i));
  }
  return batch;
}
using SensorRouter = detail::KeyRouter<Reading, BySensor>;

TEST(KeyRouterTest, SendsEachRowWithItsHashToTheSubtaskThatOwnsItsKeyGroup) {
  constexpr std::uint32_t kConsumers = 5;
  SensorRouter router(by_sensor(), setup(kConsumers));
  Channels channels(kConsumers);
  router.connect(channels);
  for (std::int64_t first = 0; first < 3000; first += 1000) router.consume(readings(1000, first));
  router.flush();
  std::set<std::int64_t> seen;
  for (const auto& [channel, batches] : channels.sent) {
    const KeyGroupRange owned =
        key_group_range(MaxParallelism{128}, Parallelism{kConsumers}, SubtaskIndex{channel});
    std::int64_t last = -1;
    for (const BatchPtr& batch : batches) {
      ASSERT_TRUE(batch->is_keyed());
      for (std::size_t i = 0; i < batch->size(); ++i) {
        const Reading& row = static_cast<TypedBatch<Reading>&>(*batch).rows()[i];
        EXPECT_EQ(batch->key_hashes()[i], key_hash(row.sensor));
        EXPECT_TRUE(owned.contains(key_group_of(batch->key_hashes()[i], MaxParallelism{128})));
        EXPECT_EQ(batch->times()[i], row.at);
        EXPECT_LT(last, row.sensor);  // the order of a channel is that of the input
        last = row.sensor;
        seen.insert(row.sensor);
      }
    }
  }
  EXPECT_EQ(seen.size(), 3000U);
}

TEST(KeyRouterTest, HoldsBackPartlyFilledBatchesUntilFlushed) {
  SensorRouter router(by_sensor(), setup(2));
  Channels channels(2);
  router.connect(channels);
  router.consume(readings(100));
  EXPECT_TRUE(channels.sent.empty());
  router.flush();
  EXPECT_EQ(channels.sent[0][0]->size() + channels.sent[1][0]->size(), 100U);
  router.flush();
  EXPECT_EQ(channels.sent[0].size(), 1U);
}

TEST(KeyRouterTest, SendsTheBatchItselfOnASingleChannel) {
  SensorRouter router(by_sensor(), setup(1));
  Channels channels(1);
  router.connect(channels);
  auto batch = readings(10);
  const Batch* address = batch.get();
  router.consume(std::move(batch));
  ASSERT_EQ(channels.sent[0].size(), 1U);
  EXPECT_EQ(channels.sent[0][0].get(), address);
  EXPECT_EQ(channels.sent[0][0]->key_hashes()[3], key_hash(std::int64_t{3}));
}

TEST(KeyRouterTest, LeavesABatchAloneThatOthersReadToo) {
  for (const std::uint32_t consumers : {1U, 2U}) {
    SensorRouter router(by_sensor(), setup(consumers));
    Channels channels(consumers);
    router.connect(channels);
    const auto batch = readings(10);
    router.consume(batch);
    router.flush();
    EXPECT_FALSE(batch->is_keyed());
    EXPECT_EQ(batch->rows()[9].value, 90);
    std::size_t sent = 0;
    for (const auto& [channel, batches] : channels.sent) {
      for (const BatchPtr& each : batches) {
        EXPECT_NE(each.get(), batch.get());
        sent += each->size();
      }
    }
    EXPECT_EQ(sent, 10U);
  }
}

TEST(KeyRouterTest, SharesTheTextOfItsInputAndCopiesTextOfManySmallBatches) {
  using ByAuthor = detail::KeySelector<Note, Text Note::*>;
  detail::KeyRouter<Note, ByAuthor> router(ByAuthor(&Note::author), setup(2));
  Channels channels(2);
  router.connect(channels);
  for (int i = 0; i < 40; ++i) {
    auto batch = std::make_shared<TypedBatch<Note>>();
    TextMaker text(batch->arenas());
    for (int j = 0; j < 4; ++j) {
      batch->append(EventTime(i), text.text("author number {} of them all", j),
                    text.text("note number {} of author {}, a long one", i, j), EventTime(i));
    }
    router.consume(std::move(batch));
  }
  router.flush();
  std::size_t seen = 0;
  for (const auto& [channel, batches] : channels.sent) {
    for (const BatchPtr& batch : batches) {
      EXPECT_LE(batch->arenas().size(), 9U);
      for (const Note& note : static_cast<TypedBatch<Note>&>(*batch).rows()) {
        ++seen;
        EXPECT_TRUE(note.text.view().ends_with("a long one"));
        EXPECT_TRUE(batch->arenas().contains(note.text.data()));
        EXPECT_TRUE(batch->arenas().contains(note.author.data()));
      }
    }
  }
  EXPECT_EQ(seen, 160U);
}

TEST(BatchRoutersTest, SpreadWholeBatches) {
  Channels forwarded(1);
  detail::ForwardRouter forward;
  forward.connect(forwarded);
  forward.consume(readings(1));
  EXPECT_EQ(forwarded.sent[0].size(), 1U);

  Channels balanced(3);
  detail::RebalanceRouter rebalance(setup(3, 2));
  rebalance.connect(balanced);
  for (int i = 0; i < 4; ++i) rebalance.consume(readings(1));
  EXPECT_EQ(balanced.sent[2].size(), 2U);
  EXPECT_EQ(balanced.sent[0].size(), 1U);
  EXPECT_EQ(balanced.sent[1].size(), 1U);

  Channels all(3);
  detail::BroadcastRouter broadcast(setup(3));
  broadcast.connect(all);
  broadcast.consume(readings(1));
  for (std::uint32_t channel = 0; channel < 3; ++channel) {
    EXPECT_EQ(all.sent[channel][0].get(), all.sent[0][0].get());
  }
}

TEST(SplitRouterTest, SendsEachSplitToItsReader) {
  Channels channels(2);
  detail::SplitRouter router(setup(2));
  router.connect(channels);
  auto batch = std::make_shared<TypedBatch<detail::SplitAssignment>>();
  batch->append(EventTime::none(), 1U, SourceSplit{"a", ""});
  batch->append(EventTime::none(), 0U, SourceSplit{"b", ""});
  router.consume(std::move(batch));
  router.flush();
  const auto id = [&channels](std::uint32_t channel) {
    return static_cast<TypedBatch<detail::SplitAssignment>&>(*channels.sent[channel][0])
        .rows()[0]
        .split.id;
  };
  EXPECT_EQ(id(0), "b");
  EXPECT_EQ(id(1), "a");
}

}  // namespace
}  // namespace weir::test
