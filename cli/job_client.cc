// SPDX-License-Identifier: Apache-2.0
// A line of JSON each way.
#include "cli/job_client.h"

#include <utility>

#include "launch/control_socket.h"

namespace weir::cli {

using nlohmann::json;

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<json> ask(const std::string& job, const json& request, Duration limit) {
  WEIR_ASSIGN_OR_RETURN(const std::string line, ask_job(without_slash(job), request.dump(), limit));
  json answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return internal_error("the job's answer cannot be read: " + line);
  if (answer.contains("error")) {
    return failed_precondition(answer.value("error", std::string("the job refuses")));
  }
  return answer;
}

}  // namespace weir::cli
