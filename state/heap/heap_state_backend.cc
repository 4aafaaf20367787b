// SPDX-License-Identifier: Apache-2.0
// Which entries of which snapshots a subtask restores, and how its tables become a snapshot.
#include "state/heap/heap_state_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/mutants.h"
#include "state/snapshot/schema.h"
#include "state/snapshot/snapshot_reader.h"
#include "state/snapshot/snapshot_writer.h"

namespace weir {
namespace {

using snapshot_format::Index;
using snapshot_format::State;

std::string_view to_string(StateKind kind) {
  switch (kind) {
    case StateKind::kValue: return "value";
    case StateKind::kList: return "list";
    case StateKind::kMap: return "map";
    case StateKind::kReducing: return "reducing";
    case StateKind::kAggregating: return "aggregating";
    case StateKind::kTimers: return "timers";
    case StateKind::kWindow: return "window";
    case StateKind::kBuffer: return "buffer";
    case StateKind::kOperator: return "operator";
  }
  WEIR_UNREACHABLE();
}

std::string_view to_string(StateDistribution distribution) {
  switch (distribution) {
    case StateDistribution::kKeyed: return "keyed";
    case StateDistribution::kSplit: return "split";
    case StateDistribution::kUnion: return "union";
  }
  WEIR_UNREACHABLE();
}

// Where two schemas differ, or nothing.
std::string schema_difference(const std::string& now, const std::string& then) {
  const Result<Schema> schema_now = Schema::parse(now);
  const Result<Schema> schema_then = Schema::parse(then);
  if (schema_now.is_ok() && schema_then.is_ok()) {
    return schema_now->difference_from(*schema_then);
  }
  return now == then ? "" : fmt::format("'{}', was '{}'", now, then);
}

// Why entries of `then` cannot be restored into `now`, or nothing.
std::string difference(const StateDescriptor& now, const StateDescriptor& then) {
  if (now.kind != then.kind) {
    return fmt::format("its kind is {}, was {}", to_string(now.kind), to_string(then.kind));
  }
  if (now.distribution != then.distribution) {
    return fmt::format("it is {}, was {}", to_string(now.distribution),
                       to_string(then.distribution));
  }
  if (std::string key = schema_difference(now.key_schema, then.key_schema); !key.empty()) {
    return "key " + key;
  }
  std::string value = schema_difference(now.value_schema, then.value_schema);
  return value.empty() ? value : "value " + value;
}

class FrozenHeapState final : public FrozenOperatorState {
 public:
  using Part = std::pair<StateDescriptor, std::unique_ptr<FrozenState>>;
  FrozenHeapState(Index head, std::vector<Part> parts)
      : head_(std::move(head)), parts_(std::move(parts)) {}

  Result<StateHandle> write(CheckpointWriter& writer, const std::string& file_name) override {
    if (parts_.empty()) {
      return StateHandle{};
    }
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create(file_name));
    SnapshotWriter snapshot(std::move(file), std::move(head_));
    for (auto& [descriptor, state] : parts_) {
      WEIR_RETURN_IF_ERROR(snapshot.begin_state(descriptor));
      WEIR_RETURN_IF_ERROR(state->write(snapshot));
      state.reset();  // lets the table change its chunks in place again
    }
    return snapshot.finish();
  }

 private:
  Index head_;
  std::vector<Part> parts_;
};

class HeapOperatorState final : public OperatorStateBackend {
 public:
  explicit HeapOperatorState(const OperatorStateSetup& setup)
      : id_(setup.id),
        subtask_(setup.subtask),
        parallelism_(setup.parallelism),
        max_parallelism_(setup.max_parallelism),
        groups_(key_group_range(max_parallelism_, parallelism_, subtask_)),
        is_restored_(!setup.restores.empty()),
        restores_(setup.restores.size()) {}

  // Opens the snapshots and verifies what will be read of them.
  Status open_restores(FileStore& files, const std::vector<StateHandle>& handles);

