// SPDX-License-Identifier: Apache-2.0
// Arguments: the job's own flags, which stand after `--` on the command line.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/time.h"

namespace weir {

/// The flags of a job: `--limit 800`, `--limit=800`, or `--verbose` alone for true.
///
/// A wrong value does not throw: the fallback is returned, and `execute` reports all mistakes of
/// the program together, among them flags that the program never asked for.
///
/// Thread: one at a time.
class Arguments {
 public:
  Arguments() = default;
  /// Takes what stands after `--`.
  explicit Arguments(const std::vector<std::string>& words);

  /// Returns the flag's value, or `fallback` where it is not given. Its type is the fallback's:
  /// bool, an integer, a floating-point number, text, or a duration ("500ms", "2 min").
  template <class T>
    requires std::is_arithmetic_v<T>
  T get(std::string_view name, T fallback) const {
    if constexpr (std::same_as<T, bool>) {
      return get_bool(name, fallback);
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(get_double(name, static_cast<double>(fallback)));
    } else if constexpr (std::unsigned_integral<T>) {
      return static_cast<T>(get_unsigned(name, fallback, std::numeric_limits<T>::max()));
    } else {
      return static_cast<T>(
          get_signed(name, fallback, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    }
  }
  /// Text must be given: `--input` alone, which is "true" for a bool, is a mistake.
  std::string get(std::string_view name, std::string_view fallback) const;
  Duration get(std::string_view name, Duration fallback) const;

  /// Returns whether the flag was given.
  bool has(std::string_view name) const;

  /// What is wrong: malformed words, values of the wrong type, flags that nobody asked for.
  std::vector<std::string> mistakes() const;

 private:
  const std::string* find(std::string_view name) const;
  void reject(std::string_view name, std::string_view value, std::string_view expected) const;
  bool get_bool(std::string_view name, bool fallback) const;
  double get_double(std::string_view name, double fallback) const;
  std::int64_t get_signed(std::string_view name, std::int64_t fallback, std::int64_t low,
                          std::int64_t high) const;
  std::uint64_t get_unsigned(std::string_view name, std::uint64_t fallback,
                             std::uint64_t high) const;

  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string, std::less<>> without_value_;
  std::vector<std::string> malformed_;
  // What the program asked for, and what it got wrong values for: reading is not a change.
  mutable std::set<std::string, std::less<>> asked_;
  mutable std::set<std::string> rejected_;
};

}  // namespace weir
