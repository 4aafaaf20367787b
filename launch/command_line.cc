// SPDX-License-Identifier: Apache-2.0
// CLI11 parses; every option that has a configuration key sets that key.
#include "launch/command_line.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "launch/configuration_keys.h"
#include "launch/memory_plan.h"
#include "launch/version.h"

namespace weir {
namespace {

constexpr std::string_view kExamples = R"(Examples:
  job --parallelism 2 --checkpoint-interval 500ms -- --input events.json
  job --restore latest
  job --restore checkpoints/fraud-detection/chk-12
  job --restore savepoints/savepoint-1a2b-7 --parallelism 3 --max-parallelism 300
  job -D restart-strategy.type=fixed-delay -D restart-strategy.fixed-delay.attempts=3
  job --explain json

Exit status: 0 when the job finished, or stopped with a checkpoint on Ctrl-C; else 1.)";

// `weir upgrade` appends what says where a job goes on from to the command line it once had.
enum class Repeated { kRefused, kLastCounts };

// An option that is short for a configuration key.
struct KeyOption {
  const char* flags;
  const char* key;
  const char* help;
  Repeated repeated = Repeated::kRefused;
};
constexpr KeyOption kKeyOptions[] = {
    {"-p,--parallelism", "parallelism.default", "Subtasks per vertex"},
    {"--max-parallelism", "pipeline.max-parallelism", "Key groups per vertex"},
    {"--checkpoint-interval", "execution.checkpointing.interval",
     "How often a checkpoint is taken, for example 500ms"},
    {"--checkpoint-dir", "state.checkpoints.dir", "Where checkpoints go", Repeated::kLastCounts},
    {"--claim-mode", "execution.state-recovery.claim-mode",
     "Whether --restore PATH makes the snapshot the job's own, which it deletes when a newer "
     "checkpoint makes it superfluous: claim, or no-claim (the default)",
     Repeated::kLastCounts},
};

std::string list_of_keys(const Configuration& configuration) {
  std::ostringstream out;
  for (const ConfigKey& key : configuration.keys()) {
    out << key.name << " = " << configuration.text(key.name) << "  ("
        << configuration.origin(key.name) << ")\n    " << key.meaning;
    if (!key.choices.empty()) out << " One of " << key.choices << '.';
    out << '\n';
  }
  return out.str();
}

// What the parser fills before it is turned into a CommandLine.
struct Parsed {
  std::string config_file;
  std::vector<std::string> overrides;
  std::string values[std::size(kKeyOptions)];
  std::string restore;
  std::string explain;
  std::string progress = "auto";
  std::string fault_point;
  bool allow_non_restored_state = false;
  bool list_config = false;
};

void declare_options(CLI::App& app, Parsed& parsed) {
  app.set_version_flag("-v,--version", std::string{kVersionText});
  app.footer(std::string{kExamples});
  for (std::size_t i = 0; i < std::size(kKeyOptions); ++i) {
    CLI::Option* const option =
        app.add_option(kKeyOptions[i].flags, parsed.values[i], kKeyOptions[i].help);
    if (kKeyOptions[i].repeated == Repeated::kLastCounts) option->take_last();
  }
  app.add_option("-c,--config", parsed.config_file, "Configuration file (YAML)");
  app.add_option("-D", parsed.overrides, "Sets a configuration key: -D key=value")
      ->allow_extra_args(false);
  app.add_flag(
      "--list-config", parsed.list_config,
      "Prints every configuration key with its value, where that comes from, and its meaning");
  app.add_option("-s,--restore", parsed.restore,
                 "Starts from a snapshot: 'latest', or the path of a checkpoint or savepoint")
      ->take_last();
  app.add_flag("-n,--allow-non-restored-state", parsed.allow_non_restored_state,
               "Lets a restore drop state that no operator asks for");
  app.add_option("--explain", parsed.explain,
                 "Prints the plan - what is chained with what, and why not - as text or json")
      ->expected(0, 1)
      ->default_str("text")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--progress", parsed.progress,
                 "live (redrawn), plain (a line per interval), none, or auto")
      ->check(CLI::IsMember({"auto", "live", "plain", "none"}));
  app.add_option("--fault-point", parsed.fault_point, "For tests: NAME[:COUNT] ends the process")
      ->group("");
}

