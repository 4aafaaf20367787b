// SPDX-License-Identifier: Apache-2.0
// The key hash of short keys that lie in registers. Gives what base/hash.h gives; a test compares.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/hash.h"

namespace weir::detail {

/// Returns XXH3 (64 bits, seed 0) of the first `size` bytes of `head` and `rest`, lowest byte
/// first.
///
/// Requires: 4 <= size <= 16.
/// Source:   the published XXH3 algorithm; the constants are words of its default secret.
inline std::uint64_t xxh3_of_words(std::uint64_t head, std::uint64_t rest, std::size_t size) {
  if (size <= 8) {
    constexpr std::uint64_t kMix = 0x9FB21C651E98DF25;
    const std::uint64_t last_four = (head >> (8 * size - 32)) & 0xFFFFFFFF;
    std::uint64_t hash = ((head << 32) | last_four) ^ 0xC73AB174C5ECD5A2;
    hash ^= std::rotl(hash, 49) ^ std::rotl(hash, 24);
    hash *= kMix;
    hash ^= (hash >> 35) + size;
    hash *= kMix;
    return hash ^ (hash >> 28);
  }
  __extension__ using Wide = unsigned __int128;
  const auto last_eight =
      static_cast<std::uint64_t>(((Wide{rest} << 64) | head) >> (8 * size - 64));
  const std::uint64_t low = head ^ 0x6782737BEA4239B9;
  const std::uint64_t high = last_eight ^ 0xAF56BC3B0996523A;
  const Wide product = Wide{low} * high;
  std::uint64_t hash =
      size + __builtin_bswap64(low) + high +
      (static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64));
  hash ^= hash >> 37;
  hash *= 0x165667919E3779F9;
  return hash ^ (hash >> 32);
}

}  // namespace weir::detail
