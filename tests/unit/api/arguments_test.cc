// SPDX-License-Identifier: Apache-2.0
// Arguments.
#include <gtest/gtest.h>
#include <weir/arguments.h>

#include <chrono>

namespace weir {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

TEST(ArgumentsTest, GivesEachTypeItsValue) {
  const Arguments arguments(Words{"--limit", "800", "--rate=1.5", "--name", "x y", "--verbose",
                                  "--window", "2min", "--shift", "-3"});
  EXPECT_EQ(arguments.get("limit", 5U), 800U);
  EXPECT_EQ(arguments.get("rate", 0.5), 1.5);
  EXPECT_EQ(arguments.get("name", "none"), "x y");
  EXPECT_TRUE(arguments.get("verbose", false));
  EXPECT_EQ(arguments.get("window", Duration{10s}), Duration{2min});
  EXPECT_EQ(arguments.get("window", 10s), Duration{2min});
  EXPECT_EQ(arguments.get("shift", 0), -3);
  EXPECT_EQ(arguments.mistakes(), Words{});
}

TEST(ArgumentsTest, GivesTheFallbackWhereNothingIsSaid) {
  const Arguments arguments;
  EXPECT_EQ(arguments.get("limit", 500.0), 500.0);
  EXPECT_EQ(arguments.get("name", "none"), "none");
  EXPECT_FALSE(arguments.has("limit"));
  EXPECT_EQ(arguments.mistakes(), Words{});
}

TEST(ArgumentsTest, ReportsWrongTypesUnknownFlagsAndMalformedWordsTogether) {
  const Arguments arguments(Words{"--limit", "much", "--small=300", "--limt", "8", "stray",
                                  "--flag=maybe", "--wait", "10"});
  EXPECT_EQ(arguments.get("limit", 500.0), 500.0);
  EXPECT_EQ(arguments.get("small", std::int8_t{7}), 7);
  EXPECT_FALSE(arguments.get("flag", false));
  EXPECT_EQ(arguments.get("wait", 1s), Duration{1s});
  EXPECT_EQ(
      arguments.mistakes(),
      (Words{"argument 'stray' is not a flag: write --name value",
             "argument --flag: 'maybe' is not true or false",
             "argument --limit: 'much' is not a number",
             "argument --small: '300' is not a whole number from -128 to 127",
             "argument --wait: '10' is not a duration, such as 500ms or 2min",
             "argument --limt is not known; the job knows --flag, --limit, --small, --wait"}));
}

TEST(ArgumentsTest, ReportsTextThatIsNotGiven) {
  const Arguments arguments({"--input", "--fail", "--output", "true", "--pattern="});
  EXPECT_EQ(arguments.get("output", "o"), "true");
  EXPECT_EQ(arguments.get("pattern", "p"), "");
  EXPECT_TRUE(arguments.get("fail", false));
  EXPECT_TRUE(arguments.mistakes().size() == 1) << "input is not asked for yet";
  (void)arguments.get("input", "i");
  EXPECT_EQ(arguments.mistakes(), std::vector<std::string>{"argument --input needs a value"});
}

TEST(ArgumentsTest, ReportsAFlagThatIsGivenTwice) {
  const Arguments arguments(Words{"--a", "1", "--a=2"});
  EXPECT_EQ(arguments.get("a", 0), 1);
  EXPECT_EQ(arguments.mistakes(), Words{"argument --a is given twice"});
}

}  // namespace
}  // namespace weir
