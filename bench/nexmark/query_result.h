// SPDX-License-Identifier: Apache-2.0
// What a query gives, as engine and loops tell it.
#pragma once

#include <cstdint>

namespace weir::nexmark {

/// What a job did besides its result.
struct JobFigures {
  std::uint64_t checkpoints = 0;       ///< completed, the final one not counted
  std::uint64_t checkpoint_bytes = 0;  ///< of the last
};

/// How many rows came out, and a checksum over all their fields that does not depend on their
/// order. Of a query whose result is updated: over the final table.
struct QueryResult {
  std::uint64_t rows = 0;
  std::uint64_t checksum = 0;
  JobFigures figures = {};  ///< of the engine

  friend bool operator==(const QueryResult& a, const QueryResult& b) {
    return a.rows == b.rows && a.checksum == b.checksum;
  }
};

}  // namespace weir::nexmark
