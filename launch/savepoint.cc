// SPDX-License-Identifier: Apache-2.0
// What the API leaves to this module: savepoints as files.
#include "weir/savepoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/posix_file_store.h"
#include "launch/key_change.h"
#include "launch/new_savepoint.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_writer.h"
#include "state/snapshot/state_entries.h"
#include "state/snapshot/state_migration.h"

namespace weir {
namespace detail {

/// A savepoint that was opened.
class StoredSavepoint {
 public:
  explicit StoredSavepoint(CheckpointMetadata found) : metadata(std::move(found)) {}

  Result<const OperatorCheckpoint*> find(const std::string& id) const {
    std::string known;
    for (const OperatorCheckpoint& op : metadata.operators) {
      if (op.id.value() == id) {
        return &op;
      }
      known += (known.empty() ? "" : ", ") + op.id.value();
    }
    return not_found(fmt::format("the savepoint has no operator '{}'; there are: {}", id, known));
  }

  mutable PosixFileStore files;  // without state
  const CheckpointMetadata metadata;
};

namespace {

// Copies all states. Items are numbered anew, in the order of the subtasks that had them; of a
// broadcast state each had a copy.
Status keep_operator(const StoredSavepoint& stored, const OperatorCheckpoint& op,
                     NewSavepoint& made) {
  NewSavepoint::Operator& kept = made.operators[op.id.value()];
  kept.name = op.name;
  for (const StateDescriptor& descriptor : op.states) {
    NewSavepoint::State& state = kept.states[descriptor.name];
    state = {descriptor, true, {}};
    StateEntries entries(stored.files, op, descriptor.name);
    for (std::uint32_t number = 0;; ++number) {
      WEIR_ASSIGN_OR_RETURN(const StoredEntry* const entry, entries.next());
      if (entry == nullptr) {
        break;
      }
      std::uint32_t hash = number;
      if (descriptor.distribution == StateDistribution::kKeyed) {
        hash = entry->hash;
      } else if (descriptor.distribution == StateDistribution::kBroadcast) {
        hash = 0;
      }
      state.entries.try_emplace({hash, entry->key}, entry->value);
    }
  }
  return Status::ok();
}

Result<OperatorCheckpoint> write_operator(const std::string& id, const NewSavepoint::Operator& op,
                                          CheckpointId checkpoint, CheckpointWriter& writer) {
  constexpr MaxParallelism kMaxParallelism{128};
  OperatorCheckpoint written{
      OperatorId{id}, op.name.empty() ? id : op.name, kMaxParallelism, {}, {StateHandle{}}};
  if (op.states.empty()) {
    return written;
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create(id));
  SnapshotWriter snapshot(
      std::move(file),
      {OperatorId{id}, checkpoint, SubtaskIndex{0}, Parallelism{1}, kMaxParallelism, {}});
  for (const auto& [name, state] : op.states) {
    written.states.push_back(state.descriptor);
    WEIR_RETURN_IF_ERROR(snapshot.begin_state(state.descriptor));
    std::uint32_t number = 0;
    for (const auto& [place, value] : state.entries) {
      const bool is_broadcast = state.descriptor.distribution == StateDistribution::kBroadcast;
      const std::uint32_t hash = is_broadcast ? number++ : place.first;
      WEIR_RETURN_IF_ERROR(snapshot.entry(hash, place.second, value));
    }
  }
  WEIR_ASSIGN_OR_RETURN(written.subtasks[0], snapshot.finish());
  return written;
}

}  // namespace
}  // namespace detail

Result<SavepointReader> SavepointReader::open(const std::string& path) {
  PosixFileStore files;
  WEIR_ASSIGN_OR_RETURN(CheckpointMetadata metadata, read_checkpoint_metadata(files, path));
  return SavepointReader(std::make_shared<const detail::StoredSavepoint>(std::move(metadata)));
}

Status SavepointReader::read(const std::string& operator_id, const StateDescriptor& wanted,
                             const detail::StoredEntryFunction& f) const {
  WEIR_ASSIGN_OR_RETURN(const OperatorCheckpoint* const op, stored_->find(operator_id));
  const auto stored = std::ranges::find(op->states, wanted.name, &StateDescriptor::name);
  if (stored == op->states.end()) {
    std::string known;
    for (const StateDescriptor& state : op->states) {
      known += (known.empty() ? "" : ", ") + state.name;
    }
    return not_found(fmt::format("operator '{}' has no state '{}'; it has: {}", operator_id,
                                 wanted.name, known));
  }
  StateDescriptor now = wanted;
  const bool is_single = stored->kind == StateKind::kReducing ||
                         stored->kind == StateKind::kAggregating ||
                         (stored->kind == StateKind::kValue && now.kind == StateKind::kList);
  if (is_single && now.kind != StateKind::kMap) {
    now.kind = stored->kind;
  }
  StateMigration migration(now, *stored);
  const std::string where = fmt::format("state '{}' of operator '{}'", wanted.name, operator_id);
  WEIR_RETURN_IF_ERROR(migration.check().with_context(where));
  StateEntries entries(stored_->files, *op, wanted.name);
  std::optional<SubtaskIndex> first_copy;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const StoredEntry* const entry, entries.next());
    if (entry == nullptr) {
      return Status::ok();
    }
    // Every subtask has a copy; the first stands for all.
    first_copy = first_copy.value_or(entry->subtask);
    if (now.kind == StateKind::kBroadcast && *first_copy != entry->subtask) {
      return Status::ok();
    }
    try {
      f(entry->key, migration.value(entry->value));
    } catch (const DecodeError& error) {
      return error.status().with_context(where);
    }
  }
}

