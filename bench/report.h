// SPDX-License-Identifier: Apache-2.0
// What the measurements say: a table for people, JSON for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/comparison.h"
#include "bench/measurement.h"

namespace weir::bench {

/// One comparison and what came of it.
struct Verdict {
  Comparison comparison;
  Measurement weir;
  Measurement loop;
  std::uint64_t records = 0;    ///< that went into Weir's pass
  double ratio = 0;             ///< Weir's processor time to the loop's
  double million_per_second = 0;  ///< records per second of processor time
  bool agrees = false;          ///< both ran, with equal rows and checksums
  bool is_met = false;          ///< the target, if there is one
  std::string failure;          ///< why not `agrees`
};

std::vector<Verdict> judge(const Suite& suite,
                           const std::map<std::string, Measurement>& measurements);

/// Missed targets first, then the table, then one line that states the result.
std::string table(const std::vector<Verdict>& verdicts);
std::string to_json(const std::vector<Verdict>& verdicts);

bool all_agree(const std::vector<Verdict>& verdicts);
bool all_met(const std::vector<Verdict>& verdicts);

}  // namespace weir::bench
