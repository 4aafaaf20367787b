// SPDX-License-Identifier: Apache-2.0
// JSON: round trips, what is read leniently, and what must be refused with a clear error.
#include <gtest/gtest.h>

#include <bitset>
#include <cmath>
#include <limits>
#include <string>

#include "tests/unit/types/sample_types.h"
#include "weir/connectors/formats.h"

namespace sample {

enum class Side : std::uint8_t { kBuy = 1, kSell = 2 };

struct Trade {
  weir::Text account = "nobody";
  double amount = 7.5;
  std::optional<std::int64_t> limit;
  weir::EventTime at = weir::EventTime(42);
  Side side = Side::kBuy;
  std::vector<std::int32_t> parts;
};
WEIR_RECORD(Trade, account, amount, limit, at, side, parts)

struct Foreign {
  std::int32_t id = 0;
};
WEIR_RECORD(Foreign, (id, "the \"id\"\n"))

struct Opaque {
  std::bitset<3>* nothing = nullptr;
};
struct WithOpaque {
  std::vector<Opaque> opaque;
};
WEIR_RECORD(WithOpaque, opaque)

}  // namespace sample

template <>
struct weir::EnumNames<sample::Side> {
  static constexpr std::pair<sample::Side, std::string_view> values[] = {
      {sample::Side::kBuy, "buy"}, {sample::Side::kSell, "sell"}};
};
template <>
struct weir::Serializer<sample::Opaque> {
  static void encode(ByteWriter& out, const sample::Opaque&) { out.put_u8(0); }
  static sample::Opaque decode(ByteReader& in, TextMaker&) {
    in.get_u8();
    return {};
  }
};

namespace weir {
namespace {

template <class T>
class JsonOf {
 public:
  T read(std::string_view bytes) {
    // Exactly the padding, so that a sanitizer sees a read behind it.
    std::vector<char> padded(bytes.begin(), bytes.end());
    padded.resize(bytes.size() + kReadPadding, '"');
    return reader_.read({padded.data(), bytes.size()}, text_);
  }
  std::string error(std::string_view bytes) {
    try {
      read(bytes);
    } catch (const RecordError& error) {
      return error.what();
    }
    return "(none)";
  }
  std::string write(const T& value) {
    std::string out;
    writer_.write(value, out);
    EXPECT_TRUE(out.ends_with('\n'));
    out.pop_back();
    EXPECT_EQ(out.find('\n'), std::string::npos);
    return out;
  }

