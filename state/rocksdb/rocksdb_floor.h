// SPDX-License-Identifier: Apache-2.0
// RocksDbFloor: where the keyed state of one operator subtask lies that does not fit into memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "core/change_buffer.h"
#include "core/key_group.h"

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

/// A RocksDB database that takes in sorted changes and gives entries back. It is scratch space:
/// what must survive the process is in checkpoints.
///
/// States are told apart by a number. Stored keys are that number, the hash and the encoded key, so
/// that all entries of a key, such as those of a map, lie together.
///
/// Thread: any; blocks on files.
class RocksDbFloor {
 public:
  /// A key as tables encode it.
  struct Key {
    std::uint32_t hash;
    std::string bytes;
  };
  /// Called with the hash, the whole key of an entry and its value. The views live during the call.
  using EntryFunction = std::function<Status(std::uint32_t, ByteView, ByteView)>;
  using Changes = std::vector<std::pair<std::uint16_t, ChangeBuffer*>>;

  /// Makes an empty database in `directory`, in place of what was there. `memory` outlives it.
  static Result<std::unique_ptr<RocksDbFloor>> open(const std::string& directory,
                                                    RocksDbMemory& memory);
  /// Deletes the database.
  ~RocksDbFloor();
  RocksDbFloor(const RocksDbFloor&) = delete;
  RocksDbFloor& operator=(const RocksDbFloor&) = delete;

  /// Takes in changes of some states, in the order of their numbers. Later ones win.
  Status ingest(const Changes& changes);
  /// Gives, for each key that has one, its entry; `f` gets the index of the key first.
  Status load(std::uint16_t state, std::span<const Key> keys,
              const std::function<Status(std::size_t, ByteView)>& f) const;
  /// Gives all entries whose keys begin with `key`, in order.
  Status load_all(std::uint16_t state, const Key& key, const EntryFunction& f) const;
  /// Gives all entries of a state with hashes in `range`, in order of hash and key.
  Status scan(std::uint16_t state, HashRange range, const EntryFunction& f) const;

 private:
  struct Database;
  explicit RocksDbFloor(std::unique_ptr<Database> database);
  const std::unique_ptr<Database> database_;
};

}  // namespace weir
