// SPDX-License-Identifier: Apache-2.0
// Records with every kind of field, and seeded random values of them.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "types/type_info.h"

namespace sample {

enum class Color : std::int16_t { kRed = -3, kGreen = 0, kBlue = 7 };
enum class Level : std::uint8_t { kLow = 1, kHigh = 200 };

struct Point {
  std::int32_t x = 3;
  double y = -1.5;
};
WEIR_RECORD(Point, x, y)

struct Empty {};
WEIR_RECORD(Empty)

struct Key {
  weir::Text name;
  std::int32_t number = 0;
  std::optional<std::string> detail;
  Color color = Color::kGreen;
};
WEIR_RECORD(Key, name, number, detail, color)

struct Everything {
  bool flag = false;
  char letter = 'a';
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  std::string string;
  weir::Text text;
  weir::EventTime at;
  weir::ProcessingTime seen;
  std::chrono::seconds span{};
  std::chrono::sys_time<std::chrono::microseconds> point;
  Color color = Color::kGreen;
  Level level = Level::kLow;
  std::optional<weir::Text> maybe;
  std::variant<std::int32_t, weir::Text, Point> choice;
  std::pair<std::int32_t, std::string> pair;
  std::tuple<bool, weir::Text, double> tuple;
  std::vector<Point> points;
  std::array<std::uint16_t, 3> triple{};
  std::map<weir::Text, std::vector<std::int32_t>> by_name;
  std::map<std::int32_t, weir::Text> by_number;
  std::map<std::pair<std::int32_t, bool>, double> by_pair;
  Point nested;
};
WEIR_RECORD(Everything, flag, letter, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, string, text,
            (at, "at-time"), seen, span, point, color, level, maybe, choice, pair, tuple, points,
            triple, by_name, by_number, by_pair, nested)

/// Makes random values, extreme ones more often than chance would.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : rng_(seed) {}

  weir::TextMaker& text_maker() { return text_; }
  weir::Rng& rng() { return rng_; }

  template <class T>
  T integer() {
    using Limits = std::numeric_limits<T>;
    switch (rng_.uniform(6)) {
      case 0: return Limits::min();
      case 1: return Limits::max();
      case 2: return T{0};
      case 3: return static_cast<T>(rng_.uniform(20));
      default: return static_cast<T>(rng_.next());
    }
  }

  /// Finite, as `==` does not know NaN.
  template <class T>
  T floating() {
    switch (rng_.uniform(6)) {
      case 0: return std::numeric_limits<T>::denorm_min();
      case 1: return -std::numeric_limits<T>::max();
      case 2: return T{0};
      case 3: return std::numeric_limits<T>::infinity();
      case 4: return static_cast<T>(rng_.uniform_double());
      default:
        return static_cast<T>(
            std::ldexp(rng_.uniform_double() - 0.5, static_cast<int>(rng_.uniform(200)) - 100));
    }
  }

  /// Valid UTF-8, with all bytes that any format treats apart.
  std::string string() {
    static constexpr std::string_view kPieces[] = {"a",
                                                   "B",
                                                   "0",
                                                   " ",
                                                   ",",
                                                   "\"",
                                                   "\\",
                                                   "\n",
                                                   "\t",
                                                   "\r",
                                                   std::string_view("\0", 1),
                                                   "\x01",
                                                   "\x02",
                                                   "\x7f",
                                                   "\xC3\xA4",
                                                   "\xE2\x82\xAC",
                                                   "\xF0\x9F\x98\x80",
                                                   "{",
                                                   "}",
                                                   "null"};
    std::string result;
    for (std::uint64_t n = rng_.uniform(20); n > 0; --n) {
      result += kPieces[rng_.uniform(std::size(kPieces))];
    }
    return result;
  }
  weir::Text text() { return text_.text(string()); }
  Point point() { return {integer<std::int32_t>(), floating<double>()}; }
  Color color() { return rng_.chance(0.5) ? Color::kRed : Color::kBlue; }

  Key key() {
    Key key{text(), integer<std::int32_t>(), std::nullopt, color()};
    if (rng_.chance(0.5)) {
      key.detail = string();
    }
    return key;
  }

  Everything everything() {
    Everything value;
    value.flag = rng_.chance(0.5);
    value.letter = static_cast<char>(rng_.next());
    value.i8 = integer<std::int8_t>();
    value.i16 = integer<std::int16_t>();
    value.i32 = integer<std::int32_t>();
    value.i64 = integer<std::int64_t>();
    value.u8 = integer<std::uint8_t>();
    value.u16 = integer<std::uint16_t>();
    value.u32 = integer<std::uint32_t>();
    value.u64 = integer<std::uint64_t>();
    value.f32 = floating<float>();
    value.f64 = floating<double>();
    value.string = string();
    value.text = text();
    value.at = weir::EventTime(integer<std::int64_t>());
    value.seen = weir::ProcessingTime(integer<std::int64_t>());
    value.span = std::chrono::seconds(integer<std::int64_t>());
    value.point += std::chrono::microseconds(rng_.uniform(1U << 30));
    value.color = color();
    value.level = rng_.chance(0.5) ? Level::kHigh : Level::kLow;
    if (rng_.chance(0.5)) {
      value.maybe = text();
    }
    switch (rng_.uniform(3)) {
      case 0: value.choice = integer<std::int32_t>(); break;
      case 1: value.choice = text(); break;
      default: value.choice = point(); break;
    }
    value.pair = {integer<std::int32_t>(), string()};
    value.tuple = {rng_.chance(0.5), text(), floating<double>()};
    for (std::uint64_t n = rng_.uniform(4); n > 0; --n) {
      value.points.push_back(point());
      value.by_name[text()] = {integer<std::int32_t>(), 5};
      value.by_number[integer<std::int32_t>()] = text();
      value.by_pair[{integer<std::int32_t>(), rng_.chance(0.5)}] = floating<double>();
    }
    value.triple = {integer<std::uint16_t>(), integer<std::uint16_t>(), 1};
    value.nested = point();
    return value;
  }

 private:
  weir::Rng rng_;
  weir::ArenaList arenas_;
  weir::TextMaker text_{arenas_};
};

}  // namespace sample
