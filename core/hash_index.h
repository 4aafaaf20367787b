// SPDX-License-Identifier: Apache-2.0
// HashIndex: open addressing from hashes to positions in an EntryStore.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::detail {

/// Finds positions by hash. Indexed by the low bits: the high ones are the key group, and alike in
/// one subtask. Linear probing, without tombstones.
///
/// Thread: the table's.
class HashIndex {
 public:
  using Position = std::uint32_t;
  static constexpr Position kNone = 0xFFFFFFFF;

  /// Returns the position under `hash` for which `is_same(position)`, or kNone.
  template <class IsSame>
  Position find(std::uint32_t hash, IsSame&& is_same) const {
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot slot = slots_[i];
      if (slot.position == kNone) {
        return kNone;
      }
      if (slot.hash == hash && is_same(slot.position)) {
        return slot.position;
      }
    }
  }

  /// Adds a position that is not there yet.
  void insert(std::uint32_t hash, Position position) {
    if (size_ >= grow_at_) {
      resize(slots_.size() * 2);
    }
    put(hash, position);
    ++size_;
  }

  /// Removes a position that is there.
  void erase(std::uint32_t hash, Position position) {
    std::size_t hole = hash & mask_;
    while (slots_[hole].position != position) {
      hole = (hole + 1) & mask_;
    }
    // Moves back what a probe would not find any more past the hole.
    for (std::size_t i = (hole + 1) & mask_; slots_[i].position != kNone; i = (i + 1) & mask_) {
      const std::size_t home = slots_[i].hash & mask_;
      if (((i - home) & mask_) >= ((i - hole) & mask_)) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole].position = kNone;
    --size_;
  }

  void clear() { *this = HashIndex(); }
  /// Gives memory back after many erasures. Cost: O(slots), seldom.
  void shrink() {
    if (slots_.size() > kSlotsMin && size_ < slots_.size() / 16) {
      resize(std::bit_ceil(size_ * 4 + kSlotsMin));
    }
  }

  /// Loads the cache line on which `find` will start.
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  /// The first candidate for `hash`, without comparing; kNone if there is none.
  Position guess(std::uint32_t hash) const { return slots_[hash & mask_].position; }

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Position position = kNone;
  };
  static constexpr std::size_t kSlotsMin = 16;

  void put(std::uint32_t hash, Position position) {
    std::size_t i = hash & mask_;
    while (slots_[i].position != kNone) {
      i = (i + 1) & mask_;
    }
    slots_[i] = {hash, position};
  }

  void resize(std::size_t slots) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
    mask_ = slots - 1;
    grow_at_ = slots / 8 * 5;
    for (const Slot& slot : old) {
      if (slot.position != kNone) {
        put(slot.hash, slot.position);
      }
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kSlotsMin);
  std::size_t mask_ = kSlotsMin - 1;
  std::size_t grow_at_ = kSlotsMin / 8 * 5;
  std::size_t size_ = 0;
};

}  // namespace weir::detail
