// SPDX-License-Identifier: Apache-2.0
// sort_by_hash: puts items into the order of their hashes, as snapshots need them.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::detail {

/// Sorts by the member `hash`, 32 bits; equal hashes stay in their order.
///
/// Cost: some 10 ns an item where there are many: three passes by 11 bits each.
template <class Item>
void sort_by_hash(std::vector<Item>& items) {
  constexpr std::size_t kFew = 64;
  constexpr std::uint32_t kBits = 11;
  constexpr std::uint32_t kMask = (1U << kBits) - 1;
  if (items.size() < kFew) {
    // By insertion.
    for (std::size_t i = 1; i < items.size(); ++i) {
      const Item item = items[i];
      std::size_t place = i;
      for (; place > 0 && item.hash < items[place - 1].hash; --place) {
        items[place] = items[place - 1];
      }
      items[place] = item;
    }
    return;
  }
  std::vector<Item> sorted(items.size());
  for (std::uint32_t shift = 0; shift < 32; shift += kBits) {
    std::array<std::size_t, kMask + 2> places{};
    for (const Item& item : items) ++places[((item.hash >> shift) & kMask) + 1];
    for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
    for (const Item& item : items) sorted[places[(item.hash >> shift) & kMask]++] = item;
    std::swap(items, sorted);
  }
}

}  // namespace weir::detail
