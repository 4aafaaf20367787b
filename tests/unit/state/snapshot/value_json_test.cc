// SPDX-License-Identifier: Apache-2.0
// JSON by schema is the JSON that the program itself writes.
#include "state/snapshot/value_json.h"

#include <gtest/gtest.h>
#include <weir/connectors/formats.h>

#include <limits>
#include <string>

#include "tests/unit/types/sample_types.h"
#include "types/key_codec.h"
#include "types/schema.h"

namespace weir {
namespace {

template <class T>
std::string written(const T& value) {
  Format<T> format(json());
  std::string line;
  format.make_writer().write(value, line);
  line.pop_back();
  return line;
}

template <class T>
std::string value_json(const T& value) {
  ByteWriter bytes;
  Serializer<T>::encode(bytes, value);
  ByteReader in(bytes.view());
  std::string out;
  append_value_json(out, *Schema::parse(schema_text<T>()), in);
  EXPECT_TRUE(in.is_at_end());
  return out;
}

template <class K>
std::string key_json(const K& key) {
  ByteWriter bytes;
  encode_key(bytes, key);
  ByteReader in(bytes.view());
  std::string out;
  append_key_json(out, *Schema::parse(schema_text<K>()), in);
  EXPECT_TRUE(in.is_at_end());
  return out;
}

TEST(ValueJsonTest, ValuesAreWrittenAsTheJsonFormatWritesThem) {
  sample::Maker maker(5);
  for (int i = 0; i < 500; ++i) {
    const sample::Everything value = maker.everything();
    ASSERT_EQ(value_json(value), written(value));
  }
  EXPECT_EQ(value_json(sample::Point{-1, std::numeric_limits<double>::quiet_NaN()}),
            R"({"x":-1,"y":"NaN"})");
  EXPECT_EQ(value_json(std::variant<int, int>(std::in_place_index<1>, 7)), R"({"1":7})");
  EXPECT_EQ(value_json(std::array<int, 0>{}), "[]");
  EXPECT_EQ(value_json(sample::Empty{}), "{}");
}

TEST(ValueJsonTest, KeysAreWrittenAsTheirValuesAre) {
  sample::Maker maker(6);
  for (int i = 0; i < 500; ++i) {
    const sample::Key key = maker.key();
    ASSERT_EQ(key_json(key), value_json(key));
    const auto check = [](const auto& number) { ASSERT_EQ(key_json(number), value_json(number)); };
    check(maker.integer<std::int8_t>());
    check(maker.integer<std::int16_t>());
    check(maker.integer<std::int64_t>());
    check(maker.integer<std::uint32_t>());
    check(maker.floating<float>());
    check(maker.floating<double>());
  }
  EXPECT_EQ(key_json(-0.0), "0");
  EXPECT_EQ(key_json(EventTime(-3)), "-3");
  EXPECT_EQ(key_json(std::tuple(true, std::chrono::seconds(9), std::variant<int, bool>(false))),
            R"([true,9,{"bool":false}])");
  EXPECT_EQ(key_json(std::pair(std::array<std::monostate, 2>{}, std::optional<int>())),
            "[[null,null],null]");
}

TEST(ValueJsonTest, TextThatIsNotUtf8IsRepaired) {
  const auto text = [](std::string_view bytes) {
    std::string out;
    append_json_string(out, bytes);
    return out;
  };
  EXPECT_EQ(text("a\"\\\n\x01ä€😀"), "\"a\\\"\\\\\\n\\u0001ä€😀\"");
  for (const std::string_view bad : {"\xFF", "\xC3", "\xED\xA0\x80", "\xC0\x80", "\xF5\x80\x80\x80",
                                     "\xE0\x80\x80", "\xF0\x80\x80\x80"}) {
    EXPECT_NE(text(bad).find("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST(ValueJsonTest, AKeyOfManyNothingsIsRefused) {
  std::string out;
  ByteReader in("");
  EXPECT_THROW(append_key_json(out, *Schema::parse("array<unit,4611686018427387904>"), in),
               DecodeError);
}

}  // namespace
}  // namespace weir
