// SPDX-License-Identifier: Apache-2.0
// weir savepoint verify: whether every byte of a checkpoint or savepoint is as it was written.
#pragma once

#include <string>
#include <vector>

#include "cli/command_context.h"

namespace weir::cli {

/// Checks all checksums, that every entry decodes by its schema and lies where it must, and names
/// the first damage of each file. Returns the exit status: kNo if anything is damaged.
int verify_savepoints(const CommandContext& context, const std::vector<std::string>& paths);

}  // namespace weir::cli
