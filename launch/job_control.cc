// SPDX-License-Identifier: Apache-2.0
// From a line of JSON to a call of the cluster, and back.
#include "launch/job_control.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace weir {
namespace {

using nlohmann::json;

// Text that is not UTF-8, of a path for example, is no reason to fail.
std::string text_of(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string refusal(const std::string& reason) { return text_of({{"error", reason}}); }

std::string status_text(const JobStatus& status) {
  return text_of({{"name", status.name},
                  {"state", to_string(status.state)},
                  {"uptime_ms", status.uptime.count()},
                  {"attempt", status.attempt.value()},
                  {"restarts", status.restarts},
                  {"checkpoints", status.checkpoints.counters.completed},
                  {"failed_checkpoints", status.checkpoints.counters.aborted},
                  {"waiting_for", status.waiting_for},
                  // By which /proc has the command line, for who starts it again.
                  {"pid", ::getpid()},
                  {"savepoint", status.savepoint.value_or("")}});
}

// An absent field is empty; one of another type makes none.
std::optional<std::string> directory_of(const json& request) {
  const auto found = request.find("directory");
  if (found == request.end()) return "";
  if (!found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

ControlService make_job_control(EmbeddedCluster& cluster, std::string savepoint_directory) {
  return [&cluster, default_directory = std::move(savepoint_directory)](const std::string& line,
                                                                        ControlReply reply) {
    const json request = json::parse(line, nullptr, false);
    if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
      return reply(refusal("the request is no JSON object with a command"));
    }
    const std::string command = request["command"].get<std::string>();
    if (command == "status") return reply(status_text(cluster.status()));
    if (command == "cancel") {
      cluster.cancel();
      return reply(text_of({{"state", "CANCELLING"}}));
    }
    if (command != "savepoint" && command != "stop") {
      return reply(refusal("the job does not know the command '" + command + "'"));
    }
    std::optional<std::string> directory = directory_of(request);
    if (!directory) return reply(refusal("the directory is no text"));
    if (directory->empty()) directory = default_directory;
    if (!directory->starts_with('/')) {
      return reply(refusal("the directory '" + *directory + "' is not absolute"));
    }
    while (directory->size() > 1 && directory->ends_with('/')) directory->pop_back();
    SavepointOrder order{*directory, SavepointMode::kGoOn};
    if (command == "stop") {
      const bool drains = request.contains("drain") && request["drain"] == true;
      order.mode = drains ? SavepointMode::kDrain : SavepointMode::kStop;
    }
    cluster.take_savepoint(order, [reply](const Result<std::string>& path) {
      reply(path.is_ok() ? text_of({{"savepoint", *path}}) : refusal(path.status().message()));
    });
  };
}

}  // namespace weir
