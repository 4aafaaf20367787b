// SPDX-License-Identifier: Apache-2.0
// HeapStateBackend: snapshot and restore at any parallelism, and what it refuses.
#include "state/heap/heap_state_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/operators/fired_watermark.h"
#include "api/operators/item_state.h"
#include "api/operators/timer_queue.h"
#include "base/rng.h"
#include "core/keyed_table.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_reader.h"
#include "testing/memory_file_store.h"
#include "tests/unit/core/captured_state.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class T>
StateDescriptor value_state(std::string name) {
  return {std::move(name), StateKind::kValue, StateDistribution::kKeyed, schema_text<Text>(),
          schema_text<T>()};
}

// How an operator is spread.
struct Spread {
  std::uint32_t parallelism = 1;
  std::uint32_t max_parallelism = 128;

  SubtaskIndex owner(std::uint32_t hash) const {
    return subtask_of_key_group(key_group_of(hash, MaxParallelism{max_parallelism}),
                                MaxParallelism{max_parallelism}, Parallelism{parallelism});
  }
  HashRange range(std::uint32_t subtask) const {
    return hash_range(key_group_range(MaxParallelism{max_parallelism}, Parallelism{parallelism},
                                      SubtaskIndex{subtask}),
                      MaxParallelism{max_parallelism});
  }
};

// The states of one subtask, and what holds them.
struct Subtask {
  Subtask(StateBackend& state_backend, Spread spread, std::uint32_t index,
          std::vector<StateHandle> restores = {})
      : fired(spread.range(index)) {
    auto opened =
        state_backend.open({OperatorId{"op"}, SubtaskIndex{index}, Parallelism{spread.parallelism},
                            MaxParallelism{spread.max_parallelism}, std::move(restores)});
    throw_if_error(opened.status());
    backend = std::move(opened).value();
    backend->add(counts);
    backend->add(timers);
    backend->add(splits);
    backend->add(known);
    backend->add(fired);
  }

  KeyedTable<Text, std::int64_t> counts{value_state<std::int64_t>("counts")};
  TimerQueue<Text> timers{"timers"};
  ItemState<std::string> splits{"splits"};
  ItemState<std::string> known{"known", StateDistribution::kUnion};
  FiredWatermarks fired;
  std::unique_ptr<OperatorStateBackend> backend;
};

class HeapStateBackendTest : public testing::Test {
 protected:
  // Writes the snapshots of all subtasks as checkpoint `id`.
  std::vector<StateHandle> write(std::vector<std::unique_ptr<Subtask>>& subtasks,
                                 std::uint64_t id) {
    EXPECT_TRUE(files_.make_directories("/dir/chk-" + std::to_string(id)).is_ok());
    const auto writer = open_checkpoint_writer(files_, "/dir", CheckpointId{id});
    std::vector<StateHandle> handles;
    for (std::size_t i = 0; i < subtasks.size(); ++i) {
      auto handle =
          subtasks[i]->backend->freeze(CheckpointId{id})->write(*writer, "op-" + std::to_string(i));
      EXPECT_TRUE(handle.is_ok()) << handle.status().to_string();
      handles.push_back(*handle);
    }
    return handles;
  }
  std::vector<std::unique_ptr<Subtask>> open(Spread spread,
                                             const std::vector<StateHandle>& restores = {}) {
    std::vector<std::unique_ptr<Subtask>> subtasks;
    for (std::uint32_t i = 0; i < spread.parallelism; ++i) {
      subtasks.push_back(std::make_unique<Subtask>(backend_, spread, i, restores));
    }
    return subtasks;
  }
  // Fills a fresh operator with `num_keys` keys and some of everything else.
  std::vector<std::unique_ptr<Subtask>> filled(Spread spread, std::uint64_t num_keys, Rng& rng) {
    auto subtasks = open(spread);
    for (std::uint64_t i = 0; i < num_keys; ++i) {
      const std::string key = "key-number-" + std::to_string(i);
      const Text text = Text::view(key);
      const std::uint32_t hash = key_hash(text);
      Subtask& owner = *subtasks[spread.owner(hash).value()];
      owner.counts.find_or_insert(text, hash) = static_cast<std::int64_t>(rng.next());
      if (rng.chance(0.3)) {
        owner.timers.add(EventTime(static_cast<std::int64_t>(rng.uniform(100))), text, hash);
      }
    }
    for (std::uint32_t i = 0; i < spread.parallelism; ++i) {
      std::vector<std::string> splits(rng.uniform(5));
      for (std::size_t j = 0; j < splits.size(); ++j) {
        splits[j] = std::to_string(i) + "/" + std::to_string(j);
      }
      subtasks[i]->known.set({"known by " + std::to_string(i)});
      subtasks[i]->splits.set(std::move(splits));
      subtasks[i]->fired.advance(EventTime(i));
    }
    return subtasks;
  }

