// SPDX-License-Identifier: Apache-2.0
// Durations and event times as people write them.
#include "base/time_text.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(ParseDurationTest, ReadsEveryUnitWithAndWithoutBlanks) {
  const std::pair<const char*, Duration> rows[] = {
      {"10 s", 10s},  {"500ms", 500ms},   {"3 min", 3min},
      {"3m", 3min},   {"1 d", 24h},       {"2h", 2h},
      {" 7  s ", 7s}, {"0 ms", 0ms},      {"2000us", 2ms},
      {"0us", 0ms},   {"3000000ns", 3ms}, {"106751991167 d", Duration(106751991167 * 86'400'000)}};
  for (const auto& [text, expected] : rows) {
    const Result<Duration> parsed = parse_duration(text);
    ASSERT_TRUE(parsed.is_ok()) << parsed.status().to_string();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(ParseDurationTest, RefusesWhatItCannotRepresentAndQuotesIt) {
  for (const char* text : {"", " ", "10", "s", "10 fortnights", "1.5 s", "-3 s", "+3 s", "10us",
                           "1ns", "99999999999999999999 s", "9223372036854775807 d", "1 s s"}) {
    const Result<Duration> parsed = parse_duration(text);
    ASSERT_FALSE(parsed.is_ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(parsed.status().message().find("'" + std::string(text) + "'"), std::string::npos);
  }
}

TEST(ParseEventTimeTest, ReadsDatesTimesFractionsAndZones) {
  constexpr std::int64_t kNoon = 951'825'600'000;  // 2000-02-29T12:00:00Z
  const std::pair<const char*, std::int64_t> rows[] = {
      {"1970-01-01", 0},
      {"2000-02-29T12:00:00", kNoon},
      {"2000-02-29 12:00", kNoon},
      {"2000-02-29t12:00:00z", kNoon},
      {"2000-02-29T12:00:00.5Z", kNoon + 500},
      {"2000-02-29T12:00:00,025Z", kNoon + 25},
      {"2000-02-29T12:00:00.123456789Z", kNoon + 123},
      {"2000-02-29T13:30:00+01:30", kNoon},
      {"2000-02-29T10:00:00-0200", kNoon},
      {"2000-02-29T13:00:00+01", kNoon},
      {"1969-12-31T23:59:59.999Z", -1},
  };
  for (const auto& [text, millis] : rows) {
    const Result<EventTime> parsed = parse_event_time(text);
    ASSERT_TRUE(parsed.is_ok()) << parsed.status().to_string();
    EXPECT_EQ(parsed->millis(), millis) << text;
  }
}

TEST(ParseEventTimeTest, ReadsBackWhatIsPrinted) {
  for (const std::int64_t millis : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1795255530120},
                                    std::int64_t{253'402'300'799'999}}) {
    EXPECT_EQ(parse_event_time(to_string(EventTime(millis))).value(), EventTime(millis));
  }
}

TEST(ParseEventTimeTest, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "yesterday", "2000-13-01", "2001-02-29", "2000-02-29T", "2000-02-29T24:00",
        "2000-02-29T12:60", "2000-02-29T12:00:60", "2000-02-29T12:00:00.",
        "2000-02-29T12:00:00.1Zx", "2000-02-29T12:00:00+25:00", "2000-02-29T12:00:00+01:60",
        "2000-02-29T12:00:00+01:", "2000-2-9", "12000-01-01", "2000-02-29T12:00:00.1234567891Z"}) {
    const Result<EventTime> parsed = parse_event_time(text);
    ASSERT_FALSE(parsed.is_ok()) << text;
    EXPECT_NE(parsed.status().message().find("'" + std::string(text) + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir
