// SPDX-License-Identifier: Apache-2.0
// The handles of keyed state: what a user's function sees, and what a snapshot holds of it.
#include <gtest/gtest.h>
#include <weir/state.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/unit/core/captured_state.h"
#include "types/record.h"

namespace weir {

struct StateRow {
  Text text;
  std::int64_t number = 0;
};
WEIR_RECORD(StateRow, text, number)

namespace {

// Keeps what is registered, as the backend does.
class FakeRegistry final : public StateRegistry {
 public:
  void add(StateTable& table) override { tables.push_back(&table); }
  bool is_restored() const override { return false; }
  std::vector<StateTable*> tables;
};

class KeyedStateTest : public testing::Test {
 protected:
  void set_key(std::int64_t key) {
    key_ = key;
    tables_.set_key(key_, key_hash(key_));
  }
  void tidy() {
    for (StateTable* table : registry().tables) {
      table->tidy();
    }
  }
  FakeRegistry registry() {
    FakeRegistry registry;
    tables_.register_all(registry);
    return registry;
  }

  std::int64_t key_ = 0;
  KeyedStates<std::int64_t> tables_;
  States<std::int64_t> states_{tables_};
};

TEST_F(KeyedStateTest, ValueBelongsToItsKey) {
  const ValueState<std::int64_t> state = states_.value<std::int64_t>("v");
  set_key(1);
  EXPECT_FALSE(state.has_value());
  EXPECT_EQ(state.value_or(7), 7);
  state.set(10);
  EXPECT_EQ(state.value(), 10);
  set_key(2);
  EXPECT_FALSE(state.has_value());
  state.update([](std::int64_t& value) { value += 5; });
  EXPECT_EQ(state.value(), 5) << "an update starts from nothing";
  set_key(1);
  EXPECT_EQ(state.value(), 10);
  state.clear();
  EXPECT_FALSE(state.has_value());
  state.clear();
  set_key(2);
  EXPECT_EQ(state.value(), 5);
}

TEST_F(KeyedStateTest, MissingValueThrowsAndNamesTheState) {
  const ValueState<std::int64_t> state = states_.value<std::int64_t>("small-at");
  set_key(1);
  try {
    state.value();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("small-at"), std::string::npos);
  }
}

TEST_F(KeyedStateTest, UnboundHandleAndMissingKeyAreProgrammerErrors) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const ValueState<std::int64_t> unbound;
  EXPECT_DEATH(unbound.set(1), "declare\\(\\) did not bind");
  const ValueState<std::int64_t> state = states_.value<std::int64_t>("v");
  EXPECT_DEATH(state.set(1), "a call that has no key");
  set_key(1);
  state.set(1);
  tables_.clear_key();
  EXPECT_DEATH(static_cast<void>(state.has_value()), "a call that has no key");
}

TEST_F(KeyedStateTest, HandleSeesThroughASnapshotTakenInTheMiddleOfAKey) {
  const ValueState<std::int64_t> state = states_.value<std::int64_t>("v");
  set_key(1);
  state.set(1);
  const auto frozen = registry().tables.at(0)->freeze(CheckpointId{1});
  state.set(2);  // the same key: what the handle remembers must not be the snapshot's
  EXPECT_EQ(state.value(), 2);
  KeyedTable<std::int64_t, std::int64_t> restored(StateDescriptor{});
  capture(*frozen).restore_into(restored);
  EXPECT_EQ(*restored.find(1, key_hash(std::int64_t{1})), 1);
}

TEST_F(KeyedStateTest, TextOfAValueOutlivesWhatItWasMadeFrom) {
  const ValueState<StateRow> state = states_.value<StateRow>("v");
  set_key(1);
  {
    std::string text(50, 't');
    state.set({Text::view(text), 1});
    text.assign(50, '#');
  }
  const Text before = state.value().text;
  state.set({"another long text that is a literal", 2});
  EXPECT_EQ(before, std::string(50, 't')) << "readable until the call ends";
  tidy();
  EXPECT_EQ(state.value().text, "another long text that is a literal");
  state.set(state.value());
  EXPECT_EQ(state.value().number, 2);
}

TEST_F(KeyedStateTest, ListKeepsItsItemsInOrder) {
  const ListState<StateRow> state = states_.list<StateRow>("l");
  set_key(1);
  EXPECT_TRUE(state.empty());
  EXPECT_TRUE(state.get().empty());
  for (int i = 0; i < 100; ++i) {
    const std::string text(20 + i, static_cast<char>('a' + i % 26));
    state.add({Text::view(text), i});
  }
  state.add(state.get()[3]);  // an item of its own
  ASSERT_EQ(state.get().size(), 101U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(state.get()[i].number, i);
    EXPECT_EQ(state.get()[i].text, std::string(20 + i, static_cast<char>('a' + i % 26)));
  }
  EXPECT_EQ(state.get()[100].number, 3);
  state.update({state.get().begin() + 1, state.get().begin() + 3});
  ASSERT_EQ(state.get().size(), 2U);
  EXPECT_EQ(state.get()[1].text, std::string(22, 'c'));
  state.update({});
  EXPECT_TRUE(state.empty());
  state.add_all(std::vector<StateRow>{{"x", 1}, {"y", 2}});
  EXPECT_EQ(state.get().size(), 2U);
  state.clear();
  EXPECT_TRUE(state.empty());
}

