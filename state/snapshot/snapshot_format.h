// SPDX-License-Identifier: Apache-2.0
// The layout of a snapshot: all states of one operator subtask in one file. docs/FORMATS.md
// describes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "core/ids.h"
#include "core/key_group.h"
#include "core/state_table.h"

namespace weir::snapshot_format {

inline constexpr std::string_view kMagic = "WEIRSNAP";
inline constexpr std::string_view kEndMagic = "WEIRSEND";
/// What the file holds; stored as its version.
enum class Contents : std::uint32_t {
  kAll = 1,      ///< the whole of each state
  kChanges = 2,  ///< a run: changes of each state, erased entries among them
};
/// Magic and version.
inline constexpr std::size_t kHeaderBytes = 12;
/// Offset, size and checksum of the index; magic.
inline constexpr std::size_t kFooterBytes = 28;
/// How full a block is when it is written. An entry is never divided.
inline constexpr std::size_t kBlockBytes = std::size_t{32} * 1024;
/// The hash that entries are ordered by: XXH3 with 64 bits over the encoded key, its halves folded
/// by exclusive or.
inline constexpr std::string_view kHashName = "xxh3-64-folded-32";

/// A run of entries of one state.
struct Block {
  std::uint32_t first_hash = 0;
  std::uint32_t last_hash = 0;
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;  ///< CRC32C
};

/// One state and where its entries lie.
struct State {
  StateDescriptor descriptor;
  std::uint64_t entries = 0;
  std::vector<Block> blocks;  ///< by hash; two blocks may share one
};

/// Everything but the entries.
struct Index {
  OperatorId id;
  CheckpointId checkpoint;
  SubtaskIndex subtask;
  Parallelism parallelism;
  MaxParallelism max_parallelism;
  std::vector<State> states;

  /// The hashes whose keys belonged to the subtask.
  HashRange range() const {
    return hash_range(key_group_range(max_parallelism, parallelism, subtask), max_parallelism);
  }
  /// The state of that name, or null.
  const State* find(std::string_view name) const;
};

void put_index(ByteWriter& out, const Index& index);
/// Errors: throws DecodeError.
Index get_index(ByteView bytes);

}  // namespace weir::snapshot_format
