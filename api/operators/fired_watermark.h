// SPDX-License-Identifier: Apache-2.0
// FiredWatermarks: up to which watermark the timers and windows of each key have fired.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/key_group.h"
#include "core/state_table.h"

namespace weir {

/// Stores with the state how far event time has fired, so that after a restore or a rescale a late
/// record is late again and nothing fires twice.
///
/// Kept per range of key hashes, not per key group: subtasks that stood at different watermarks may
/// become one, at any parallelism and max parallelism, and each key keeps its own. For that every
/// subtask restores the ranges of all (StateDistribution::kUnion) and cuts out what is its own.
///
/// Thread: the subtask's; a frozen state is written by any.
class FiredWatermarks final : public StateTable {
 public:
  explicit FiredWatermarks(HashRange range, std::string name = "fired-watermarks");

  /// Everything up to `watermark` has fired. What had fired further stays so.
  void advance(EventTime watermark);
  /// Up to where keys with this hash have fired; EventTime::none() if nothing has.
  EventTime fired_through(std::uint32_t hash) const {
    return pieces_.size() == 1 ? pieces_.front().fired : find(hash);
  }

  /// Up to where every key has fired.
  EventTime least() const {
    EventTime least = EventTime::max();
    for (const Piece& piece : pieces_) {
      least = piece.fired < least ? piece.fired : least;
    }
    return least;
  }

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId checkpoint) override;
  void restore(std::uint32_t hash, ByteView key, ByteView value) override;
  std::size_t memory_bytes() const override { return pieces_.capacity() * sizeof(Piece); }
  std::size_t entry_count() const override { return pieces_.size(); }

 private:
  class Frozen;
  // Hashes from `first` to the next piece.
  struct Piece {
    std::uint64_t first;
    EventTime fired;
  };

  EventTime find(std::uint32_t hash) const;
  void raise(HashRange range, EventTime watermark);
  void cut_at(std::uint64_t hash);

  StateDescriptor descriptor_;
  HashRange range_;
  std::vector<Piece> pieces_;  // covers range_, neighbours differ
};

}  // namespace weir
