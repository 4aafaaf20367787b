// SPDX-License-Identifier: Apache-2.0
// Reads durations and event times: strict, without locale, without allocation unless it fails.
#include "base/time_text.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace weir {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};

constexpr Unit kUnits[] = {{"d", 86'400'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"min", 60'000'000'000},
                           {"m", 60'000'000'000},
                           {"s", 1'000'000'000},
                           {"ms", 1'000'000},
                           {"us", 1'000},
                           {"ns", 1}};

Status bad_duration(std::string_view text, const char* why) {
  return invalid_argument("not a duration: '" + std::string(text) + "': " + why +
                          " (write a number and a unit, like '500 ms', '10 s', '3 min')");
}

// Reads a text from its front; every step says whether it found what it looked for.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : rest_(text) {}

  bool is_at_end() const { return rest_.empty(); }

  bool accept(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `count` digits, or -1.
  int digits(int count) {
    if (rest_.size() < static_cast<std::size_t>(count)) {
      return -1;
    }
    int value = 0;
    for (int i = 0; i < count; ++i) {
      const char c = rest_[static_cast<std::size_t>(i)];
      if (c < '0' || c > '9') {
        return -1;
      }
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(static_cast<std::size_t>(count));
    return value;
  }

  // One to nine digits after the point, as milliseconds; or -1.
  int fraction_millis() {
    int value = 0;
    int count = 0;
    while (count < 9) {
      const int digit = digits(1);
      if (digit < 0) {
        break;
      }
      value = count < 3 ? value * 10 + digit : value;
      ++count;
    }
    if (count == 0) {
      return -1;
    }
    for (int i = count; i < 3; ++i) {
      value *= 10;
    }
    return value;
  }

 private:
  std::string_view rest_;
};

// The time of the day in milliseconds, or -1.
std::int64_t read_clock(TextCursor& in) {
  const int hour = in.digits(2);
  if (hour < 0 || hour > 23 || !in.accept(':')) {
    return -1;
  }
  const int minute = in.digits(2);
  if (minute < 0 || minute > 59) {
    return -1;
  }
  int second = 0;
  int millis = 0;
  if (in.accept(':')) {
    second = in.digits(2);
    if (second < 0 || second > 59) {
      return -1;
    }
    if (in.accept('.') || in.accept(',')) {
      millis = in.fraction_millis();
      if (millis < 0) {
        return -1;
      }
    }
  }
  return ((hour * 60 + minute) * 60 + second) * std::int64_t{1000} + millis;
}

// The zone's distance from UTC in milliseconds; false if there is one that cannot be read.
bool read_zone(TextCursor& in, std::int64_t& offset) {
  offset = 0;
  if (in.is_at_end() || in.accept('Z') || in.accept('z')) {
    return true;
  }
  const bool is_west = in.accept('-');
  if (!is_west && !in.accept('+')) {
    return false;
  }
  const int hours = in.digits(2);
  const bool has_colon = in.accept(':');
  const int minutes = in.is_at_end() && !has_colon ? 0 : in.digits(2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
    return false;
  }
  offset = (hours * 60 + minutes) * std::int64_t{60'000};
  offset = is_west ? -offset : offset;
  return true;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  while (!rest.empty() && kBlanks.find(rest.back()) != std::string_view::npos) {
    rest.remove_suffix(1);
  }
  if (rest.empty() || rest.front() < '0' || rest.front() > '9') {
    return bad_duration(text, "it does not start with a whole number");
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc()) {
    return bad_duration(text, "the number is too large");
  }
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  for (const Unit& unit : kUnits) {
    if (rest != unit.name) {
      continue;
    }
    constexpr std::int64_t kNanosPerMilli = 1'000'000;
    if (unit.nanos < kNanosPerMilli) {
      const std::int64_t per_milli = kNanosPerMilli / unit.nanos;
      return number % per_milli == 0
                 ? Result<Duration>(Duration(number / per_milli))
                 : Result<Duration>(bad_duration(text, "it is not a whole number of milliseconds"));
    }
    std::int64_t millis = 0;
    if (__builtin_mul_overflow(number, unit.nanos / kNanosPerMilli, &millis)) {
      return bad_duration(text, "the number is too large");
    }
    return Duration(millis);
  }
  return bad_duration(text, rest.empty() ? "the unit is missing"
                                         : "the unit is not one of d, h, min, s, ms, us, ns");
}

Result<EventTime> parse_event_time(std::string_view text) {
  const Status bad = invalid_argument("not an ISO-8601 time: '" + std::string(text) + "'");
  TextCursor in(text);
  const int year = in.digits(4);
  if (year < 0 || !in.accept('-')) {
    return bad;
  }
  const int month = in.digits(2);
  if (month < 0 || !in.accept('-')) {
    return bad;
  }
  const int day = in.digits(2);
  using std::chrono::year_month_day;
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (day < 0 || !date.ok()) {
    return bad;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  std::int64_t clock = 0;
  std::int64_t offset = 0;
  if (!in.is_at_end()) {
    if (!in.accept('T') && !in.accept('t') && !in.accept(' ')) {
      return bad;
    }
    clock = read_clock(in);
    if (clock < 0 || !read_zone(in, offset) || !in.is_at_end()) {
      return bad;
    }
  }
  return EventTime(days * 86'400'000 + clock - offset);
}

}  // namespace weir
