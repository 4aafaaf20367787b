// SPDX-License-Identifier: Apache-2.0
// The oracle: interprets a JobSpec sequentially. Shares no code with operators, engine or state.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "testing/simulation/job_spec.h"

namespace weir::simulation {

/// A record as the oracle and the checkers see it.
struct OracleRecord {
  std::uint32_t key = 0;
  std::int64_t value = 0;
  Millis time = 0;
  Provenance made_from;
  friend auto operator<=>(const OracleRecord&, const OracleRecord&) = default;
};
std::string to_string(const OracleRecord& record);

/// What one sink must have committed in the end.
struct ExpectedSink {
  std::vector<OracleRecord> records;  ///< sorted; each key's by time where the sink is ordered
  /// Behind a late window the output depends on arrival. Then `records` is empty and this holds
  /// every record that reached the window.
  std::vector<OracleRecord> window_input;
};

/// Computes the output of a failure-free run.
std::vector<ExpectedSink> interpret(const JobSpec& job);

/// The highest watermark that can have been seen by a record's window before the record itself,
/// by the provenance sum of the source record. A record with a later time is never late.
std::map<std::uint64_t, Millis> highest_watermarks(const JobSpec& job);

}  // namespace weir::simulation