SavepointWriter::SavepointWriter(const std::string& job_name)
    : made_(std::make_unique<detail::NewSavepoint>()) {
  made_->job_name = job_name;
}
SavepointWriter::~SavepointWriter() = default;
SavepointWriter::SavepointWriter(SavepointWriter&&) noexcept = default;
SavepointWriter& SavepointWriter::operator=(SavepointWriter&&) noexcept = default;

Status SavepointWriter::keep(const SavepointReader& reader, const std::string& operator_id) {
  WEIR_ASSIGN_OR_RETURN(const OperatorCheckpoint* const op, reader.stored_->find(operator_id));
  return detail::keep_operator(*reader.stored_, *op, *made_);
}

Status SavepointWriter::keep_all(const SavepointReader& reader) {
  for (const OperatorCheckpoint& op : reader.stored_->metadata.operators) {
    WEIR_RETURN_IF_ERROR(detail::keep_operator(*reader.stored_, op, *made_));
  }
  return Status::ok();
}

void SavepointWriter::add(const std::string& operator_id, StateDescriptor descriptor,
                          std::uint32_t hash, std::string key, std::string value) {
  WEIR_CHECK(!operator_id.empty() && !descriptor.name.empty());
  detail::NewSavepoint::State& state = made_->operators[operator_id].states[descriptor.name];
  if (state.is_kept || state.entries.empty()) {
    state = {std::move(descriptor), false, {}};
  } else {
    WEIR_CHECK(state.descriptor == descriptor && "a state is put with two kinds or types");
  }
  state.entries[{hash, std::move(key)}] = std::move(value);
}

Status SavepointWriter::rewrite_keys(const std::string& operator_id,
                                     const detail::KeyRewrite& rewrite) {
  const auto op = made_->operators.find(operator_id);
  if (op == made_->operators.end()) {
    return not_found(fmt::format("nothing was kept of an operator '{}'", operator_id));
  }
  return detail::change_keys(op->second, rewrite)
      .with_context(fmt::format("operator '{}'", operator_id));
}

void SavepointWriter::drop(const std::string& operator_id, const std::string& state) {
  if (const auto op = made_->operators.find(operator_id); op != made_->operators.end()) {
    op->second.states.erase(state);
  }
}

Result<std::string> SavepointWriter::write(const std::string& directory) {
  PosixFileStore files;
  WEIR_ASSIGN_OR_RETURN(const auto storage,
                        DirectoryCheckpointStorage::open(files, directory, made_->job_name));
  WEIR_ASSIGN_OR_RETURN(const CheckpointId highest, storage->highest_id());
  const CheckpointId id{highest.value() + 1};
  WEIR_RETURN_IF_ERROR(storage->begin(id));
  CheckpointMetadata metadata;
  metadata.job_name = made_->job_name;
  metadata.id = id;
  metadata.attempt = AttemptNumber{1};
  const std::unique_ptr<CheckpointWriter> writer = storage->writer(id);
  for (const auto& [name, op] : made_->operators) {
    WEIR_ASSIGN_OR_RETURN(OperatorCheckpoint written,
                          detail::write_operator(name, op, id, *writer));
    metadata.operators.push_back(std::move(written));
  }
  WEIR_RETURN_IF_ERROR(storage->publish(metadata));
  return fmt::format("{}/chk-{}", storage->directory(), id.value());
}

}  // namespace weir
