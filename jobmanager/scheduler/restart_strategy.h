// SPDX-License-Identifier: Apache-2.0
// RestartStrategy: whether and when a failed job is started again. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/rng.h"
#include "base/status.h"
#include "base/time.h"
#include "core/job_graph.h"

namespace weir {

/// What the decisions so far left behind. A value.
struct RestartHistory {
  std::uint32_t restarts = 0;
  std::deque<std::int64_t> failures;  ///< monotonic nanoseconds, oldest first; failure rate only
  Duration delay{0};                  ///< the last wait without jitter; exponential only
  std::int64_t last_failure_nanos = 0;
};

struct RestartDecision {
  bool is_restarted = false;
  Duration delay{0};
  std::string why_not;  ///< one sentence, when it is not
  RestartHistory history;
};

/// Decides about one failure. A failure that a repetition cannot mend (`RetryHint::kNo`) never
/// restarts. Without checkpoints the default strategy does not either: there is nothing to go on
/// from.
///
/// Source: Flink's strategies of the same names; its defaults where the options do not differ.
RestartDecision decide_restart(const JobGraph& graph, RestartHistory history, const Status& failure,
                               std::int64_t now_nanos, Rng& rng);

}  // namespace weir
