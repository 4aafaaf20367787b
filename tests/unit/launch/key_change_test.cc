// SPDX-License-Identifier: Apache-2.0
// Keys of every kind of state in the golden files become others.
#include "launch/key_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <weir/savepoint.h>
#include <weir/state.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/posix_file_store.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/entry_schema.h"
#include "state/snapshot/state_entries.h"
#include "types/key_codec.h"

namespace weir {

enum class KeyTestMood : std::int16_t {};
struct KeyTestPlace {
  std::string name;
  double height = 0;
};
WEIR_RECORD(KeyTestPlace, name, height)
struct KeyTestVisit {
  std::int64_t number = 0;
  Text who;
  KeyTestPlace place;
  std::vector<KeyTestPlace> seen;
  std::optional<std::int32_t> score;
  std::map<std::string, std::int8_t> marks;
  std::variant<bool, Text> answer;
  KeyTestMood mood{};
  EventTime at;
};
WEIR_RECORD(KeyTestVisit, number, who, place, seen, score, marks, answer, mood, at)
struct KeyTestMean {
  double sum = 0;
  std::uint32_t count = 0;
};
WEIR_RECORD(KeyTestMean, sum, count)

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kGolden = std::string(WEIR_SOURCE_DIR) + "/tests/golden/v1/chk-2";

class KeyChangeTest : public testing::Test {
 protected:
  KeyChangeTest() {
    std::filesystem::remove_all(folder_);
    auto reader = SavepointReader::open(kGolden);
    EXPECT_TRUE(reader.is_ok()) << reader.status().to_string();
    EXPECT_TRUE(writer_.keep_all(*reader).is_ok());
  }
  ~KeyChangeTest() override { std::filesystem::remove_all(folder_); }

  // Writes it, checks that each entry lies where its key says, and opens it again.
  SavepointReader written() {
    const auto path = writer_.write(folder_);
    EXPECT_TRUE(path.is_ok()) << path.status().to_string();
    metadata_ = *read_checkpoint_metadata(files_, *path);
    for (const OperatorCheckpoint& op : metadata_.operators) {
      for (const StateDescriptor& state : op.states) {
        const auto schema = EntrySchema::of(state);
        EXPECT_TRUE(schema.is_ok()) << schema.status().to_string();
        for (const StoredEntry& entry : entries_of(op.id.value(), state.name)) {
          const Status fits = schema->check(entry.hash, entry.key, entry.value);
          EXPECT_TRUE(fits.is_ok()) << state.name << ": " << fits.to_string();
        }
      }
    }
    return *SavepointReader::open(*path);
  }
  const OperatorCheckpoint& find(const std::string& op) const {
    return *std::ranges::find(metadata_.operators, OperatorId{op}, &OperatorCheckpoint::id);
  }
  std::vector<StoredEntry> entries_of(const std::string& op, const std::string& state) {
    std::vector<StoredEntry> found;
    StateEntries entries(files_, find(op), state);
    for (;;) {
      const auto entry = entries.next();
      EXPECT_TRUE(entry.is_ok()) << entry.status().to_string();
      if (!entry.is_ok() || *entry == nullptr) return found;
      found.push_back(**entry);
    }
  }
  std::vector<std::string> keys_of(const std::string& op, const std::string& state) {
    const auto& states = find(op).states;
    const auto schema = EntrySchema::of(*std::ranges::find(states, state, &StateDescriptor::name));
    std::vector<std::string> keys;
    for (const StoredEntry& entry : entries_of(op, state)) {
      std::string text;
      const auto parts = schema->key_json(entry.key);
      for (const std::string& part : *parts) text += (text.empty() ? "" : " ") + part;
      keys.push_back(text);
    }
    std::ranges::sort(keys);
    return keys;
  }

