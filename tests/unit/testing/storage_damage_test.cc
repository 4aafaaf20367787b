// SPDX-License-Identifier: Apache-2.0
// Damage to every file of checkpoints and savepoints is found before anything is restored.
#include "testing/storage_damage.h"

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
#include "core/keyed_table.h"
#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/memory_file_store.h"

namespace weir {
namespace {

constexpr MaxParallelism kMaxParallelism{128};
constexpr Parallelism kParallelism{2};
constexpr std::size_t kInlineBytes = 2000;
const std::string kSavepoint = "/savepoints/savepoint-000001-4";

// One subtask with state of every kind.
struct Subtask {
  Subtask(StateBackend& state_backend, const OperatorId& id, std::uint32_t index)
      : fired(hash_range(key_group_range(kMaxParallelism, kParallelism, SubtaskIndex{index}),
                         kMaxParallelism)) {
    auto opened = state_backend.open({.id = id,
                                      .subtask = SubtaskIndex{index},
                                      .parallelism = kParallelism,
                                      .max_parallelism = kMaxParallelism,
                                      .restores = {},
                                      .checkpoint_directory = "/checkpoints/job"});
    throw_if_error(opened.status());
    backend = std::move(opened).value();
    backend->add(counts);
    backend->add(timers);
    backend->add(splits);
    backend->add(known);
    backend->add(fired);
  }

  KeyedTable<Text, std::int64_t> counts{{"counts", StateKind::kValue, StateDistribution::kKeyed,
                                         schema_text<Text>(), schema_text<std::int64_t>()}};
  TimerQueue<Text> timers{"timers"};
  ItemState<std::string> splits{"splits"};
  ItemState<std::string> known{"known", StateDistribution::kUnion};
  FiredWatermarks fired;
  std::unique_ptr<OperatorStateBackend> backend;
};

// An operator with much state, in files, and one with little, inside the metadata. Three
// incremental checkpoints, then a savepoint.
class StorageDamageTest : public testing::Test {
 protected:
  StorageDamageTest() {
    storage_ = std::move(DirectoryCheckpointStorage::open(files_, "/checkpoints", "job")).value();
    for (const char* id : {"large", "small"}) {
      for (std::uint32_t i = 0; i < kParallelism.value(); ++i) {
        subtasks_.push_back(std::make_unique<Subtask>(backend_, OperatorId{id}, i));
      }
    }
    for (std::uint64_t id = 1; id <= 3; ++id) {
      change_state(id);
      EXPECT_TRUE(storage_->begin(CheckpointId{id}).is_ok());
      const CheckpointMetadata metadata = write({.id = CheckpointId{id}});
      EXPECT_TRUE(storage_->publish(metadata).is_ok());
      files_of_[path_of(id)] = files_of(path_of(id));
    }
    change_state(4);
    EXPECT_TRUE(storage_->begin_savepoint(CheckpointId{4}, kSavepoint).is_ok());
    const CheckpointMetadata metadata = write({.id = CheckpointId{4},
                                               .kind = CheckpointKind::kSavepoint,
                                               .savepoint_directory = kSavepoint});
    EXPECT_TRUE(storage_->publish_savepoint(metadata, kSavepoint).is_ok());
    files_of_[kSavepoint] = files_of(kSavepoint);
  }

  static std::string path_of(std::uint64_t id) {
    return "/checkpoints/job/chk-" + std::to_string(id);
  }

