// SPDX-License-Identifier: Apache-2.0
// IncrementalStateBackend beside HeapStateBackend: the same random history, with failed and
// abandoned checkpoints, savepoints, and restores of either kind, gives the same answers all along
// and has the same content at every checkpoint - also with a floor below the tables, when they are
// many times too small for what they hold.
#include "state/incremental/incremental_state_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/state.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/item_state.h"
#include "api/operators/timer_queue.h"
#include "base/rng.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/faulty_file_store.h"
#include "testing/memory_file_store.h"
#include "testing/model_floor.h"
#include "tests/unit/core/captured_state.h"

namespace weir {
namespace {

using Key = std::string;

// One subtask's states, and what holds them.
struct Subtask {
  Subtask(StateBackend& with, std::vector<StateHandle> restores, std::uint32_t index,
          std::uint32_t parallelism, std::uint32_t max_parallelism)
      : range(hash_range(key_group_range(MaxParallelism{max_parallelism}, Parallelism{parallelism},
                                         SubtaskIndex{index}),
                         MaxParallelism{max_parallelism})) {
    auto opened = with.open({.id = OperatorId{"op"},
                             .subtask = SubtaskIndex{index},
                             .parallelism = Parallelism{parallelism},
                             .max_parallelism = MaxParallelism{max_parallelism},
                             .restores = std::move(restores),
                             .checkpoint_directory = "/store/job",
                             .local_name = std::to_string(index)});
    throw_if_error(opened.status());
    backend = std::move(opened).value();
    States<Key> states(tables);
    values = states.value<Text>("values");
    maps = states.map<std::int64_t, std::int64_t>("maps");
    lists = states.list<std::int64_t>("lists");
    tables.register_all(*backend);
    backend->add(timers);
    backend->add(items);
  }

  // Returns what it read.
  std::string change(Rng& rng) {
    const Key key = "key-" + std::to_string(rng.uniform(60));
    const std::uint32_t hash = key_hash(key);
    if (!range.contains(hash)) return "";
    tables.set_key(key, hash);
    std::string seen = read(rng);
    const std::string text(rng.uniform(200), static_cast<char>('a' + rng.uniform(26)));
    switch (rng.uniform(9)) {
      case 0: values.clear(); break;
      case 1: values.set(Text::view(text)); break;
      case 2:
        maps.put(static_cast<std::int64_t>(rng.uniform(5)),
                 static_cast<std::int64_t>(rng.next() % 1000));
        break;
      case 3: (void)maps.remove(static_cast<std::int64_t>(rng.uniform(5))); break;
      case 4: lists.add(static_cast<std::int64_t>(rng.uniform(9))); break;
      case 5: lists.clear(); break;
      case 6: items.set({text}); break;
      case 7:
        (void)timers.add(EventTime{static_cast<std::int64_t>(rng.uniform(100))}, key, hash);
        break;
      default: (void)timers.pop(EventTime{static_cast<std::int64_t>(rng.uniform(20))});
    }
    seen += read(rng);
    tables.clear_key();
    return seen;
  }
  std::string read(Rng& rng) const {
    std::string seen;
    switch (rng.uniform(4)) {
      case 0: {
        const Text text = values.value_or(Text::view("none"));
        seen = text.view();
        break;
      }
      case 1: seen = std::to_string(lists.get().size()); break;
      case 2:
        for (const auto& entry : maps.entries()) {
          seen += std::to_string(entry.key) + ":" + std::to_string(entry.value) + ",";
        }
        break;
      default: break;
    }
    return seen + ";";
  }

  HashRange range;
  KeyedStates<Key> tables;
  ValueState<Text> values;
  MapState<std::int64_t, std::int64_t> maps;
  ListState<std::int64_t> lists;
  TimerQueue<Key> timers{"timers"};
  ItemState<std::string> items{"items"};
  std::unique_ptr<OperatorStateBackend> backend;
};

// All entries of some subtasks, as lines. Items are counted anew when subtasks are put together.
using Content = std::multiset<std::string>;
struct ContentOf final : StateRegistry {
  void add(StateTable& table) override {
    CapturedState captured;
    EXPECT_TRUE(table.freeze(CheckpointId{1})->write(captured).is_ok());
    const bool is_items = table.descriptor().kind == StateKind::kOperator;
    for (const CapturedEntry& entry : captured.entries) {
      content.insert(table.descriptor().name + "/" + std::to_string(is_items ? 0 : entry.hash) +
                     "/" + entry.key + "=" + entry.value);
    }
  }
  void add(Subtask& subtask) {
    subtask.tables.register_all(*this);
    add(subtask.timers);
    add(subtask.items);
  }
  bool is_restored() const override { return false; }
  Content content;
};

// What stored snapshots hold, as the heap backend restores it.
Content content_of(FileStore& files, const std::vector<StateHandle>& handles) {
  HeapStateBackend heap(files);
  Subtask all(heap, handles, 0, 1, 128);
  ContentOf result;
  result.add(all);
  return result.content;
}

// The first entries that only one of two has.
std::string difference(const Content& found, const Content& expected) {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                      std::back_inserter(extra));
  std::string text;
  if (!missing.empty()) text += std::to_string(missing.size()) + " missing: " + missing[0] + " ";
  if (!extra.empty()) text += std::to_string(extra.size()) + " extra: " + extra[0];
  return text;
}

// A job's life over several attempts, of one operator.
class IncrementalStateBackendTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  using Frozen = std::vector<std::unique_ptr<FrozenOperatorState>>;

