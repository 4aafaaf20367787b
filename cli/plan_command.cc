// SPDX-License-Identifier: Apache-2.0
// Table and JSON of a RestorePlan.
#include "cli/plan_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/explained_job.h"
#include "cli/opened_checkpoint.h"
#include "cli/program_output.h"
#include "state/snapshot/value_json.h"

namespace weir::cli {
namespace {

using Row = std::array<std::string, 4>;

std::vector<std::string> texts_of(const std::vector<SchemaChange>& changes) {
  std::vector<std::string> texts;
  for (const SchemaChange& change : changes) {
    texts.push_back(to_string(change));
  }
  return texts;
}

std::string detail_of(const StatePlan& state) {
  switch (state.outcome) {
    case RestoreOutcome::kMatched: return fmt::format("{} entries", state.entries);
    case RestoreOutcome::kMigrated:
      return fmt::format("{} entries: {}", state.entries, fmt::join(texts_of(state.changes), ", "));
    case RestoreOutcome::kNew: return "begins empty";
    case RestoreOutcome::kDropped: return fmt::format("{} entries would be lost", state.entries);
    case RestoreOutcome::kIncompatible: return state.reason;
  }
  WEIR_UNREACHABLE();
}

void print_table(std::ostream& out, const RestorePlan& plan) {
  std::vector<Row> rows = {{"operator", "state", "outcome", "detail"}};
  for (const OperatorPlan& op : plan.operators) {
    for (const StatePlan& state : op.states) {
      rows.push_back(
          {op.id.value(), state.name, std::string(to_string(state.outcome)), detail_of(state)});
    }
  }
  std::array<std::size_t, 3> widths = {};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const Row& row : rows) {
    out << fmt::format("{:{}}  {:{}}  {:{}}  {}\n", row[0], widths[0], row[1], widths[1], row[2],
                       widths[2], row[3]);
  }
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string state_json(const StatePlan& state) {
  std::string changes;
  for (const std::string& change : texts_of(state.changes)) {
    changes += (changes.empty() ? "" : ",") + json_text(change);
  }
  return fmt::format(R"({{"name":{},"outcome":"{}","entries":{},"changes":[{}],"reason":{}}})",
                     json_text(state.name), to_string(state.outcome), state.entries, changes,
                     state.reason.empty() ? "null" : json_text(state.reason));
}

void print_json(std::ostream& out, const RestorePlan& plan, bool is_restorable) {
  std::string operators;
  for (const OperatorPlan& op : plan.operators) {
    std::string states;
    for (const StatePlan& state : op.states) {
      states += (states.empty() ? "" : ",") + state_json(state);
    }
    operators += fmt::format(R"({}{{"id":{},"name":{},"outcome":"{}","states":[{}]}})",
                             operators.empty() ? "" : ",", json_text(op.id.value()),
                             json_text(op.name), to_string(op.outcome), states);
  }
  out << fmt::format(R"({{"restorable":{},"operators":[{}]}})", is_restorable, operators) << '\n';
}

}  // namespace

int print_plan(const CommandContext& context, const PlanOptions& options,
               const std::vector<PlannedOperator>& job) {
  const Result<CheckpointMetadata> metadata = open_checkpoint(context.files, options.from);
  if (!metadata.is_ok()) {
    return fail(context, metadata.status());
  }
  const Result<RestorePlan> plan = plan_restore(context.files, *metadata, job);
  if (!plan.is_ok()) {
    return fail(context, plan.status());
  }
  const std::size_t incompatible = plan->count(RestoreOutcome::kIncompatible);
  const std::size_t dropped = plan->count(RestoreOutcome::kDropped);
  const bool is_restorable =
      incompatible == 0 && (dropped == 0 || options.allow_non_restored_state);
  if (options.as_json) {
    print_json(context.out, *plan, is_restorable);
    return is_restorable ? kOk : kNo;
  }
  print_table(context.out, *plan);
  if (is_restorable) {
    context.out << "\nThe job can be restored from " << options.from << ".\n";
    return kOk;
  }
  context.out << fmt::format(
      "\nThe job cannot be restored from {}: {} states are incompatible, {} "
      "would be lost{}.\n",
      options.from, incompatible, dropped,
      dropped > 0 && !options.allow_non_restored_state ? " (--allow-non-restored-state lets them)"
                                                       : "");
  return kNo;
}

int plan_restore_of_job(const CommandContext& context, const PlanOptions& options) {
  std::vector<std::string> arguments = {"--explain", "json"};
  if (!options.job_arguments.empty()) {
    arguments.push_back("--");
    arguments.insert(arguments.end(), options.job_arguments.begin(), options.job_arguments.end());
  }
  const Result<std::string> output = output_of_program(options.program, arguments);
  if (!output.is_ok()) {
    return fail(context, output.status());
  }
  const auto job = parse_explained_job(*output);
  if (!job.is_ok()) {
    return fail(context, job.status().with_context("'" + options.program + "'"));
  }
  return print_plan(context, options, *job);
}

void add_plan_command(CLI::App& app, const CommandContext& context, int& status) {
  CLI::App* command = app.add_subcommand(
      "plan", "Say for each state whether this version of a job can be restored from a savepoint");
  // Shared with the callback, which lives as long as the command line.
  const auto options = std::make_shared<PlanOptions>();
  command->add_option("--from", options->from, "Folder of a checkpoint or savepoint")->required();
  command->add_option("job", options->program, "The job's executable")->required();
  command->add_option("arguments", options->job_arguments, "The job's own arguments, after --");
  command->add_flag("-n,--allow-non-restored-state", options->allow_non_restored_state,
                    "State that the job does not have may be lost");
  command->add_flag("--json", options->as_json, "Print one JSON object");
  command->footer("Exit status: 0 if the job can be restored, 1 if not, 2 if nothing is known.");
  command->callback([=, &context, &status] { status = plan_restore_of_job(context, *options); });
}

}  // namespace weir::cli
