// SPDX-License-Identifier: Apache-2.0
// simulate: one seed, from the random job to the verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "testing/simulation/job_spec.h"
#include "testing/simulation/simulated_cluster.h"
#include "testing/simulation/trace.h"

namespace weir::simulation {

struct SimulationOptions {
  JobLimits limits;
  /// Prints the trace, and what the program logs; may be null.
  Trace::Printer printer;
  /// Lets one record disappear from the output, so that the run must fail: shows that failures are
  /// seen and reported.
  bool canary = false;
};

struct SimulationOutcome {
  std::uint64_t seed = 0;
  /// What was broken: the invariant, and how. None: all held.
  std::optional<std::string> violation;
  std::uint64_t trace_hash = 0;
  SimulationCounts counts;
};

/// Runs the job of the seed under the faults of the seed, to its end, and checks every invariant.
/// The same seed gives the same outcome.
SimulationOutcome simulate(std::uint64_t seed, const SimulationOptions& options);

/// What the seed's job and faults are, for people.
std::string describe_seed(std::uint64_t seed, const SimulationOptions& options);

}  // namespace weir::simulation
