// SPDX-License-Identifier: Apache-2.0
// weir gc: deletes what jobs that died, or were begun anew, left in checkpoint directories.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_context.h"

namespace CLI {
class App;
}

namespace weir::cli {

struct GcOptions {
  std::vector<std::string> directories = {};
  bool is_dry_run = false;
  std::optional<std::uint32_t> retained = {};  ///< completed checkpoints of each job; all if none
};

/// Prints what is not needed and deletes it, unless it is a dry run. Returns the exit status: kOk,
/// or of a dry run kNo if something would be deleted; kUnusable if anything could not be read, in
/// which case nothing is deleted, or not be deleted.
int collect_garbage(const CommandContext& context, const GcOptions& options);

/// Adds `gc`; see add_savepoint_commands.
void add_gc_command(CLI::App& app, const CommandContext& context, int& status);

}  // namespace weir::cli
