// SPDX-License-Identifier: Apache-2.0
// ModelFloor: a StateFloor that is a sorted map.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "state/floor/state_floor.h"

namespace weir {

/// Stands in for RocksDB in simulations, and is what that is compared with.
///
/// Thread: any.
class ModelFloor final : public StateFloor {
 public:
  Status ingest(std::uint16_t state, ChangeBuffer& changes, bool is_erased_only) override;
  Status load(std::uint16_t state, std::span<const StoredKey> keys,
              const std::function<Status(std::size_t, ByteView)>& f) const override;
  Status load_all(std::uint16_t state, const StoredKey& key, const EntryFunction& f) const override;
  std::unique_ptr<Snapshot> snapshot() const override;

 private:
  class Copy;
  using Entries = std::map<std::tuple<std::uint16_t, std::uint32_t, std::string>, std::string>;

  mutable std::mutex mutex_;
  Entries entries_;  // guarded by mutex_
};

}  // namespace weir