  MemoryFileStore files_;
  HeapStateBackend backend_{files_};
};

// Everything that all subtasks of an operator hold together.
struct Content {
  std::map<std::string, std::int64_t> counts;
  std::multiset<std::pair<std::int64_t, std::string>> timers;
  std::multiset<std::string> splits;
  friend bool operator==(const Content&, const Content&) = default;
};

Content content_of(std::vector<std::unique_ptr<Subtask>>& subtasks, Spread spread) {
  Content content;
  for (std::uint32_t i = 0; i < spread.parallelism; ++i) {
    subtasks[i]->counts.for_each([&](const Text& key, std::uint32_t hash, std::int64_t value) {
      EXPECT_EQ(spread.owner(hash).value(), i);
      EXPECT_TRUE(content.counts.emplace(key.str(), value).second) << "in two subtasks";
    });
    Subtask& subtask = *subtasks[i];
    TimerQueue<Text> copy("copy");
    capture(subtask.timers).restore_into(copy);
    while (const auto* timer = copy.pop(EventTime::max())) {
      EXPECT_EQ(spread.owner(timer->hash).value(), i);
      content.timers.emplace(timer->time.millis(), timer->key.str());
    }
    content.splits.insert(subtask.splits.items().begin(), subtask.splits.items().end());
  }
  return content;
}

TEST_F(HeapStateBackendTest, RestoreAtAnyParallelismAndMaxParallelismKeepsEverythingOnce) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto random_spread = [&rng] {
      const std::uint32_t choices[] = {1, 7, 128, 1000, 32768};
      const std::uint32_t max = choices[rng.uniform(5)];
      return Spread{static_cast<std::uint32_t>(1 + rng.uniform(std::min(max, 6U))), max};
    };
    const Spread before = random_spread();
    const Spread after = random_spread();
    auto subtasks = filled(before, rng.uniform(3000), rng);
    const Content expected = content_of(subtasks, before);
    const auto handles = write(subtasks, 1 + seed);
    auto restored = open(after, handles);
    EXPECT_EQ(content_of(restored, after), expected);

    for (std::uint32_t i = 0; i < after.parallelism; ++i) {
      Subtask& subtask = *restored[i];
      EXPECT_TRUE(subtask.backend->is_restored());
      EXPECT_THAT(subtask.backend->unclaimed_states(), IsEmpty());
      EXPECT_EQ(subtask.known.items().size(), before.parallelism) << "union: all of them";
      if (before.parallelism == after.parallelism) {
        EXPECT_TRUE(std::ranges::equal(subtask.splits.items(), subtasks[i]->splits.items()))
            << "B25: split items stay";
      }
      for (int probe = 0; probe < 20; ++probe) {
        const HashRange range = after.range(i);
        const auto hash =
            static_cast<std::uint32_t>(range.first + rng.uniform(range.end - range.first));
        EXPECT_EQ(subtask.fired.fired_through(hash), EventTime(before.owner(hash).value()));
      }
    }
  }
}

TEST_F(HeapStateBackendTest, ASnapshotOfWhatWasRestoredIsTheSameBytes) {
  Rng rng(1);
  const Spread spread{2, 128};
  auto subtasks = filled(spread, 2000, rng);
  const auto first = write(subtasks, 1);
  auto restored = open(spread, first);
  const auto second = write(restored, 1000);
  auto again = open(spread, second);
  EXPECT_EQ(content_of(again, spread), content_of(subtasks, spread));
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(capture(again[i]->counts).entries, capture(subtasks[i]->counts).entries);
    EXPECT_EQ(capture(again[i]->timers).entries, capture(subtasks[i]->timers).entries);
  }
}

