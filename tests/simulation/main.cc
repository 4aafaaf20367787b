// SPDX-License-Identifier: Apache-2.0
// weir_simulation: runs seeds, replays one, or looks for the seed that finds a planted bug.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "core/mutants.h"
#include "tests/simulation/seed_runner.h"

namespace weir::simulation {
namespace {

struct Arguments {
  SeedRange range;
  SeedRunnerOptions runner;
  std::int64_t replay = -1;
  bool trace = false;
  bool keep_going = false;
  std::string mutant;
  std::string program;
};

// Returns false where the program was built without planted bugs.
bool plant(const std::string& name) {
#ifdef WEIR_MUTANTS
  static const std::map<std::string, Mutant> kMutants = {
      {"B1", Mutant::kB1},   {"B2", Mutant::kB2},   {"B5", Mutant::kB5},   {"B6", Mutant::kB6},
      {"B7", Mutant::kB7},   {"B8", Mutant::kB8},   {"B9", Mutant::kB9},   {"B10", Mutant::kB10},
      {"B11", Mutant::kB11}, {"B15", Mutant::kB15}, {"B16", Mutant::kB16}, {"B17", Mutant::kB17},
      {"B18", Mutant::kB18}, {"B19", Mutant::kB19}, {"B20", Mutant::kB20}, {"B21", Mutant::kB21},
      {"B22", Mutant::kB22}, {"B23", Mutant::kB23}, {"B24", Mutant::kB24}, {"B25", Mutant::kB25},
      {"B26", Mutant::kB26}, {"B27", Mutant::kB27}, {"B28", Mutant::kB28}, {"B29", Mutant::kB29},
      {"B36", Mutant::kB36}};
  const auto found = kMutants.find(name);
  if (found == kMutants.end()) return false;
  mutants::active = found->second;
  return true;
#else
  (void)name;
  return false;
#endif
}

std::string replay_command(const Arguments& arguments, std::uint64_t seed) {
  return fmt::format("{} --replay {} --trace{}{}", arguments.program, seed,
                     arguments.mutant.empty() ? "" : " --mutant " + arguments.mutant,
                     arguments.runner.simulation.canary ? " --canary" : "");
}

int replay(const Arguments& arguments) {
  const auto seed = static_cast<std::uint64_t>(arguments.replay);
  SimulationOptions options = arguments.runner.simulation;
  fmt::print("{}", describe_seed(seed, options));
  if (arguments.trace) {
    options.printer = [](const std::string& line) { fmt::print("{}\n", line); };
  }
  const SimulationOutcome outcome = simulate(seed, options);
  options.printer = nullptr;
  const SimulationOutcome again = simulate(seed, options);
  fmt::print(
      "trace hash {:016x}, second run {:016x}; {} actions, {:.1f} simulated seconds, "
      "{} checkpoints, {} restarts, {} crashes\n",
      outcome.trace_hash, again.trace_hash, outcome.counts.actions,
      static_cast<double>(outcome.counts.simulated_time) * 1e-9, outcome.counts.checkpoints,
      outcome.counts.restarts, outcome.counts.crashes);
  if (outcome.trace_hash != again.trace_hash) fmt::print("I14: the two runs differ\n");
  fmt::print("seed {}: {}\n", seed, outcome.violation.value_or("all invariants held"));
  return outcome.violation || outcome.trace_hash != again.trace_hash ? 1 : 0;
}

int run(const Arguments& arguments) {
  const auto began = std::chrono::steady_clock::now();
  const SeedSummary summary = run_seeds(
      arguments.range, arguments.runner, [&](std::uint64_t seed, const std::string& violation) {
        fmt::print("seed {}: {}\nreplay: {}\n", seed, violation, replay_command(arguments, seed));
        std::fflush(stdout);
      });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const SimulationCounts& counts = summary.counts;
  fmt::print(
      "{} seeds from {}: {} passed, {} failed, {:.1f} s; {} actions, {:.1f} simulated hours, "
      "{} checkpoints, {} savepoints, {} stops with one, {} drains, {} restarts, {} crashes, {} "
      "user "
      "failures, {} damaged checkpoints refused\n",
      arguments.range.count, arguments.range.from, summary.passed, summary.failed, took.count(),
      counts.actions, static_cast<double>(counts.simulated_time) / 3.6e12, counts.checkpoints,
      counts.savepoints, counts.stops, counts.drains, counts.restarts, counts.crashes,
      counts.user_failures, counts.refusals);
  return summary.failed == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  CLI::App app("Runs random jobs in a simulated cluster: one thread, one seed, simulated time.");
  Arguments arguments;
  arguments.program = argv[0];
  arguments.runner.jobs = 2;
  app.add_option("--seeds", arguments.range.count, "How many seeds to run")->capture_default_str();
  app.add_option("--from", arguments.range.from, "The first seed")->capture_default_str();
  app.add_option("--jobs", arguments.runner.jobs, "How many processes run seeds")
      ->capture_default_str();
  app.add_option("--replay", arguments.replay,
                 "Runs this seed alone, twice, and compares the two traces");
  app.add_flag("--trace", arguments.trace, "With --replay: prints what happens");
  app.add_flag("--keep-going", arguments.keep_going, "Goes on after a failing seed");
  app.add_option("--mutant", arguments.mutant, "Plants a bug: B1, B2, B5, B6, B8, ...");
  app.add_flag("--canary", arguments.runner.simulation.canary,
               "Makes every run fail, to show that failures are reported");
  CLI11_PARSE(app, argc, argv);
  if (!arguments.mutant.empty() && !plant(arguments.mutant)) {
    fmt::print(stderr, "there is no bug {} in this build: see scripts/mutants\n", arguments.mutant);
    return 2;
  }
  if (arguments.keep_going) {
    arguments.runner.on_failure = SeedRunnerOptions::OnFailure::kGoOn;
  }
  return arguments.replay >= 0 ? replay(arguments) : run(arguments);
}

}  // namespace
}  // namespace weir::simulation

int main(int argc, char** argv) { return weir::simulation::main(argc, argv); }
