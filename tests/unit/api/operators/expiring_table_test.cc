// SPDX-License-Identifier: Apache-2.0
// States with a time-to-live as a user's function sees them, and what is left of them in memory and
// in snapshots.
#include "api/operators/expiring_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/state.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/manual_clock.h"
#include "tests/unit/core/captured_state.h"
#include "types/record.h"

namespace weir {

struct ExpiringRow {
  Text text;
  std::int64_t number = 0;
};
WEIR_RECORD(ExpiringRow, text, number)

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Registry final : public StateRegistry {
 public:
  void add(StateTable& table) override { tables.push_back(&table); }
  bool is_restored() const override { return false; }
  std::vector<StateTable*> tables;
};

std::int64_t sum(std::int64_t a, std::int64_t b) { return a + b; }

class ExpiringStateTest : public ::testing::Test {
 protected:
  ExpiringStateTest() { tables_.use_clock(clock_); }

  // A call of the user's function for a record with this key.
  void call(std::int64_t key) {
    tables_.begin_call();
    key_ = key;
    tables_.set_key(key_, key_hash(key_));
  }
  void call_after(Duration duration, std::int64_t key) {
    clock_.advance(duration);
    call(key);
  }
  // The end of a batch.
  void tidy() {
    tables_.clear_key();
    table().tidy();
  }
  StateTable& table() {
    Registry registry;
    tables_.register_all(registry);
    return *registry.tables.at(0);
  }
  std::vector<CapturedEntry> snapshot() { return capture(table()).entries; }

  static std::vector<std::string> texts(const ListState<ExpiringRow>& list) {
    std::vector<std::string> result;
    for (const ExpiringRow& row : list.get()) result.emplace_back(row.text);
    return result;
  }
  static std::vector<std::int64_t> keys(const MapState<std::int64_t, ExpiringRow>& map) {
    std::vector<std::int64_t> result;
    for (const auto& entry : map.entries()) result.push_back(entry.key);
    return result;
  }

  ManualClock clock_;
  std::int64_t key_ = 0;
  KeyedStates<std::int64_t> tables_;
  States<std::int64_t> states_{tables_};
};

TEST_F(ExpiringStateTest, AValueIsThereUntilItsTimeIsOver) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(5);
  call_after(9ms, 1);
  EXPECT_EQ(state.value(), 5);
  call_after(1ms, 1);
  EXPECT_FALSE(state.has_value());
  EXPECT_EQ(state.value_or(7), 7);
  EXPECT_THROW(static_cast<void>(state.value()), std::runtime_error);
}

TEST_F(ExpiringStateTest, ReadsDoNotRenewAndWritesDo) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(5);
  call_after(6ms, 1);
  EXPECT_EQ(state.value(), 5);
  state.update([](std::int64_t& value) { value = 6; });
  call_after(6ms, 1);
  EXPECT_EQ(state.value(), 6);
  call_after(4ms, 1);
  EXPECT_FALSE(state.has_value());
}

TEST_F(ExpiringStateTest, ReadsRenewIfAskedFor) {
  const auto state = states_.value<ExpiringRow>("v", Ttl(10ms).renewed_by_reads());
  call(1);
  state.set({"a text that is long enough to lie elsewhere", 5});
  for (int i = 0; i < 5; ++i) {
    call_after(9ms, 1);
    EXPECT_EQ(state.value().text, "a text that is long enough to lie elsewhere");
    tidy();
  }
  call_after(10ms, 1);
  EXPECT_FALSE(state.has_value());
}

TEST_F(ExpiringStateTest, TimeStandsStillDuringACall) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(5);
  clock_.advance(1h);
  EXPECT_TRUE(state.has_value());
  call(2);
  call(1);
  EXPECT_FALSE(state.has_value());
}

TEST_F(ExpiringStateTest, AClockThatIsSetBackBringsNothingBack) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(5);
  call_after(10ms, 2);
  clock_.set_wall(clock_.now() - 5ms);
  call(1);
  EXPECT_FALSE(state.has_value());
}

TEST_F(ExpiringStateTest, AChangeOfWhatExpiredStartsFromNothing) {
  const auto state = states_.value<ExpiringRow>("v", Ttl(10ms));
  call(1);
  state.set({"a text that is long enough to lie elsewhere", 5});
  call_after(10ms, 1);
  state.update([](ExpiringRow& row) {
    EXPECT_TRUE(row.text.empty());
    row.number += 1;
  });
  EXPECT_EQ(state.value().number, 1);
  call_after(9ms, 1);
  EXPECT_EQ(state.value().number, 1) << "the change renewed it";
}