 private:
  ArenaList arenas_;
  TextMaker text_{arenas_};
  RecordReader<T> reader_ = Format<T>(json()).make_reader();
  RecordWriter<T> writer_ = Format<T>(json()).make_writer();
};

TEST(JsonTest, RandomValuesComeBack) {
  sample::Maker maker(31);
  JsonOf<sample::Everything> json;
  for (int i = 0; i < 2000; ++i) {
    const sample::Everything value = maker.everything();
    const std::string line = json.write(value);
    ASSERT_EQ(json.read(line), value) << line;
  }
}

TEST(JsonTest, TheFormStaysWhatItIs) {
  JsonOf<sample::Trade> json;
  EXPECT_EQ(json.write({"a\"\\\n\x01\xC3\xA4", 1.5, 3, EventTime(9), sample::Side::kSell, {1, 2}}),
            "{\"account\":\"a\\\"\\\\\\n\\u0001\xC3\xA4\",\"amount\":1.5,\"limit\":3,\"at\":9,"
            "\"side\":\"sell\",\"parts\":[1,2]}");
  EXPECT_EQ(json.write({"", 0, std::nullopt, EventTime(-1), static_cast<sample::Side>(9), {}}),
            R"({"account":"","amount":0,"limit":null,"at":-1,"side":9,"parts":[]})");
  using Choice = std::variant<std::int32_t, Text, sample::Point>;
  JsonOf<Choice> choice;
  EXPECT_EQ(choice.write(5), R"({"int32":5})");
  EXPECT_EQ(choice.write(Text("t")), R"({"string":"t"})");
  EXPECT_EQ(choice.write(sample::Point{1, 2}), R"({"Point":{"x":1,"y":2}})");
  JsonOf<std::variant<std::string, Text>> twins;
  EXPECT_EQ(twins.write(Text("t")), R"({"1":"t"})");
  EXPECT_EQ(twins.read(R"({"1":"t"})").index(), 1U);
  JsonOf<std::map<std::int32_t, bool>> map;
  EXPECT_EQ(map.write({{-1, true}, {2, false}}), R"({"-1":true,"2":false})");
  JsonOf<std::map<std::pair<std::int32_t, bool>, Text>> pairs;
  EXPECT_EQ(pairs.write({{{1, true}, "x"}}), R"([[[1,true],"x"]])");
  JsonOf<std::map<sample::Side, std::int32_t>> sides;
  EXPECT_EQ(sides.write({{sample::Side::kBuy, 1}, {static_cast<sample::Side>(7), 2}}),
            R"({"buy":1,"7":2})");
  EXPECT_EQ(sides.read(R"({"buy":1,"7":2})").size(), 2U);
}

TEST(JsonTest, FieldsComeInAnyOrderUnknownOnesAreIgnoredAbsentOnesKeepTheirDefault) {
  JsonOf<sample::Trade> json;
  const sample::Trade trade = json.read(
      R"( { "at" : 5 , "more":{"a":[1,{"account":"inner"},null,true,-1.5e300,
      123456789012345678901]},
      "parts":[ 1 , 2 ], "account":"acct" } )");
  EXPECT_EQ(trade,
            (sample::Trade{"acct", 7.5, std::nullopt, EventTime(5), sample::Side::kBuy, {1, 2}}));
  EXPECT_EQ(json.read("{}"), sample::Trade{});
  EXPECT_EQ(json.read(R"({"amount":1,"amount":2})").amount, 2);
  EXPECT_EQ(json.read("{}\r"), sample::Trade{});
}

TEST(JsonTest, NamesAreFoundWhateverTheirEscapes) {
  JsonOf<sample::Trade> json;
  EXPECT_EQ(json.read(R"({"\u0061ccount":"x"})").account, "x");
  EXPECT_EQ(json.read(R"({"accounts":"x","accoun":"y","account\"":"z"})").account, "nobody");
  JsonOf<sample::Foreign> foreign;
  EXPECT_EQ(foreign.write({5}), R"({"the \"id\"\n":5})");
  EXPECT_EQ(foreign.read(foreign.write({5})).id, 5);
}

TEST(JsonTest, NumbersAreExact) {
  JsonOf<sample::Everything> json;
  const sample::Everything value = json.read(
      R"({"i64":-9223372036854775808,"u64":18446744073709551615,"f64":5e-324,"i8":-128,"u8":255})");
  EXPECT_EQ(value.i64, INT64_MIN);
  EXPECT_EQ(value.u64, UINT64_MAX);
  EXPECT_EQ(value.f64, 5e-324);
  EXPECT_EQ(value.i8, -128);
  EXPECT_EQ(value.u8, 255);
  JsonOf<double> number;
  for (const double x : {0.1, 1e23, 123456789.123456789, 2.2250738585072014e-308, -0.0, 1e308}) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(number.read(number.write(x))),
              std::bit_cast<std::uint64_t>(x));
  }
  EXPECT_TRUE(std::isnan(number.read(number.write(std::nan("")))));
  EXPECT_EQ(number.write(-INFINITY), "\"-Infinity\"");
  EXPECT_EQ(number.read("\"Infinity\""), INFINITY);
  EXPECT_EQ(number.read("3"), 3.0);
}

TEST(JsonTest, TimesAreMillisecondsOrText) {
  JsonOf<sample::Trade> json;
  EXPECT_EQ(json.read(R"({"at":1700000000123})").at, EventTime(1700000000123));
  EXPECT_EQ(json.read(R"({"at":"2023-11-14T22:13:20.123Z"})").at, EventTime(1700000000123));
  EXPECT_EQ(
      json.error(R"({"at":"yesterday"})"),
      "field 'at': expected milliseconds since 1970 or an ISO-8601 time, found \"yesterday\"");
}

