// SPDX-License-Identifier: Apache-2.0
// CountTable: the hash table of the hand-written loops, from integer to integer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::bench {

/// Open addressing with linear probing; no erasing, cleared as a whole. Keys are not negative.
class CountTable {
 public:
  struct Entry {
    std::int64_t key = -1;
    std::int64_t count = 0;
  };
  /// `slots` is a power of two.
  explicit CountTable(std::size_t slots = 1 << 16) : entries_(slots) {}

  /// Adds to the count of a key, which is zero at first, and returns the sum.
  std::int64_t add(std::int64_t key, std::int64_t count) {
    if (used_ * 2 > entries_.size()) grow();
    Entry& entry = entries_[place(key)];
    if (entry.key == -1) {
      entry.key = key;
      ++used_;
    }
    return entry.count += count;
  }
  void clear() {
    std::fill(entries_.begin(), entries_.end(), Entry{});
    used_ = 0;
  }
  /// All slots; those with key -1 are empty.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::size_t place(std::int64_t key) const {
    const std::size_t mask = entries_.size() - 1;
    std::size_t at =
        static_cast<std::size_t>((static_cast<std::uint64_t>(key) * 0x9e3779b97f4a7c15ULL) >> 32) &
        mask;
    while (entries_[at].key != -1 && entries_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.key != -1) entries_[place(entry.key)] = entry;
    }
  }

  std::vector<Entry> entries_;
  std::size_t used_ = 0;
};

}  // namespace weir::bench
