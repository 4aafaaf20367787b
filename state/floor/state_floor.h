// SPDX-License-Identifier: Apache-2.0
// StateFloor: where the keyed state of one operator subtask lies that does not fit into memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/status.h"
#include "core/change_buffer.h"
#include "core/evictable_table.h"
#include "core/key_group.h"

namespace weir {

/// Takes in sorted changes and gives entries back. It is scratch space: what must survive the
/// process is in checkpoints. States are told apart by a number.
///
/// Thread: any; blocks on files.
class StateFloor {
 public:
  /// Called with the hash, the whole key of an entry and its value. The views live during the call.
  using EntryFunction = std::function<Status(std::uint32_t, ByteView, ByteView)>;

  virtual ~StateFloor() = default;

  /// Takes in changes of a state, or of those only what is no more. Later ones win.
  virtual Status ingest(std::uint16_t state, ChangeBuffer& changes, bool is_erased_only) = 0;
  /// Gives, for each key that has one, its entry; `f` gets the index of the key first.
  virtual Status load(std::uint16_t state, std::span<const StoredKey> keys,
                      const std::function<Status(std::size_t, ByteView)>& f) const = 0;
  /// Gives all entries whose keys begin with `key`, in order.
  virtual Status load_all(std::uint16_t state, const StoredKey& key,
                          const EntryFunction& f) const = 0;

  /// The entries at one moment, unaffected by what is taken in later.
  class Snapshot {
   public:
    virtual ~Snapshot() = default;
    /// Gives all entries of a state with hashes in `range`, in order of hash and key.
    virtual Status scan(std::uint16_t state, HashRange range, const EntryFunction& f) const = 0;
  };
  /// The floor outlives it.
  virtual std::unique_ptr<Snapshot> snapshot() const = 0;
};

/// Makes an empty floor, deleted with its last holder. Blocks on files.
using StateFloorFactory = std::function<Result<std::shared_ptr<StateFloor>>()>;

}  // namespace weir