  const std::string folder_ = testing::TempDir() + "weir-keys-" + std::to_string(getpid());
  PosixFileStore files_;
  SavepointWriter writer_{"job"};
  CheckpointMetadata metadata_;
};

TEST_F(KeyChangeTest, KeysOfSingleValuesBecomeOfAnotherType) {
  const auto to_number = [](double key) -> std::int64_t {
    return std::isnan(key) ? 99 : std::isinf(key) ? 100 : static_cast<std::int64_t>(key * 2);
  };
  ASSERT_TRUE(writer_.change_keys<double>("value", to_number).is_ok());
  // The text lives as long as the call.
  ASSERT_TRUE(
      writer_.change_keys<Text>("reducing", [](const Text& key) { return key.str() + "-1"; })
          .is_ok());
  const Status changed = writer_.change_keys<std::pair<std::int32_t, Text>>(
      "aggregating", [](const auto& key) -> const Text& { return key.second; });
  ASSERT_TRUE(changed.is_ok()) << changed.to_string();
  ASSERT_TRUE(writer_
                  .change_keys<std::string>(
                      "list", [](const std::string& key) { return std::pair(key.size(), key); })
                  .is_ok());
  const SavepointReader reader = written();
  std::map<std::int64_t, std::int64_t> numbers;
  Status status = reader.for_each<std::int64_t, KeyTestVisit>(
      "value", "visits", [&](auto key, const KeyTestVisit& visit) { numbers[key] = visit.number; });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_THAT(numbers, ElementsAre(Pair(-3, -1), Pair(0, 1), Pair(99, 1), Pair(100, 1)));
  std::map<std::string, std::int64_t> sums;
  status = reader.for_each<Text, std::int64_t>(
      "reducing", "sum", [&](const Text& key, std::int64_t sum) { sums[key.str()] = sum; });
  EXPECT_THAT(sums, ElementsAre(Pair("a-1", -11), Pair("b-1", 11)));
  std::map<std::string, double> means;
  status = reader.for_each<Text, KeyTestMean>(
      "aggregating", "mean",
      [&](const Text& key, const KeyTestMean& mean) { means[key.str()] = mean.sum; });
  EXPECT_THAT(means, ElementsAre(Pair("left", -4), Pair("right", 4)));
  std::map<std::size_t, std::size_t> sizes;
  status = reader.for_each<std::pair<std::size_t, std::string>, std::vector<KeyTestPlace>>(
      "list", "places", [&](const auto& key, const auto& list) { sizes[key.first] = list.size(); });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_THAT(sizes, ElementsAre(Pair(0, 1), Pair(3, 4), Pair(5, 6)));
}

TEST_F(KeyChangeTest, BothKeysOfAMapChangeEachByItself) {
  ASSERT_TRUE(writer_
                  .change_keys<std::int64_t>(
                      "map", [](std::int64_t key) { return "k" + std::to_string(key); })
                  .is_ok());
  ASSERT_TRUE(writer_
                  .change_user_keys<Text>(
                      "map", "by-name",
                      [](const Text& key) { return static_cast<std::uint32_t>(key.size()); })
                  .is_ok());
  const SavepointReader reader = written();
  EXPECT_THAT(keys_of("map", "by-name"),
              ElementsAre("\"k-9000000000\" 15", "\"k-9000000000\" 5", "\"k0\" 15", "\"k0\" 5",
                          "\"k5\" 15", "\"k5\" 5"));
}

TEST_F(KeyChangeTest, TimersAndWindowsGoWithTheirKeys) {
  const auto size_of = [](const Text& key) { return static_cast<std::int32_t>(key.size()); };
  ASSERT_TRUE(writer_.change_keys<Text>("timers", size_of).is_ok());
  ASSERT_TRUE(writer_.change_keys<Text>("window", size_of).is_ok());
  written();
  EXPECT_THAT(keys_of("timers", "event-time-timers"),
              ElementsAre("1 -5", "1 9223372036854775807", "22 -5", "22 9223372036854775807"));
  EXPECT_EQ(keys_of("timers", "processing-time-timers").size(), 2U);
  EXPECT_THAT(keys_of("window", "windows of 1 min"), ElementsAre("7 -60000", "7 60000"));
  EXPECT_EQ(find("window").states[0].key_schema, "tuple<int32,int64>");
}

TEST_F(KeyChangeTest, RecordsThatWaitAreFoundUnderTheKeyThatTheyHaveNow) {
  const auto status = writer_.change_keys<Text>("buffer", [](const Text& key) { return key; });
  EXPECT_THAT(status.message(), HasSubstr("change_keys_of_records"));
  const auto key_of = [](const KeyTestVisit& visit) { return visit.number * 7; };
  const Status changed = writer_.change_keys_of_records<KeyTestVisit>("buffer", key_of);
  ASSERT_TRUE(changed.is_ok()) << changed.to_string();
  written();
  std::vector<std::uint32_t> hashes;
  std::vector<std::uint32_t> expected = {key_hash(std::int64_t{14}), key_hash(std::int64_t{21}),
                                         key_hash(std::int64_t{-7})};
  for (const StoredEntry& entry : entries_of("buffer", "buffer")) hashes.push_back(entry.hash);
  std::ranges::sort(expected);
  EXPECT_EQ(hashes, expected);
  EXPECT_EQ(
      writer_.change_keys_of_records<KeyTestMean>("buffer", [](const auto&) { return 1; }).code(),
      StatusCode::kFailedPrecondition);
}

TEST_F(KeyChangeTest, TwoKeysThatBecomeOneAreNamedAndNothingChanges) {
  const auto one = [](const auto&) { return std::string("one"); };
  Status status = writer_.change_keys<Text>("reducing", one);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("operator 'reducing'"), HasSubstr("state 'sum'"),
                                      HasSubstr(R"("a" and "b" become the same)")));
  status = writer_.change_user_keys<Text>("map", "by-name", one);
  EXPECT_THAT(status.message(),
              HasSubstr(R"(keys 0 / "a long user key" and 0 / "short" become the same)"));
  status = writer_.change_keys<std::int64_t>("map", one);
  EXPECT_THAT(status.message(), HasSubstr("become the same"));
  // Timers of two keys at one time become one.
  EXPECT_TRUE(writer_.change_keys<Text>("timers", one).is_ok());
  written();
  EXPECT_THAT(keys_of("reducing", "sum"), ElementsAre("\"a\"", "\"b\""));
  EXPECT_THAT(keys_of("map", "by-name"), testing::SizeIs(6));
  EXPECT_THAT(keys_of("timers", "event-time-timers"),
              ElementsAre("\"one\" -5", "\"one\" 9223372036854775807"));
}

