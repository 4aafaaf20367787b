// SPDX-License-Identifier: Apache-2.0
// weir: the command line around jobs.
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/posix_file_store.h"
#include "cli/control_commands.h"
#include "cli/gc_command.h"
#include "cli/plan_command.h"
#include "cli/savepoint_commands.h"
#include "cli/upgrade_command.h"

int main(int argc, char** argv) {
  weir::PosixFileStore files;
  const weir::cli::CommandContext context{files, std::cout, std::cerr};
  int status = weir::cli::kOk;
  CLI::App app("Tools for Weir jobs and their state.");
  app.require_subcommand(1);
  weir::cli::add_savepoint_commands(app, context, status);
  weir::cli::add_plan_command(app, context, status);
  weir::cli::add_control_commands(app, context, status);
  weir::cli::add_gc_command(app, context, status);
  weir::cli::add_upgrade_command(app, context, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weir::cli::kOk : weir::cli::kUnusable;
  }
  return status;
}
