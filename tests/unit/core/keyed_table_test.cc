// SPDX-License-Identifier: Apache-2.0
// KeyedTable against a model, with snapshots in the middle.
#include "core/keyed_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "tests/unit/core/captured_state.h"
#include "types/record.h"

namespace weir {

struct TableRow {
  Text text;
  std::int64_t number = 0;
  std::string note;
};
WEIR_RECORD(TableRow, text, number, note)

namespace {

using Counters = KeyedTable<std::int64_t, std::int64_t>;

StateDescriptor descriptor() {
  return {"state", StateKind::kValue, StateDistribution::kKeyed, "int64", "int64"};
}

// Finds two keys with the same hash among the first few hundred thousand.
std::pair<std::int64_t, std::int64_t> colliding_keys() {
  std::unordered_map<std::uint32_t, std::int64_t> seen;
  for (std::int64_t key = 0;; ++key) {
    const auto [place, is_new] = seen.emplace(key_hash(key), key);
    if (!is_new) {
      return {place->second, key};
    }
  }
}

TEST(KeyedTableTest, FindsWhatWasInsertedAndNothingElse) {
  Counters table(descriptor());
  for (std::int64_t key = 0; key < 10000; ++key) {
    table.find_or_insert(key, key_hash(key)) = key * 3;
  }
  EXPECT_EQ(table.size(), 10000U);
  for (std::int64_t key = 0; key < 10000; ++key) {
    ASSERT_NE(table.find(key, key_hash(key)), nullptr);
    EXPECT_EQ(*table.find(key, key_hash(key)), key * 3);
  }
  EXPECT_EQ(table.find(std::int64_t{10000}, key_hash(std::int64_t{10000})), nullptr);
}

TEST(KeyedTableTest, KeysOfOneHashAreKeptApartAndInOrder) {
  const auto [a, b] = colliding_keys();
  ASSERT_EQ(key_hash(a), key_hash(b));
  Counters table(descriptor());
  table.find_or_insert(b, key_hash(b)) = 2;
  table.find_or_insert(a, key_hash(a)) = 1;
  EXPECT_EQ(*table.find(a, key_hash(a)), 1);
  EXPECT_EQ(*table.find(b, key_hash(b)), 2);
  const CapturedState captured = capture(table);
  EXPECT_EQ(captured.entries.size(), 2U);
  EXPECT_TRUE(captured.is_sorted());
  EXPECT_TRUE(table.erase(b, key_hash(b)));
  EXPECT_EQ(*table.find(a, key_hash(a)), 1);
  EXPECT_EQ(table.find(b, key_hash(b)), nullptr);
}

TEST(KeyedTableTest, NotANumberIsOneKey) {
  KeyedTable<double, std::int64_t> table(descriptor());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  table.find_or_insert(nan, key_hash(nan)) = 1;
  table.find_or_insert(-nan, key_hash(-nan)) = 2;
  table.find_or_insert(-0.0, key_hash(-0.0)) = 3;
  EXPECT_EQ(*table.find(0.0, key_hash(0.0)), 3);
  EXPECT_EQ(*table.find(nan, key_hash(nan)), 2);
  EXPECT_EQ(table.size(), 2U);
}

TEST(KeyedTableTest, ErasedValueStaysReadableUntilTidy) {
  KeyedTable<std::int64_t, std::string> table(descriptor());
  const std::string text(100, 'x');
  table.find_or_insert(1, key_hash(std::int64_t{1})) = text;
  const std::string* found = table.find(1, key_hash(std::int64_t{1}));
  EXPECT_TRUE(table.erase(1, key_hash(std::int64_t{1})));
  EXPECT_FALSE(table.erase(1, key_hash(std::int64_t{1})));
  table.find_or_insert(2, key_hash(std::int64_t{2})) = "another";
  EXPECT_EQ(*found, text);
  table.tidy();
  EXPECT_EQ(table.size(), 1U);
}

TEST(KeyedTableTest, ChangesInPlaceUnlessASnapshotMayReadIt) {
  Counters table(descriptor());
  const std::uint32_t hash = key_hash(std::int64_t{7});
  table.find_or_insert(7, hash) = 1;
  const std::int64_t* place = table.find(7, hash);
  table.find_or_insert(7, hash) = 2;
  EXPECT_EQ(table.find(7, hash), place);

  auto frozen = table.freeze(CheckpointId{1});
  EXPECT_EQ(table.find(7, hash), place) << "reading copies nothing";
  table.find_or_insert(7, hash) = 3;
  EXPECT_NE(table.find(7, hash), place);
  EXPECT_EQ(*place, 2) << "what was found stays readable until tidy";
  EXPECT_EQ(capture(*frozen).entries.size(), 1U);

  frozen.reset();
  table.tidy();
  place = table.find(7, hash);
  table.freeze(CheckpointId{2}).reset();
  table.find_or_insert(7, hash) = 4;
  EXPECT_EQ(table.find(7, hash), place) << "the snapshot has gone";
}

TEST(KeyedTableTest, ReferenceFoundBeforeACopyShowsTheOldValueUntilTidy) {
  KeyedTable<std::int64_t, TableRow> table(descriptor());
  const std::uint32_t hash = key_hash(std::int64_t{7});
  const std::string old_text(50, 'o');
  table.update(7, hash, [&](TableRow& row) { row.text = Text::view(old_text); });
  auto frozen = table.freeze(CheckpointId{1});
  const TableRow* old_row = table.find(7, hash);
  table.update(7, hash, [](TableRow& row) { row.text = "a new text, longer than twelve bytes"; });
  frozen.reset();
  EXPECT_EQ(old_row->text, old_text);
  EXPECT_EQ(table.find(7, hash)->text, "a new text, longer than twelve bytes");
}

TEST(KeyedTableTest, TextIsCopiedInAndSurvivesItsSource) {
  KeyedTable<Text, TableRow> table(descriptor());
  {
    std::string key_text(40, 'k');
    std::string value_text(60, 'v');
    const Text key = Text::view(key_text);
    table.update(key, key_hash(key), [&](TableRow& row) { row.text = Text::view(value_text); });
    key_text.assign(40, '#');
    value_text.assign(60, '#');
  }
  const std::string key_text(40, 'k');
  const Text key = Text::view(key_text);
  ASSERT_NE(table.find(key, key_hash(key)), nullptr);
  EXPECT_EQ(table.find(key, key_hash(key))->text, std::string(60, 'v'));
}

TEST(KeyedTableTest, DeadTextIsGivenBackByTidyAlone) {
  KeyedTable<std::int64_t, TableRow> table(descriptor());
  const std::uint32_t hash = key_hash(std::int64_t{1});
  const Text* first = nullptr;
  std::string text(1000, 'a');
  table.update(1, hash, [&](TableRow& row) { row.text = Text::view(text); });
  first = &table.find(1, hash)->text;
  const Text kept = *first;
  for (int i = 0; i < 1000; ++i) {
    text.assign(1000, static_cast<char>('b' + i % 20));
    table.update(1, hash, [&](TableRow& row) { row.text = Text::view(text); });
  }
  EXPECT_EQ(kept, std::string(1000, 'a')) << "readable until the batch call ends";
  EXPECT_GT(table.memory_bytes(), 1000U * 1000);
  table.tidy();
  EXPECT_LT(table.memory_bytes(), 100U * 1000);
  EXPECT_EQ(table.find(1, hash)->text, text);
}

TEST(KeyedTableTest, MemoryIsGivenBackWhenKeysGo) {
  Counters table(descriptor());
  for (std::int64_t key = 0; key < 100000; ++key) {
    table.find_or_insert(key, key_hash(key)) = key;
  }
  const std::size_t full = table.memory_bytes();
  for (std::int64_t key = 0; key < 100000; ++key) {
    table.erase(key, key_hash(key));
  }
  table.tidy();
  EXPECT_LT(table.memory_bytes(), full / 20);
  for (std::int64_t key = 0; key < 1000; ++key) {
    table.find_or_insert(key, key_hash(key)) = -key;
  }
  EXPECT_EQ(*table.find(std::int64_t{999}, key_hash(std::int64_t{999})), -999);
}

TEST(KeyedTableTest, EntryMayBeErasedWhileItIsVisited) {
  Counters table(descriptor());
  for (std::int64_t key = 0; key < 3000; ++key) {
    table.find_or_insert(key, key_hash(key)) = key;
  }
  const auto frozen = table.freeze(CheckpointId{1});
  std::int64_t visited = 0;
  table.for_each([&](std::int64_t key, std::uint32_t hash, std::int64_t value) {
    EXPECT_EQ(key, value);
    ++visited;
    if (key % 3 != 0) {
      table.erase(key, hash);
    }
  });
  EXPECT_EQ(visited, 3000);
  EXPECT_EQ(table.size(), 1000U);
  EXPECT_EQ(capture(*frozen).entries.size(), 3000U);
  EXPECT_EQ(capture(table).entries.size(), 1000U);
}

TEST(KeyedTableTest, ClearedTableIsEmptyAndItsSnapshotIsNot) {
  Counters table(descriptor());
  for (std::int64_t key = 0; key < 1000; ++key) {
    table.find_or_insert(key, key_hash(key)) = key;
  }
  const auto frozen = table.freeze(CheckpointId{1});
  table.clear();
  table.tidy();
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.find(std::int64_t{5}, key_hash(std::int64_t{5})), nullptr);
  table.find_or_insert(5, key_hash(std::int64_t{5})) = 50;
  EXPECT_EQ(capture(table).entries.size(), 1U);
  EXPECT_EQ(capture(*frozen).entries.size(), 1000U);
}

TEST(KeyedTableTest, RestoreRefusesAnEntryUnderAnotherHash) {
  Counters table(descriptor());
  table.find_or_insert(1, key_hash(std::int64_t{1})) = 1;
  const CapturedEntry entry = capture(table).entries.at(0);
  Counters other(descriptor());
  EXPECT_THROW(other.restore(entry.hash + 1, entry.key, entry.value), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key + "x", entry.value), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key, entry.value + "x"), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key.substr(1), entry.value), StatusError);
  EXPECT_THROW(other.restore(entry.hash, entry.key, ""), StatusError);
}

