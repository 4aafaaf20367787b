// SPDX-License-Identifier: Apache-2.0
// weir savepoint diff: what differs between two checkpoints or savepoints.
#pragma once

#include <string>

#include "cli/command_context.h"

namespace weir::cli {

struct DiffOptions {
  std::string before;
  std::string after;
  bool with_entries = false;  ///< prints each entry that differs
};

/// Returns the exit status: kNo when they differ.
///
/// Cost: both are read once, in order; memory holds a block of each.
int diff_savepoints(const CommandContext& context, const DiffOptions& options);

}  // namespace weir::cli