TEST(JsonTest, AnythingDescribedCanBeARecord) {
  JsonOf<Text> text;
  EXPECT_EQ(text.read("\"just text\""), "just text");
  EXPECT_EQ(text.write("just text"), "\"just text\"");
  JsonOf<std::vector<std::optional<std::int32_t>>> vector;
  EXPECT_EQ(vector.read("[1,null,3]"),
            (std::vector<std::optional<std::int32_t>>{1, std::nullopt, 3}));
  JsonOf<std::optional<sample::Point>> maybe;
  EXPECT_FALSE(maybe.read("null").has_value());
  EXPECT_EQ(maybe.read("{\"x\":1}")->x, 1);
  JsonOf<std::int32_t> number;
  EXPECT_EQ(number.error("1,2"), "malformed JSON: something follows the value");
  EXPECT_EQ(number.error("1],[2"), "malformed JSON: something follows the value");
  EXPECT_NE(number.error(""), "(none)");
}

TEST(JsonTest, WrongTypesAreNamedWithTheFieldAndWhatWasExpected) {
  JsonOf<sample::Everything> json;
  EXPECT_EQ(json.error(R"({"i32":"5"})"), "field 'i32': expected an integer (int32), found \"5\"");
  EXPECT_EQ(json.error(R"({"i32":1.5})"), "field 'i32': expected an integer (int32), found 1.5");
  EXPECT_EQ(json.error(R"({"i32":2147483648})"),
            "field 'i32': expected an integer (int32), found 2147483648");
  EXPECT_EQ(json.error(R"({"u8":-1})"), "field 'u8': expected an integer (uint8), found -1");
  EXPECT_EQ(json.error(R"({"u64":18446744073709551616})"),
            "field 'u64': expected an integer (uint64), found 18446744073709551616");
  EXPECT_EQ(json.error(R"({"f64":true})"), "field 'f64': expected a number, found true");
  EXPECT_EQ(json.error(R"({"f64":1e999})"), "field 'f64': expected a number, found 1e999");
  EXPECT_EQ(json.error(R"({"f64":"nan"})"), "field 'f64': expected a number, found \"nan\"");
  EXPECT_EQ(json.error(R"({"f32":1e300})"),
            "field 'f32': expected a number in the range of a float, found 1e300");
  EXPECT_EQ(json.error(R"({"flag":1})"), "field 'flag': expected true or false, found 1");
  EXPECT_EQ(json.error(R"({"text":null})"), "field 'text': expected a string, found null");
  EXPECT_EQ(json.error(R"({"text":["a"]})"), "field 'text': expected a string, found [");
  EXPECT_EQ(json.error(R"({"points":{}})"), "field 'points': expected an array, found {");
  EXPECT_EQ(json.error(R"({"points":[{"x":1},{"x":"2"}]})"),
            "field 'points.1.x': expected an integer (int32), found \"2\"");
  EXPECT_EQ(json.error(R"({"nested":[]})"), "field 'nested': expected an object, found [");
  EXPECT_EQ(json.error(R"({"triple":[1,2]})"), "field 'triple': expected an array of 3, found 2");
  EXPECT_EQ(json.error(R"({"triple":[1,2,3,4]})"),
            "field 'triple': expected an array of 3, found more");
  EXPECT_EQ(json.error(R"({"pair":[1]})"), "field 'pair': expected an array of 2, found 1");
  EXPECT_EQ(json.error(R"({"choice":{"float":1}})"),
            "field 'choice': expected one field named for an alternative, found float");
  EXPECT_EQ(json.error(R"({"choice":{}})"),
            "field 'choice': expected one field named for an alternative, found {}");
  EXPECT_EQ(json.error(R"({"by_number":{"1x":"a"}})"),
            "field 'by_number': expected an integer (int32) as key, found 1x");
  EXPECT_EQ(json.error("[1]"), "expected an object, found [1]");
  JsonOf<sample::Trade> trade;
  EXPECT_EQ(trade.error(R"({"side":"hold"})"),
            "field 'side': expected a name or number of Side, found \"hold\"");
}

TEST(JsonTest, EveryPrefixOfARecordIsRefused) {
  sample::Maker maker(32);
  JsonOf<sample::Everything> json;
  for (int i = 0; i < 30; ++i) {
    const std::string line = json.write(maker.everything());
    for (std::size_t size = 0; size < line.size(); ++size) {
      ASSERT_NE(json.error(line.substr(0, size)), "(none)") << line.substr(0, size);
    }
  }
}

