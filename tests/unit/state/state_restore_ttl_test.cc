// SPDX-License-Identifier: Apache-2.0
// States with a time-to-live beside a simple model: random operations, checkpoints whole and
// incremental, restores at another parallelism while time went by, with and without a floor below
// the tables. And what merges leave out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/state.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_reader.h"
#include "state/state_restore.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_store.h"
#include "testing/model_floor.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using Key = std::string;
using UserKey = std::int64_t;

std::int64_t sum(std::int64_t a, std::int64_t b) { return a + b; }
void add(std::int64_t& held, std::int64_t item) { held += item; }
std::int64_t same(std::int64_t held) { return held; }

// The time-to-live of each state, or none.
struct Ttls {
  std::optional<Ttl> value, list, map, reducing, aggregating;
};

// One subtask's states, and what holds them.
struct Subtask {
  Subtask(StateBackend& with, const Clock& clock, const Ttls& ttls,
          std::vector<StateHandle> restores, std::uint32_t index, std::uint32_t parallelism)
      : range(hash_range(
            key_group_range(MaxParallelism{128}, Parallelism{parallelism}, SubtaskIndex{index}),
            MaxParallelism{128})) {
    auto opened = with.open({.id = OperatorId{"op"},
                             .subtask = SubtaskIndex{index},
                             .parallelism = Parallelism{parallelism},
                             .max_parallelism = MaxParallelism{128},
                             .restores = std::move(restores),
                             .checkpoint_directory = "/store/job",
                             .local_name = std::to_string(index)});
    throw_if_error(opened.status());
    backend = std::move(opened).value();
    tables.use_clock(clock);
    States<Key> states(tables);
    value = ttls.value ? states.value<Text>("value", *ttls.value) : states.value<Text>("value");
    list = ttls.list ? states.list<Text>("list", *ttls.list) : states.list<Text>("list");
    map = ttls.map ? states.map<UserKey, Text>("map", *ttls.map) : states.map<UserKey, Text>("map");
    reducing = ttls.reducing ? states.reducing<std::int64_t>("reducing", sum, *ttls.reducing)
                             : states.reducing<std::int64_t>("reducing", sum);
    aggregating = ttls.aggregating ? states.aggregating<std::int64_t, std::int64_t, std::int64_t>(
                                         "aggregating", add, same, *ttls.aggregating)
                                   : states.aggregating<std::int64_t, std::int64_t, std::int64_t>(
                                         "aggregating", add, same);
    tables.register_all(*backend);
  }
  template <class F>
  void with_key(const Key& key, F&& f) {
    tables.begin_call();
    tables.set_key(key, key_hash(key));
    f();
    tables.clear_key();
  }

  HashRange range;
  KeyedStates<Key> tables;
  ValueState<Text> value;
  ListState<Text> list;
  MapState<UserKey, Text> map;
  ReducingState<std::int64_t> reducing;
  AggregatingState<std::int64_t, std::int64_t, std::int64_t> aggregating;
  std::unique_ptr<OperatorStateBackend> backend;
};

// What one key holds, kept in the plainest way. Nothing is ever removed in the background.
class Model {
 public:
  template <class T>
  struct Held {
    T value;
    ProcessingTime at;
  };
  std::optional<Held<std::string>> value;
  std::vector<Held<std::string>> list;
  std::map<UserKey, Held<std::string>> map;
  std::optional<Held<std::int64_t>> reducing, aggregating;

  template <class T>
  static bool is_there(const Held<T>& held, const std::optional<Ttl>& ttl, ProcessingTime now) {
    return !ttl || held.at + ttl->duration() > now;
  }
  // What a read shows; it also renews.
  template <class T>
  static const T* read(std::optional<Held<T>>& held, const std::optional<Ttl>& ttl,
                       ProcessingTime now) {
    if (!held || !is_there(*held, ttl, now)) {
      held.reset();
      return nullptr;
    }
    if (ttl && ttl->is_renewed_by_reads()) held->at = now;
    return &held->value;
  }
  static std::vector<std::string> read(std::vector<Held<std::string>>& list,
                                       const std::optional<Ttl>& ttl, ProcessingTime now) {
    std::erase_if(list, [&](const auto& item) { return !is_there(item, ttl, now); });
    std::vector<std::string> shown;
    for (auto& item : list) {
      if (ttl && ttl->is_renewed_by_reads()) item.at = now;
      shown.push_back(item.value);
    }
    return shown;
  }
  void forget_expired_entries(const std::optional<Ttl>& ttl, ProcessingTime now) {
    std::erase_if(map, [&](const auto& entry) { return !is_there(entry.second, ttl, now); });
  }
};

class StateRestoreTtlTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  using Handles = std::vector<StateHandle>;

  void SetUp() override {
    auto opened = DirectoryCheckpointStorage::open(files_, "/store", "job");
    ASSERT_TRUE(opened.is_ok());
    storage_ = std::move(*opened);
  }

  Ttl random_ttl() {
    const Ttl ttl(Duration(1 + static_cast<std::int64_t>(rng_.uniform(60))));
    return rng_.chance(0.3) ? ttl.renewed_by_reads() : ttl;
  }
  void choose_ttls() {
    for (auto* ttl : {&ttls_.value, &ttls_.list, &ttls_.map, &ttls_.reducing, &ttls_.aggregating}) {
      // Only ever shorter: what is over stays over.
      const Ttl next = random_ttl();
      if (!*ttl || (*ttl)->duration() > next.duration()) *ttl = next;
    }
  }

  void start() {
    const MergeOptions merges{.small_chain_bytes = rng_.uniform(2) * 4000,
                              .small_chain_runs = 2 + rng_.uniform(4),
                              .slices = static_cast<std::uint32_t>(1 + rng_.uniform(4)),
                              .runs_max = 4 + rng_.uniform(6),
                              .group_runs = 2 + rng_.uniform(3)};
    subtasks_.clear();
    backend_ = std::make_unique<IncrementalStateBackend>(files_, merges, floor_options());
    if (rng_.chance(0.3)) backend_ = std::make_unique<HeapStateBackend>(files_);
    const auto parallelism = static_cast<std::uint32_t>(1 + rng_.uniform(3));
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      subtasks_.push_back(
          std::make_unique<Subtask>(*backend_, clock_, ttls_, handles_, i, parallelism));
    }
    models_ = stored_models_;
  }

  // Often there is a floor below tables that are too small for what they hold.
  std::optional<FloorOptions> floor_options() {
    if (rng_.chance(0.4)) return std::nullopt;
    table_memory_ = std::make_unique<TableMemory>(500 + rng_.uniform(6000));
    return FloorOptions{.open = []() -> Result<std::shared_ptr<StateFloor>> {
                          return std::shared_ptr<StateFloor>(std::make_shared<ModelFloor>());
                        },
                        .memory = *table_memory_,
                        .local_files = files_,
                        .local_directory = "/local/" + std::to_string(++starts_)};
  }
  static void make_room(Subtask& subtask) {
    while (auto work = subtask.backend->make_room(1)) {
      work->work();
      work->done();
    }
  }

  // One call for one key: some operations, each compared with the model.
  void call() {
    if (rng_.chance(0.3)) clock_.advance(Duration(rng_.uniform(8)));
    const Key key = "key-" + std::to_string(rng_.uniform(12));
    for (const auto& subtask : subtasks_) {
      if (!subtask->range.contains(key_hash(key))) continue;
      if (rng_.chance(0.5)) make_room(*subtask);
      subtask->with_key(key, [&] {
        for (std::uint64_t i = 1 + rng_.uniform(8); i > 0; --i) step(*subtask, models_[key]);
      });
    }
    if (rng_.chance(0.2)) {
      for (const auto& subtask : subtasks_) subtask->backend->tidy();
    }
  }
  void step(Subtask& states, Model& model) {
    switch (rng_.uniform(5)) {
      case 0: value_step(states, model); break;
      case 1: list_step(states, model); break;
      case 2: map_step(states, model); break;
      case 3: number_step(states.reducing, model.reducing, ttls_.reducing); break;
      default: number_step(states.aggregating, model.aggregating, ttls_.aggregating);
    }
  }
  void value_step(Subtask& states, Model& model) {
    const std::string text = random_text();
    switch (rng_.uniform(5)) {
      case 0:
        states.value.clear();
        model.value.reset();
        break;
      case 1:
        states.value.set(Text::view(text));
        model.value = {text, now()};
        break;
      case 2: {
        const std::string* const before = Model::read(model.value, ttls_.value, now());
        const std::string after = (before != nullptr ? *before : "") + "+";
        states.value.update([&after](Text& held) { held = appended(held, after); });
        model.value = {after, now()};
        break;
      }
      default: {
        const std::string* shown = Model::read(model.value, ttls_.value, now());
        ASSERT_EQ(states.value.has_value(), shown != nullptr);
        if (shown != nullptr) {
          ASSERT_EQ(states.value.value(), *shown);
        }
      }
    }
  }
  void list_step(Subtask& states, Model& model) {
    const std::string text = random_text();
    switch (rng_.uniform(6)) {
      case 0:
        states.list.clear();
        model.list.clear();
        break;
      case 1:
        states.list.update({Text::view(text), Text::view("b")});
        model.list = {{text, now()}, {"b", now()}};
        break;
      case 2:
      case 3:
        states.list.add(Text::view(text));
        model.list.push_back({text, now()});
        break;
      default: {
        std::vector<std::string> items;
        for (const Text& item : states.list.get()) items.emplace_back(item);
        ASSERT_EQ(items, Model::read(model.list, ttls_.list, now()));
      }
    }
  }
  void map_step(Subtask& states, Model& model) {
    const auto user_key = static_cast<UserKey>(rng_.uniform(6));
    const std::string text = random_text();
    model.forget_expired_entries(ttls_.map, now());
    const bool renews = ttls_.map && ttls_.map->is_renewed_by_reads();
    switch (rng_.uniform(8)) {
      case 0:
        states.map.clear();
        model.map.clear();
        break;
      case 1: ASSERT_EQ(states.map.remove(user_key), model.map.erase(user_key) > 0); break;
      case 2:
      case 3:
        states.map.put(user_key, Text::view(text));
        model.map[user_key] = {text, now()};
        break;
      case 4: {
        const std::string after = model.map[user_key].value + "+";
        states.map.update(user_key, [&after](Text& held) { held = appended(held, after); });
        model.map[user_key] = {after, now()};
        break;
      }
      case 5: {
        std::map<UserKey, std::string> shown, expected;
        for (const auto& entry : states.map.entries()) shown[entry.key] = std::string(entry.value);
        for (auto& [at, held] : model.map) {
          expected[at] = held.value;
          if (renews) held.at = now();
        }
        ASSERT_EQ(shown, expected);
        break;
      }
      default: {
        const Text* const shown = states.map.get(user_key);
        const auto expected = model.map.find(user_key);
        ASSERT_EQ(shown != nullptr, expected != model.map.end());
        if (shown != nullptr) {
          ASSERT_EQ(*shown, expected->second.value);
          if (renews) expected->second.at = now();
        }
      }
    }
  }
  // `after`, if it is `before` and a character; else what is wrong for sure.
  static Text appended(const Text& before, const std::string& after) {
    return std::string(before) + "+" == after ? Text::view(after) : Text("another text before");
  }
  template <class State>
  void number_step(const State& state, std::optional<Model::Held<std::int64_t>>& model,
                   const std::optional<Ttl>& ttl) {
    const auto number = static_cast<std::int64_t>(rng_.uniform(100));
    const std::int64_t* shown = Model::read(model, ttl, now());
    switch (rng_.uniform(4)) {
      case 0:
        state.clear();
        model.reset();
        break;
      case 1: {
        const auto result = state.get();
        ASSERT_EQ(static_cast<bool>(result), shown != nullptr);
        if (shown != nullptr) {
          ASSERT_EQ(*result, *shown);
        }
        break;
      }
      default: state.add(number); model = {(shown != nullptr ? *shown : 0) + number, now()};
    }
  }

  void take_checkpoint() {
    const CheckpointId id{++last_id_};
    ASSERT_TRUE(storage_->begin(id).is_ok());
    const auto writer = open_checkpoint_writer(files_, "/store/job", CheckpointBarrier{.id = id},
                                               rng_.uniform(400));
    Handles handles;
    for (std::size_t i = 0; i < subtasks_.size(); ++i) {
      const auto frozen = subtasks_[i]->backend->freeze(id);
      auto handle = frozen->write(*writer, "op-" + std::to_string(i));
      ASSERT_TRUE(handle.is_ok()) << handle.status().to_string();
      handles.push_back(*handle);
    }
    if (rng_.chance(0.2)) return;  // never completes
    handles_ = handles;
    stored_models_ = models_;
  }

  std::string random_text() {
    return std::string(rng_.uniform(80), static_cast<char>('a' + rng_.uniform(26)));
  }
  ProcessingTime now() const { return clock_.now(); }

  Rng rng_{GetParam()};
  ManualClock clock_;
  MemoryFileStore files_;
  std::unique_ptr<DirectoryCheckpointStorage> storage_;
  Ttls ttls_;
  int starts_ = 0;
  std::unique_ptr<TableMemory> table_memory_;
  std::unique_ptr<StateBackend> backend_;
  std::vector<std::unique_ptr<Subtask>> subtasks_;
  std::map<Key, Model> models_;
  std::uint64_t last_id_ = 0;
  Handles handles_;
  std::map<Key, Model> stored_models_;
};