  void SetUp() override {
    auto opened = DirectoryCheckpointStorage::open(memory_, "/store", "job");
    ASSERT_TRUE(opened.is_ok());
    storage_ = std::move(*opened);
  }

  // Starts an attempt from the last complete checkpoint. Backends change places between attempts.
  void start() {
    const MergeOptions merges{.small_chain_bytes = rng_.uniform(2) * 4000,
                              .small_chain_runs = 2 + rng_.uniform(4),
                              .slices = static_cast<std::uint32_t>(1 + rng_.uniform(4)),
                              .runs_max = 4 + rng_.uniform(6),
                              .group_runs = 2 + rng_.uniform(3)};
    subtasks_.clear();
    twins_.clear();
    late_.clear();
    waiting_.clear();
    backend_ = std::make_unique<IncrementalStateBackend>(files_, merges, floor_options());
    if (rng_.chance(0.2)) backend_ = std::make_unique<HeapStateBackend>(files_);
    ++attempt_;
    for (std::uint32_t i = 0; i < parallelism_; ++i) {
      subtasks_.push_back(std::make_unique<Subtask>(*backend_, completed_handles_, i, parallelism_,
                                                    max_parallelism_));
      twins_.push_back(std::make_unique<Subtask>(heap_, completed_handles_, i, parallelism_,
                                                 max_parallelism_));
    }
    EXPECT_EQ(difference(content_of(memory_, completed_handles_), completed_content_), "");
  }

  std::optional<FloorOptions> floor_options() {
    if (rng_.chance(0.3)) return std::nullopt;
    table_memory_ = std::make_unique<TableMemory>(500 + rng_.uniform(30000));
    return FloorOptions{.open = [this]() -> Result<std::shared_ptr<StateFloor>> {
                          ++floors_opened_;
                          return std::shared_ptr<StateFloor>(std::make_shared<ModelFloor>());
                        },
                        .memory = *table_memory_,
                        .local_files = memory_,
                        .local_directory = "/local/" + std::to_string(attempt_)};
  }

  // What an operator does before it processes records.
  void prepare(Subtask& subtask) {
    while (auto work = subtask.backend->make_room(1)) {
      if (!work->holds_records && rng_.chance(0.7)) {
        waiting_.push_back(*work);
        break;
      }
      do_work(*work);
    }
    for (std::uint64_t i = subtask.tables.is_evicting() ? rng_.uniform(6) : 0; i > 0; --i) {
      const Key key = "key-" + std::to_string(rng_.uniform(60));
      if (subtask.range.contains(key_hash(key))) subtask.tables.want(key, key_hash(key));
    }
    if (auto work = subtask.backend->load_wanted()) do_work(*work);
    if (!waiting_.empty() && rng_.chance(0.3)) {
      do_work(waiting_.front());
      waiting_.erase(waiting_.begin());
    }
  }
  static void do_work(const StateWork& work) {
    work.work();
    work.done();
  }

  void change_some() {
    for (std::uint64_t i = rng_.uniform(40); i > 0; --i) {
      for (std::size_t each = 0; each < subtasks_.size(); ++each) {
        if (rng_.chance(0.5)) prepare(*subtasks_[each]);
        Rng same = rng_;
        const std::string expected = twins_[each]->change(same);
        ASSERT_EQ(subtasks_[each]->change(rng_), expected);
        if (rng_.chance(0.3)) subtasks_[each]->backend->tidy();
      }
    }
  }

  // A savepoint holds everything, and leaves checkpoints as they are.
  void take_savepoint() {
    const CheckpointId id{++last_id_};
    const CheckpointBarrier barrier{.id = id, .kind = CheckpointKind::kSavepoint};
    Frozen frozen;
    for (const auto& subtask : subtasks_) frozen.push_back(subtask->backend->freeze(barrier));
    const Content content = twins_content();
    if (rng_.chance(0.2)) return;
    change_some();
    ASSERT_TRUE(storage_->begin(id).is_ok());
    const std::vector<StateHandle> handles = write(id, frozen);
    ASSERT_EQ(handles.size(), frozen.size());
    for (const StateHandle& handle : handles) ASSERT_TRUE(handle.runs.empty());
    ASSERT_EQ(difference(content_of(memory_, handles), content), "");
    ASSERT_TRUE(storage_->discard(id).is_ok());
  }

  Content twins_content() {
    ContentOf now;
    for (const auto& twin : twins_) now.add(*twin);
    return now.content;
  }

