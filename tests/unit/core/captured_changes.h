// SPDX-License-Identifier: Apache-2.0
// CapturedChanges: what a frozen state tells of its changes, as lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/state_table.h"

namespace weir::testing {

/// Notes entries as "hash key=value" and ends of entries as "hash key erased".
struct CapturedChanges final : StateEntrySink {
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    return add(std::to_string(hash) + " " + std::string(key) + "=" + std::string(value));
  }
  Status erased(std::uint32_t hash, ByteView key) override {
    return add(std::to_string(hash) + " " + std::string(key) + " erased");
  }
  Status add(std::string line) {
    if (lines.size() >= fails_after) return unavailable("the sink is full");
    lines.push_back(std::move(line));
    return Status::ok();
  }

  std::vector<std::string> lines;
  std::size_t fails_after = static_cast<std::size_t>(-1);
};

}  // namespace weir::testing
