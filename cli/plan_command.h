// SPDX-License-Identifier: Apache-2.0
// weir plan: what would become of a savepoint's states in a version of a job.
#pragma once

#include <string>
#include <vector>

#include "cli/command_context.h"
#include "state/snapshot/restore_plan.h"

namespace CLI {
class App;
}

namespace weir::cli {

struct PlanOptions {
  std::string from = {};  ///< checkpoint or savepoint
  std::string program = {};
  std::vector<std::string> job_arguments = {};
  bool allow_non_restored_state = false;
  bool as_json = false;
};

/// Runs the program so far that it prints its graph, compares and prints. Returns the exit status:
/// kOk if the job would restore everything that it must.
int plan_restore_of_job(const CommandContext& context, const PlanOptions& options);

/// The part of it after the program has printed its graph.
int print_plan(const CommandContext& context, const PlanOptions& options,
               const std::vector<PlannedOperator>& job);

/// Adds `plan`; see add_savepoint_commands.
void add_plan_command(CLI::App& app, const CommandContext& context, int& status);

}  // namespace weir::cli