TEST_F(HeapStateBackendTest, SplitItemsAreDealtOutInTurnWhenTheParallelismChanges) {
  auto subtasks = open({2, 128});
  subtasks[0]->splits.set({"a", "b", "c"});
  subtasks[1]->splits.set({"d", "e"});
  auto restored = open({3, 128}, write(subtasks, 1));
  EXPECT_THAT(restored[0]->splits.items(), ElementsAre("a", "d"));
  EXPECT_THAT(restored[1]->splits.items(), ElementsAre("b", "e"));
  EXPECT_THAT(restored[2]->splits.items(), ElementsAre("c"));
}

TEST_F(HeapStateBackendTest, AnEmptySubtaskKeepsItsPlace) {
  auto subtasks = open({2, 128});
  subtasks[1]->splits.set({"only"});
  auto restored = open({2, 128}, write(subtasks, 1));
  EXPECT_THAT(restored[0]->splits.items(), IsEmpty());
  EXPECT_THAT(restored[1]->splits.items(), ElementsAre("only"));
}

TEST_F(HeapStateBackendTest, SnapshotIsWrittenElsewhereWhileTheStateGoesOn) {
  Rng rng(1);
  const Spread spread{1, 128};
  auto subtasks = filled(spread, 20000, rng);
  const Content expected = content_of(subtasks, spread);
  ASSERT_TRUE(files_.make_directories("/dir/chk-1").is_ok());
  const auto writer = open_checkpoint_writer(files_, "/dir", CheckpointId{1});
  auto frozen = subtasks[0]->backend->freeze(CheckpointId{1});
  Result<StateHandle> handle = internal_error("not written");
  std::thread background([&] { handle = frozen->write(*writer, "op"); });
  for (int i = 0; i < 50000; ++i) {
    const std::string key = "key-number-" + std::to_string(rng.uniform(40000));
    const Text text = Text::view(key);
    const std::uint32_t hash = key_hash(text);
    if (rng.chance(0.3)) {
      subtasks[0]->counts.erase(text, hash);
    } else {
      subtasks[0]->counts.find_or_insert(text, hash) = i;
    }
    (void)subtasks[0]->timers.pop(EventTime(50));
    if (i % 100 == 0) {
      subtasks[0]->backend->tidy();
    }
  }
  background.join();
  ASSERT_TRUE(handle.is_ok()) << handle.status().to_string();
  auto restored = open(spread, {*handle});
  EXPECT_EQ(content_of(restored, spread), expected);
}

TEST_F(HeapStateBackendTest, AnOperatorWithoutStateWritesNothing) {
  const auto opened =
      backend_.open({OperatorId{"op"}, SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}, {}});
  ASSERT_TRUE(files_.make_directories("/dir/chk-1").is_ok());
  const auto writer = open_checkpoint_writer(files_, "/dir", CheckpointId{1});
  const auto handle = (*opened)->freeze(CheckpointId{1})->write(*writer, "op");
  ASSERT_TRUE(handle.is_ok());
  EXPECT_EQ(*handle, StateHandle{});
  EXPECT_FALSE((*opened)->is_restored());
  // And a state that is new in this version of the job starts empty from it.
  auto restored = open({1, 128}, {*handle});
  EXPECT_TRUE(restored[0]->backend->is_restored());
  EXPECT_EQ(restored[0]->counts.size(), 0U);
}

// --- refusals ---------------------------------------------------------------------------------

