// SPDX-License-Identifier: Apache-2.0
// Each command asks the job of a directory at its control socket, and prints what it says.
#include "cli/control_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/job_client.h"
#include "launch/control_socket.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMetadataMax = std::size_t{1} << 30;

// What the commands are told.
struct ControlOptions {
  std::string job;
  std::string root = "checkpoints";
  std::string directory;
  bool drain = false;
  double timeout_seconds = 600;
  Duration timeout() const { return Duration{static_cast<std::int64_t>(timeout_seconds * 1000)}; }
};

// The job may run in another directory than this program.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

int refuse(const CommandContext& context, const Status& status) {
  context.error << "weir: " << status.message() << '\n';
  return kUnusable;
}

int trigger(const CommandContext& context, const ControlOptions& options) {
  const json request{{"command", "savepoint"}, {"directory", absolute(options.directory)}};
  const Result<json> answer = ask(options.job, request, options.timeout());
  if (!answer.is_ok()) return refuse(context, answer.status());
  context.out << answer->value("savepoint", "") << '\n';
  return kOk;
}

int stop(const CommandContext& context, const ControlOptions& options) {
  const json request{
      {"command", "stop"}, {"directory", absolute(options.directory)}, {"drain", options.drain}};
  const Result<json> answer = ask(options.job, request, options.timeout());
  if (!answer.is_ok()) return refuse(context, answer.status());
  context.out << answer->value("savepoint", "") << '\n';
  return kOk;
}

int cancel(const CommandContext& context, const ControlOptions& options) {
  const Result<json> answer = ask(options.job, {{"command", "cancel"}}, options.timeout());
  if (!answer.is_ok()) return refuse(context, answer.status());
  context.out << "cancelled\n";
  return kOk;
}

int list(const CommandContext& context, const ControlOptions& options) {
  std::error_code error;
  std::vector<std::string> jobs;
  for (const auto& entry : std::filesystem::directory_iterator(options.root, error)) {
    if (std::filesystem::exists(entry.path() / kControlSocket, error)) {
      jobs.push_back(entry.path().string());
    }
  }
  if (error) {
    return refuse(context,
                  not_found(fmt::format("'{}' cannot be read: {}", options.root, error.message())));
  }
  std::sort(jobs.begin(), jobs.end());
  if (jobs.empty()) context.out << "no job runs in '" << options.root << "'\n";
  for (const std::string& job : jobs) {
    const Result<json> answer = ask(job, {{"command", "status"}}, options.timeout());
    if (!answer.is_ok()) {
      context.out << fmt::format("{}  {}\n", job, answer.status().message());
      continue;
    }
    context.out << fmt::format("{}  {}  {}  pid {}, {} checkpoints, {} restarts{}\n", job,
                               answer->value("name", ""), answer->value("state", ""),
                               answer->value("pid", 0), answer->value("checkpoints", 0),
                               answer->value("restarts", 0),
                               answer->value("waiting_for", std::string()).empty()
                                   ? ""
                                   : ", waits for " + answer->value("waiting_for", std::string()));
  }
  return kOk;
}

// Deletes nothing but a savepoint, metadata first.
int dispose(const CommandContext& context, const ControlOptions& options) {
  const std::string directory = without_slash(options.job);
  const std::string metadata_path = directory + "/_metadata";
  const Result<std::string> bytes = read_file(context.files, metadata_path, kMetadataMax);
  if (!bytes.is_ok()) {
    return refuse(context, not_found("'" + directory + "' is no savepoint: there is no readable '" +
                                     metadata_path + "'"));
  }
  const Result<CheckpointMetadata> metadata = decode_checkpoint_metadata(*bytes);
  if (!metadata.is_ok()) {
    return refuse(context, metadata.status().with_context("'" + metadata_path + "'"));
  }
  const std::string name = directory.substr(directory.rfind('/') + 1);
  if (!is_savepoint(metadata->kind) || name.starts_with("chk-")) {
    return refuse(context, failed_precondition("'" + directory + "' is a checkpoint of job '" +
                                               metadata->job_name +
                                               "', which deletes it by itself; only savepoints "
                                               "are disposed of"));
  }
  Status status = context.files.remove(metadata_path);
  if (status.is_ok()) status = context.files.sync_directory(directory);
  if (status.is_ok()) status = context.files.remove_tree(directory);
  if (!status.is_ok()) return refuse(context, status);
  context.out << "disposed of savepoint " << metadata->id.value() << " of job '"
              << metadata->job_name << "'\n";
  return kOk;
}

using Command = int (*)(const CommandContext&, const ControlOptions&);

CLI::App* add(CLI::App& group, const std::string& name, const std::string& help, Command run,
              const CommandContext& context, const std::shared_ptr<ControlOptions>& options,
              int& status) {
  CLI::App* const command = group.add_subcommand(name, help);
  command->callback([=, &context, &status] { status = run(context, *options); });
  return command;
}

}  // namespace

void add_control_commands(CLI::App& app, const CommandContext& context, int& status) {
  constexpr const char* kJobHelp =
      "Directory of the job: <state.checkpoints.dir>/<job name>, for example checkpoints/fraud";
  // Shared with the callbacks, which live as long as the command line; one command runs.
  const auto options = std::make_shared<ControlOptions>();
  const auto add_timeout = [&](CLI::App* command) {
    command->add_option("--timeout", options->timeout_seconds, "Seconds to wait for the answer")
        ->check(CLI::PositiveNumber);
  };

  CLI::App* each = add(app, "list", "List the jobs that run below a checkpoint directory", list,
                       context, options, status);
  each->add_option("directory", options->root, "The state.checkpoints.dir of the jobs")
      ->capture_default_str();
  add_timeout(each);

  each = add(app, "stop", "Stop a job with a savepoint; prints its path once all is committed",
             stop, context, options, status);
  each->add_option("job", options->job, kJobHelp)->required();
  each->add_option("--savepoint", options->directory,
                   "Where the savepoint goes (default: the job's state.savepoints.dir)");
  each->add_flag("--drain", options->drain,
                 "End the sources first, so that all windows and timers fire");
  add_timeout(each);

  each = add(app, "cancel", "End a job at once; its latest checkpoint stays", cancel, context,
             options, status);
  each->add_option("job", options->job, kJobHelp)->required();
  add_timeout(each);

  const auto found =
      app.get_subcommands([](const CLI::App* sub) { return sub->get_name() == "savepoint"; });
  CLI::App* savepoint = found.empty() ? nullptr : found.front();
  if (savepoint == nullptr) {
    savepoint = app.add_subcommand("savepoint", "Take, read and dispose of savepoints");
    savepoint->require_subcommand(1);
  }
  each = add(*savepoint, "trigger", "Take a savepoint of a running job; prints its path", trigger,
             context, options, status);
  each->add_option("job", options->job, kJobHelp)->required();
  each->add_option("--to", options->directory,
                   "Where it goes (default: the job's state.savepoints.dir)");
  add_timeout(each);
  each = add(*savepoint, "dispose", "Delete a savepoint", dispose, context, options, status);
  each->add_option("path", options->job, "Its directory")->required();
}

}  // namespace weir::cli
