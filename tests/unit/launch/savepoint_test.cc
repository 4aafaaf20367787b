// SPDX-License-Identifier: Apache-2.0
// Savepoints are read with the types of a program, changed, and made for a job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <weir/savepoint.h>
#include <weir/state.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "api/operators/broadcast_table.h"
#include "base/posix_file_store.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/state_entries.h"

namespace weir {

struct OldMean {
  double sum = 0;
};
WEIR_RECORD(OldMean, sum)
struct NewMean {
  std::uint32_t count = 7;
  double sum = 0;
  std::string unit = "EUR";
};
WEIR_RECORD(NewMean, count, sum, unit)

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kGolden = std::string(WEIR_SOURCE_DIR) + "/tests/golden/v1/chk-2";

class SavepointTest : public testing::Test {
 protected:
  SavepointTest() { std::filesystem::remove_all(folder_); }
  ~SavepointTest() override { std::filesystem::remove_all(folder_); }

  const std::string folder_ = testing::TempDir() + "weir-savepoint-" + std::to_string(getpid());
};

SavepointReader opened(const std::string& path) {
  auto reader = SavepointReader::open(path);
  EXPECT_TRUE(reader.is_ok()) << reader.status().to_string();
  return *reader;
}

std::vector<std::string> values_of(FileStore& files, const OperatorCheckpoint& op,
                                   const std::string& state) {
  std::vector<std::string> values;
  StateEntries entries(files, op, state);
  for (;;) {
    const auto entry = entries.next();
    EXPECT_TRUE(entry.is_ok()) << entry.status().to_string();
    if (!entry.is_ok() || *entry == nullptr) return values;
    values.push_back((*entry)->key + "=" + (*entry)->value);
  }
}

TEST_F(SavepointTest, EntriesAreReadWithTheTypesOfTheProgram) {
  const SavepointReader reader = opened(kGolden);
  std::map<std::string, std::int64_t> sums;
  Status status = reader.for_each<Text, std::int64_t>(
      "reducing", "sum", [&](const Text& key, std::int64_t sum) { sums[key.str()] = sum; });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_THAT(sums, ElementsAre(Pair("a", -11), Pair("b", 11)));

  // The type of the program has one field more.
  std::map<std::int32_t, NewMean> means;
  status = reader.for_each<std::pair<std::int32_t, Text>, NewMean>(
      "aggregating", "mean",
      [&](const auto& key, const NewMean& mean) { means[key.first] = mean; });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_EQ(means.at(-1), (NewMean{2, -4, "EUR"}));
}

TEST_F(SavepointTest, StatesWithATimeToLiveAreReadWithoutTheTimesOfTheirUpdates) {
  const SavepointReader reader = opened(std::string(WEIR_SOURCE_DIR) + "/tests/golden/v2/chk-2");
  std::map<std::int64_t, std::vector<std::string>> lists;
  Status status = reader.for_each<std::int64_t, std::vector<std::string>>(
      "ttl", "list",
      [&](std::int64_t key, const std::vector<std::string>& list) { lists[key] = list; });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_THAT(lists.at(-1), ElementsAre("an old item with a long name", "young", ""));
  // The type of the program has fields more.
  std::map<std::int64_t, NewMean> means;
  status = reader.for_each<std::int64_t, NewMean>(
      "ttl", "mean", [&](std::int64_t key, const NewMean& mean) { means[key] = mean; });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_EQ(means.at(-1), (NewMean{1, -2.5, "EUR"}));
}

TEST_F(SavepointTest, WhatIsNotThereOrOfAnotherTypeIsRefused) {
  EXPECT_EQ(SavepointReader::open("/no/such/folder").status().code(), StatusCode::kNotFound);
  const SavepointReader reader = opened(kGolden);
  const auto ignore = [](const auto&...) { FAIL(); };
  Status status = reader.for_each<Text, std::int64_t>("nobody", "sum", ignore);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("reducing, aggregating"));
  status = reader.for_each<Text, std::int64_t>("reducing", "total", ignore);
  EXPECT_THAT(status.message(), HasSubstr("it has: sum"));
  status = reader.for_each<Text, std::string>("reducing", "sum", ignore);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("value string, was int64"));
  status = reader.for_each<std::int32_t, std::int64_t>("reducing", "sum", ignore);
  EXPECT_THAT(status.message(), HasSubstr("key int32, was string"));
  status = reader.for_each<std::int64_t, std::int64_t>("map", "by-name", ignore);
  EXPECT_THAT(status.message(), HasSubstr("its kind is value, was map"));
}