TEST_P(StateRestoreTtlTest, ReadsShowWhatASimpleModelShows) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    if (attempt == 0 || rng_.chance(0.3)) choose_ttls();
    if (rng_.chance(0.5)) clock_.advance(Duration(rng_.uniform(100)));
    start();
    for (int checkpoint = 0; checkpoint < 10 && !HasFatalFailure(); ++checkpoint) {
      for (std::uint64_t i = rng_.uniform(60); i > 0 && !HasFatalFailure(); --i) call();
      take_checkpoint();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StateRestoreTtlTest, ::testing::Range<std::uint64_t>(0, 40));

// One subtask with one backend, by hand.
class TtlOverRestoreTest : public ::testing::TestWithParam<bool> {
 protected:
  TtlOverRestoreTest() {
    const MergeOptions merges{.small_chain_runs = 3};
    backend_ = std::make_unique<IncrementalStateBackend>(files_, merges);
    if (!GetParam()) backend_ = std::make_unique<HeapStateBackend>(files_);
    auto opened = DirectoryCheckpointStorage::open(files_, "/store", "job");
    throw_if_error(opened.status());
    storage_ = std::move(*opened);
  }
  static Ttls all(std::optional<Ttl> ttl) { return {ttl, ttl, ttl, ttl, ttl}; }

