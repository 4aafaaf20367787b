// SPDX-License-Identifier: Apache-2.0
// Options of the commands; what they do is in a file for each.
#include "cli/savepoint_commands.h"

#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/savepoint_diff.h"
#include "cli/savepoint_inspect.h"
#include "cli/savepoint_read.h"
#include "cli/savepoint_verify.h"

namespace weir::cli {
namespace {

constexpr const char* kPathHelp = "Folder of a checkpoint or savepoint, or its _metadata";

void add_inspect(CLI::App& group, const CommandContext& context, int& status) {
  CLI::App* command =
      group.add_subcommand("inspect", "Print job, operators, states, schemas and sizes");
  // Shared with the callback, which lives as long as the command line.
  const auto options = std::make_shared<InspectOptions>();
  command->add_option("path", options->path, kPathHelp)->required();
  command->add_flag("--json", options->as_json, "Print one JSON object");
  command->add_flag("--key-groups", options->with_key_groups,
                    "Count the entries of each key group, which reads all of them");
  command->callback([=, &context, &status] { status = inspect_savepoint(context, *options); });
}

void add_read(CLI::App& group, const CommandContext& context, int& status) {
  CLI::App* command = group.add_subcommand("read", "Print the entries of a state, a line each");
  const auto options = std::make_shared<ReadOptions>();
  const std::map<std::string, ReadFormat> formats = {{"json", ReadFormat::kJson},
                                                     {"csv", ReadFormat::kCsv}};
  command->add_option("path", options->path, kPathHelp)->required();
  command->add_option("--operator", options->operator_id, "Id or name of the operator")->required();
  command->add_option("--state", options->state, "Name of the state")->required();
  command->add_option("--format", options->format, "json (the default) or csv")
      ->transform(CLI::CheckedTransformer(formats));
  command->add_option("--key", options->key,
                      "Only entries under this key: JSON, or the text of a string");
  command->add_option("--limit", options->limit, "At most this many entries");
  command->callback([=, &context, &status] { status = read_savepoint(context, *options); });
}

void add_diff(CLI::App& group, const CommandContext& context, int& status) {
  CLI::App* command = group.add_subcommand(
      "diff", "Print what differs between two; the exit status is 1 if anything does");
  const auto options = std::make_shared<DiffOptions>();
  command->add_option("before", options->before, kPathHelp)->required();
  command->add_option("after", options->after, kPathHelp)->required();
  command->add_flag("--entries", options->with_entries, "Print every entry that differs");
  command->callback([=, &context, &status] { status = diff_savepoints(context, *options); });
}

void add_verify(CLI::App& group, const CommandContext& context, int& status) {
  CLI::App* command = group.add_subcommand(
      "verify", "Check every byte and every entry; the exit status is 1 if anything is damaged");
  const auto paths = std::make_shared<std::vector<std::string>>();
  command->add_option("path", *paths, kPathHelp)->required();
  command->callback([=, &context, &status] { status = verify_savepoints(context, *paths); });
}

}  // namespace

void add_savepoint_commands(CLI::App& app, const CommandContext& context, int& status) {
  CLI::App* group = app.add_subcommand(
      "savepoint", "Look into checkpoints and savepoints, without the job's executable");
  group->require_subcommand(1);
  add_inspect(*group, context, status);
  add_read(*group, context, status);
  add_diff(*group, context, status);
  add_verify(*group, context, status);
}

}  // namespace weir::cli
