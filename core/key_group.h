// SPDX-License-Identifier: Apache-2.0
// Key hash to key group to subtask. Hash order is key-group order for every max parallelism.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "core/ids.h"

namespace weir {

/// The largest allowed max parallelism.
inline constexpr std::uint32_t kMaxParallelismLimit = 32768;

/// The smallest unit of keyed state that moves on a rescale.
using KeyGroupId = StrongId<struct KeyGroupIdTag, std::uint32_t>;

/// Key groups `[first, end)` owned by one subtask; may be empty only when `first == end`.
struct KeyGroupRange {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  bool contains(KeyGroupId group) const { return group.value() >= first && group.value() < end; }
  std::uint32_t size() const { return end - first; }
  friend bool operator==(const KeyGroupRange&, const KeyGroupRange&) = default;
};

/// Key hashes `[first, end)`; `end` may be 2^32. The hashes of a key-group range are contiguous.
struct HashRange {
  std::uint64_t first = 0;
  std::uint64_t end = std::uint64_t{1} << 32;
  bool contains(std::uint32_t hash) const { return hash >= first && hash < end; }
  friend bool operator==(const HashRange&, const HashRange&) = default;
};

/// Returns the key group of a key with this hash.
constexpr KeyGroupId key_group_of(std::uint32_t hash, MaxParallelism max_parallelism) {
  return KeyGroupId{
      static_cast<std::uint32_t>((std::uint64_t{hash} * max_parallelism.value()) >> 32)};
}

/// Returns the subtask that owns `group`.
///
/// Requires: 0 < parallelism <= max_parallelism <= 32768; group < max_parallelism.
/// Source:   Flink, KeyGroupRangeAssignment.
constexpr SubtaskIndex subtask_of_key_group(KeyGroupId group, MaxParallelism max_parallelism,
                                            Parallelism parallelism) {
  return SubtaskIndex{group.value() * parallelism.value() / max_parallelism.value()};
}

/// Returns the key groups that subtask `index` owns. The ranges of all subtasks partition
/// `[0, max_parallelism)`.
///
/// Requires: 0 < parallelism <= max_parallelism <= 32768; index < parallelism.
/// Source:   Flink, KeyGroupRangeAssignment (there with an inclusive end).
constexpr KeyGroupRange key_group_range(MaxParallelism max_parallelism, Parallelism parallelism,
                                        SubtaskIndex index) {
  const std::uint32_t max = max_parallelism.value();
  const std::uint32_t count = parallelism.value();
  return {(index.value() * max + count - 1) / count,
          ((index.value() + 1) * max + count - 1) / count};
}

/// Returns the hashes whose keys fall into `range`.
constexpr HashRange hash_range(KeyGroupRange range, MaxParallelism max_parallelism) {
  const std::uint64_t max = max_parallelism.value();
  const auto first_hash = [max](std::uint64_t group) { return ((group << 32) + max - 1) / max; };
  return {first_hash(range.first), first_hash(range.end)};
}

/// Returns the max parallelism a vertex gets when the user names none.
///
/// Source: Flink, KeyGroupRangeAssignment.computeDefaultMaxParallelism.
constexpr MaxParallelism default_max_parallelism(Parallelism parallelism) {
  std::uint32_t rounded = 1;
  const std::uint32_t wanted = parallelism.value() + parallelism.value() / 2;
  while (rounded < wanted) rounded *= 2;
  if (rounded < 128) rounded = 128;
  return MaxParallelism{rounded > kMaxParallelismLimit ? kMaxParallelismLimit : rounded};
}

}  // namespace weir
