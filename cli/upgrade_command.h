// SPDX-License-Identifier: Apache-2.0
// weir upgrade: a running job becomes another version of itself, or stays what it was.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/command_context.h"

namespace CLI {
class App;
}

namespace weir::cli {

struct UpgradeOptions {
  std::string job = {};                   ///< its directory
  std::vector<std::string> command = {};  ///< of the new version: executable, options, --, its own
  std::string savepoint_directory = {};   ///< default: the job's
  std::string output = {};                ///< file; default: output.log in the job's directory
  Duration timeout = std::chrono::minutes{2};        ///< up to the first checkpoint
  Duration stop_timeout = std::chrono::minutes{10};  ///< up to the savepoint and its commits
};

/// The job has stopped and neither version runs.
inline constexpr int kStopped = 3;

/// Compares the new version with the job's latest checkpoint, stops the job with a savepoint,
/// starts the new version from it and waits for its first checkpoint. If that does not come, the
/// new version is ended, and the old one goes on from the same savepoint: nothing that the new one
/// did is committed then.
///
/// Returns the exit status: kOk if the new version runs or has finished; kNo if the old one runs
/// again; kUnusable if nothing was changed; kStopped.
int upgrade_job(const CommandContext& context, const UpgradeOptions& options);

/// Adds `upgrade`; see add_savepoint_commands.
void add_upgrade_command(CLI::App& app, const CommandContext& context, int& status);

}  // namespace weir::cli
