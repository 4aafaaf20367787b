// SPDX-License-Identifier: Apache-2.0
// Hashes that are part of stored formats: the same on every machine and in every version.
#pragma once

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace weir {

/// XXH3, 64 bits, of the canonical encoded bytes.
inline std::uint64_t xxh3_64(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// Folds both halves of a 64-bit hash into one.
constexpr std::uint32_t fold_hash(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

/// The 32-bit hash of keys: XXH3 folded.
inline std::uint32_t hash32(std::string_view bytes) { return fold_hash(xxh3_64(bytes)); }

}  // namespace weir