// An empty value, as an unset variable of a shell gives, must not pass for an option left out.
Status check_no_empty_value(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_expected_min() == 0) continue;
    for (const std::string& value : option->results()) {
      if (!value.empty()) continue;
      return invalid_argument("command line: " + option->get_name() + " has an empty value");
    }
  }
  return Status::ok();
}

Status apply(const Parsed& parsed, FileStore& files, Configuration& configuration) {
  if (!parsed.config_file.empty()) {
    WEIR_RETURN_IF_ERROR(configuration.load_file(files, parsed.config_file));
  }
  for (const std::string& assignment : parsed.overrides) {
    WEIR_RETURN_IF_ERROR(configuration.set_override(assignment));
  }
  for (std::size_t i = 0; i < std::size(kKeyOptions); ++i) {
    if (parsed.values[i].empty()) continue;
    WEIR_RETURN_IF_ERROR(configuration.set(kKeyOptions[i].key, parsed.values[i], "command line"));
  }
  if (parsed.allow_non_restored_state) {
    WEIR_RETURN_IF_ERROR(configuration.set("execution.state-recovery.ignore-unclaimed-state",
                                           "true", "command line"));
  }
  return Status::ok();
}

ExecutionSettings::Progress progress_mode(std::string_view text) {
  using enum ExecutionSettings::Progress;
  if (text == "live") return kLive;
  if (text == "plain") return kPlain;
  return text == "none" ? kNone : kAuto;
}

// Reads a count that must be at least `least`; adds to `mistakes` otherwise.
std::uint32_t count_of(const Configuration& configuration, std::string_view key, std::int64_t least,
                       std::vector<std::string>& mistakes) {
  const std::int64_t value = configuration.get_int(key);
  if (value >= least && value <= 1'000'000) return static_cast<std::uint32_t>(value);
  mistakes.push_back(std::string{key} + " (" + configuration.origin(key) +
                     "): " + std::to_string(value) + " is not between " + std::to_string(least) +
                     " and 1000000");
  return static_cast<std::uint32_t>(least);
}

RestartStrategy restart_of(const Configuration& configuration, std::vector<std::string>& mistakes) {
  RestartStrategy restart;
  const std::string& type = configuration.get_string("restart-strategy.type");
  if (type == "none") {
    restart.kind = RestartStrategy::Kind::kNone;
  } else if (type == "fixed-delay") {
    restart.kind = RestartStrategy::Kind::kFixedDelay;
    restart.attempts =
        count_of(configuration, "restart-strategy.fixed-delay.attempts", 0, mistakes);
    restart.delay = configuration.get_duration("restart-strategy.fixed-delay.delay");
  } else if (type == "failure-rate") {
    restart.kind = RestartStrategy::Kind::kFailureRate;
    restart.attempts = count_of(
        configuration, "restart-strategy.failure-rate.max-failures-per-interval", 0, mistakes);
    restart.interval =
        configuration.get_duration("restart-strategy.failure-rate.failure-rate-interval");
    restart.delay = configuration.get_duration("restart-strategy.failure-rate.delay");
  } else {
    const std::string prefix = "restart-strategy.exponential-delay.";
    restart.kind = RestartStrategy::Kind::kExponentialDelay;
    restart.delay = configuration.get_duration(prefix + "initial-backoff");
    restart.delay_max = configuration.get_duration(prefix + "max-backoff");
    restart.multiplier = configuration.get_double(prefix + "backoff-multiplier");
    restart.jitter = configuration.get_double(prefix + "jitter-factor");
    restart.interval = configuration.get_duration(prefix + "reset-backoff-threshold");
    if (restart.multiplier < 1) mistakes.push_back(prefix + "backoff-multiplier is less than 1");
    if (restart.jitter < 0 || restart.jitter > 1) {
      mistakes.push_back(prefix + "jitter-factor is not between 0 and 1");
    }
  }
  return restart;
}

CheckpointOptions checkpoints_of(const Configuration& configuration,
                                 std::vector<std::string>& mistakes) {
  const std::string prefix = "execution.checkpointing.";
  CheckpointOptions checkpoints;
  checkpoints.interval = configuration.get_duration(prefix + "interval");
  checkpoints.enabled = checkpoints.interval > Duration{0};
  checkpoints.timeout = configuration.get_duration(prefix + "timeout");
  checkpoints.min_pause = configuration.get_duration(prefix + "min-pause");
  checkpoints.tolerable_failures =
      count_of(configuration, prefix + "tolerable-failed-checkpoints", 0, mistakes);
  checkpoints.retained = count_of(configuration, prefix + "num-retained", 1, mistakes);
  if (checkpoints.timeout <= Duration{0}) mistakes.push_back(prefix + "timeout is not positive");
  return checkpoints;
}