TEST_F(ExpiringStateTest, ReducingAndAggregatingStatesStartAnew) {
  const auto reducing = states_.reducing<std::int64_t>("r", sum, Ttl(10ms));
  const auto aggregating = states_.aggregating<std::int64_t, std::int64_t, std::int64_t>(
      "a", [](std::int64_t& held, std::int64_t item) { held += item; },
      [](std::int64_t held) { return -held; }, Ttl(20ms));
  call(1);
  reducing.add(3);
  aggregating.add(3);
  call_after(9ms, 1);
  reducing.add(4);
  aggregating.add(4);
  EXPECT_EQ(*reducing.get(), 7);
  call_after(10ms, 1);
  EXPECT_EQ(reducing.get(), nullptr);
  EXPECT_EQ(aggregating.get(), -7);
  reducing.add(5);
  EXPECT_EQ(*reducing.get(), 5);
  call_after(10ms, 1);
  EXPECT_EQ(aggregating.get(), std::nullopt);
  aggregating.add(6);
  EXPECT_EQ(aggregating.get(), -6);
}

TEST_F(ExpiringStateTest, WhatIsToBeShownIsShownUntilItIsRemoved) {
  const auto state = states_.reducing<std::int64_t>("r", sum, Ttl(10ms).shown_until_removed());
  call(1);
  state.add(3);
  call_after(10ms, 1);
  EXPECT_EQ(*state.get(), 3);
  call_after(10ms, 1);
  state.add(4);
  EXPECT_EQ(*state.get(), 7) << "what is shown is what is changed";
  call_after(9ms, 1);
  tidy();
  call(1);
  EXPECT_EQ(*state.get(), 7);
  call_after(1ms, 1);
  tidy();
  call(1);
  EXPECT_EQ(state.get(), nullptr);
}

TEST_F(ExpiringStateTest, ItemsOfAListExpireOneByOne) {
  const auto state = states_.list<ExpiringRow>("l", Ttl(10ms));
  call(1);
  state.add({"the first text is a long one", 1});
  call_after(5ms, 1);
  state.add({"the second text is a long one", 2});
  call_after(4ms, 1);
  state.add_all(std::vector<ExpiringRow>{{"third", 3}, {"fourth", 4}});
  EXPECT_EQ(state.get().size(), 4U);
  call_after(1ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("the second text is a long one", "third", "fourth"));
  call_after(5ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("third", "fourth"));
  state.add({"fifth", 5});  // moves what is left together
  EXPECT_THAT(texts(state), ElementsAre("third", "fourth", "fifth"));
  tidy();
  call_after(4ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("fifth"));
  state.update({{"sixth", 6}});
  call_after(9ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("sixth"));
  call_after(1ms, 1);
  EXPECT_TRUE(state.empty());
  EXPECT_EQ(table().entry_count(), 0U) << "the read removed it";
  state.add({"seventh", 7});
  state.clear();
  EXPECT_THAT(texts(state), IsEmpty());
}

TEST_F(ExpiringStateTest, AListRenewedByReadsLosesOnlyWhatHasExpired) {
  const auto state = states_.list<ExpiringRow>("l", Ttl(10ms).renewed_by_reads());
  call(1);
  state.add({"first", 1});
  call_after(5ms, 1);
  state.add({"second", 2});
  call_after(5ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("second"));
  call_after(9ms, 1);
  EXPECT_THAT(texts(state), ElementsAre("second"));
  call_after(10ms, 1);
  EXPECT_THAT(texts(state), IsEmpty());
}

TEST_F(ExpiringStateTest, AnItemOfTheListItselfCanBeAddedWhileOthersExpire) {
  const auto state = states_.list<ExpiringRow>("l", Ttl(10ms));
  call(1);
  for (int i = 0; i < 20; ++i) state.add({"an item that is old by then", i});
  call_after(5ms, 1);
  state.add({"an item that is young", 100});
  call_after(5ms, 1);
  state.add(state.get()[0]);
  EXPECT_THAT(texts(state), ElementsAre("an item that is young", "an item that is young"));
}

