// SPDX-License-Identifier: Apache-2.0
// Plan, stop, start, wait, and if need be back.
#include "cli/upgrade_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/time_text.h"
#include "cli/explained_job.h"
#include "cli/job_client.h"
#include "cli/plan_command.h"
#include "cli/program_output.h"
#include "cli/started_program.h"
#include "state/snapshot/checkpoint_layout.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::cli {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using SteadyClock = std::chrono::steady_clock;

constexpr Duration kStatusLimit = std::chrono::seconds{10};
// From the last answer of a job that stops to the end of its process.
constexpr Duration kEndLimit = std::chrono::minutes{1};
constexpr int kPollMillis = 50;
constexpr int kPlanTries = 5;
constexpr std::size_t kOutputLines = 10;  // shown of a version that failed

void pause_briefly() { ::poll(nullptr, 0, kPollMillis); }

// Weir's options of a command line; the job's own stand after `--`.
Words::const_iterator options_end(const Words& words) { return std::ranges::find(words, "--"); }

Words with_options(const Words& words, const Words& added) {
  Words all(words.begin(), options_end(words));
  all.insert(all.end(), added.begin(), added.end());
  all.insert(all.end(), options_end(words), words.end());
  return all;
}

bool has_option(const Words& words, std::initializer_list<std::string_view> names) {
  return std::any_of(words.begin(), options_end(words), [&](const std::string& word) {
    return std::ranges::find(names, word.substr(0, word.find('='))) != names.end();
  });
}

class Upgrade {
 public:
  Upgrade(const CommandContext& context, const UpgradeOptions& options)
      : context_(context), options_(options) {}

  int run() {
    const Status prepared = prepare();
    if (!prepared.is_ok()) return refuse(prepared, "; nothing was changed");
    const int planned = plan();
    if (planned != kOk) {
      context_.error << "weir: the job was left as it is\n";
      return kUnusable;
    }
    const Status stopped = stop();
    if (!stopped.is_ok()) return still_runs(stopped);
    return start_new();
  }

 private:
  enum class Outcome { kReached, kEnded, kTimedOut };

  int refuse(const Status& status, const std::string& consequence) {
    context_.error << "weir: " << status.message() << consequence << '\n';
    return kUnusable;
  }
  void say(const std::string& line) { context_.out << line << std::endl; }

  // --- before anything is changed

  Status prepare() {
    if (has_option(new_words(), {"-s", "--restore", "--checkpoint-dir", "--claim-mode"})) {
      return invalid_argument(
          "weir upgrade says what the new version is restored from and where its checkpoints go; "
          "leave out --restore, --claim-mode and --checkpoint-dir");
    }
    std::error_code error;
    const auto directory = std::filesystem::canonical(options_.job, error);
    if (error) {
      return not_found(fmt::format("there is no job in '{}': {}", options_.job, error.message()));
    }
    job_ = directory.string();
    output_ = options_.output.empty() ? job_ + "/output.log"
                                      : std::filesystem::absolute(options_.output).string();
    WEIR_ASSIGN_OR_RETURN(const json status, ask(job_, {{"command", "status"}}, kStatusLimit));
    const int process = status.value("pid", 0);
    if (process <= 0) return failed_precondition("the job does not say which process it is");
    WEIR_ASSIGN_OR_RETURN(old_, start_of_process(process));
    process_ = process;
    return Status::ok();
  }

  Words new_words() const { return Words(options_.command.begin() + 1, options_.command.end()); }

  // Prints it. The checkpoint may be made superfluous meanwhile by a newer one.
  int plan() {
    const std::string& program = options_.command.front();
    const Result<std::string> output =
        output_of_program(program, with_options(new_words(), {"--explain", "json"}));
    if (!output.is_ok()) return fail(context_, output.status());
    const auto job = parse_explained_job(*output);
    const auto name = parse_explained_name(*output);
    if (!job.is_ok()) return fail(context_, job.status().with_context("'" + program + "'"));
    const std::string directory = std::filesystem::path(job_).filename().string();
    if (!name.is_ok() || file_name_of(*name) != directory) {
      return refuse(failed_precondition(fmt::format("'{}' is job '{}', not the one of '{}'",
                                                    program, name.is_ok() ? *name : "", job_)),
                    "");
    }
    const Status awaited = check_interval();
    if (!awaited.is_ok()) return refuse(awaited, "");
    for (int tries = kPlanTries;; --tries) {
      const std::optional<CheckpointId> newest = newest_completed();
      if (!newest) {
        return refuse(
            failed_precondition("the job has no completed checkpoint yet to compare with"), "");
      }
      const std::string from = checkpoint_layout::checkpoint_directory(job_, *newest);
      const int planned = print_plan(context_,
                                     {.from = from,
                                      .allow_non_restored_state = has_option(
                                          new_words(), {"-n", "--allow-non-restored-state"})},
                                     *job);
      if (planned == kOk || newest_completed() == newest || tries <= 1) return planned;
    }
  }