void check_memory(const Configuration& configuration, std::vector<std::string>& mistakes) {
  const std::uint64_t bytes = configuration.get_size("taskmanager.memory.process.size");
  if (bytes != 0 && bytes < kProcessMemoryMin) {
    mistakes.push_back("taskmanager.memory.process.size is less than 1 mb");
  }
}

void check_heartbeats(const Configuration& configuration, std::vector<std::string>& mistakes) {
  const Duration interval = configuration.get_duration("heartbeat.interval");
  if (interval <= Duration{0}) mistakes.push_back("heartbeat.interval is not positive");
  if (configuration.get_duration("heartbeat.timeout") <= interval) {
    mistakes.push_back("heartbeat.timeout is not longer than heartbeat.interval");
  }
}

}  // namespace

ExecutionSettings settings_of(const CommandLine& line) {
  const Configuration& configuration = line.configuration;
  ExecutionSettings settings;
  std::vector<std::string>& mistakes = settings.mistakes;
  settings.parallelism = Parallelism{count_of(configuration, "parallelism.default", 1, mistakes)};
  const std::int64_t max = configuration.get_int("pipeline.max-parallelism");
  if (max != -1) {
    settings.max_parallelism =
        MaxParallelism{count_of(configuration, "pipeline.max-parallelism", 1, mistakes)};
  }
  settings.chaining = configuration.get_bool("pipeline.operator-chaining.enabled")
                          ? ExecutionSettings::Chaining::kOn
                          : ExecutionSettings::Chaining::kOff;
  settings.checkpoints = checkpoints_of(configuration, mistakes);
  settings.restart = restart_of(configuration, mistakes);
  settings.checkpoint_directory = configuration.get_string("state.checkpoints.dir");
  if (settings.checkpoint_directory.empty()) mistakes.push_back("state.checkpoints.dir is empty");
  check_memory(configuration, mistakes);
  check_heartbeats(configuration, mistakes);
  settings.restore = line.restore.value_or("");
  settings.explain = line.explain;
  settings.progress = line.progress;
  for (const ConfigKey& key : configuration.keys()) {
    if (configuration.is_set(key.name)) {
      settings.configuration[std::string{key.name}] = configuration.text(key.name);
    }
  }
  return settings;
}

Result<CommandLine> parse_command_line(int argc, const char* const* argv, FileStore& files) {
  CommandLine line{.configuration = default_configuration()};
  line.program = argc > 0 ? argv[0] : "job";
  const char* const* const end = argv + argc;
  const char* const* const dashes = std::find_if(
      argv + std::min(argc, 1), end, [](const char* a) { return std::string_view{a} == "--"; });
  if (dashes != end) line.job_arguments.assign(dashes + 1, end);

  Parsed parsed;
  CLI::App app{"A Weir job. Options before -- are Weir's, options after it are the job's own."};
  declare_options(app, parsed);
  try {
    app.parse(static_cast<int>(dashes - argv), argv);
  } catch (const CLI::CallForHelp&) {
    line.print_and_exit = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.print_and_exit = std::string{kVersionText} + "\n";
    return line;
  } catch (const CLI::ParseError& error) {
    return invalid_argument("command line: " + std::string{error.what()} +
                            " (see --help; the job's own options stand after --)");
  }
  WEIR_RETURN_IF_ERROR(check_no_empty_value(app));
  WEIR_RETURN_IF_ERROR(apply(parsed, files, line.configuration));
  if (parsed.list_config) {
    line.print_and_exit = list_of_keys(line.configuration);
    return line;
  }
  if (!parsed.restore.empty()) line.restore = parsed.restore;
  if (app.count("--explain") > 0) {
    line.explain = parsed.explain == "json" ? ExecutionSettings::Explain::kJson
                                            : ExecutionSettings::Explain::kText;
  }
  line.progress = progress_mode(parsed.progress);
  line.fault_point = parsed.fault_point;
  return line;
}

}  // namespace weir
