// SPDX-License-Identifier: Apache-2.0
// ManualClock: time that stands still until the test moves it.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/check.h"
#include "base/clock.h"
#include "base/time.h"

namespace weir {

/// Tells the time that the test set. Starts at 2026-01-01T00:00:00Z unless told otherwise.
///
/// Thread: one.
class ManualClock final : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(ProcessingTime start) : now_(start) {}

  ProcessingTime now() const override { return now_; }
  std::int64_t monotonic_nanos() const override { return monotonic_nanos_; }

  /// Moves both clocks on. Requires: not negative.
  void advance(Duration duration) {
    WEIR_CHECK_GE(duration.count(), 0);
    now_ += duration;
    monotonic_nanos_ += std::chrono::nanoseconds(duration).count();
  }

  /// Lets the wall clock jump, in either direction; the monotonic clock stays.
  void set_wall(ProcessingTime now) { now_ = now; }

 private:
  ProcessingTime now_{1'767'225'600'000};
  std::int64_t monotonic_nanos_ = 0;
};

}  // namespace weir
