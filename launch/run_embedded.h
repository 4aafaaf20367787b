// SPDX-License-Identifier: Apache-2.0
// Runs a program in this process from start to end, as `execute()` of a job started by hand does.
#pragma once

#include <memory>

#include "core/program.h"
#include "weir/execution_settings.h"

namespace weir {

/// Runs the program, shows its progress, and stops with a checkpoint on Ctrl-C. Returns the exit
/// status of the process: 0 if the job finished or stopped as asked, else 1, with the reason on
/// standard error.
int run_embedded(std::shared_ptr<const Program> program, const ExecutionSettings& settings);

}  // namespace weir