  void add(StateTable& table) override;
  bool is_restored() const override { return is_restored_; }
  using OperatorStateBackend::freeze;
  std::unique_ptr<FrozenOperatorState> freeze(const CheckpointBarrier& barrier) override;
  void tidy() override {
    for (StateTable* table : tables_) {
      table->tidy();
    }
  }
  std::size_t entry_count() const override {
    std::size_t sum = 0;
    for (const StateTable* table : tables_) {
      sum += table->entry_count();
    }
    return sum;
  }
  std::vector<std::string> unclaimed_states() const override;

 private:
  HashRange range() const {
    // B26: a bound taken as inclusive.
    return hash_range({groups_.first, groups_.end + (WEIR_MUTANT(B26) ? 1 : 0)}, max_parallelism_);
  }
  bool keeps_parallelism() const {
    // B25: items stay where they are, though there are fewer subtasks to take them.
    if (WEIR_MUTANT(B25)) return restores_.size() >= parallelism_.value();
    return restores_.size() == parallelism_.value();
  }
  // Whether any item of a split state that snapshot `from` holds is for this subtask.
  bool takes_items_of(std::size_t from) const {
    return !keeps_parallelism() || from == subtask_.value();
  }
  Status check_head(std::size_t from) const;
  Status verify(std::size_t from) const;
  bool is_claimed(std::string_view name) const;
  void check_descriptor(const StateDescriptor& now, std::size_t from) const;
  void feed(StateTable& table) const;
  Status feed_from(std::size_t from, const State& state, std::uint64_t items_before,
                   StateTable& table) const;

