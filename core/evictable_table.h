// SPDX-License-Identifier: Apache-2.0
// How a table lets entries go that are stored below it, and gets them back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "core/state_table.h"

namespace weir {

/// A key as tables encode it.
struct StoredKey {
  std::uint32_t hash;
  std::string bytes;
};

/// What is stored of one key: the keys and values of its entries, more than one of a map.
using StoredEntries = std::vector<std::pair<std::string, std::string>>;

/// Where the entries lie that a table has let go.
///
/// Thread: the table's.
class TableFloor {
 public:
  virtual ~TableFloor() = default;
  /// Reads what is stored of `key`. Blocks on files; throws StatusError.
  virtual StoredEntries load(const StoredKey& key) = 0;
};

/// A table whose entries need not all be in memory.
///
/// Freezes of changes are counted by the table and by its owner alike. Changes frozen for a
/// snapshot do not go to the floor, but for what was erased; those of `freeze_some` do. The owner
/// writes both there in the order of freezes, and tells up to which one that was done. Keys that
/// records will ask for are wanted first and loaded together; one that was not is loaded when it is
/// asked for.
///
/// Thread: the table's.
class EvictableTable {
 public:
  virtual ~EvictableTable() = default;

  /// From now on entries may leave. `floor` outlives the table's use; of what the table holds
  /// nothing is there. `evicted`: how many others are. `freezes`: how many there were.
  virtual void begin_eviction(TableFloor& floor, std::size_t evicted, std::uint64_t freezes) = 0;
  virtual bool is_evicting() const = 0;
  /// Whether a key that is not in memory may be on the floor.
  virtual bool has_evicted() const = 0;

  virtual std::size_t size() const = 0;
  /// Whether `freeze_some` has anything to freeze.
  virtual bool has_unfrozen() const = 0;
  /// Memory that an entry takes, on average, with its part of the index; an estimate.
  virtual std::size_t bytes_per_entry() const = 0;

  /// What is to go to the floor. Entries are whole, not only what changed of a map.
  struct FrozenForFloor {
    std::unique_ptr<FrozenState> changed;  ///< is one more freeze of changes
    std::unique_ptr<FrozenState> others;   ///< were frozen with changes before
  };
  /// Freezes about `entries` of what is not on the floor.
  virtual FrozenForFloor freeze_some(std::size_t entries) = 0;
  /// All of it: afterwards the floor, once this has arrived, holds what the table stands for.
  FrozenForFloor freeze_all() { return freeze_some(static_cast<std::size_t>(-1)); }
  /// Lets about `entries` go that were not used lately, of those that arrived on the floor with
  /// freeze `arrived` or before. Returns how many. What was loaded and was not there is forgotten.
  virtual std::size_t evict(std::size_t entries, std::uint64_t arrived) = 0;

  /// Keys that were wanted since the last call and are not known to be absent.
  virtual std::vector<StoredKey> take_wanted() = 0;
  /// Takes what is stored of a wanted key; nothing for one that is not there.
  virtual void take_loaded(const StoredKey& key, const StoredEntries& entries) = 0;
};

}  // namespace weir