TEST_F(HeapStateBackendTest, AStateOfAnotherKindOrSchemaIsRefusedWithBoth) {
  Rng rng(1);
  auto subtasks = filled({1, 128}, 10, rng);
  const std::vector<StateHandle> handles = write(subtasks, 1);
  const auto refusal = [&](StateTable& table) -> Status {
    auto opened = backend_.open(
        {OperatorId{"op"}, SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}, handles});
    EXPECT_TRUE(opened.is_ok());
    try {
      (*opened)->add(table);
    } catch (const StatusError& error) {
      return error.status();
    }
    return Status::ok();
  };
  KeyedTable<Text, std::string> other_value(value_state<std::string>("counts"));
  Status status = refusal(other_value);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("'counts'"));
  EXPECT_THAT(status.message(), HasSubstr("'op'"));
  EXPECT_THAT(status.message(), HasSubstr("string"));
  EXPECT_THAT(status.message(), HasSubstr("int64"));
  EXPECT_EQ(other_value.size(), 0U);

  ItemState<std::string> other_kind("counts");
  status = refusal(other_kind);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("its kind is operator, was value"));

  ItemState<std::string> other_distribution("splits", StateDistribution::kUnion);
  EXPECT_THAT(refusal(other_distribution).message(), HasSubstr("is union, was split"));

  TimerQueue<std::int64_t> other_key("timers");
  EXPECT_THAT(refusal(other_key).message(), HasSubstr("key"));

  KeyedTable<Text, std::int64_t> fitting(value_state<std::int64_t>("counts"));
  EXPECT_TRUE(refusal(fitting).is_ok());
  EXPECT_EQ(fitting.size(), 10U);
}

// --- a newer version of the job ------------------------------------------------------------------

struct AccountBefore {
  std::int32_t visits = 0;
  std::string note;
};
WEIR_RECORD(AccountBefore, visits, note)
struct Account {
  std::string country = "unknown";
  std::int64_t visits = 0;
};
WEIR_RECORD(Account, country, visits)

// B27: what is written after a migration has the new schema and is not migrated again.
TEST_F(HeapStateBackendTest, ChangedRecordsAreMigratedOnceAndStoredAsTheyAreNow) {
  constexpr std::int64_t kKeys = 100;
  const auto descriptor = []<class T>(const T*) {
    StateDescriptor state = value_state<T>("accounts");
    state.value_type = &type_info<T>();
    return state;
  };
  const auto with_backend = [&](std::vector<StateHandle> restores, auto&& f) {
    auto opened = backend_.open({OperatorId{"op"}, SubtaskIndex{0}, Parallelism{1},
                                 MaxParallelism{128}, std::move(restores)});
    ASSERT_TRUE(opened.is_ok());
    f(**opened);
  };
  const auto write_as = [&](OperatorStateBackend& backend, std::uint64_t id) {
    EXPECT_TRUE(files_.make_directories("/dir/chk-" + std::to_string(id)).is_ok());
    const auto writer = open_checkpoint_writer(files_, "/dir", CheckpointId{id});
    return *backend.freeze(CheckpointId{id})->write(*writer, "op");
  };
  const auto key = [](std::int64_t i) { return Text::view(i % 2 == 0 ? "even" : "odd"); };
  StateHandle first;
  with_backend({}, [&](OperatorStateBackend& backend) {
    KeyedTable<Text, AccountBefore> table(descriptor(static_cast<AccountBefore*>(nullptr)));
    ItemState<AccountBefore> items("items");
    backend.add(table);
    backend.add(items);
    for (std::int64_t i = 0; i < kKeys; ++i) {
      ++table.find_or_insert(key(i), key_hash(key(i))).visits;
    }
    items.set({{-7, "a"}, {8, "b"}});
    first = write_as(backend, 1);
  });
  StateHandle before = first;
  for (std::uint64_t id = 2; id < 5; ++id) {
    with_backend({before}, [&](OperatorStateBackend& backend) {
      KeyedTable<Text, Account> table(descriptor(static_cast<Account*>(nullptr)));
      ItemState<Account> items("items");
      backend.add(table);
      backend.add(items);
      ASSERT_EQ(table.size(), 2U);
      table.for_each([&](const Text&, std::uint32_t, const Account& account) {
        EXPECT_EQ(account, (Account{id == 2 ? "unknown" : "known", kKeys / 2}));
      });
      EXPECT_THAT(items.items(), ElementsAre(Account{"unknown", -7}, Account{"unknown", 8}));
      for (std::int64_t i = 0; i < 2; ++i) {
        table.find_or_insert(key(i), key_hash(key(i))).country = "known";
      }
      before = write_as(backend, id);
    });
    const auto reader = SnapshotReader::open(files_, before);
    ASSERT_TRUE(reader.is_ok());
    EXPECT_EQ((*reader)->index().states[0].descriptor.value_schema, schema_text<Account>());
    EXPECT_EQ((*reader)->index().states[1].descriptor.value_schema, schema_text<Account>());
  }
  // The way back is closed where a number would have to shrink.
  with_backend({before}, [&](OperatorStateBackend& backend) {
    KeyedTable<Text, AccountBefore> table(descriptor(static_cast<AccountBefore*>(nullptr)));
    try {
      backend.add(table);
      FAIL() << "restored";
    } catch (const StatusError& error) {
      EXPECT_EQ(error.status().code(), StatusCode::kFailedPrecondition);
      EXPECT_THAT(error.status().message(), HasSubstr("state 'accounts' of operator 'op'"));
      EXPECT_THAT(error.status().message(), HasSubstr("visits: int32, was int64"));
    }
    EXPECT_EQ(table.size(), 0U);
  });
}