  // Takes a checkpoint that may be given up, fail, be written late, or complete.
  void take_checkpoint() {
    const CheckpointId id{++last_id_};
    ASSERT_TRUE(storage_->begin(id).is_ok());
    Frozen frozen;
    for (const auto& subtask : subtasks_) frozen.push_back(subtask->backend->freeze(id));
    const Content now = twins_content();
    if (rng_.chance(0.15)) return;  // given up before it was written
    if (rng_.chance(0.15)) {        // written after the next one
      late_.push_back(std::move(frozen));
      return;
    }
    const FileFaults faults{.error = 0.1, .ambiguous = 0.1, .no_space = 0.1};
    files_.set_faults(rng_.chance(0.2) ? faults : FileFaults{});
    if (rng_.chance(0.5)) change_some();
    const std::vector<StateHandle> handles = write(id, frozen);
    files_.set_faults({});
    for (Frozen& old : std::exchange(late_, {})) (void)write(CheckpointId{last_id_}, old);
    if (handles.size() < frozen.size() || rng_.chance(0.1)) return;  // declined or not heard of
    complete(id, handles, now);
  }

  std::vector<StateHandle> write(CheckpointId id, Frozen& frozen) {
    const auto writer = open_checkpoint_writer(files_, "/store/job", CheckpointBarrier{.id = id},
                                               rng_.uniform(400));
    std::vector<StateHandle> handles;
    for (std::size_t i = 0; i < frozen.size(); ++i) {
      const std::string name = "op-" + std::to_string(i) + "-" + std::to_string(attempt_) + "-" +
                               std::to_string(++files_written_);
      auto handle = frozen[i]->write(*writer, name);
      if (handle.is_ok()) handles.push_back(*handle);
    }
    return handles;
  }

  void complete(CheckpointId id, const std::vector<StateHandle>& handles, const Content& content) {
    CheckpointMetadata metadata;
    metadata.job_name = "job";
    metadata.id = id;
    metadata.operators.push_back(
        {OperatorId{"op"}, "op", MaxParallelism{max_parallelism_}, {}, handles});
    ASSERT_TRUE(storage_->publish(metadata).is_ok());
    ASSERT_TRUE(storage_->discard(completed_id_).is_ok());
    ASSERT_TRUE(storage_->discard_unused_runs().is_ok());
    ASSERT_TRUE(storage_->read(storage_->directory() + "/chk-" + to_string(id)).is_ok());
    ASSERT_EQ(difference(content_of(memory_, handles), content), "") << "checkpoint " << last_id_;
    completed_id_ = id;
    completed_handles_ = handles;
    completed_content_ = content;
  }

  // Of the runs begun for the last complete checkpoint or before, those it does not need.
  std::vector<std::string> unused_runs() {
    std::set<std::string> used;
    for (const StateHandle& handle : completed_handles_) {
      for (const StateRun& run : handle.runs) used.insert(run.file.path);
    }
    std::vector<std::string> unused;
    const auto runs = memory_.list("/store/job/runs");
    for (const DirectoryEntry& run : *runs) {
      if (!used.contains("/store/job/runs/" + run.name) &&
          std::stoull(run.name) <= completed_id_.value()) {
        unused.push_back(run.name);
      }
    }
    return unused;
  }

  Rng rng_{GetParam()};
  MemoryFileStore memory_;
  FaultyFileStore files_{memory_, GetParam()};
  std::unique_ptr<DirectoryCheckpointStorage> storage_;
  std::uint32_t parallelism_ = 2;
  std::uint32_t max_parallelism_ = 128;
  HeapStateBackend heap_{memory_};
  std::unique_ptr<TableMemory> table_memory_;
  std::unique_ptr<StateBackend> backend_;
  std::vector<std::unique_ptr<Subtask>> subtasks_;
  std::vector<std::unique_ptr<Subtask>> twins_;  // the same on the heap
  std::vector<StateWork> waiting_;               // asked for, and not done yet
  int floors_opened_ = 0;
  std::vector<Frozen> late_;
  int attempt_ = 0;
  std::uint64_t files_written_ = 0;
  std::uint64_t last_id_ = 0;
  CheckpointId completed_id_;
  std::vector<StateHandle> completed_handles_;
  Content completed_content_;
};

TEST_P(IncrementalStateBackendTest, EveryCheckpointHoldsWhatTheTablesHeld) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    start();
    for (int checkpoint = 0; checkpoint < 12 && !HasFatalFailure(); ++checkpoint) {
      change_some();
      take_checkpoint();
      if (rng_.chance(0.15)) take_savepoint();
    }
    if (rng_.chance(0.5)) parallelism_ = 1 + static_cast<std::uint32_t>(rng_.uniform(3));
    if (rng_.chance(0.2)) max_parallelism_ = 7 + static_cast<std::uint32_t>(rng_.uniform(300));
  }
  EXPECT_THAT(unused_runs(), ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, IncrementalStateBackendTest,
                         ::testing::Range<std::uint64_t>(0, 40));

}  // namespace
}  // namespace weir
