// SPDX-License-Identifier: Apache-2.0
// Measures the subjects of a suite: with Google Benchmark, or each in a process of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/comparison.h"

namespace weir::bench {

/// What one subject took. The least of several repetitions, since the machine is shared.
struct Measurement {
  double cpu_nanos = 0;   ///< processor time of the process per record, all threads
  double wall_nanos = 0;  ///< elapsed time per record
  std::uint64_t memory_bytes = 0;  ///< the most of a process of its own; else 0
  Outcome outcome;
  std::string failure;  ///< why there is no outcome; empty if there is one
};

/// Runs every subject, repetitions of all in turn, and tells progress on standard error.
/// `program` is argv[0].
std::map<std::string, Measurement> measure(const Suite& suite, const char* program);

}  // namespace weir::bench
