// SPDX-License-Identifier: Apache-2.0
// Rng: a seeded random generator whose numbers are the same on every platform and library.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/check.h"

namespace weir {

/// One step of splitmix64: spreads seeds, and mixes a number into an unrelated one.
constexpr std::uint64_t splitmix64(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

/// Draws from xoshiro256**, seeded through splitmix64. Never for secrets.
///
/// Thread: a value; one thread at a time. A copy continues with the same numbers.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021).
class Rng {
 public:
  using result_type = std::uint64_t;
  using State = std::array<std::uint64_t, 4>;

  explicit constexpr Rng(std::uint64_t seed) : state_() {
    for (std::uint64_t i = 0; i < state_.size(); ++i) {
      state_[i] = splitmix64(seed + i * 0x9E3779B97F4A7C15U);
    }
  }
  /// Continues where the generator stood whose state() this is: for snapshots.
  explicit constexpr Rng(const State& state) : state_(state) {}
  constexpr const State& state() const { return state_; }

  constexpr std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, n), without bias.
  /// Requires: n > 0.
  std::uint64_t uniform(std::uint64_t n) {
    WEIR_CHECK_GT(n, 0U);
    // Rejects the few lowest numbers, so that what is left is a multiple of n.
    const std::uint64_t threshold = (0 - n) % n;
    std::uint64_t number = next();
    while (number < threshold) {
      number = next();
    }
    return number % n;
  }

  /// Uniform in [low, high], both inclusive.
  /// Requires: low <= high.
  std::int64_t uniform_between(std::int64_t low, std::int64_t high) {
    WEIR_CHECK_LE(low, high);
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t step = span == UINT64_MAX ? next() : uniform(span + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  constexpr double uniform_double() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// True with the given probability: never at 0, always at 1.
  constexpr bool chance(double probability) { return uniform_double() < probability; }

  /// A generator of its own, unrelated to what this one draws later.
  constexpr Rng fork() { return Rng(next()); }

  // For the algorithms of the standard library; note that theirs differ between libraries.
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return UINT64_MAX; }
  constexpr std::uint64_t operator()() { return next(); }

 private:
  State state_;
};

}  // namespace weir
