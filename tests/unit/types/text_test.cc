// SPDX-License-Identifier: Apache-2.0
// Text: where its bytes lie, how it compares, and the maker.
#include "types/text.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace weir {
namespace {

static_assert(sizeof(Text) == 16);
static_assert(std::is_trivially_copyable_v<Text>);
static_assert(Text("short") == "short" && Text("short") != Text("shorT"));
static_assert(Text("longer than twelve") == Text("longer than twelve"));
static_assert(Text("longer than twelve").is_self_contained());
// Bytes inside a temporary die with it.
static_assert(!std::is_convertible_v<Text, std::string_view>);
static_assert(std::is_convertible_v<const Text&, std::string_view>);

std::string numbered(std::size_t size) {
  std::string result;
  for (std::size_t i = 0; i < size; ++i) {
    result.push_back(static_cast<char>('a' + i % 26));
  }
  return result;
}

TEST(TextTest, HoldsUpToTwelveBytesInside) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string bytes = numbered(size);
    const Text text = Text::view(bytes);
    EXPECT_EQ(text.size(), size);
    EXPECT_EQ(text.view(), bytes);
    EXPECT_EQ(text.str(), bytes);
    EXPECT_EQ(text.is_self_contained(), size <= 12) << size;
    EXPECT_EQ(text.data() == bytes.data(), size > 12) << size;
  }
}

TEST(TextTest, LiteralsStayWhereTheyAre) {
  const Text text = "a literal of more than twelve bytes";
  EXPECT_TRUE(text.is_self_contained());
  EXPECT_EQ(text.size(), 35U);
  const std::string same = text.str();
  EXPECT_EQ(text, Text::view(same));
  EXPECT_FALSE(Text::view(same).is_self_contained());
  EXPECT_EQ(Text("a\0b").size(), 3U);
}

TEST(TextTest, ComparesLikeItsBytes) {
  const std::vector<std::string> samples = {"",
                                            std::string(1, '\0'),
                                            "a",
                                            "ab",
                                            "abcd",
                                            "abce",
                                            "abcdefghijkl",
                                            "abcdefghijkm",
                                            "abcdefghijklm",
                                            "abcdefghijkln",
                                            "abcdXfghijklmn",
                                            "\xFF",
                                            "\x7F",
                                            numbered(30),
                                            "zz"};
  for (const std::string& a : samples) {
    for (const std::string& b : samples) {
      const Text x = Text::view(a);
      const std::string copy = b;
      const Text y = Text::view(copy);
      EXPECT_EQ(x == y, a == b) << a << " " << b;
      EXPECT_EQ(x < y, a < b) << a << " " << b;
      EXPECT_EQ(x == b, a == b);
      EXPECT_EQ(x > std::string_view(b), a > b);
      EXPECT_EQ(a == y, a == b);
      if (a == b) {
        EXPECT_EQ(std::hash<Text>()(x), std::hash<Text>()(y));
      }
    }
  }
  EXPECT_TRUE(Text::view(samples[2]) == "a");
}

TEST(TextTest, PrintsItsBytes) {
  std::ostringstream out;
  out << Text("hello") << Text("");
  EXPECT_EQ(out.str(), "hello");
}

TEST(TextMakerTest, CopiesLongTextIntoAnArenaMadeWhenNeeded) {
  ArenaList arenas;
  TextMaker maker(arenas);
  const Text short_text = maker.text("short");
  EXPECT_EQ(arenas.size(), 0U);
  EXPECT_EQ(short_text, "short");
  std::string bytes = numbered(100);
  const Text text = maker.text(bytes);
  bytes.assign(100, '!');
  EXPECT_EQ(arenas.size(), 1U);
  EXPECT_EQ(text, numbered(100));
  EXPECT_TRUE(maker.owns(text));
  EXPECT_TRUE(arenas.contains(text.data()));
  EXPECT_FALSE(maker.owns(short_text));
  EXPECT_FALSE(maker.owns(Text::view(bytes)));
  maker.text(numbered(100));
  EXPECT_EQ(arenas.size(), 1U);
}

TEST(TextMakerTest, FormatsNumbersTextAndTimes) {
  ArenaList arenas;
  TextMaker maker(arenas);
  enum class E { kThree = 3 };
  const std::string owned = "owned";
  EXPECT_EQ(maker.text("{} over {}", 12, 500.5), "12 over 500.5");
  EXPECT_EQ(maker.text("{:.2f}|{:.0f}", 2.345, -7.6), "2.35|-8");
  EXPECT_EQ(maker.text("{{{}}} }}{{", true), "{true} }{");
  EXPECT_EQ(maker.text("{}{}{}{}", 'c', owned, Text("t"), "literal"), "cownedtliteral");
  EXPECT_EQ(maker.text("{} {}", std::uint64_t{18446744073709551615U}, INT64_MIN),
            "18446744073709551615 -9223372036854775808");
  EXPECT_EQ(maker.text("{}", EventTime(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(maker.text("{}", Duration(1500)), "1500 ms");
  EXPECT_EQ(maker.text("{}", E::kThree), "3");
  EXPECT_EQ(maker.text("{:.9f}", 1e300).size(), 301U + 10U);
}

TEST(TextMakerTest, AMakerWithoutArenaMakesShortTextOnly) {
  TextMaker maker;
  EXPECT_EQ(maker.text("twelve bytes"), "twelve bytes");
  EXPECT_DEATH(maker.text("thirteen byte"), "check failed");
}

}  // namespace
}  // namespace weir