  // Whether the first checkpoint of the new version can come in time at all.
  Status check_interval() {
    constexpr std::string_view kKey = "execution.checkpointing.interval = ";
    const Result<std::string> output =
        output_of_program(options_.command.front(), with_options(new_words(), {"--list-config"}));
    WEIR_RETURN_IF_ERROR(output.status());
    const std::size_t begin = output->find(kKey);
    if (begin == std::string::npos) return Status::ok();
    const std::size_t end = output->find("  (", begin);
    const Result<Duration> interval =
        parse_duration(std::string_view(*output).substr(begin, end - begin).substr(kKey.size()));
    if (!interval.is_ok()) return Status::ok();
    if (*interval <= Duration{0}) {
      return failed_precondition(
          "the new version takes no checkpoints, so nothing would tell that it works");
    }
    if (*interval < options_.timeout) return Status::ok();
    return failed_precondition(
        fmt::format("the new version may take its first checkpoint only after {}; --timeout must "
                    "be longer",
                    to_string(*interval)));
  }

  std::optional<CheckpointId> newest_completed() {
    std::optional<CheckpointId> newest;
    const auto entries = context_.files.list(job_);
    if (!entries.is_ok()) return newest;
    for (const DirectoryEntry& entry : *entries) {
      const auto id = checkpoint_layout::checkpoint_id_of(entry.name);
      if (!id || (newest && *newest > *id)) continue;
      const std::string directory = checkpoint_layout::join(job_, entry.name);
      const std::string metadata = checkpoint_layout::join(directory, checkpoint_layout::kMetadata);
      if (context_.files.stat(metadata).is_ok()) newest = id;
    }
    return newest;
  }

  // --- the switch

  Status stop() {
    say(fmt::format("stopping process {} ({}) with a savepoint", process_, old_.path));
    const std::string to = options_.savepoint_directory.empty()
                               ? ""
                               : std::filesystem::absolute(options_.savepoint_directory).string();
    WEIR_ASSIGN_OR_RETURN(const json answer, ask(job_, {{"command", "stop"}, {"directory", to}},
                                                 options_.stop_timeout));
    savepoint_ = answer.value("savepoint", "");
    say("stopped with savepoint " + savepoint_);
    WEIR_ASSIGN_OR_RETURN(const CheckpointMetadata metadata,
                          read_checkpoint_metadata(context_.files, savepoint_));
    savepoint_id_ = metadata.id;
    const auto until = SteadyClock::now() + kEndLimit;
    while (!context_.files.lock(checkpoint_layout::join(job_, checkpoint_layout::kLock)).is_ok()) {
      if (SteadyClock::now() > until) {
        return unavailable(fmt::format("process {} does not end", process_));
      }
      pause_briefly();
    }
    return Status::ok();
  }

  int still_runs(const Status& status) {
    const auto now = ask(job_, {{"command", "status"}}, kStatusLimit);
    // Restarting, for example, is no end.
    constexpr std::array<std::string_view, 7> kEnding = {"STOPPING_WITH_SAVEPOINT",
                                                         "STOPPING_WITH_CHECKPOINT",
                                                         "CANCELLING",
                                                         "CANCELLED",
                                                         "FINISHING",
                                                         "FINISHED",
                                                         "FAILED"};
    if (savepoint_.empty() && now.is_ok() &&
        std::ranges::find(kEnding, now->value("state", "")) == kEnding.end()) {
      return refuse(status, "; the job goes on as it was");
    }
    refuse(status, savepoint_.empty() ? "; see what `weir list` says"
                                      : "; start either version with --restore " + savepoint_);
    return kStopped;
  }

  Words restore_options() const {
    const std::string root = std::filesystem::path(job_).parent_path().string();
    return {"--checkpoint-dir", root, "--restore", savepoint_, "--claim-mode", "no-claim"};
  }

  int start_new() {
    const ProgramStart start{options_.command.front(),
                             with_options(new_words(), restore_options())};
    auto program = start_program(start, "new");
    if (!program.is_ok()) {
      context_.error << "weir: " << program.status().message() << '\n';
      return go_back();
    }
    Outcome outcome = wait_for_checkpoint(*program);
    if (outcome == Outcome::kTimedOut) {
      // It stands still while it is looked at: it has got there, or never will.
      program->pause();
      outcome = has_new_checkpoint() ? Outcome::kReached : Outcome::kTimedOut;
      outcome == Outcome::kReached ? program->go_on() : program->kill();
    }
    const std::optional<std::string> end = program->ended();
    if (has_new_checkpoint() && (!end || program->is_success())) {
      say(fmt::format("the new version {} checkpoint {}",
                      end ? "has finished with" : "has completed", newest_completed()->value()));
      return kOk;
    }
    if (has_new_checkpoint()) {
      context_.error << fmt::format(
          "weir: the new version completed checkpoint {} and then ended with {}. What it wrote is "
          "committed, so the old one does not go on from the savepoint; start one with --restore "
          "latest\n",
          newest_completed()->value(), *end);
      show_output();
      return kStopped;
    }
    context_.error << (outcome == Outcome::kEnded
                           ? fmt::format("weir: the new version ended with {} before its first "
                                         "checkpoint\n",
                                         *end)
                           : fmt::format("weir: the new version had no checkpoint within {} and "
                                         "was ended\n",
                                         to_string(options_.timeout)));
    show_output();
    return go_back();
  }

