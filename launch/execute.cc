// SPDX-License-Identifier: Apache-2.0
// What the API leaves to this module: reading the command line, and running a program.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/graph/explain.h"
#include "base/fault_point.h"
#include "base/posix_file_store.h"
#include "launch/command_line.h"
#include "launch/run_embedded.h"
#include "weir/stream_execution_environment.h"

namespace weir::detail {
namespace {

[[noreturn]] void refuse(const std::string& program, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), status.message().c_str());
  std::exit(1);
}

}  // namespace

ExecutionSettings parse_command_line(int argc, char** argv, Arguments& arguments) {
  PosixFileStore files;
  const std::string program = argc > 0 ? argv[0] : "job";
  Result<CommandLine> parsed = weir::parse_command_line(argc, argv, files);
  if (!parsed.is_ok()) refuse(program, parsed.status());
  const CommandLine& line = parsed.value();
  if (line.print_and_exit) {
    std::fputs(line.print_and_exit->c_str(), stdout);
    std::exit(0);
  }
  if (!line.fault_point.empty()) {
    const Status armed = arm_fault_point(line.fault_point);
    if (!armed.is_ok()) refuse(program, armed);
  }
  arguments = Arguments(line.job_arguments);
  return settings_of(line);
}

int launch(const Result<std::shared_ptr<const Program>>& program,
           const ExecutionSettings& settings) {
  if (!program.is_ok()) {
    std::fprintf(stderr, "%s\n", program.status().message().c_str());
    return 1;
  }
  const JobGraph& graph = (*program)->graph;
  switch (settings.explain) {
    case ExecutionSettings::Explain::kText:
      std::fputs(explain_text(graph).c_str(), stdout);
      return 0;
    case ExecutionSettings::Explain::kJson:
      std::fputs((explain_json(graph) + "\n").c_str(), stdout);
      return 0;
    case ExecutionSettings::Explain::kRun: break;
  }
  return run_embedded(program.value(), settings);
}

}  // namespace weir::detail