TEST_F(HeapStateBackendTest, StatesThatNobodyAskedForAreNamed) {
  Rng rng(1);
  auto subtasks = filled({2, 128}, 10, rng);
  const auto opened = backend_.open(
      {OperatorId{"op"}, SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}, write(subtasks, 1)});
  ASSERT_TRUE(opened.is_ok());
  KeyedTable<Text, std::int64_t> counts(value_state<std::int64_t>("counts"));
  (*opened)->add(counts);
  EXPECT_THAT((*opened)->unclaimed_states(),
              ElementsAre("timers", "splits", "known", "fired-watermarks"));
  EXPECT_EQ((*opened)->entry_count(), 10U);
}

TEST_F(HeapStateBackendTest, DamageIsFoundBeforeAnythingIsRestoredByWhomeverItConcerns) {
  Rng rng(1);
  const Spread before{3, 128};
  auto subtasks = filled(before, 3000, rng);
  const auto handles = write(subtasks, 1);
  for (int round = 0; round < 300; ++round) {
    const StateHandle& victim = handles[rng.uniform(3)];
    ASSERT_FALSE(victim.is_inline());
    const std::string bytes = *read_file(files_, victim.path);
    std::string damaged = bytes;
    if (rng.chance(0.2)) {
      damaged.resize(rng.uniform(bytes.size()));
    } else {
      damaged[rng.uniform(bytes.size())] ^= static_cast<char>(1U << rng.uniform(8));
    }
    ASSERT_TRUE(write_file_atomically(files_, victim.path + "x", victim.path, damaged).is_ok());
    const Spread after{static_cast<std::uint32_t>(1 + rng.uniform(4)), 128};
    int refused = 0;
    for (std::uint32_t i = 0; i < after.parallelism; ++i) {
      // Opening alone must find it: no table has been added yet.
      const auto opened =
          backend_.open({OperatorId{"op"}, SubtaskIndex{i}, Parallelism{after.parallelism},
                         MaxParallelism{128}, handles});
      if (!opened.is_ok()) {
        ++refused;
        ASSERT_EQ(opened.status().code(), StatusCode::kDataLoss);
        ASSERT_THAT(opened.status().message(), HasSubstr(victim.path));
        ASSERT_THAT(opened.status().message(), HasSubstr("operator 'op'"));
      }
    }
    ASSERT_GT(refused, 0);
    ASSERT_TRUE(write_file_atomically(files_, victim.path + "x", victim.path, bytes).is_ok());
  }
}

TEST_F(HeapStateBackendTest, SwappedAndMissingSnapshotsAreRefused) {
  Rng rng(1);
  auto subtasks = filled({2, 128}, 3000, rng);
  std::vector<StateHandle> handles = write(subtasks, 1);
  const auto open_status = [&] {
    return backend_
        .open({OperatorId{"op"}, SubtaskIndex{0}, Parallelism{2}, MaxParallelism{128}, handles})
        .status();
  };
  ASSERT_TRUE(open_status().is_ok());
  std::swap(handles[0], handles[1]);
  EXPECT_EQ(open_status().code(), StatusCode::kDataLoss);
  std::swap(handles[0], handles[1]);
  ASSERT_TRUE(files_.remove(handles[1].path).is_ok());
  EXPECT_EQ(open_status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(open_status().message(), HasSubstr(handles[1].path));
}

}  // namespace
}  // namespace weir