// --- against a model --------------------------------------------------------------------------

struct ModelRow {
  std::string text;
  std::int64_t number = 0;
  std::string note;
};
using Model = std::map<std::string, ModelRow>;
using Table = KeyedTable<Text, TableRow>;

void expect_equal(const CapturedState& captured, const Model& model) {
  EXPECT_TRUE(captured.is_sorted());
  Table table(descriptor());
  captured.restore_into(table);
  ASSERT_EQ(table.size(), model.size());
  for (const auto& [key, row] : model) {
    const Text text = Text::view(key);
    const TableRow* found = table.find(text, key_hash(text));
    ASSERT_NE(found, nullptr);
    ASSERT_EQ(found->text, row.text);
    ASSERT_EQ(found->number, row.number);
    ASSERT_EQ(found->note, row.note);
  }
}

std::string random_text(Rng& rng) {
  return std::string(rng.uniform(40), static_cast<char>('a' + rng.uniform(26)));
}

// Does one random thing to both.
void step(Table& table, Model& model, Rng& rng, std::uint64_t num_keys) {
  const std::string key = "key-" + std::to_string(rng.uniform(num_keys)) + "-padding";
  const Text text = Text::view(key);
  const std::uint32_t hash = key_hash(text);
  switch (rng.uniform(8)) {
    case 0: {
      EXPECT_EQ(table.erase(text, hash), model.erase(key) == 1);
      break;
    }
    case 1: {
      const TableRow* found = table.find(text, hash);
      const auto expected = model.find(key);
      ASSERT_EQ(found != nullptr, expected != model.end());
      if (found != nullptr) {
        EXPECT_EQ(found->text, expected->second.text);
        EXPECT_EQ(found->number, expected->second.number);
      }
      break;
    }
    default: {
      const ModelRow row{random_text(rng), static_cast<std::int64_t>(rng.next()), random_text(rng)};
      model[key] = row;
      table.update(text, hash, [&row](TableRow& held) {
        held.text = Text::view(row.text);
        held.number = row.number;
        held.note = row.note;
      });
    }
  }
}

