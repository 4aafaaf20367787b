// SPDX-License-Identifier: Apache-2.0
// RocksDbFloor: where the keyed state of one operator subtask lies that does not fit into memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "state/floor/state_floor.h"

namespace weir {

/// Memory that all floors of a process share. Thread: any.
class RocksDbMemory {
 public:
  /// `bytes`: for blocks that were read, their index and filters.
  explicit RocksDbMemory(std::uint64_t bytes);
  ~RocksDbMemory();
  std::uint64_t used_bytes() const;

 private:
  friend class RocksDbFloor;
  struct Shared;
  const std::unique_ptr<Shared> shared_;
};

/// A RocksDB database. Stored keys are the number of the state, the hash and the encoded key, so
/// that all entries of a key, such as those of a map, lie together.
///
/// Thread: any; blocks on files.
class RocksDbFloor final : public StateFloor {
 public:
  /// Makes an empty database in `directory`, in place of what was there. `memory` outlives it.
  static Result<std::unique_ptr<RocksDbFloor>> open(const std::string& directory,
                                                    RocksDbMemory& memory);
  /// Deletes the database.
  ~RocksDbFloor() override;
  RocksDbFloor(const RocksDbFloor&) = delete;
  RocksDbFloor& operator=(const RocksDbFloor&) = delete;

  Status ingest(std::uint16_t state, ChangeBuffer& changes, bool is_erased_only) override;
  Status load(std::uint16_t state, std::span<const StoredKey> keys,
              const std::function<Status(std::size_t, ByteView)>& f) const override;
  Status load_all(std::uint16_t state, const StoredKey& key, const EntryFunction& f) const override;
  std::unique_ptr<Snapshot> snapshot() const override;

 private:
  struct Database;
  class DatabaseSnapshot;
  explicit RocksDbFloor(std::unique_ptr<Database> database);
  const std::unique_ptr<Database> database_;
};

}  // namespace weir
