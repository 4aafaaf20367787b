// SPDX-License-Identifier: Apache-2.0
// ChangeBuffer: changes of one state, collected in any order and given on in that of snapshots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "core/state_table.h"

namespace weir {

/// Holds encoded entries and the ends of entries. Of several changes of one entry the last one
/// added counts.
///
/// Thread: one at a time.
class ChangeBuffer final : public StateEntrySink {
 public:
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override;
  Status erased(std::uint32_t hash, ByteView key) override;

  /// Gives all changes on, in order of hash and key. They stay, and may be written again.
  Status write(StateEntrySink& sink);

  bool empty() const { return items_.empty(); }
  /// Memory held.
  std::size_t bytes() const { return bytes_.capacity() + items_.capacity() * sizeof(Item); }

 private:
  struct Item {
    std::uint32_t hash;
    std::uint32_t key_size;
    std::uint64_t offset;      // of the key in bytes_; the value follows
    std::uint32_t value_size;  // kErased: it is no more
    std::uint32_t number;      // in the order of adding
  };
  static constexpr std::uint32_t kErased = 0xFFFFFFFF;

  Status add(std::uint32_t hash, ByteView key, ByteView value, bool is_erased);
  ByteView key(const Item& item) const {
    return ByteView(bytes_).substr(item.offset, item.key_size);
  }
  ByteView value(const Item& item) const {
    return ByteView(bytes_).substr(item.offset + item.key_size, item.value_size);
  }

  std::string bytes_;
  std::vector<Item> items_;
};

}  // namespace weir
