// SPDX-License-Identifier: Apache-2.0
// CSV: round trips, quotes, headers, and what must be refused with a clear error.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/types/sample_types.h"
#include "weir/connectors/formats.h"

namespace sample {

enum class Mood : std::int32_t { kCalm = -1, kMerry = 3 };

struct Row {
  weir::Text name = "default";
  std::int32_t number = 5;
  double amount = 0.5;
  bool flag = true;
  std::optional<std::string> note;
  std::optional<std::uint64_t> count;
  weir::EventTime at;
  Mood mood = Mood::kCalm;
  std::chrono::milliseconds span{};
};
WEIR_RECORD(Row, name, number, amount, flag, note, count, at, mood, span)

struct Pair {
  std::int32_t a = 1;
  std::string b = "b";
};
WEIR_RECORD(Pair, a, (b, "the b"))

}  // namespace sample

template <>
struct weir::EnumNames<sample::Mood> {
  static constexpr std::pair<sample::Mood, std::string_view> values[] = {
      {sample::Mood::kMerry, "merry, very"}};
};

namespace weir {
namespace {

template <class T>
class CsvOf {
 public:
  explicit CsvOf(CsvOptions options = {})
      : reader_(Format<T>(csv(options)).make_reader()),
        writer_(Format<T>(csv(options)).make_writer()) {}

  T read(std::string_view bytes) {
    const std::string padded = std::string(bytes) + std::string(kReadPadding, '"');
    return reader_.read(std::string_view(padded).substr(0, bytes.size()), text_);
  }
  void read_header(std::string_view line) { reader_.read_header(line); }
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
    return out;
  }
  std::string header() {
    std::string out;
    writer_.write_header(out);
    return out;
  }

