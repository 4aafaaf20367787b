// SPDX-License-Identifier: Apache-2.0
// Intake: takes restored entries into a floor, where a table would be too small for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/change_buffer.h"
#include "core/state_table.h"
#include "state/floor/state_floor.h"

namespace weir {

/// Stands in for a table while it is restored.
///
/// Errors: `restore` and `flush` throw StatusError. Thread: one; blocks on files.
class Intake final : public StateTable {
 public:
  /// Goes to the floor in parts of `bytes`. `table` and `floor` outlive the intake.
  Intake(const StateTable& table, StateFloor& floor, std::uint16_t number, std::size_t bytes)
      : table_(table), floor_(floor), number_(number), bytes_(bytes) {}

  const StateDescriptor& descriptor() const override { return table_.descriptor(); }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override { return nullptr; }
  void restore(std::uint32_t hash, ByteView key, ByteView value) override {
    if (!table_.convert_restored(value, scratch_)) {
      return;
    }
    throw_if_error(buffer_.entry(hash, key, value));
    keys_ += keys_ == 0 || hash != last_hash_ ? 1 : 0;
    last_hash_ = hash;
    if (buffer_.bytes() > bytes_) {
      flush();
    }
  }
  void flush() {
    throw_if_error(floor_.ingest(number_, buffer_, false));
    buffer_ = {};
  }
  /// How many keys there were; those of one hash count as one.
  std::size_t keys() const { return keys_; }

 private:
  const StateTable& table_;
  StateFloor& floor_;
  const std::uint16_t number_;
  const std::size_t bytes_;
  ChangeBuffer buffer_;
  std::string scratch_;
  std::size_t keys_ = 0;
  std::uint32_t last_hash_ = 0;
};

}  // namespace weir
