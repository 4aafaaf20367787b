// SPDX-License-Identifier: Apache-2.0
// The command line around running jobs: list, stop, cancel, savepoint trigger and dispose.
#pragma once

#include "cli/command_context.h"

namespace CLI {
class App;
}

namespace weir::cli {

/// Adds the commands; those of savepoints to `savepoint`, which is added where it is not there. The
/// one that is named runs while the line is parsed and leaves its exit status in `status`.
void add_control_commands(CLI::App& app, const CommandContext& context, int& status);

}  // namespace weir::cli
