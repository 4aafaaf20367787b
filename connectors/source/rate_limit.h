// SPDX-License-Identifier: Apache-2.0
// RateLimit: how many records a source reader may emit now.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/operator_context.h"

namespace weir::detail {

/// Spreads records evenly over time. Each of a source's readers gets the same share of the rate.
///
/// Time lost to back pressure is not made up for beyond a short burst.
///
/// Thread: the subtask's.
class RateLimit {
 public:
  /// The most that is made up for, and how long a reader sleeps at least.
  static constexpr Duration kBurst = std::chrono::milliseconds{100};
  static constexpr Duration kSleepMin = std::chrono::milliseconds{5};

  /// Records per second over all readers; 0 for no limit.
  explicit RateLimit(double per_second) : per_second_(per_second) {}
  /// `context` must outlive this object's use.
  void open(OperatorContext& context);

  /// Returns how many of `wanted` records may be emitted now. Where that is none, the reader will
  /// be woken when there are some.
  std::size_t allowed(std::size_t wanted);
  /// Tells that records were emitted.
  void spend(std::size_t records) { spent_ += static_cast<double>(records); }

 private:
  double per_second_;  // of this reader, after `open`
  OperatorContext* context_ = nullptr;
  std::int64_t start_nanos_ = 0;
  double spent_ = 0;
};

}  // namespace weir::detail