  int go_back() {
    ProgramStart start = old_.start;
    start.arguments = with_options(start.arguments, restore_options());
    auto program = start_program(start, "old");
    const Status failed = program.is_ok() ? wait_until_running(*program) : program.status();
    if (failed.is_ok()) {
      say("the old version runs again, from savepoint " + savepoint_);
      return kNo;
    }
    context_.error << fmt::format("weir: {}; neither version runs. Start one with --restore {}\n",
                                  failed.message(), savepoint_);
    if (program.is_ok()) {
      program->kill();
      show_output();
    }
    return kStopped;
  }

  Result<StartedProgram> start_program(const ProgramStart& start, const std::string& which) {
    const Result<FileInfo> info = context_.files.stat(output_);
    output_begin_ = info.is_ok() ? info->size : 0;
    WEIR_ASSIGN_OR_RETURN(StartedProgram program, StartedProgram::start(start, output_));
    say(fmt::format("started the {} version as process {}; its output goes to {}", which,
                    program.process(), output_));
    return program;
  }

  bool has_new_checkpoint() {
    const auto newest = newest_completed();
    return newest && *newest > savepoint_id_;
  }

  Outcome wait_for_checkpoint(StartedProgram& program) {
    const auto until = SteadyClock::now() + options_.timeout;
    while (SteadyClock::now() < until) {
      if (program.ended()) return Outcome::kEnded;
      if (has_new_checkpoint()) return Outcome::kReached;
      pause_briefly();
    }
    return Outcome::kTimedOut;
  }

  Status wait_until_running(StartedProgram& program) {
    const auto until = SteadyClock::now() + options_.timeout;
    while (SteadyClock::now() < until) {
      if (const auto end = program.ended()) {
        if (program.is_success() && has_new_checkpoint()) return Status::ok();  // all is read
        return unavailable("the old version ended with " + *end);
      }
      const auto status = ask(job_, {{"command", "status"}}, kStatusLimit);
      if (status.is_ok() && status->value("pid", 0) == program.process() &&
          status->value("state", "") == "RUNNING") {
        return Status::ok();
      }
      pause_briefly();
    }
    return unavailable("the old version does not get to run again");
  }

  // The last lines of what the program printed that was started last.
  void show_output() {
    std::ifstream file(output_);
    file.seekg(static_cast<std::streamoff>(output_begin_));
    Words lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back("  " + line);
      if (lines.size() > kOutputLines) lines.erase(lines.begin());
    }
    for (const std::string& line : lines) context_.error << line << '\n';
  }

  const CommandContext& context_;
  const UpgradeOptions& options_;
  std::string job_;     // its directory
  std::string output_;  // of what is started
  std::uint64_t output_begin_ = 0;
  int process_ = 0;
  ProcessStart old_;
  std::string savepoint_;
  CheckpointId savepoint_id_;
};

}  // namespace

int upgrade_job(const CommandContext& context, const UpgradeOptions& options) {
  return Upgrade(context, options).run();
}

void add_upgrade_command(CLI::App& app, const CommandContext& context, int& status) {
  struct Seconds {
    UpgradeOptions options;
    double timeout = 120;
    double stop_timeout = 600;
  };
  CLI::App* command = app.add_subcommand(
      "upgrade",
      "Stop a job with a savepoint, start another version of it from there, and the old "
      "one again if that does not get to its first checkpoint");
  // Shared with the callback, which lives as long as the command line.
  const auto given = std::make_shared<Seconds>();
  command->add_option("job", given->options.job, "Directory of the running job")->required();
  command
      ->add_option("command", given->options.command,
                   "After --: the new executable with its options, as one would type it, without "
                   "--restore and --checkpoint-dir")
      ->required();
  command->add_option("--savepoint", given->options.savepoint_directory,
                      "Where the savepoint goes (default: the job's state.savepoints.dir)");
  command->add_option("--output", given->options.output,
                      "What the versions print is appended to this file (default: output.log in "
                      "the job's directory)");
  command->add_option("--timeout", given->timeout, "Seconds up to the first checkpoint")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--stop-timeout", given->stop_timeout, "Seconds up to the savepoint")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->footer(
      "Example: weir upgrade checkpoints/shop -- ./shop-2 -p 2 -- --input in.json\n"
      "Exit status: 0 if the new version runs or has finished; 1 if the old one runs again;\n"
      "2 if nothing was changed; 3 if the job has stopped and neither runs.");
  command->callback([=, &context, &status] {
    UpgradeOptions options = given->options;
    options.timeout = Duration{static_cast<std::int64_t>(given->timeout * 1000)};
    options.stop_timeout = Duration{static_cast<std::int64_t>(given->stop_timeout * 1000)};
    status = upgrade_job(context, options);
  });
}

}  // namespace weir::cli
