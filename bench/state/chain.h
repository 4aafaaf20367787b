// SPDX-License-Identifier: Apache-2.0
// What incremental checkpoints write, keep and cost to restore.
#pragma once

#include <cstdint>
#include <string>

namespace weir::bench {

struct ChainOptions {
  std::uint64_t keys = 1'000'000;
  double changed = 0.02;  ///< part of the keys that changes between two checkpoints
  int checkpoints = 200;
  std::string directory = "state-bench";  ///< emptied
};

/// Takes checkpoints of one table and prints bytes written, storage and times of restores. Returns
/// the exit status.
int run_chain(const ChainOptions& options);

}  // namespace weir::bench
