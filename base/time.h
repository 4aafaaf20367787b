// SPDX-License-Identifier: Apache-2.0
// EventTime, ProcessingTime and Duration: three types in milliseconds that do not mix.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace weir {

/// A span of time. Anything of std::chrono that is a whole number of milliseconds converts.
using Duration = std::chrono::milliseconds;

namespace detail {

constexpr std::int64_t saturating_add(std::int64_t a, std::int64_t b, std::int64_t low,
                                      std::int64_t high) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    return b > 0 ? high : low;
  }
  return sum < low ? low : sum > high ? high : sum;
}

/// A point in milliseconds since 1970-01-01T00:00:00Z. `Tag` keeps the kinds of time apart.
///
/// The values from min() to max() are times; none() lies below them all and means "no time".
/// Adding saturates at min() and max(), and none() plus anything is none(). min() and max() behave
/// as infinities: adding to them does not move them.
template <class Tag>
class TimePoint {
 public:
  constexpr TimePoint() = default;
  constexpr explicit TimePoint(std::int64_t millis) : millis_(millis) {}

  constexpr std::int64_t millis() const { return millis_; }

  static constexpr TimePoint none() { return TimePoint(std::numeric_limits<std::int64_t>::min()); }
  static constexpr TimePoint min() {
    return TimePoint(std::numeric_limits<std::int64_t>::min() + 1);
  }
  static constexpr TimePoint max() { return TimePoint(std::numeric_limits<std::int64_t>::max()); }

  constexpr bool is_none() const { return *this == none(); }

  friend constexpr auto operator<=>(TimePoint, TimePoint) = default;
  friend constexpr bool operator==(TimePoint, TimePoint) = default;

  friend constexpr TimePoint operator+(TimePoint time, Duration duration) {
    return time.is_fixed() ? time
                           : TimePoint(saturating_add(time.millis_, duration.count(), min().millis_,
                                                      max().millis_));
  }
  friend constexpr TimePoint operator+(Duration duration, TimePoint time) {
    return time + duration;
  }
  friend constexpr TimePoint operator-(TimePoint time, Duration duration) {
    // The most negative duration has no opposite; one more millisecond saturates just the same.
    if (duration == Duration::min()) {
      return time + Duration::max();
    }
    return time + (-duration);
  }
  /// Saturates when the distance does not fit.
  friend constexpr Duration operator-(TimePoint a, TimePoint b) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.millis_, b.millis_, &difference)) {
      return a.millis_ < b.millis_ ? Duration::min() : Duration::max();
    }
    return Duration(difference);
  }
  constexpr TimePoint& operator+=(Duration duration) { return *this = *this + duration; }
  constexpr TimePoint& operator-=(Duration duration) { return *this = *this - duration; }

 private:
  constexpr bool is_fixed() const { return is_none() || *this == min() || *this == max(); }

  std::int64_t millis_ = 0;
};

/// Formats milliseconds as "2026-11-21T10:15:30.120Z"; outside the years 0 to 9999 as "<n> ms".
std::string time_text(std::int64_t millis);

}  // namespace detail

/// When something happened, as the record says.
using EventTime = detail::TimePoint<struct EventTimeTag>;
/// When something is processed, by the wall clock of the process.
using ProcessingTime = detail::TimePoint<struct ProcessingTimeTag>;

/// ISO-8601 in UTC with milliseconds; "none", "min" and "max" for the special values.
std::string to_string(EventTime time);
std::string to_string(ProcessingTime time);
/// The largest unit that fits without a fraction: "3 min", "500 ms", "0 ms".
std::string to_string(Duration duration);

}  // namespace weir

template <class Tag>
struct std::hash<weir::detail::TimePoint<Tag>> {
  std::size_t operator()(weir::detail::TimePoint<Tag> time) const {
    return std::hash<std::int64_t>()(time.millis());
  }
};
