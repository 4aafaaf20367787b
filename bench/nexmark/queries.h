// SPDX-License-Identifier: Apache-2.0
// Nexmark q0 and q5 as Weir programs, run to their end in this process by execute().
#pragma once

#include <cstdint>

#include "base/time.h"
#include "bench/nexmark/loops.h"
#include "core/ids.h"

namespace weir::nexmark {

/// What to run and how.
struct JobSetup {
  std::uint64_t seed = 0;
  std::int64_t events = 0;
  std::int64_t events_per_second = 0;  ///< of event time
  Parallelism parallelism{1};
  Duration checkpoint_interval{3000};
  /// The job fails the benchmark if it completed fewer, the final one not counted.
  std::uint64_t checkpoints_min = 0;
};

/// The same results as the loops. Throws std::runtime_error if the job does not finish.
QueryResult run_q0(const JobSetup& setup);
QueryResult run_q5(const JobSetup& setup);

}  // namespace weir::nexmark
