// SPDX-License-Identifier: Apache-2.0
// The generator's numbers are fixed, and its ranges are exact.
#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

TEST(RngTest, Splitmix64AgreesWithItsReference) {
  // The first two outputs of the reference implementation for seed 1234567.
  EXPECT_EQ(splitmix64(1234567), 6457827717110365317U);
  EXPECT_EQ(splitmix64(1234567 + 0x9E3779B97F4A7C15U), 3203168211198807973U);
}

TEST(RngTest, Xoshiro256StarStarAgreesWithItsReference) {
  // The reference implementation from the state 1, 2, 3, 4.
  Rng rng(Rng::State{1, 2, 3, 4});
  for (const std::uint64_t expected : {11520U, 0U, 1509978240U}) {
    EXPECT_EQ(rng.next(), expected);
  }
  EXPECT_EQ(rng.next(), 1215971899390074240U);
}

TEST(RngTest, SameSeedGivesTheSameNumbersAndAnotherSeedOthers) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  bool is_other = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = a.next();
    EXPECT_EQ(number, b.next());
    is_other |= number != c.next();
  }
  EXPECT_TRUE(is_other);
}

TEST(RngTest, ContinuesFromItsState) {
  Rng a(7);
  (void)a.next();
  Rng b(a.state());
  EXPECT_EQ(a.next(), b.next());
}

TEST(RngTest, UniformReachesEveryNumberBelowNAboutEquallyOften) {
  Rng rng(3);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) {
    ++counts.at(rng.uniform(7));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10'000, 500);
  }
  EXPECT_EQ(rng.uniform(1), 0U);
  EXPECT_DEATH((void)rng.uniform(0), "n > 0");
}

TEST(RngTest, UniformIsUnbiasedWhereTheRemainderWouldNotBe) {
  // With n just over half of the range, a plain remainder hits the lower half twice as often.
  constexpr std::uint64_t kThreeQuarters = 3ULL << 62;
  Rng rng(5);
  int low = 0;
  for (int i = 0; i < 30'000; ++i) {
    low += rng.uniform(kThreeQuarters) < kThreeQuarters / 3 ? 1 : 0;
  }
  EXPECT_NEAR(low, 10'000, 400);
}

TEST(RngTest, UniformBetweenIncludesBothEnds) {
  Rng rng(4);
  bool has_low = false;
  bool has_high = false;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t number = rng.uniform_between(-2, 2);
    ASSERT_GE(number, -2);
    ASSERT_LE(number, 2);
    has_low |= number == -2;
    has_high |= number == 2;
  }
  EXPECT_TRUE(has_low && has_high);
  EXPECT_EQ(rng.uniform_between(5, 5), 5);
  (void)rng.uniform_between(INT64_MIN, INT64_MAX);
}

TEST(RngTest, ChanceIsNeverAtZeroAndAlwaysAtOne) {
  Rng rng(6);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(rng.chance(0.0));
    ASSERT_TRUE(rng.chance(1.0));
    hits += rng.chance(0.25) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 2500, 200);
}

TEST(RngTest, ForkDoesNotRepeatItsParent) {
  Rng parent(9);
  Rng child = parent.fork();
  EXPECT_NE(child.next(), parent.next());
}

}  // namespace
}  // namespace weir
