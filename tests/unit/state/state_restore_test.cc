// SPDX-License-Identifier: Apache-2.0
// Broadcast state through either backend: whole in every snapshot, one copy per subtask at any
// parallelism.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/broadcast_table.h"
#include "core/keyed_table.h"
#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Rules = BroadcastTable<Text, std::int64_t>;
using Counts = KeyedTable<std::int64_t, std::int64_t>;
using Content = std::map<std::string, std::int64_t>;
using MakeBackend = std::function<std::unique_ptr<StateBackend>(FileStore&)>;

// One subtask's states: the map, and one by key beside it.
struct Subtask {
  Subtask(StateBackend& with, std::vector<StateHandle> restores, std::uint32_t index,
          std::uint32_t parallelism)
      : counts({"counts", StateKind::kValue, StateDistribution::kKeyed, schema_text<std::int64_t>(),
                schema_text<std::int64_t>()}),
        parallelism_(parallelism),
        index_(index) {
    auto opened = with.open({.id = OperatorId{"op"},
                             .subtask = SubtaskIndex{index},
                             .parallelism = Parallelism{parallelism},
                             .max_parallelism = MaxParallelism{128},
                             .restores = std::move(restores),
                             .checkpoint_directory = "/store/job"});
    throw_if_error(opened.status());
    backend = std::move(opened).value();
    backend->add(rules);
    backend->add(counts);
  }
  void put(std::string_view key, std::int64_t value) {
    rules.update(Text::view(key), [value](std::int64_t& held) { held = value; });
  }
  void count(std::int64_t key) {
    const std::uint32_t hash = key_hash(key);
    if (key_group_range(MaxParallelism{128}, Parallelism{parallelism_}, SubtaskIndex{index_})
            .contains(key_group_of(hash, MaxParallelism{128}))) {
      counts.update(key, hash, [](std::int64_t& count) { ++count; });
    }
  }
  Content content() const {
    Content content;
    for (const auto& entry : rules.entries()) content[entry.key.str()] = entry.value;
    return content;
  }

  Rules rules{Rules::describe("rules")};
  Counts counts;
  std::unique_ptr<OperatorStateBackend> backend;

 private:
  const std::uint32_t parallelism_;
  const std::uint32_t index_;
};

class StateRestoreTest : public testing::TestWithParam<std::pair<const char*, MakeBackend>> {
 protected:
  StateRestoreTest() : backend_(GetParam().second(files_)) {}

  std::vector<std::unique_ptr<Subtask>> restored(std::uint32_t parallelism,
                                                 const std::vector<StateHandle>& handles) {
    std::vector<std::unique_ptr<Subtask>> subtasks;
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      subtasks.push_back(std::make_unique<Subtask>(*backend_, handles, i, parallelism));
    }
    return subtasks;
  }
  std::vector<StateHandle> checkpoint(const std::vector<std::unique_ptr<Subtask>>& subtasks,
                                      CheckpointKind kind = CheckpointKind::kCheckpoint) {
    const CheckpointId id{++checkpoints_};
    EXPECT_TRUE(files_.make_directories("/store/job/chk-" + to_string(id)).is_ok());
    const auto writer = open_checkpoint_writer(files_, "/store/job", id);
    std::vector<StateHandle> handles;
    for (std::size_t i = 0; i < subtasks.size(); ++i) {
      const auto frozen = subtasks[i]->backend->freeze(CheckpointBarrier{id, kind});
      auto handle = frozen->write(*writer, "op-" + std::to_string(i));
      EXPECT_TRUE(handle.is_ok()) << handle.status().to_string();
      handles.push_back(std::move(handle).value());
    }
    return handles;
  }
  static std::int64_t counted(const std::vector<std::unique_ptr<Subtask>>& subtasks) {
    std::int64_t sum = 0;
    for (const auto& subtask : subtasks) {
      subtask->counts.for_each([&sum](std::int64_t, std::uint32_t, std::int64_t n) { sum += n; });
    }
    return sum;
  }

  MemoryFileStore files_;
  std::unique_ptr<StateBackend> backend_;
  std::uint64_t checkpoints_ = 0;
};

TEST_P(StateRestoreTest, EverySubtaskHasTheContentAtTwoThreeAndOne) {
  auto subtasks = restored(2, {});
  Content model;
  std::int64_t keys = 0;
  for (const std::uint32_t parallelism : {2, 3, 1, 4, 4}) {
    for (std::int64_t round = 0; round < 3; ++round) {
      const std::string name = "rule-" + std::to_string(parallelism) + "-" + std::to_string(round);
      model[name] = round;
      for (const auto& subtask : subtasks) {
        subtask->put(name, round);
        for (std::int64_t key = keys; key < keys + 50; ++key) subtask->count(key);
        subtask->backend->tidy();
      }
      keys += 50;
      (void)checkpoint(subtasks);
    }
    const bool is_savepoint = parallelism == 1;
    const auto handles = checkpoint(
        subtasks, is_savepoint ? CheckpointKind::kSavepoint : CheckpointKind::kCheckpoint);
    subtasks = restored(parallelism, handles);
    for (const auto& subtask : subtasks) EXPECT_EQ(subtask->content(), model);
    EXPECT_EQ(counted(subtasks), keys);
  }
}

TEST_P(StateRestoreTest, EachSubtaskTakesItsOwnCopyAndNewOnesOneInTurn) {
  auto subtasks = restored(2, {});
  subtasks[0]->put("copy", 0);
  subtasks[1]->put("copy", 1);
  const auto handles = checkpoint(subtasks);
  const auto copies = [&](std::uint32_t parallelism) {
    std::vector<std::int64_t> all;
    for (const auto& subtask : restored(parallelism, handles)) {
      all.push_back(subtask->content().at("copy"));
    }
    return all;
  };
  EXPECT_THAT(copies(1), ElementsAre(0));
  EXPECT_THAT(copies(2), ElementsAre(0, 1));
  EXPECT_THAT(copies(5), ElementsAre(0, 1, 0, 1, 0));
}

TEST_P(StateRestoreTest, AMapThatBecameAKeyedStateIsRefused) {
  auto subtasks = restored(1, {});
  subtasks[0]->put("a", 1);
  const auto handles = checkpoint(subtasks);
  auto opened = backend_->open({.id = OperatorId{"op"},
                                .subtask = SubtaskIndex{0},
                                .parallelism = Parallelism{1},
                                .max_parallelism = MaxParallelism{128},
                                .restores = handles,
                                .checkpoint_directory = "/store/job"});
  ASSERT_TRUE(opened.is_ok());
  Counts keyed({"rules", StateKind::kMap, StateDistribution::kKeyed, schema_text<std::int64_t>(),
                schema_text<std::int64_t>()});
  try {
    (*opened)->add(keyed);
    FAIL() << "it was restored";
  } catch (const StatusError& error) {
    EXPECT_THAT(error.status().message(), HasSubstr("its kind is map, was broadcast"));
  }
}

const MakeBackend kHeap = [](FileStore& files) -> std::unique_ptr<StateBackend> {
  return std::make_unique<HeapStateBackend>(files);
};
const MakeBackend kIncremental = [](FileStore& files) -> std::unique_ptr<StateBackend> {
  return std::make_unique<IncrementalStateBackend>(files);
};
INSTANTIATE_TEST_SUITE_P(Backends, StateRestoreTest,
                         testing::Values(std::pair("Heap", kHeap),
                                         std::pair("Incremental", kIncremental)),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace weir