  void change_state(std::uint64_t round) {
    for (std::size_t s = 0; s < subtasks_.size(); ++s) {
      Subtask& subtask = *subtasks_[s];
      const auto index = static_cast<std::uint32_t>(s % kParallelism.value());
      const std::size_t keys = s < kParallelism.value() ? 300 : 3;
      for (std::size_t i = 0, added = 0; added < keys; ++i) {
        const std::string key = std::to_string(round) + "/" + std::to_string(i);
        const Text text = Text::view(key);
        const std::uint32_t hash = key_hash(text);
        if (subtask_of_key_group(key_group_of(hash, kMaxParallelism), kMaxParallelism,
                                 kParallelism) != SubtaskIndex{index}) {
          continue;
        }
        ++added;
        subtask.counts.find_or_insert(text, hash) = static_cast<std::int64_t>(rng_.next());
        subtask.timers.add(EventTime(static_cast<std::int64_t>(rng_.uniform(100))), text, hash);
      }
      // More than fits into the metadata where there is much.
      subtask.splits.set(std::vector<std::string>(keys, "split of round " + std::to_string(round)));
      subtask.known.set({"known in round " + std::to_string(round)});
      subtask.fired.advance(EventTime(static_cast<std::int64_t>(round)));
    }
  }

  CheckpointMetadata write(const CheckpointBarrier& barrier) {
    const auto writer =
        open_checkpoint_writer(files_, storage_->directory(), barrier, kInlineBytes);
    CheckpointMetadata metadata;
    metadata.job_name = "job";
    metadata.id = barrier.id;
    metadata.kind = barrier.kind;
    for (std::size_t s = 0; s < subtasks_.size(); ++s) {
      const std::string name = s < kParallelism.value() ? "large" : "small";
      if (s % kParallelism.value() == 0) {
        metadata.operators.push_back({OperatorId{name}, name, kMaxParallelism, {}, {}});
      }
      auto handle = subtasks_[s]->backend->freeze(barrier)->write(
          *writer, name + "-" + std::to_string(s % kParallelism.value()));
      EXPECT_TRUE(handle.is_ok()) << handle.status().to_string();
      metadata.operators.back().subtasks.push_back(*handle);
    }
    return metadata;
  }

  std::vector<std::string> files_of(const std::string& path) {
    std::set<std::string> files = {path + "/_metadata"};
    const auto metadata = storage_->read(path);
    EXPECT_TRUE(metadata.is_ok()) << metadata.status().to_string();
    for (const OperatorCheckpoint& op : metadata->operators) {
      for (const StateHandle& handle : op.subtasks) {
        if (!handle.is_inline()) files.insert(handle.path);
        for (const StateRun& run : handle.runs) {
          if (!run.file.is_inline()) files.insert(run.file.path);
        }
      }
    }
    return {files.begin(), files.end()};
  }

  // What a start from there does before any table is filled and any record is emitted.
  Status restore(const std::string& wanted, StateBackend& backend, std::uint32_t parallelism) {
    const auto metadata = find_checkpoint(*storage_, wanted);
    WEIR_RETURN_IF_ERROR(metadata.status());
    for (const OperatorCheckpoint& op : (*metadata)->operators) {
      for (std::uint32_t i = 0; i < parallelism; ++i) {
        const auto opened = backend.open({.id = op.id,
                                          .subtask = SubtaskIndex{i},
                                          .parallelism = Parallelism{parallelism},
                                          .max_parallelism = kMaxParallelism,
                                          .restores = op.subtasks,
                                          .checkpoint_directory = "/checkpoints/job"});
        WEIR_RETURN_IF_ERROR(opened.status());
      }
    }
    return Status::ok();
  }

  // A file of another checkpoint that is none of `path`'s; metadata for metadata.
  std::string stale_for(const std::string& path, const std::string& victim) {
    std::vector<std::string> fitting;
    const auto& own = files_of_.at(path);
    for (const auto& [other, files] : files_of_) {
      for (const std::string& file : files) {
        const bool fits = file.ends_with("/_metadata") == victim.ends_with("/_metadata");
        if (fits && std::find(own.begin(), own.end(), file) == own.end()) fitting.push_back(file);
      }
    }
    return fitting.at(rng_.uniform(fitting.size()));
  }

