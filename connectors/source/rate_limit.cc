// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the rate: record k is due k / rate after the start.
#include "connectors/source/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir::detail {

void RateLimit::open(OperatorContext& context) {
  context_ = &context;
  per_second_ /= context.info().parallelism.value();
  start_nanos_ = context.clock().monotonic_nanos();
  spent_ = 0;
}

std::size_t RateLimit::allowed(std::size_t wanted) {
  WEIR_CHECK(context_ != nullptr);
  if (per_second_ <= 0) return wanted;
  constexpr double kNanos = 1e9;
  const double elapsed =
      static_cast<double>(context_->clock().monotonic_nanos() - start_nanos_) / kNanos;
  const double burst = per_second_ * std::chrono::duration<double>(kBurst).count() + 1;
  const double due = std::floor(elapsed * per_second_) + 1;
  spent_ = std::max(spent_, std::floor(due - burst));
  if (due > spent_) return std::min(wanted, static_cast<std::size_t>(due - spent_));
  const double seconds = spent_ / per_second_ - elapsed;
  const double millis = std::min(std::ceil(seconds * 1000), 1e9);
  const Duration sleep = std::max(Duration(static_cast<std::int64_t>(millis)), kSleepMin);
  context_->wake_at(context_->clock().now() + sleep);
  return 0;
}

}  // namespace weir::detail