TEST_F(SavepointTest, StateMadeForAJobIsFoundByItAtAnyParallelism) {
  constexpr std::int64_t kKeys = 100;
  SavepointWriter writer("job");
  for (std::int64_t key = 0; key < kKeys; ++key) {
    writer.put("op", "value", key, NewMean{1, 0.5, "x"});
    writer.put("op", "value", key, NewMean{1, static_cast<double>(key), "y"});
    writer.put("op", "sum", key, key * 2, StateKind::kReducing);
    writer.put_list("op", "list", key, std::vector<std::string>{"a", "b"});
    writer.put_in_map("op", "map", key, std::string("one"), key);
    writer.put_in_map("op", "map", key, std::string("two"), -key);
  }
  const auto path = writer.write(folder_);
  ASSERT_TRUE(path.is_ok()) << path.status().to_string();
  EXPECT_EQ(*path, folder_ + "/job/chk-1");

  PosixFileStore files;
  HeapStateBackend heap(files);
  const auto metadata = read_checkpoint_metadata(files, *path);
  std::int64_t found = 0;
  for (std::uint32_t subtask = 0; subtask < 3; ++subtask) {
    const auto backend = heap.open({OperatorId{"op"}, SubtaskIndex{subtask}, Parallelism{3},
                                    MaxParallelism{200}, metadata->operators[0].subtasks});
    ASSERT_TRUE(backend.is_ok()) << backend.status().to_string();
    KeyedStates<std::int64_t> tables;
    States<std::int64_t> states(tables);
    const auto value = states.value<NewMean>("value");
    const auto sum = states.reducing<std::int64_t>("sum", std::plus<>());
    const auto list = states.list<std::string>("list");
    const auto map = states.map<std::string, std::int64_t>("map");
    tables.register_all(**backend);
    for (std::int64_t key = 0; key < kKeys; ++key) {
      tables.set_key(key, key_hash(key));
      if (!value.has_value()) continue;
      ++found;
      EXPECT_EQ(value.value(), (NewMean{1, static_cast<double>(key), "y"}));
      EXPECT_EQ(*sum.get(), key * 2);
      EXPECT_THAT(list.get(), ElementsAre("a", "b"));
      EXPECT_EQ(*map.get("one"), key);
      EXPECT_EQ(*map.get("two"), -key);
      EXPECT_EQ(map.size(), 2U);
    }
  }
  EXPECT_EQ(found, kKeys);

  const SavepointReader reader = opened(*path);
  std::int64_t sum = 0;
  const Status status = reader.for_each_in_map<std::int64_t, std::string, std::int64_t>(
      "op", "map", [&](std::int64_t key, const std::string& user_key, std::int64_t value) {
        EXPECT_EQ(value, user_key == "one" ? key : -key);
        ++sum;
      });
  EXPECT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_EQ(sum, 2 * kKeys);
}