TEST(KeyedTableTest, SnapshotsEqualTheModelAtTheirMomentWhateverFollows) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Table table(descriptor());
    Model model;
    const std::uint64_t num_keys = 1 + rng.uniform(2000);
    std::vector<std::pair<std::unique_ptr<FrozenState>, Model>> frozen;
    std::vector<std::pair<std::unique_ptr<BackgroundCapture>, Model>> written;
    for (int i = 0; i < 6000; ++i) {
      step(table, model, rng, num_keys);
      if (rng.chance(0.05)) {
        table.tidy();
      }
      if (rng.chance(0.002)) {
        frozen.emplace_back(table.freeze(CheckpointId{1}), model);
      }
      if (!frozen.empty() && rng.chance(0.01)) {
        auto [state, at] = std::move(frozen.back());
        frozen.pop_back();
        if (rng.chance(0.8)) {  // others are dropped, as an aborted checkpoint is
          written.emplace_back(std::make_unique<BackgroundCapture>(std::move(state)), at);
        }
      }
    }
    for (auto& [background, at] : written) {
      expect_equal(background->wait(), at);
    }
    expect_equal(capture(table), model);
  }
}

TEST(KeyedTableTest, SnapshotOfARestoredTableIsTheSameBytes) {
  Rng rng(5);
  Table table(descriptor());
  Model model;
  for (int i = 0; i < 5000; ++i) {
    step(table, model, rng, 1000);
  }
  const CapturedState first = capture(table);
  Table restored(descriptor());
  first.restore_into(restored);
  EXPECT_EQ(capture(restored).entries, first.entries);
}

}  // namespace
}  // namespace weir
