// SPDX-License-Identifier: Apache-2.0
// From the stream graph to a running job.
#include <weir/stream_execution_environment.h>

#include "api/graph/job_graph_builder.h"

namespace weir {

StreamExecutionEnvironment StreamExecutionEnvironment::from_args(int argc, char** argv) {
  Arguments arguments;
  ExecutionSettings settings = detail::parse_command_line(argc, argv, arguments);
  return StreamExecutionEnvironment(std::move(settings), std::move(arguments));
}

Result<std::shared_ptr<const Program>> StreamExecutionEnvironment::build(
    const std::string& job_name) const {
  std::vector<std::string> mistakes = settings_.mistakes;
  for (std::string& mistake : arguments_.mistakes()) mistakes.push_back(std::move(mistake));
  return detail::build_program(*graph_, job_name, settings_, std::move(mistakes));
}

int StreamExecutionEnvironment::execute(const std::string& job_name) {
  return detail::launch(build(job_name), settings_);
}

}  // namespace weir