TEST(JsonTest, GarbageIsRefusedAndNeverCrashes) {
  JsonOf<sample::Trade> json;
  for (const std::string_view line : {"",
                                      " ",
                                      "garbage",
                                      "{",
                                      "}",
                                      "{]",
                                      "{\"account\"}",
                                      "{\"account\":}",
                                      "{\"account\":\"x}",
                                      "{\"account\":\"x\"",
                                      "{\"account\":\"x\"}}",
                                      "{\"account\":\"x\"} {}",
                                      "{,}",
                                      "null",
                                      "5",
                                      "{\"account\":\"\xFF\xFE\"}",
                                      "{\"account\":\"\\ud800\"}",
                                      "{\"account\":\"\\q\"}",
                                      "{\"account\":\"a\nb\"}",
                                      "{\"amount\":01}",
                                      "{\"amount\":1.}",
                                      "{\"amount\":+1}",
                                      "{\"amount\":--1}",
                                      "{\"limit\":nul}",
                                      "{\"limit\":nulll}",
                                      "{\"x\":tru}",
                                      "{\"x\":garbage}",
                                      "{\"x\":nul}",
                                      "{\"x\":\"\\q\"}",
                                      "{\"x\":[1,2}",
                                      "{\"x\":1x}",
                                      "{\"parts\":[1,]}",
                                      "{\"parts\":[1 2]}",
                                      "{\"parts\":[,1]}",
                                      "{'account':'x'}",
                                      "{\"account\":\"x\"\"y\"}",
                                      "\"\\",
                                      "{\"account\" \"x\"}",
                                      "{\"account\":\"x\",}"}) {
    EXPECT_NE(json.error(line), "(none)") << line;
  }
  // After all that the reader still works.
  EXPECT_EQ(json.read(R"({"account":"fine"})").account, "fine");
}

TEST(JsonTest, NestingIsLimited) {
  JsonOf<sample::Trade> json;
  for (const int depth : {200, 2000, 1000000}) {
    const std::string line = "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    EXPECT_NE(json.error(line), "(none)") << depth;
  }
  EXPECT_NE(json.error(std::string(1000000, '[')), "(none)");
  EXPECT_EQ(json.error("{\"x\":" + std::string(100, '[') + std::string(100, ']') + "}"), "(none)");
}

TEST(JsonTest, DamagedLinesNeverCrash) {
  sample::Maker maker(33);
  JsonOf<sample::Everything> json;
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string line = json.write(maker.everything());
    for (std::uint64_t n = 1 + maker.rng().uniform(3); n > 0; --n) {
      static constexpr std::string_view kBytes = "\"\\{}[],:0-e\x00\xFFn \n";
      line[maker.rng().uniform(line.size())] = kBytes[maker.rng().uniform(kBytes.size())];
    }
    refused += json.error(line) != "(none)" ? 1 : 0;
  }
  EXPECT_GT(refused, 3000);
}

TEST(JsonTest, LargeRecordsAreReadWhole) {
  JsonOf<sample::Trade> json;
  sample::Trade trade;
  const std::string large(3000000, 'x');
  trade.account = Text::view(large);
  trade.parts.assign(200000, 12345);
  EXPECT_EQ(json.read(json.write(trade)), trade);
}

TEST(JsonTest, TextThatIsNotUtf8IsWrittenWithReplacements) {
  JsonOf<std::string> json;
  EXPECT_EQ(json.write("a\xFF\xC3(\xE2\x82"),
            "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(json.read(json.write("\xF0\x9F\x98\x80\xED\xA0\x80")).substr(0, 4), "\xF0\x9F\x98\x80");
}

TEST(JsonTest, ATypeWithoutJsonIsAMistakeThatIsNamed) {
  EXPECT_EQ(Format<sample::Everything>(json()).mistake(), "");
  EXPECT_NE(Format<sample::WithOpaque>(json()).mistake().find("Opaque"), std::string::npos);
  EXPECT_NE(Format<sample::Trade>().mistake().find("format is not set"), std::string::npos);
}

}  // namespace
}  // namespace weir