  const OperatorId id_;
  const SubtaskIndex subtask_;
  const Parallelism parallelism_;
  const MaxParallelism max_parallelism_;
  const KeyGroupRange groups_;
  const bool is_restored_;
  // By former subtask; null where one had no state.
  std::vector<std::unique_ptr<SnapshotReader>> restores_;
  std::vector<StateTable*> tables_;
};

Status HeapOperatorState::open_restores(FileStore& files, const std::vector<StateHandle>& handles) {
  for (std::size_t from = 0; from < handles.size(); ++from) {
    if (handles[from].size == 0) {
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(restores_[from], SnapshotReader::open(files, handles[from]));
    WEIR_RETURN_IF_ERROR(check_head(from));
    WEIR_RETURN_IF_ERROR(verify(from));
  }
  return Status::ok();
}

// A file that was swapped with another is whole, and still the wrong one.
Status HeapOperatorState::check_head(std::size_t from) const {
  const Index& index = restores_[from]->index();
  if (index.id == id_ && index.subtask.value() == from &&
      index.parallelism.value() == restores_.size()) {
    return Status::ok();
  }
  return data_loss(fmt::format(
      "{} belongs to operator '{}', subtask {} of {}; expected operator '{}', subtask {} of {}",
      restores_[from]->name(), index.id.value(), index.subtask.value(), index.parallelism.value(),
      id_.value(), from, restores_.size()));
}

Status HeapOperatorState::verify(std::size_t from) const {
  const SnapshotReader& reader = *restores_[from];
  const HashRange written = reader.index().range();
  bool is_read = from % parallelism_.value() == subtask_.value();
  for (const State& state : reader.index().states) {
    switch (state.descriptor.distribution) {
      case StateDistribution::kKeyed:
        is_read = is_read || (written.first < range().end && range().first < written.end);
        break;
      case StateDistribution::kSplit: is_read = is_read || takes_items_of(from); break;
      case StateDistribution::kUnion: break;
    }
  }
  if (is_read) {
    return reader.verify_all();
  }
  for (const State& state : reader.index().states) {
    if (state.descriptor.distribution == StateDistribution::kUnion) {
      WEIR_RETURN_IF_ERROR(reader.verify(state));
    }
  }
  return Status::ok();
}

bool HeapOperatorState::is_claimed(std::string_view name) const {
  return std::any_of(tables_.begin(), tables_.end(),
                     [name](const StateTable* table) { return table->descriptor().name == name; });
}

void HeapOperatorState::add(StateTable& table) {
  WEIR_CHECK(!is_claimed(table.descriptor().name) && "two states of an operator have one name");
  for (std::size_t from = 0; from < restores_.size(); ++from) {
    check_descriptor(table.descriptor(), from);
  }
  tables_.push_back(&table);
  feed(table);
}

void HeapOperatorState::check_descriptor(const StateDescriptor& now, std::size_t from) const {
  const State* then = restores_[from] ? restores_[from]->index().find(now.name) : nullptr;
  if (then == nullptr) {
    return;
  }
  if (const std::string what = difference(now, then->descriptor); !what.empty()) {
    throw StatusError(failed_precondition(
        fmt::format("state '{}' of operator '{}' cannot be restored from {}: {}", now.name,
                    id_.value(), restores_[from]->name(), what)));
  }
}

void HeapOperatorState::feed(StateTable& table) const {
  const std::string& name = table.descriptor().name;
  if (WEIR_MUTANT(B29) && table.descriptor().kind == StateKind::kTimers) return;
  std::uint64_t items_before = 0;
  for (std::size_t from = 0; from < restores_.size(); ++from) {
    const State* state = restores_[from] ? restores_[from]->index().find(name) : nullptr;
    if (state == nullptr) {
      continue;
    }
    const auto where = [&] {
      return fmt::format("state '{}' of operator '{}' from {}", name, id_.value(),
                         restores_[from]->name());
    };
    try {
      throw_if_error(feed_from(from, *state, items_before, table));
    } catch (const StatusError& error) {
      throw StatusError(error.status().with_context(where()));
    }
    items_before += state->entries;
  }
}

Status HeapOperatorState::feed_from(std::size_t from, const State& state,
                                    std::uint64_t items_before, StateTable& table) const {
  switch (state.descriptor.distribution) {
    case StateDistribution::kKeyed: {
      const HashRange own = range();
      return restores_[from]->read(
          state, own, [&](std::uint32_t hash, ByteView key, ByteView value) {
            if (own.contains(hash)) {
              WEIR_DCHECK(groups_.contains(key_group_of(hash, max_parallelism_)) ||
                          WEIR_MUTANT(B26));
              table.restore(hash, key, value);
            }
          });
    }
    case StateDistribution::kSplit: {
      if (!takes_items_of(from)) {
        return Status::ok();
      }
      // By the order of all items of all former subtasks, dealt out in turn.
      std::uint64_t item = items_before;
      return restores_[from]->read(
          state, HashRange{}, [&](std::uint32_t index, ByteView key, ByteView value) {
            if (keeps_parallelism() || item % parallelism_.value() == subtask_.value()) {
              table.restore(index, key, value);
            }
            ++item;
          });
    }
    case StateDistribution::kUnion:
      return restores_[from]->read(state, HashRange{},
                                   [&](std::uint32_t index, ByteView key, ByteView value) {
                                     table.restore(index, key, value);
                                   });
  }
  WEIR_UNREACHABLE();
}

std::unique_ptr<FrozenOperatorState> HeapOperatorState::freeze(const CheckpointBarrier& barrier) {
  const CheckpointId checkpoint = barrier.id;
  Index head{id_, checkpoint, subtask_, parallelism_, max_parallelism_, {}};
  std::vector<FrozenHeapState::Part> parts;
  parts.reserve(tables_.size());
  for (StateTable* table : tables_) {
    parts.emplace_back(table->descriptor(), table->freeze(checkpoint));
  }
  return std::make_unique<FrozenHeapState>(std::move(head), std::move(parts));
}

std::vector<std::string> HeapOperatorState::unclaimed_states() const {
  std::vector<std::string> names;
  for (const auto& reader : restores_) {
    if (!reader) {
      continue;
    }
    for (const State& state : reader->index().states) {
      const std::string& name = state.descriptor.name;
      if (!is_claimed(name) && std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<OperatorStateBackend>> HeapStateBackend::open(
    const OperatorStateSetup& setup) {
  auto state = std::make_unique<HeapOperatorState>(setup);
  WEIR_RETURN_IF_ERROR(state->open_restores(files_, setup.restores)
                           .with_context("operator '" + setup.id.value() + "'"));
  return std::unique_ptr<OperatorStateBackend>(std::move(state));
}

}  // namespace weir