  void start(const Ttls& ttls) {
    states_ = std::make_unique<Subtask>(*backend_, clock_, ttls, handles_, 0, 1);
  }
  void fill(const Key& key) {
    states_->with_key(key, [this] {
      states_->value.set("a value with a text that is long");
      states_->list.add("an item with a text that is long");
      states_->map.put(5, "a text");
      states_->reducing.add(7);
      states_->aggregating.add(8);
    });
  }
  // How many of the five states have something under the key.
  int held(const Key& key) {
    int count = 0;
    states_->with_key(key, [this, &count] {
      count += states_->value.value_or(Text()) == "a value with a text that is long";
      count += states_->list.get().size() == 1 &&
               states_->list.get()[0] == "an item with a text that is long";
      count += states_->map.contains(5) && *states_->map.get(5) == "a text";
      count += states_->reducing.get() != nullptr && *states_->reducing.get() == 7;
      count += states_->aggregating.get() == 8;
    });
    return count;
  }
  void take_checkpoint(CheckpointKind kind = CheckpointKind::kCheckpoint) {
    const CheckpointBarrier barrier{.id = CheckpointId{++last_id_}, .kind = kind};
    ASSERT_TRUE(storage_->begin(barrier.id).is_ok());
    const auto writer = open_checkpoint_writer(files_, "/store/job", barrier, 0);
    auto handle = states_->backend->freeze(barrier)->write(*writer, "op-0");
    ASSERT_TRUE(handle.is_ok()) << handle.status().to_string();
    handles_ = {*handle};
  }
  // Entries of all states in all files of the last checkpoint, erased ones among them.
  std::uint64_t entries_stored() {
    std::uint64_t entries = 0;
    const auto add_file = [&](const StateFile& file) {
      const auto reader = SnapshotReader::open(files_, file);
      ASSERT_TRUE(reader.is_ok()) << reader.status().to_string();
      for (const auto& state : (*reader)->index().states) entries += state.entries;
    };
    if (handles_[0].size > 0) add_file(handles_[0]);
    for (const StateRun& run : handles_[0].runs) add_file(run.file);
    return entries;
  }