 private:
  ArenaList arenas_;
  TextMaker text_{arenas_};
  RecordReader<T> reader_;
  RecordWriter<T> writer_;
};

TEST(CsvTest, RandomRowsComeBack) {
  sample::Maker maker(41);
  CsvOf<sample::Row> comma;
  CsvOf<sample::Row> semicolon({.delimiter = ';'});
  for (int i = 0; i < 2000; ++i) {
    sample::Row row{maker.text(),
                    maker.integer<std::int32_t>(),
                    maker.floating<double>(),
                    maker.rng().chance(0.5),
                    std::nullopt,
                    std::nullopt,
                    EventTime(maker.integer<std::int64_t>()),
                    maker.rng().chance(0.5) ? sample::Mood::kCalm : sample::Mood::kMerry,
                    std::chrono::milliseconds(maker.integer<std::int64_t>())};
    if (maker.rng().chance(0.5)) {
      row.note = maker.string();
    }
    if (maker.rng().chance(0.5)) {
      row.count = maker.integer<std::uint64_t>();
    }
    ASSERT_EQ(comma.read(comma.write(row)), row) << comma.write(row);
    ASSERT_EQ(semicolon.read(semicolon.write(row)), row) << semicolon.write(row);
  }
}

TEST(CsvTest, TheFormStaysWhatItIs) {
  CsvOf<sample::Row> csv;
  EXPECT_EQ(csv.write({"a,b", -1, 1.5, false, "say \"hi\"", 7, EventTime(9), sample::Mood::kMerry,
                       std::chrono::milliseconds(250)}),
            R"("a,b",-1,1.5,false,"say ""hi""",7,9,"merry, very",250)");
  EXPECT_EQ(csv.write({"", 0, 0, true, "", std::nullopt, EventTime(0), sample::Mood::kCalm, {}}),
            R"(,0,0,true,"",,0,-1,0)");
  CsvOf<Text> single;
  EXPECT_EQ(single.write(""), "\"\"");
  EXPECT_EQ(single.read("\"\""), "");
  EXPECT_EQ(csv.header(), "");
}

TEST(CsvTest, EmptyIsAbsentAndQuotedEmptyIsThere) {
  CsvOf<sample::Row> csv;
  EXPECT_FALSE(csv.read("n,1,1,true,,,0,-1,0").note.has_value());
  EXPECT_EQ(csv.read("n,1,1,true,\"\",,0,-1,0").note, "");
}

TEST(CsvTest, AHeaderNamesTheColumns) {
  CsvOf<sample::Pair> csv({.header = true});
  EXPECT_EQ(csv.header(), "a,the b\n");
  csv.read_header("\xEF\xBB\xBFunknown, the b ,a\r\n");
  EXPECT_EQ(csv.read("zzz,text,9\r"), (sample::Pair{9, "text"}));
  csv.read_header("\"the b\"");
  EXPECT_EQ(csv.read("only"), (sample::Pair{1, "only"}));
  EXPECT_EQ(csv.error("two,cells"), "expected 1 columns, found 2");
}

TEST(CsvTest, NumbersMayStandBetweenBlanksTextKeepsThem) {
  CsvOf<sample::Pair> csv;
  EXPECT_EQ(csv.read(" 7 , b "), (sample::Pair{7, " b "}));
}

TEST(CsvTest, TimesAndFlagsHaveTwoSpellings) {
  CsvOf<sample::Row> csv;
  const sample::Row row = csv.read("n,1,1,0,,,2023-11-14T22:13:20.123Z,3,0");
  EXPECT_EQ(row.at, EventTime(1700000000123));
  EXPECT_FALSE(row.flag);
  EXPECT_EQ(row.mood, sample::Mood::kMerry);
}

TEST(CsvTest, WrongCellsAreNamedWithTheColumnAndWhatWasExpected) {
  CsvOf<sample::Row> csv;
  EXPECT_EQ(csv.error("n,x,1,true,,,0,-1,0"),
            "column 'number': expected an integer (int32), found x");
  EXPECT_EQ(csv.error("n,,1,true,,,0,-1,0"),
            "column 'number': expected an integer (int32), found an empty cell");
  EXPECT_EQ(csv.error("n,2147483648,1,true,,,0,-1,0"),
            "column 'number': expected an integer (int32), found 2147483648");
  EXPECT_EQ(csv.error("n,1,1.5x,true,,,0,-1,0"), "column 'amount': expected a number, found 1.5x");
  EXPECT_EQ(csv.error("n,1,1,maybe,,,0,-1,0"),
            "column 'flag': expected true or false, found maybe");
  EXPECT_EQ(csv.error("n,1,1,true,,-1,0,-1,0"),
            "column 'count': expected an integer (uint64), found -1");
  EXPECT_EQ(csv.error("n,1,1,true,,,noon,-1,0"),
            "column 'at': expected milliseconds since 1970 or an ISO-8601 time, found noon");
  EXPECT_EQ(csv.error("n,1,1,true,,,0,sad,0"),
            "column 'mood': expected a name or number of Mood, found sad");
  EXPECT_EQ(csv.error("n,1"), "expected 9 columns, found 2");
  EXPECT_EQ(csv.error("n,1,1,true,,,0,-1,0,more"), "expected 9 columns, found 10");
  EXPECT_EQ(csv.error(""), "expected 9 columns, found 1");
  EXPECT_EQ(csv.error("\"open,1"), "a quoted cell has no closing quote");
  EXPECT_EQ(csv.error("\"x\"y,1"), "a closing quote is followed by more than the delimiter");
}

TEST(CsvTest, DamagedLinesNeverCrash) {
  sample::Maker maker(42);
  CsvOf<sample::Row> csv;
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string line = csv.write(
        {maker.text(), 1, 2.5, true, maker.string(), 7, EventTime(1), sample::Mood::kMerry, {}});
    for (std::uint64_t n = 1 + maker.rng().uniform(3); n > 0; --n) {
      static constexpr std::string_view kBytes = "\",x1\xFF\n\r ";
      line[maker.rng().uniform(line.size())] = kBytes[maker.rng().uniform(kBytes.size())];
    }
    refused += csv.error(line.substr(0, maker.rng().uniform(line.size() + 1))) != "(none)" ? 1 : 0;
  }
  EXPECT_GT(refused, 2500);
}

TEST(CsvTest, ATypeThatHasNoRowIsAMistakeThatIsNamed) {
  EXPECT_EQ(Format<sample::Row>(csv()).mistake(), "");
  EXPECT_NE(Format<sample::Everything>(csv()).mistake().find("'choice'"), std::string::npos);
  EXPECT_NE(Format<sample::Row>(csv({.delimiter = '"'})).mistake(), "");
}

TEST(LinesTest, ALineIsARecordAsItStands) {
  ArenaList arenas;
  TextMaker text(arenas);
  RecordReader<Text> reader = Format<Text>(lines()).make_reader();
  EXPECT_EQ(reader.read("  a \"line\", as it stands\xFF ", text),
            "  a \"line\", as it stands\xFF ");
  RecordWriter<std::string> writer = Format<std::string>(lines()).make_writer();
  std::string out;
  writer.write("one", out);
  writer.write("", out);
  EXPECT_EQ(out, "one\n\n");
  EXPECT_THROW(writer.write("two\nlines", out), RecordError);
  EXPECT_EQ(out, "one\n\n");
  EXPECT_EQ(Format<Text>(lines()).mistake(), "");
  EXPECT_NE(Format<sample::Row>(lines()).mistake(), "");
}

}  // namespace
}  // namespace weir