TEST_F(KeyedStateTest, MapIteratesInTheOrderOfItsKeys) {
  const MapState<std::int64_t, StateRow> state = states_.map<std::int64_t, StateRow>("m");
  set_key(1);
  EXPECT_TRUE(state.empty());
  EXPECT_EQ(state.get(1), nullptr);
  for (const std::int64_t key : {5, -7, 0, 12, -1}) {
    const std::string text(30, static_cast<char>('m' + key));
    state.put(key, {Text::view(text), key});
  }
  state.put(13, *state.get(5));  // a value of its own
  std::vector<std::int64_t> keys;
  for (const auto& [key, row] : state.entries()) {
    keys.push_back(key);
  }
  EXPECT_EQ(keys, (std::vector<std::int64_t>{-7, -1, 0, 5, 12, 13}));
  EXPECT_EQ(state.get(13)->text, std::string(30, 'r'));
  EXPECT_TRUE(state.contains(0));
  EXPECT_TRUE(state.remove(0));
  EXPECT_FALSE(state.remove(0));
  EXPECT_FALSE(state.contains(0));
  EXPECT_EQ(state.size(), 5U);
  state.update(5, [](StateRow& row) { row.number = 50; });
  EXPECT_EQ(state.get(5)->number, 50);
  for (const std::int64_t key : {5, -7, 12, -1, 13}) {
    EXPECT_TRUE(state.remove(key));
  }
  EXPECT_TRUE(state.empty());
  EXPECT_EQ(registry().tables.at(0)->entry_count(), 0U) << "an empty map takes no entry";
}

TEST_F(KeyedStateTest, MapTakesRecordsAsKeysThatHaveNoOrderOfTheirOwn) {
  const MapState<StateRow, std::int64_t> state = states_.map<StateRow, std::int64_t>("m");
  set_key(1);
  state.put({"b", 1}, 1);
  state.put({"a", 2}, 2);
  state.put({"a", -3}, 3);
  state.put({"a", 2}, 4);
  ASSERT_EQ(state.size(), 3U);
  EXPECT_EQ(state.entries()[0].value, 3);
  EXPECT_EQ(state.entries()[1].value, 4);
  EXPECT_EQ(state.entries()[2].value, 1);
}

TEST_F(KeyedStateTest, MapHasOneSnapshotEntryPerUserKey) {
  const MapState<Text, std::int64_t> state = states_.map<Text, std::int64_t>("m");
  for (const std::int64_t key : {1, 2}) {
    set_key(key);
    state.put("b", key);
    state.put("a", key);
  }
  const CapturedState captured = capture(*registry().tables.at(0));
  ASSERT_EQ(captured.entries.size(), 4U);
  EXPECT_TRUE(captured.is_sorted());
  std::string expected;
  encode_key(expected, std::int64_t{1});
  encode_key(expected, Text("a"));
  EXPECT_TRUE(captured.entries[0].key == expected || captured.entries[2].key == expected);
}

TEST_F(KeyedStateTest, ReducingAndAggregatingStateFoldWhatIsAdded) {
  const auto sum =
      states_.reducing<std::int64_t>("sum", [](std::int64_t a, std::int64_t b) { return a + b; });
  const auto mean =
      states_.aggregating<std::int64_t, std::pair<std::int64_t, std::int64_t>, double>(
          "mean",
          [](std::pair<std::int64_t, std::int64_t>& acc, std::int64_t item) {
            acc.first += item;
            ++acc.second;
          },
          [](const std::pair<std::int64_t, std::int64_t>& acc) {
            return static_cast<double>(acc.first) / static_cast<double>(acc.second);
          });
  set_key(1);
  EXPECT_EQ(sum.get(), nullptr);
  EXPECT_EQ(mean.get(), std::nullopt);
  for (const std::int64_t item : {4, 6, 11}) {
    sum.add(item);
    mean.add(item);
  }
  EXPECT_EQ(*sum.get(), 21);
  EXPECT_EQ(mean.get(), 7.0);
  set_key(2);
  sum.add(5);
  EXPECT_EQ(*sum.get(), 5);
  sum.clear();
  mean.clear();
  EXPECT_EQ(sum.get(), nullptr);
}

TEST_F(KeyedStateTest, DeclaringDescribesTheStates) {
  States<Text> building;
  const auto unbound = building.value<StateRow>("v");
  static_cast<void>(unbound);
  building.map<Text, std::int64_t>("m");
  building.list<std::int32_t>("v");
  building.list<std::int32_t>("");
  ASSERT_EQ(building.descriptors().size(), 2U);
  EXPECT_EQ(building.descriptors()[0],
            (StateDescriptor{"v", StateKind::kValue, StateDistribution::kKeyed, schema_text<Text>(),
                             schema_text<StateRow>()}));
  EXPECT_EQ(building.descriptors()[1].kind, StateKind::kMap);
  EXPECT_EQ(building.mistakes(), (std::vector<std::string>{"two states have the name 'v'",
                                                           "a state has an empty name"}));
}