TEST_F(SavepointTest, BroadcastStateIsReadAndWrittenOnceAndRestoredInEverySubtask) {
  using Key = std::pair<std::int32_t, Text>;
  const std::string stored = std::string(WEIR_SOURCE_DIR) + "/tests/golden/v3/chk-2";
  SavepointWriter writer("rules");
  ASSERT_TRUE(writer.keep(opened(stored), "broadcast").is_ok());
  for (const std::int32_t number : {5, -3}) {
    writer.put_broadcast("broadcast", "limits", Key{number, Text::view("x")}, 10.0 * number);
  }
  const auto path = writer.write(folder_);
  ASSERT_TRUE(path.is_ok()) << path.status().to_string();
  std::vector<std::pair<std::int32_t, double>> limits;
  const Status status = opened(*path).for_each_broadcast<Key, double>(
      "broadcast", "limits",
      [&](const Key& key, double limit) { limits.emplace_back(key.first, limit); });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_THAT(limits, ElementsAre(Pair(-3, -30.0), Pair(5, 50.0)));

  PosixFileStore files;
  const auto before = read_checkpoint_metadata(files, stored);
  const auto& two =
      *std::ranges::find(before->operators, OperatorId{"broadcast"}, &OperatorCheckpoint::id);
  const auto after = read_checkpoint_metadata(files, *path);
  const OperatorCheckpoint& one = after->operators.at(0);
  const std::vector<std::string> rules = values_of(files, one, "rules");
  EXPECT_EQ(rules.size(), 4U);
  std::vector<std::string> twice = rules;
  twice.insert(twice.end(), rules.begin(), rules.end());
  EXPECT_EQ(values_of(files, two, "rules"), twice);
  HeapStateBackend heap(files);
  for (const std::uint32_t i : {0, 1}) {
    const auto state =
        heap.open({one.id, SubtaskIndex{i}, Parallelism{2}, MaxParallelism{128}, one.subtasks});
    BroadcastTable<Key, double> table(BroadcastTable<Key, double>::describe("limits"));
    (*state)->add(table);
    EXPECT_EQ(table.entry_count(), 2U);
  }
}

TEST_F(SavepointTest, OneStateIsChangedAndTheOthersAreKept) {
  const SavepointReader reader = opened(kGolden);
  SavepointWriter writer("golden");
  ASSERT_TRUE(writer.keep_all(reader).is_ok());
  const Status status = reader.for_each<Text, std::int64_t>(
      "reducing", "sum", [&](const Text& key, std::int64_t sum) {
        if (sum > 0) writer.put("reducing", "sum", key, sum * 100, StateKind::kReducing);
      });
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  const auto path = writer.write(folder_);
  ASSERT_TRUE(path.is_ok()) << path.status().to_string();
  const auto second = writer.write(folder_);
  EXPECT_EQ(*second, folder_ + "/golden/chk-2");

  writer.drop("reducing", "sum");
  const auto third = writer.write(folder_);
  const auto ignore = [](const auto&...) { FAIL(); };
  EXPECT_EQ((opened(*third).for_each<Text, std::int64_t>("reducing", "sum", ignore).code()),
            StatusCode::kNotFound);

  const SavepointReader changed = opened(*path);
  std::map<std::string, std::int64_t> sums;
  const Status again = changed.for_each<Text, std::int64_t>(
      "reducing", "sum", [&](const Text& key, std::int64_t sum) { sums[key.str()] = sum; });
  ASSERT_TRUE(again.is_ok()) << again.to_string();
  EXPECT_THAT(sums, ElementsAre(Pair("b", 1100)));
  PosixFileStore files;
  const auto before = read_checkpoint_metadata(files, kGolden);
  const auto after = read_checkpoint_metadata(files, *path);
  ASSERT_EQ(after->operators.size(), before->operators.size());
  for (const OperatorCheckpoint& op : after->operators) {
    const auto same = std::ranges::find(before->operators, op.id, &OperatorCheckpoint::id);
    ASSERT_NE(same, before->operators.end());
    EXPECT_EQ(op.states.size(), same->states.size());
    for (const StateDescriptor& state : op.states) {
      if (state.name == "sum") continue;
      EXPECT_EQ(values_of(files, op, state.name), values_of(files, *same, state.name))
          << state.name;
    }
    HeapStateBackend heap(files);
    EXPECT_TRUE(
        heap.open({op.id, SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}, op.subtasks})
            .is_ok());
  }
}

}  // namespace
}  // namespace weir