TEST_F(KeyChangeTest, WhatIsNotThereOrOfAnotherTypeIsRefused) {
  const auto same = [](const auto& key) { return key; };
  EXPECT_EQ(writer_.change_keys<Text>("nobody", same).code(), StatusCode::kNotFound);
  EXPECT_EQ(writer_.change_user_keys<Text>("map", "nothing", same).code(), StatusCode::kNotFound);
  EXPECT_THAT(writer_.change_user_keys<Text>("reducing", "sum", same).message(),
              HasSubstr("it is no map state"));
  const Status status = writer_.change_keys<std::int32_t>("reducing", same);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("key int32, was string"));
  EXPECT_THAT(writer_.change_user_keys<bool>("map", "by-name", same).message(),
              HasSubstr("user key bool, was string"));
  // An operator without keyed state has nothing to change.
  EXPECT_TRUE(writer_.change_keys<Text>("union", same).is_ok());
}

TEST_F(KeyChangeTest, WhatWasPutStaysAndTheSameKeysAreLeftWhereTheyAre) {
  writer_.put("reducing", "new", std::int64_t{1}, std::string("x"));
  ASSERT_TRUE(writer_.change_keys<Text>("reducing", [](const Text& key) { return key; }).is_ok());
  written();
  EXPECT_THAT(keys_of("reducing", "sum"), ElementsAre("\"a\"", "\"b\""));
  EXPECT_THAT(keys_of("reducing", "new"), ElementsAre("1"));
}

// A key that moves to a subtask that stood elsewhere would fire twice, or never.
TEST_F(KeyChangeTest, WhereSubtasksStoodAtDifferentWatermarksKeysDoNotMove) {
  const auto fired = [](std::int64_t watermark) {
    ByteWriter item;
    item.put_varint64(0);
    item.put_varint64(1);
    item.put_zigzag(watermark);
    return item.take();
  };
  detail::NewSavepoint::Operator op;
  op.states["f"] = {
      {"f", StateKind::kOperator, StateDistribution::kUnion, "", "tuple<uint64,uint64,event_time>"},
      true,
      {{{0, ""}, fired(7)}, {{1, ""}, fired(7)}}};
  std::string key;
  encode_key(key, std::int64_t{1});
  op.states["v"] = {{"v", StateKind::kValue, StateDistribution::kKeyed, "int64", "bool"},
                    true,
                    {{{key_hash(std::int64_t{1}), key}, "\1"}}};
  const detail::KeyRewrite rewrite{detail::KeyRewrite::What::kKeys, "", "int64", "int64",
                                   [](ByteView stored, std::string& out) {
                                     out = stored;
                                     return stored.size();
                                   }};
  EXPECT_TRUE(detail::change_keys(op, rewrite).is_ok());
  op.states["f"].entries[{1, ""}] = fired(8);
  EXPECT_THAT(detail::change_keys(op, rewrite).message(), HasSubstr("different watermarks"));
}

TEST_F(KeyChangeTest, AJobRestoresItAtAnyParallelism) {
  ASSERT_TRUE(
      writer_.change_keys<Text>("reducing", [](const Text& key) { return key.str()[0] + 1000L; })
          .is_ok());
  written();
  std::int64_t sum = 0;
  int found = 0;
  for (std::uint32_t subtask = 0; subtask < 3; ++subtask) {
    HeapStateBackend heap(files_);
    const auto backend = heap.open({OperatorId{"reducing"}, SubtaskIndex{subtask}, Parallelism{3},
                                    MaxParallelism{77}, find("reducing").subtasks});
    ASSERT_TRUE(backend.is_ok()) << backend.status().to_string();
    KeyedStates<std::int64_t> tables;
    States<std::int64_t> states(tables);
    const auto state = states.reducing<std::int64_t>("sum", std::plus<>());
    tables.register_all(**backend);
    for (const std::int64_t key : {1000L + 'a', 1000L + 'b'}) {
      tables.set_key(key, key_hash(key));
      if (state.get() != nullptr) {
        sum += key == 1000L + 'a' ? -*state.get() : *state.get();
        ++found;
      }
      tables.clear_key();
    }
  }
  EXPECT_EQ(found, 2);
  EXPECT_EQ(sum, 22);
}

}  // namespace
}  // namespace weir