TEST_F(ExpiringStateTest, EntriesOfAMapExpireOneByOne) {
  const auto state = states_.map<std::int64_t, ExpiringRow>("m", Ttl(10ms));
  call(1);
  for (const std::int64_t key : {3, 1, 2}) state.put(key, {"a text that is long enough", key});
  call_after(5ms, 1);
  state.update(2, [](ExpiringRow& row) { row.number = 20; });
  call_after(5ms, 1);
  EXPECT_EQ(state.get(1), nullptr);
  EXPECT_FALSE(state.contains(3));
  EXPECT_EQ(state.get(2)->number, 20);
  EXPECT_FALSE(state.remove(1)) << "nobody can see it any more";
  EXPECT_EQ(state.size(), 1U);
  EXPECT_THAT(keys(state), ElementsAre(2));
  state.update(3, [](ExpiringRow& row) {
    EXPECT_TRUE(row.text.empty()) << "it starts from nothing";
    row.number += 4;
  });
  EXPECT_EQ(state.get(3)->number, 4);
  call_after(5ms, 1);
  EXPECT_THAT(keys(state), ElementsAre(3));
  EXPECT_TRUE(state.remove(3));
  EXPECT_TRUE(state.empty());
  EXPECT_EQ(table().entry_count(), 0U);
}

TEST_F(ExpiringStateTest, WhatACallWasShownStaysReadableWhenItsReadsRemoveOthers) {
  const auto state = states_.map<std::int64_t, ExpiringRow>("m", Ttl(10ms));
  call(1);
  state.put(1, {"a text that is old by then", 1});
  call_after(5ms, 1);
  state.put(2, {"a text that is young by then", 2});
  call_after(5ms, 1);
  const ExpiringRow* const shown = state.get(2);
  EXPECT_THAT(keys(state), ElementsAre(2));
  EXPECT_EQ(shown->text, "a text that is young by then");
}

TEST_F(ExpiringStateTest, AMapIsRenewedByReadsEntryByEntry) {
  const auto state = states_.map<std::int64_t, ExpiringRow>("m", Ttl(10ms).renewed_by_reads());
  call(1);
  for (const std::int64_t key : {1, 2, 3}) state.put(key, {"text", key});
  call_after(9ms, 1);
  EXPECT_NE(state.get(2), nullptr);
  call_after(9ms, 1);
  EXPECT_THAT(keys(state), ElementsAre(2));
  call_after(9ms, 1);
  EXPECT_THAT(keys(state), ElementsAre(2));
  call_after(10ms, 1);
  EXPECT_THAT(keys(state), IsEmpty());
}

TEST_F(ExpiringStateTest, AMapThatIsShownUntilRemovedLosesEntriesInTheBackground) {
  const auto state = states_.map<std::int64_t, ExpiringRow>("m", Ttl(10ms).shown_until_removed());
  call(1);
  state.put(1, {"old", 1});
  call_after(5ms, 1);
  state.put(2, {"young", 2});
  call_after(5ms, 1);
  EXPECT_THAT(keys(state), ElementsAre(1, 2));
  tidy();
  call(1);
  EXPECT_THAT(keys(state), ElementsAre(2));
}

TEST_F(ExpiringStateTest, KeysThatAreNeverUsedAgainAreRemovedAsOthersAreUsed) {
  const auto state = states_.value<ExpiringRow>("v", Ttl(10ms));
  for (std::int64_t key = 0; key < 5000; ++key) {
    call(key);
    state.set({"a text that is long enough to lie elsewhere", key});
  }
  tidy();
  EXPECT_EQ(table().entry_count(), 5000U);
  clock_.advance(10ms);
  for (std::int64_t key = 0; key < 1000; ++key) {
    call(10000 + key % 10);
    state.set({"young", key});
  }
  tidy();
  EXPECT_LT(table().entry_count(), 1600U) << "four entries are looked at for each key";
  EXPECT_GT(table().entry_count(), 500U) << "and not many more";
  for (std::int64_t key = 0; key < 1000; ++key) call(10000 + key % 10);
  tidy();
  EXPECT_EQ(table().entry_count(), 10U);
}

TEST_F(ExpiringStateTest, NothingIsLookedThroughBeforeSomethingCanHaveExpired) {
  const auto state = states_.value<std::int64_t>("v", Ttl(1000ms));
  for (std::int64_t key = 0; key < 100; ++key) {
    call(key);
    state.set(key);
  }
  tidy();  // learns how old the oldest is
  for (int i = 0; i < 999; ++i) {
    call_after(1ms, 5);
    tidy();
  }
  EXPECT_EQ(table().entry_count(), 100U);
  for (int i = 0; i < 100; ++i) call_after(1ms, 200);
  tidy();
  EXPECT_EQ(table().entry_count(), 0U);
}

TEST_F(ExpiringStateTest, ListsAndMapsShrinkInTheBackground) {
  const auto state = states_.list<std::int64_t>("l", Ttl(10ms));
  call(1);
  for (std::int64_t item = 0; item < 3; ++item) state.add(item);
  call_after(5ms, 1);
  state.add(3);
  call_after(5ms, 2);
  tidy();
  const auto entries = snapshot();
  ASSERT_EQ(entries.size(), 1U);
  ByteReader in(entries[0].value);
  EXPECT_EQ(get_item_times(in).size(), 1U);
}