  // Damages `victim`, looks whether that is noticed, and undoes it. False if nothing changed.
  bool is_noticed(const std::string& path, const std::string& victim, DamageKind kind) {
    const auto& own = files_of_.at(path);
    std::string other = victim;
    while (kind == DamageKind::kSwap && other == victim) other = own[rng_.uniform(own.size())];
    if (kind == DamageKind::kStaleCopy) other = stale_for(path, victim);
    const auto damage = damage_file(files_, kind, victim, other, rng_);
    if (!damage) return false;
    // Without its metadata a checkpoint is none, and the latest is another.
    const bool is_gone = kind == DamageKind::kDeletion && victim.ends_with("/_metadata");
    const bool is_latest = path == path_of(3) && !is_gone && rng_.chance(0.5);
    StateBackend& backend = rng_.chance(0.5) ? static_cast<StateBackend&>(heap_) : backend_;
    const Status status = restore(is_latest ? "latest" : path, backend,
                                  static_cast<std::uint32_t>(1 + rng_.uniform(4)));
    const StatusCode expected = is_gone ? StatusCode::kNotFound : StatusCode::kDataLoss;
    EXPECT_EQ(status.code(), expected)
        << to_string(kind) << " of " << victim << ": " << status.to_string();
    EXPECT_TRUE(damage->is_named_in(status.message()))
        << to_string(kind) << " of " << victim << ": " << status.to_string();
    undo(files_, *damage);
    return true;
  }

  MemoryFileStore files_;
  Rng rng_{1};
  HeapStateBackend heap_{files_};
  IncrementalStateBackend backend_{files_, {.small_chain_runs = 100}};
  std::unique_ptr<DirectoryCheckpointStorage> storage_;
  std::vector<std::unique_ptr<Subtask>> subtasks_;
  std::map<std::string, std::vector<std::string>> files_of_;  // by checkpoint
};

TEST_F(StorageDamageTest, EveryFileOfACheckpointTimesEveryKindOfDamageIsRefusedWithItsName) {
  const auto& checkpoint = files_of_.at(path_of(3));
  const auto count = [&checkpoint](std::string_view part) {
    return std::count_if(checkpoint.begin(), checkpoint.end(), [part](const std::string& path) {
      return path.find(part) != std::string::npos;
    });
  };
  ASSERT_EQ(count("/runs/"), 6) << "two subtasks, three runs each";
  ASSERT_EQ(count("/chk-3/large-"), 2) << "their operator state";
  ASSERT_EQ(count("small"), 0) << "all of it inside the metadata";
  ASSERT_EQ(files_of_.at(kSavepoint).size(), 3U);

  int mutations = 0;
  while (mutations < 500) {
    for (const std::string& path : {path_of(3), kSavepoint}) {
      for (const std::string& victim : files_of_.at(path)) {
        for (const DamageKind kind : kDamageKinds) {
          mutations += is_noticed(path, victim, kind) ? 1 : 0;
          if (HasFailure()) return;
        }
      }
    }
  }
  for (const std::string& path : {std::string("latest"), kSavepoint}) {
    EXPECT_TRUE(restore(path, heap_, 3).is_ok());
  }
}

TEST_F(StorageDamageTest, WhatIsUndoneIsAsItWas) {
  const std::string a = files_of_.at(kSavepoint).front();
  const std::string b = files_of_.at(kSavepoint).back();
  const std::string content = *read_file(files_, a);
  for (const DamageKind kind : kDamageKinds) {
    const auto damage = damage_file(files_, kind, a, b, rng_);
    ASSERT_TRUE(damage.has_value()) << to_string(kind);
    const auto now = read_file(files_, a);
    EXPECT_TRUE(!now.is_ok() || *now != content) << to_string(kind);
    EXPECT_TRUE(damage->is_named_in("'" + a + "' is damaged"));
    undo(files_, *damage);
    EXPECT_EQ(*read_file(files_, a), content) << to_string(kind);
  }
  EXPECT_FALSE(damage_file(files_, DamageKind::kSwap, a, a, rng_).has_value());
}

}  // namespace
}  // namespace weir
