// SPDX-License-Identifier: Apache-2.0
// Compares what sinks have committed with what the oracle expects (I1), late records included
// (I10).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testing/simulation/job_spec.h"
#include "testing/simulation/oracle.h"

namespace weir::simulation {

/// Everything a job's sinks committed: by sink, in the order of committing.
using CommittedOutput = std::vector<std::vector<OracleRecord>>;

/// Thread: any; a value.
class OutputChecker {
 public:
  explicit OutputChecker(const JobSpec& job);

  /// Says what is wrong with the output of a finished job; nothing if it is right.
  std::optional<std::string> check_finished(const CommittedOutput& committed) const;
  /// Says what is wrong while the job still runs: a record that must never be there, or one too
  /// many, or one out of order.
  std::optional<std::string> check_running(const CommittedOutput& committed) const;

 private:
  std::string explain(const std::vector<OracleRecord>& missing,
                      const std::vector<OracleRecord>& extra) const;
  std::optional<std::string> check_order(std::size_t sink,
                                         const std::vector<OracleRecord>& committed) const;
  std::optional<std::string> check_late_window(const CommittedOutput& committed) const;

  const JobSpec& job_;
  const std::vector<ExpectedSink> expected_;
  std::map<std::uint64_t, Origin> origins_;  // by mixed number, to name a lost or repeated record
};

}  // namespace weir::simulation
