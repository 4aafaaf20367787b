// SPDX-License-Identifier: Apache-2.0
// The checksum that loop and engine fold their rows into.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace weir::nexmark {

/// Collects the fields of one row. Rows are added up, so their order does not matter.
class RowChecksum {
 public:
  RowChecksum& number(std::int64_t value) {
    state_ = (state_ ^ static_cast<std::uint64_t>(value)) * 0x9e3779b97f4a7c15ULL;
    return *this;
  }
  RowChecksum& text(std::string_view value) {
    return number(static_cast<std::int64_t>(xxh3_64(value)));
  }
  std::uint64_t value() const { return state_ ^ (state_ >> 29); }

 private:
  std::uint64_t state_ = 0x2545f4914f6cdd1dULL;
};

}  // namespace weir::nexmark
