// SPDX-License-Identifier: Apache-2.0
// The command line of `weir savepoint`.
#pragma once

#include "cli/command_context.h"

namespace CLI {
class App;
}

namespace weir::cli {

/// Adds `savepoint` with its commands; the one that is named runs while the line is parsed and
/// leaves its exit status in `status`. Both outlive the parsing.
void add_savepoint_commands(CLI::App& app, const CommandContext& context, int& status);

}  // namespace weir::cli