  ManualClock clock_;
  MemoryFileStore files_;
  std::unique_ptr<StateBackend> backend_;
  std::unique_ptr<DirectoryCheckpointStorage> storage_;
  std::unique_ptr<Subtask> states_;
  std::uint64_t last_id_ = 0;
  std::vector<StateHandle> handles_;
};

TEST_P(TtlOverRestoreTest, TimeGoesOnWhileTheJobIsDown) {
  start(all(Ttl(10ms)));
  fill("old");
  clock_.advance(5ms);
  fill("young");
  take_checkpoint();
  clock_.advance(5ms);
  start(all(Ttl(10ms)));
  EXPECT_EQ(held("old"), 0);
  EXPECT_EQ(held("young"), 5);
  EXPECT_EQ(states_->backend->entry_count(), 5U) << "what has expired is not even loaded";
  take_checkpoint();
  clock_.advance(5ms);
  start(all(Ttl(10ms)));
  EXPECT_EQ(held("young"), 0);
}

TEST_P(TtlOverRestoreTest, TheDurationMayChange) {
  start(all(Ttl(10ms)));
  fill("a");
  take_checkpoint();
  clock_.advance(6ms);
  start(all(Ttl(20ms)));
  fill("b");
  take_checkpoint();
  clock_.advance(6ms);
  start(all(Ttl(20ms)));
  EXPECT_EQ(held("a"), 5) << "longer than when it was stored";
  take_checkpoint();
  start(all(Ttl(12ms)));
  EXPECT_EQ(held("a"), 0);
  EXPECT_EQ(held("b"), 5);
}

TEST_P(TtlOverRestoreTest, ATimeToLiveMayComeAndCountsFromTheRestore) {
  start(all(std::nullopt));
  fill("a");
  take_checkpoint();
  clock_.advance(1h);
  start(all(Ttl(10ms)));
  take_checkpoint();
  clock_.advance(9ms);
  start(all(Ttl(10ms)));
  EXPECT_EQ(held("a"), 5);
  clock_.advance(1ms);
  EXPECT_EQ(held("a"), 0);
}

TEST_P(TtlOverRestoreTest, ATimeToLiveMayGo) {
  start(all(Ttl(10ms)));
  fill("a");
  take_checkpoint();
  start(all(std::nullopt));
  clock_.advance(1h);
  EXPECT_EQ(held("a"), 5);
  take_checkpoint();
  clock_.advance(1h);
  start(all(std::nullopt));
  EXPECT_EQ(held("a"), 5);
}

TEST_P(TtlOverRestoreTest, SnapshotsAndMergesLeaveOutWhatHasExpired) {
  start(all(Ttl(10ms)));
  for (int i = 0; i < 100; ++i) fill("old-" + std::to_string(i));
  take_checkpoint();
  EXPECT_EQ(entries_stored(), 500U);
  clock_.advance(10ms);
  for (int i = 0; i < 3; ++i) {
    fill("young-" + std::to_string(i));
    take_checkpoint();
  }
  // Nothing was tidied: the tables still hold the old ones.
  EXPECT_GE(states_->backend->entry_count(), 500U);
  EXPECT_LE(entries_stored(), 20U);
  take_checkpoint(CheckpointKind::kSavepoint);
  EXPECT_EQ(entries_stored(), 15U);
}

INSTANTIATE_TEST_SUITE_P(Backends, TtlOverRestoreTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Incremental" : "Heap");
});

}  // namespace
}  // namespace weir
