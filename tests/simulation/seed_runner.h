// SPDX-License-Identifier: Apache-2.0
// SeedRunner: runs many seeds in a few child processes, so that a crash or a hang of one seed is a
// finding like any other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "testing/simulation/simulation.h"

namespace weir::simulation {

struct SeedRange {
  std::uint64_t from = 0;
  std::uint64_t count = 1;
};

struct SeedRunnerOptions {
  SimulationOptions simulation;
  std::uint32_t jobs = 1;  ///< child processes
  /// Whether to stop at the first failing seed.
  enum class OnFailure { kStop, kGoOn } on_failure = OnFailure::kStop;
  /// A seed that takes longer hangs.
  std::chrono::seconds seed_limit{120};
};

/// What became of all seeds.
struct SeedSummary {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::optional<std::uint64_t> first_failed;  ///< the lowest seen
  std::string first_violation;
  SimulationCounts counts;  ///< summed up
};

/// Runs one seed here. Every hundredth seed runs twice, and must give the same trace hash (I14).
SimulationOutcome run_seed(std::uint64_t seed, const SimulationOptions& options);

/// Runs the seeds in child processes. `on_failed` hears of each failure as it is found.
SeedSummary run_seeds(const SeedRange& range, const SeedRunnerOptions& options,
                      const std::function<void(std::uint64_t seed, const std::string&)>& on_failed);

}  // namespace weir::simulation
