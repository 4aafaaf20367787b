// SPDX-License-Identifier: Apache-2.0
// Job: a Nexmark program that is run to its end in this process by execute(), with checkpoints.
#pragma once

#include <weir/weir.h>

#include <cstdint>
#include <string>

#include "bench/nexmark/query_result.h"
#include "bench/nexmark/rows.h"

namespace weir::nexmark {

/// What to run and how.
struct JobSetup {
  std::uint64_t seed = 0;
  std::int64_t events = 0;
  std::int64_t events_per_second = 0;  ///< of event time
  double rate_per_second = 0;          ///< events a second of elapsed time; 0: as fast as possible
  Parallelism parallelism{1};
  Duration checkpoint_interval{3000};
  /// The job fails the benchmark if it completed fewer, the final one not counted.
  std::uint64_t checkpoints_min = 0;
  std::string state_backend = "heap";
};

/// One job: its environment, its source, and a directory of its own for its checkpoints.
class Job {
 public:
  Job(std::string name, const JobSetup& setup);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// The generated stream. Call once.
  DataStream<Event> events();
  /// Returns how many checkpoints it completed and how large the last was. Throws
  /// std::runtime_error if the job does not finish, or completes too few.
  JobFigures run();

 private:
  std::string directory() const;

  const std::string name_;
  const JobSetup setup_;
  StreamExecutionEnvironment environment_;
};

}  // namespace weir::nexmark
