// SPDX-License-Identifier: Apache-2.0
// The one place that reads the system's clocks.
#include "base/clock.h"

namespace weir {

ProcessingTime SystemClock::now() const {
  return ProcessingTime(std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count());
}

std::int64_t SystemClock::monotonic_nanos() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace weir
