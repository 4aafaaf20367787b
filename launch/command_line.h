// SPDX-License-Identifier: Apache-2.0
// The command line of a job: Weir's options before `--`, the job's own after it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/options.h"
#include "base/status.h"
#include "weir/execution_settings.h"

namespace weir {

/// What the options before `--` say.
struct CommandLine {
  Configuration configuration;
  std::string program = {};                 ///< argv[0]
  std::optional<std::string> restore = {};  ///< "latest", or the path of a checkpoint
  ExecutionSettings::Explain explain = ExecutionSettings::Explain::kRun;
  ExecutionSettings::Progress progress = ExecutionSettings::Progress::kAuto;
  std::string fault_point = {};                 ///< for tests; empty for none
  std::vector<std::string> job_arguments = {};  ///< what stands after `--`
  /// Set for --help, --version and --list-config: print this and exit with status 0.
  std::optional<std::string> print_and_exit = {};
};

/// Returns what the options and the configuration mean for a run.
/// Values out of their range stand in `mistakes`, each with its key.
ExecutionSettings settings_of(const CommandLine& line);

/// Parses the command line and loads the configuration file it names.
/// Errors: invalid argument; names the option, or the file, line and key.
Result<CommandLine> parse_command_line(int argc, const char* const* argv, FileStore& files);

}  // namespace weir