TEST_F(ExpiringStateTest, SnapshotsHoldNothingThatHasExpired) {
  const auto state = states_.map<std::int64_t, std::int64_t>("m", Ttl(10ms));
  call(1);
  state.put(1, 10);
  call(2);
  state.put(2, 20);
  call_after(5ms, 1);
  state.put(3, 30);
  tables_.clear_key();
  EXPECT_EQ(snapshot().size(), 3U);
  clock_.advance(5ms);
  EXPECT_EQ(snapshot().size(), 1U) << "by the clock at the barrier, not by that of the last call";
}

TEST_F(ExpiringStateTest, ChangesTellOfWhatExpiredAsErased) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  table().track_changes(false);
  call(1);
  state.set(1);
  tables_.clear_key();
  (void)table().freeze_changes();
  call(1);
  state.set(2);
  tables_.clear_key();
  clock_.advance(10ms);
  struct Erased final : StateEntrySink {
    Status entry(std::uint32_t, ByteView, ByteView) override { return internal_error("an entry"); }
    Status erased(std::uint32_t, ByteView) override {
      ++count;
      return Status::ok();
    }
    int count = 0;
  } sink;
  const auto frozen = table().freeze_changes();
  EXPECT_EQ(frozen->expired_through(), clock_.now() - 10ms);
  EXPECT_TRUE(frozen->write(sink).is_ok());
  EXPECT_EQ(sink.count, 1);
}

TEST_F(ExpiringStateTest, HandlesSeeThroughASnapshotInTheMiddleOfAKey) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(1);
  const auto frozen = table().freeze(CheckpointId{1});
  state.set(2);
  EXPECT_EQ(state.value(), 2);
  EXPECT_EQ(capture(*frozen).entries.at(0).value.back(), 2) << "zigzag of 1";
}

TEST_F(ExpiringStateTest, ARestoredEntryGoesOnWithItsTimeAndAnExpiredOneIsDropped) {
  const auto state = states_.value<std::int64_t>("v", Ttl(10ms));
  call(1);
  state.set(1);
  call_after(5ms, 2);
  state.set(2);
  tables_.clear_key();
  const CapturedState captured = capture(table());
  clock_.advance(5ms);

  KeyedStates<std::int64_t> tables;
  tables.use_clock(clock_);
  States<std::int64_t> states(tables);
  const auto restored = states.value<std::int64_t>("v", Ttl(10ms));
  Registry registry;
  tables.register_all(registry);
  captured.restore_into(*registry.tables.at(0));
  EXPECT_EQ(registry.tables.at(0)->entry_count(), 1U);
  const std::int64_t key = 2;
  tables.set_key(key, key_hash(key));
  EXPECT_EQ(restored.value(), 2);
  clock_.advance(5ms);
  tables.begin_call();
  tables.set_key(key, key_hash(key));
  EXPECT_FALSE(restored.has_value());
}

TEST_F(ExpiringStateTest, DescriptorsSayTheTimeToLiveAndMistakesAreTold) {
  States<std::int64_t> states;
  (void)states.value<std::int64_t>("v", Ttl(1h));
  (void)states.map<std::int64_t, std::int64_t>("m", Ttl(1ms));
  (void)states.list<std::int64_t>("l");
  ASSERT_EQ(states.descriptors().size(), 3U);
  EXPECT_EQ(states.descriptors()[0].ttl, Duration(1h));
  EXPECT_EQ(states.descriptors()[1].ttl, Duration(1ms));
  EXPECT_EQ(states.descriptors()[2].ttl, std::nullopt);
  (void)states.value<std::int64_t>("w", Ttl(0ms));
  EXPECT_THAT(states.mistakes(), ElementsAre("state 'w' has a time-to-live of 0 ms"));
}

TEST_F(ExpiringStateTest, UnboundHandlesAndMissingClocksAreProgrammerErrors) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const ListState<std::int64_t> list;
  const MapState<std::int64_t, std::int64_t> map;
  EXPECT_DEATH(list.add(1), "declare\\(\\) did not bind");
  EXPECT_DEATH(static_cast<void>(map.size()), "declare\\(\\) did not bind");
  KeyedStates<std::int64_t> tables;
  States<std::int64_t> states(tables);
  EXPECT_DEATH((void)states.value<std::int64_t>("v", Ttl(1h)), "nobody gave it a clock");
}

}  // namespace
}  // namespace weir
