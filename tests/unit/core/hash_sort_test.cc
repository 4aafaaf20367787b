// SPDX-License-Identifier: Apache-2.0
// Tests of sort_by_hash.
#include "core/hash_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace weir::detail {
namespace {

struct Item {
  std::uint32_t hash = 0;
  std::uint32_t number = 0;
  friend bool operator==(const Item&, const Item&) = default;
};

TEST(HashSortTest, SortsFewAndManyAndKeepsTheOrderOfEqualHashes) {
  for (const std::uint32_t count : {0U, 1U, 63U, 64U, 1000U, 50'000U}) {
    for (const std::uint64_t range : {std::uint64_t{7}, std::uint64_t{1} << 32}) {
      Rng rng(count + range);
      std::vector<Item> items;
      for (std::uint32_t i = 0; i < count; ++i) {
        items.push_back({static_cast<std::uint32_t>((std::uint64_t{1} << 32) - 1 -
                                                    rng.uniform(range)),
                         i});
      }
      std::vector<Item> expected = items;
      std::sort(expected.begin(), expected.end(), [](const Item& a, const Item& b) {
        return std::pair(a.hash, a.number) < std::pair(b.hash, b.number);
      });
      sort_by_hash(items);
      EXPECT_EQ(items, expected) << count << " items";
    }
  }
}

}  // namespace
}  // namespace weir::detail
