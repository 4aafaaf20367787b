// SPDX-License-Identifier: Apache-2.0
// Text of times and durations.
#include "base/time.h"

#include <array>
#include <cstdio>
#include <utility>

namespace weir {

namespace {

template <class Time>
std::string time_point_text(Time time) {
  if (time.is_none()) {
    return "none";
  }
  if (time == Time::min()) {
    return "min";
  }
  if (time == Time::max()) {
    return "max";
  }
  return detail::time_text(time.millis());
}

}  // namespace

namespace detail {

std::string time_text(std::int64_t millis) {
  constexpr std::int64_t kYearZero = -62'167'219'200'000;         // 0000-01-01T00:00:00Z
  constexpr std::int64_t kYearTenThousand = 253'402'300'800'000;  // 10000-01-01T00:00:00Z
  if (millis < kYearZero || millis >= kYearTenThousand) {
    return std::to_string(millis) + " ms";
  }
  using std::chrono::hh_mm_ss;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds(millis)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                                   int(date.year()), unsigned(date.month()), unsigned(date.day()),
                                   int(clock.hours().count()), int(clock.minutes().count()),
                                   int(clock.seconds().count()), int(clock.subseconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace detail

std::string to_string(EventTime time) { return time_point_text(time); }
std::string to_string(ProcessingTime time) { return time_point_text(time); }

std::string to_string(Duration duration) {
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> kUnits = {
      {{86'400'000, " d"}, {3'600'000, " h"}, {60'000, " min"}, {1'000, " s"}}};
  for (const auto& [millis, unit] : kUnits) {
    if (duration.count() != 0 && duration.count() % millis == 0) {
      return std::to_string(duration.count() / millis) + unit;
    }
  }
  return std::to_string(duration.count()) + " ms";
}

}  // namespace weir
