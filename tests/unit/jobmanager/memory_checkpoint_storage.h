// SPDX-License-Identifier: Apache-2.0
// A checkpoint storage in memory that fails on demand, before or after the effect.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "state/snapshot/checkpoint_storage.h"

namespace weir {

/// Where a fault strikes.
enum class StorageCall { kBegin, kPublish, kReadBack, kList, kRead, kDiscard, kHighestId };

/// What happens to one call: nothing, or an error with or without the effect.
struct StorageFault {
  Status status;
  bool has_effect = false;
};

class MemoryCheckpointStorage final : public CheckpointStorage {
 public:
  struct Entry {
    std::set<std::string> files;
    std::optional<CheckpointMetadata> metadata;
  };

  /// Asked before each call.
  std::function<StorageFault(StorageCall, CheckpointId)> fault;
  std::map<CheckpointId, Entry> entries;
  std::map<std::string, std::optional<CheckpointMetadata>> savepoints;  ///< by directory
  std::vector<CheckpointId> published;  ///< in order, also those discarded since
  std::vector<CheckpointId> discarded;
  /// Set where a published checkpoint was deleted with no newer one there (I8).
  std::optional<CheckpointId> lost;

  bool is_published(CheckpointId id) const {
    const auto entry = entries.find(id);
    return entry != entries.end() && entry->second.metadata.has_value();
  }
  std::optional<CheckpointId> latest() const {
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (entry->second.metadata) return entry->first;
    }
    return std::nullopt;
  }
  /// What a subtask does. False if the directory is not there.
  bool write(CheckpointId id, const std::string& name) {
    const auto entry = entries.find(id);
    if (entry == entries.end()) return false;
    entry->second.files.insert(name);
    return true;
  }

  const std::string& directory() const override { return directory_; }

  Status begin(CheckpointId checkpoint) override {
    const StorageFault injected = ask(StorageCall::kBegin, checkpoint);
    if (!injected.status.is_ok() && !injected.has_effect) return injected.status;
    if (entries.contains(checkpoint)) return already_exists("chk-" + to_string(checkpoint));
    entries[checkpoint];
    highest_ = std::max(highest_, checkpoint);
    return injected.status;
  }
  std::unique_ptr<CheckpointWriter> writer(CheckpointId) override { return nullptr; }
  Status publish(const CheckpointMetadata& metadata) override {
    const StorageFault injected = ask(StorageCall::kPublish, metadata.id);
    if (!injected.status.is_ok() && !injected.has_effect) return injected.status;
    entries[metadata.id].metadata = metadata;
    published.push_back(metadata.id);
    highest_ = std::max(highest_, metadata.id);
    return injected.status;
  }
  Result<bool> read_back(CheckpointId checkpoint) override {
    const StorageFault injected = ask(StorageCall::kReadBack, checkpoint);
    if (!injected.status.is_ok()) return injected.status;
    return is_published(checkpoint);
  }
  Result<std::vector<StoredCheckpoint>> list() override {
    const StorageFault injected = ask(StorageCall::kList, {});
    if (!injected.status.is_ok()) return injected.status;
    std::vector<StoredCheckpoint> stored;
    for (const auto& [id, entry] : entries) {
      if (entry.metadata) stored.push_back({id, directory_ + "/chk-" + to_string(id)});
    }
    return stored;
  }
  Result<CheckpointMetadata> read(const std::string& path) override {
    const CheckpointId id{std::stoull(path.substr(path.rfind('-') + 1))};
    const StorageFault injected = ask(StorageCall::kRead, id);
    if (!injected.status.is_ok()) return injected.status;
    if (!is_published(id)) return not_found(path);
    return *entries.at(id).metadata;
  }
  Status discard(CheckpointId checkpoint) override {
    const StorageFault injected = ask(StorageCall::kDiscard, checkpoint);
    if (!injected.status.is_ok() && !injected.has_effect) return injected.status;
    if (latest() == checkpoint) lost = checkpoint;
    entries.erase(checkpoint);
    discarded.push_back(checkpoint);
    return injected.status;
  }
  Status discard_unused_runs() override { return Status::ok(); }
  Status begin_savepoint(CheckpointId checkpoint, const std::string& directory) override {
    WEIR_RETURN_IF_ERROR(begin(checkpoint));
    if (savepoints.try_emplace(directory).second) return Status::ok();
    entries.erase(checkpoint);
    return already_exists(directory);
  }
  Status publish_savepoint(const CheckpointMetadata& metadata,
                           const std::string& directory) override {
    const StorageFault injected = ask(StorageCall::kPublish, metadata.id);
    if (!injected.status.is_ok() && !injected.has_effect) return injected.status;
    savepoints[directory] = metadata;
    return injected.status;
  }
  Result<bool> read_back_savepoint(const std::string& directory) override {
    const StorageFault injected = ask(StorageCall::kReadBack, {});
    if (!injected.status.is_ok()) return injected.status;
    const auto found = savepoints.find(directory);
    return found != savepoints.end() && found->second.has_value();
  }
  Status discard_savepoint(const std::string& directory) override {
    savepoints.erase(directory);
    return Status::ok();
  }
  Result<CheckpointId> highest_id() override {
    const StorageFault injected = ask(StorageCall::kHighestId, {});
    if (!injected.status.is_ok()) return injected.status;
    return highest_;
  }

 private:
  StorageFault ask(StorageCall call, CheckpointId id) const {
    return fault ? fault(call, id) : StorageFault{};
  }

  const std::string directory_ = "/checkpoints/job";
  CheckpointId highest_;
};

}  // namespace weir