// --- lists and maps against a model -------------------------------------------------------------

using ModelMap = std::map<std::int64_t, std::map<std::int64_t, std::string>>;
using ModelList = std::map<std::int64_t, std::vector<std::string>>;

class CollectionsTest : public KeyedStateTest {
 protected:
  void step(Rng& rng) {
    const auto key = static_cast<std::int64_t>(rng.uniform(40));
    const auto user_key = static_cast<std::int64_t>(rng.uniform(20));
    const std::string text(rng.uniform(60), static_cast<char>('a' + rng.uniform(26)));
    set_key(key);
    switch (rng.uniform(8)) {
      case 0: ASSERT_EQ(map_.remove(user_key), model_map_[key].erase(user_key) == 1); break;
      case 1:
        map_.clear();
        model_map_.erase(key);
        break;
      case 2:
        list_.clear();
        model_list_.erase(key);
        break;
      case 3:
      case 4:
        list_.add(Text::view(text));
        model_list_[key].push_back(text);
        break;
      default: map_.put(user_key, Text::view(text)); model_map_[key][user_key] = text;
    }
    std::erase_if(model_map_, [](const auto& entry) { return entry.second.empty(); });
  }

  void expect_equal(const CapturedState& maps, const CapturedState& lists,
                    const ModelMap& model_map, const ModelList& model_list) {
    EXPECT_TRUE(maps.is_sorted() && lists.is_sorted());
    KeyedStates<std::int64_t> tables;
    States<std::int64_t> states(tables);
    const auto map = states.map<std::int64_t, Text>("m");
    const auto list = states.list<Text>("l");
    FakeRegistry registry;
    tables.register_all(registry);
    maps.restore_into(*registry.tables.at(0));
    lists.restore_into(*registry.tables.at(1));
    ASSERT_EQ(registry.tables[0]->entry_count(), model_map.size());
    ASSERT_EQ(registry.tables[1]->entry_count(), model_list.size());
    for (const auto& [key, expected] : model_map) {
      tables.set_key(key, key_hash(key));
      ASSERT_EQ(map.size(), expected.size());
      auto entry = map.entries().begin();
      for (const auto& [user_key, text] : expected) {
        ASSERT_EQ(entry->key, user_key);
        ASSERT_EQ(entry->value, text);
        ++entry;
      }
    }
    for (const auto& [key, expected] : model_list) {
      tables.set_key(key, key_hash(key));
      ASSERT_EQ(list.get().size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(list.get()[i], expected[i]);
      }
    }
  }

  MapState<std::int64_t, Text> map_ = states_.map<std::int64_t, Text>("m");
  ListState<Text> list_ = states_.list<Text>("l");
  ModelMap model_map_;
  ModelList model_list_;
};

TEST_F(CollectionsTest, SnapshotsEqualTheModelAtTheirMomentWhateverFollows) {
  struct Taken {
    std::unique_ptr<BackgroundCapture> maps;
    std::unique_ptr<BackgroundCapture> lists;
    ModelMap model_map;
    ModelList model_list;
  };
  Rng rng(11);
  std::vector<Taken> taken;
  const FakeRegistry tables = registry();
  for (int i = 0; i < 40000; ++i) {
    step(rng);
    ASSERT_FALSE(HasFatalFailure());
    if (rng.chance(0.1)) {
      tidy();
    }
    if (rng.chance(0.001)) {
      taken.push_back(
          {std::make_unique<BackgroundCapture>(tables.tables[0]->freeze(CheckpointId{1})),
           std::make_unique<BackgroundCapture>(tables.tables[1]->freeze(CheckpointId{1})),
           model_map_, model_list_});
    }
  }
  ASSERT_GT(taken.size(), 10U);
  for (Taken& each : taken) {
    expect_equal(each.maps->wait(), each.lists->wait(), each.model_map, each.model_list);
  }
  expect_equal(capture(*tables.tables[0]), capture(*tables.tables[1]), model_map_, model_list_);
}

TEST_F(CollectionsTest, DeadTextOfAMapIsGivenBack) {
  set_key(1);
  std::string text(1000, 'x');
  map_.put(0, Text::view(text));
  const Text kept = *map_.get(0);
  for (int i = 0; i < 20000; ++i) {
    text.assign(1000, static_cast<char>('a' + i % 26));
    map_.put(i % 10, Text::view(text));
    if (i == 900) {
      EXPECT_EQ(kept, std::string(1000, 'x')) << "readable until the batch call ends";
    }
    if (i % 1000 == 999) {
      tidy();
    }
  }
  using Table = KeyedTable<std::int64_t, StateBox<detail::MapBody<std::int64_t, Text>>>;
  auto* table = static_cast<Table*>(registry().tables.at(0));
  EXPECT_LT(table->find(1, key_hash(std::int64_t{1}))->get()->text.bytes(), 100U * 1000);
  EXPECT_EQ(map_.size(), 10U);
  EXPECT_EQ(*map_.get(9), std::string(1000, static_cast<char>('a' + 19999 % 26)));
}

}  // namespace
}  // namespace weir
