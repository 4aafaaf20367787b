// SPDX-License-Identifier: Apache-2.0
// ChangeBuffer: changes of one state, collected in any order and given on in that of snapshots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  /// The same, but only of entries that are no more.
  Status write_erased(StateEntrySink& sink);

  bool empty() const { return items_.empty(); }
  /// Whether any entry was erased, perhaps to come back.
  bool has_erased() const { return has_erased_; }
  /// Memory held.
  std::size_t bytes() const { return block_bytes_ + items_.capacity() * sizeof(Item); }

 private:
  struct Item {
    std::uint32_t hash;
    std::uint32_t key_size;
    const char* bytes;         // the key; the value follows
    std::uint32_t value_size;  // kErased: it is no more
    std::uint32_t number;      // in the order of adding
  };
  static constexpr std::size_t kBlockBytes = std::size_t{128} * 1024;
  static constexpr std::uint32_t kErased = 0xFFFFFFFF;

  Status add(std::uint32_t hash, ByteView key, ByteView value, bool is_erased);
  char* allocate(std::size_t size);
  static ByteView key(const Item& item) { return {item.bytes, item.key_size}; }
  static ByteView value(const Item& item) { return {item.bytes + item.key_size, item.value_size}; }

  // Blocks do not move, so that no more memory is held than is needed, not even for a moment.
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_bytes_ = 0;
  char* free_ = nullptr;  // the rest of the last block
  std::size_t free_bytes_ = 0;
  std::vector<Item> items_;
  bool has_erased_ = false;
};

}  // namespace weir
