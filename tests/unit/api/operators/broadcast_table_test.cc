// SPDX-License-Identifier: Apache-2.0
// BroadcastTable: a map in the order of keys, frozen at a moment.
#include "api/operators/broadcast_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"
#include "tests/unit/core/captured_state.h"

namespace weir {
namespace {

using Table = BroadcastTable<Text, Text>;
using Content = std::map<std::string, std::string>;

Table table() { return Table(Table::describe("rules")); }

void put(Table& table, const std::string& key, const std::string& value) {
  table.update(Text::view(key), [&value](Text& held) { held = Text::view(value); });
}
Content content_of(const Table& table) {
  Content content;
  for (const auto& entry : table.entries()) content[entry.key.str()] = entry.value.str();
  return content;
}
Content restored(const CapturedState& captured) {
  Table other = table();
  captured.restore_into(other);
  return content_of(other);
}

TEST(BroadcastTableTest, EntriesAreInTheOrderOfEncodedKeys) {
  BroadcastTable<std::int64_t, std::int64_t> numbers(
      BroadcastTable<std::int64_t, std::int64_t>::describe("numbers"));
  for (const std::int64_t key : {5, -7, 300, 0, -1}) {
    numbers.update(key, [key](std::int64_t& value) { value = 2 * key; });
  }
  EXPECT_TRUE(numbers.erase(0));
  EXPECT_FALSE(numbers.erase(0));
  std::vector<std::int64_t> keys;
  for (const auto& entry : numbers.entries()) {
    keys.push_back(entry.key);
    EXPECT_EQ(entry.value, 2 * entry.key);
  }
  EXPECT_THAT(keys, testing::ElementsAre(-7, -1, 5, 300));
  EXPECT_EQ(numbers.entry_count(), 4U);
  EXPECT_EQ(numbers.descriptor().key_schema, "int64");
}

TEST(BroadcastTableTest, WhatWasReadStaysReadableUntilTheCallEnds) {
  Table rules = table();
  put(rules, "a", std::string(50, 'a'));
  const auto frozen = rules.freeze(CheckpointId{1});
  const Text* const before = rules.find("a");
  const std::string_view text = before->view();
  for (int i = 0; i < 100; ++i) put(rules, "a", std::string(50, 'b'));
  rules.clear();
  EXPECT_EQ(text, std::string(50, 'a'));
  rules.tidy();
  EXPECT_EQ(rules.find("a"), nullptr);
}

TEST(BroadcastTableTest, ASnapshotIsThatOfItsMomentWhateverFollows) {
  Rng rng(7);
  Table rules = table();
  Content model;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::string key = std::string(rng.uniform(30), 'k') + std::to_string(rng.uniform(9));
      if (rng.chance(0.3)) {
        EXPECT_EQ(rules.erase(Text::view(key)), model.erase(key) == 1);
      } else {
        model[key] = std::string(rng.uniform(200), static_cast<char>('a' + rng.uniform(26)));
        put(rules, key, model[key]);
      }
    }
    EXPECT_EQ(content_of(rules), model);
    const Content expected = model;
    BackgroundCapture capture(rules.freeze(CheckpointId{1}));
    put(rules, "after", "the barrier");
    model["after"] = "the barrier";
    if (rng.chance(0.2)) {
      rules.clear();
      model.clear();
    }
    const CapturedState& captured = capture.wait();
    EXPECT_TRUE(captured.is_sorted());
    EXPECT_EQ(restored(captured), expected);
    rules.tidy();
  }
}

TEST(BroadcastTableTest, RestoreRefusesBytesThatDoNotDecode) {
  Table rules = table();
  EXPECT_THROW(rules.restore(0, "\x05", "\x00"), StatusError);
  const CapturedState captured = [] {
    Table one = table();
    put(one, "k", "v");
    return capture(one);
  }();
  const CapturedEntry& entry = captured.entries.at(0);
  EXPECT_THROW(rules.restore(0, entry.key, entry.value + "x"), StatusError);
  EXPECT_THROW(rules.restore(0, entry.key + "x", entry.value), StatusError);
}

}  // namespace
}  // namespace weir
