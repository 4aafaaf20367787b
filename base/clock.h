// SPDX-License-Identifier: Apache-2.0
// Clock: where all time comes from, so that simulations and tests can step it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace weir {

/// Tells the time. The manual clock is in testing/.
///
/// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;

  /// The wall clock: may jump, in both directions. For timestamps and processing-time timers.
  virtual ProcessingTime now() const = 0;

  /// Never goes back; the zero point means nothing. For measuring and for deadlines.
  virtual std::int64_t monotonic_nanos() const = 0;
};

/// Reads the clocks of the operating system.
class SystemClock final : public Clock {
 public:
  ProcessingTime now() const override;
  std::int64_t monotonic_nanos() const override;
};

}  // namespace weir
