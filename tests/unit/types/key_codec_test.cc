// SPDX-License-Identifier: Apache-2.0
// Keys as bytes: order, canonical form, hash, and the bytes themselves.
#include "types/key_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/unit/types/sample_types.h"

namespace weir {
namespace {

static_assert(KeyType<int> && KeyType<Text> && KeyType<sample::Key> && KeyType<double>);
static_assert(KeyType<std::variant<int, Text>> && KeyType<std::array<int, 3>> &&
              KeyType<std::tuple<>> && KeyType<std::monostate> && KeyType<std::chrono::seconds>);
static_assert(!KeyType<std::vector<int>> && !KeyType<std::map<int, int>> &&
              !KeyType<sample::Everything> && !KeyType<std::optional<std::vector<int>>>);

template <class K>
std::string encoded(const K& key) {
  std::string bytes;
  encode_key(bytes, key);
  ByteWriter out;
  encode_key(out, key);
  EXPECT_EQ(out.view(), bytes);
  return bytes;
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : bytes) {
    result += kDigits[static_cast<unsigned char>(c) >> 4];
    result += kDigits[c & 15];
  }
  return result;
}

// All laws of keys, over all pairs. `less` is the order that people expect.
template <class K, class Less = std::less<K>>
void expect_laws(const std::vector<K>& keys, Less less = {}) {
  ArenaList arenas;
  TextMaker text(arenas);
  for (const K& a : keys) {
    const std::string bytes = encoded(a);
    EXPECT_EQ(key_hash(a), hash32(bytes)) << hex(bytes);
    ByteReader in(bytes);
    const K copy = decode_key<K>(in, text);
    EXPECT_TRUE(in.is_at_end());
    EXPECT_EQ(encoded(copy), bytes);
    for (const K& b : keys) {
      const std::string other = encoded(b);
      EXPECT_EQ(bytes < other, less(a, b)) << hex(bytes) << " " << hex(other);
      EXPECT_EQ(KeyLess<K>()(a, b), bytes < other) << hex(bytes) << " " << hex(other);
      if (bytes != other) {
        EXPECT_FALSE(other.starts_with(bytes)) << hex(bytes) << " " << hex(other);
      }
    }
  }
}

template <class T>
void expect_integer_laws() {
  sample::Maker maker(21);
  std::vector<T> keys = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T{0}, T{1}};
  for (int i = 0; i < 60; ++i) {
    keys.push_back(maker.integer<T>());
  }
  expect_laws(keys);
}

TEST(KeyCodecTest, IntegersSortAsNumbers) {
  expect_integer_laws<std::int8_t>();
  expect_integer_laws<std::int16_t>();
  expect_integer_laws<std::int32_t>();
  expect_integer_laws<std::int64_t>();
  expect_integer_laws<std::uint8_t>();
  expect_integer_laws<std::uint16_t>();
  expect_integer_laws<std::uint32_t>();
  expect_integer_laws<std::uint64_t>();
  expect_laws<std::optional<bool>>({std::nullopt, false, true});
  expect_laws<EventTime>({EventTime::none(), EventTime::min(), EventTime(0), EventTime(-1),
                          EventTime(1), EventTime::max()});
  expect_laws<std::chrono::seconds>({std::chrono::seconds(-5), std::chrono::seconds(5)});
  expect_laws<sample::Color>({sample::Color::kRed, sample::Color::kGreen, sample::Color::kBlue});
}

template <class T>
void expect_floating_laws() {
  using Limits = std::numeric_limits<T>;
  const auto less = [](T a, T b) { return std::isnan(a) ? false : std::isnan(b) || a < b; };
  expect_laws<T>({-Limits::infinity(), Limits::lowest(), T{-1.5}, -Limits::denorm_min(), T{0},
                  Limits::denorm_min(), Limits::min(), T{1}, T{1.5}, Limits::max(),
                  Limits::infinity(), Limits::quiet_NaN()},
                 less);
  EXPECT_EQ(encoded(T{-0.0}), encoded(T{0.0}));
  EXPECT_EQ(key_hash(T{-0.0}), key_hash(T{0.0}));
  EXPECT_EQ(encoded(-Limits::quiet_NaN()), encoded(Limits::signaling_NaN()));
}

TEST(KeyCodecTest, FloatsSortAsNumbersWithOneZeroAndOneNaN) {
  expect_floating_laws<float>();
  expect_floating_laws<double>();
}

TEST(KeyCodecTest, StringsSortAsTheirBytesEvenWithZerosInThem) {
  sample::Maker maker(22);
  std::vector<std::string> keys = {"",
                                   std::string(1, '\0'),
                                   std::string(2, '\0'),
                                   "\x01",
                                   "\x02",
                                   std::string("a\0", 2),
                                   "a",
                                   "a\x01",
                                   "a\x02",
                                   "ab",
                                   "\xFF"};
  // Every size around what fits into a Text and into words, plain and with a byte to escape.
  for (std::size_t size = 1; size < 40; ++size) {
    keys.push_back(std::string(size, 'k'));
    for (std::size_t i = 0; i < size; i += 3) {
      keys.push_back(std::string(size, 'k'));
      keys.back()[i] = static_cast<char>(i % 2);
    }
  }
  keys.push_back(std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) {
    keys.push_back(maker.string());
  }
  expect_laws(keys);
  std::vector<Text> texts;
  for (const std::string& key : keys) {
    texts.push_back(Text::view(key));
    EXPECT_EQ(encoded(texts.back()), encoded(key));
    EXPECT_EQ(key_hash(texts.back()), key_hash(key)) << key;
  }
  expect_laws(texts);
}

TEST(KeyCodecTest, TheShortWayToAHashGivesTheHashWhereverAByteIsEscaped) {
  for (std::size_t size = 0; size < 20; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (const char byte : {'\0', '\x01', '\x02', '\xFF'}) {
        std::string key(size, 'k');
        key[place] = byte;
        EXPECT_EQ(key_hash(Text::view(key)), hash32(encoded(key))) << size << " " << place;
      }
    }
  }
}

TEST(KeyCodecTest, CompositesSortPartByPart) {
  sample::Maker maker(23);
  std::vector<std::pair<std::string, std::int32_t>> pairs;
  std::vector<std::tuple<std::optional<std::string>, Text, bool>> tuples;
  std::vector<std::variant<std::int32_t, std::string>> variants;
  std::vector<std::array<std::int16_t, 2>> arrays;
  std::vector<sample::Key> records;
  for (int i = 0; i < 60; ++i) {
    pairs.emplace_back(maker.string().substr(0, 2), maker.integer<std::int32_t>());
    tuples.emplace_back(maker.rng().chance(0.3) ? std::nullopt : std::optional(maker.string()),
                        maker.text(), maker.rng().chance(0.5));
    if (maker.rng().chance(0.5)) {
      variants.emplace_back(maker.string());
    } else {
      variants.emplace_back(maker.integer<std::int32_t>());
    }
    arrays.push_back({maker.integer<std::int16_t>(), maker.integer<std::int16_t>()});
    records.push_back(maker.key());
  }
  expect_laws(pairs);
  expect_laws(tuples);
  expect_laws(variants);
  expect_laws(arrays);
  expect_laws(records, [](const sample::Key& a, const sample::Key& b) {
    return std::tie(a.name, a.number, a.detail, a.color) <
           std::tie(b.name, b.number, b.detail, b.color);
  });
}

TEST(KeyCodecTest, KeysBehindOneAnotherComeApart) {
  sample::Maker maker(24);
  for (int i = 0; i < 200; ++i) {
    const sample::Key first = maker.key();
    const Text second = maker.text();
    std::string bytes;
    encode_key(bytes, first);
    encode_key(bytes, second);
    ByteReader in(bytes);
    ASSERT_EQ(decode_key<sample::Key>(in, maker.text_maker()), first);
    ASSERT_EQ(decode_key<Text>(in, maker.text_maker()), second);
    ASSERT_TRUE(in.is_at_end());
  }
}

// A change here moves every key to another key group and makes stored state unreadable.
TEST(KeyCodecTest, TheBytesAndHashesStayWhatTheyAre) {
  EXPECT_EQ(hex(encoded(std::int32_t{-2})), "7ffffffe");
  EXPECT_EQ(hex(encoded(std::uint16_t{258})), "0102");
  EXPECT_EQ(hex(encoded('a')), "61");
  EXPECT_EQ(hex(encoded(1.0)), "bff0000000000000");
  EXPECT_EQ(hex(encoded(-1.0)), "400fffffffffffff");
  EXPECT_EQ(hex(encoded(std::string("a\0\x01z", 4))), "61010101027a00");
  EXPECT_EQ(hex(encoded(std::optional<bool>(true))), "0101");
  EXPECT_EQ(hex(encoded(std::variant<int, bool>(false))), "0100");
  EXPECT_EQ(hex(encoded(sample::Key{"k", 5, "d", sample::Color::kRed})),
            "6b008000000501"
            "64007ffd");
  EXPECT_EQ(key_hash(std::int64_t{0}), 1704912126U);
  EXPECT_EQ(key_hash(std::int64_t{1234567890123}), 4156982860U);
  EXPECT_EQ(key_hash(std::int32_t{7}), 3902261749U);
  EXPECT_EQ(key_hash(Text("")), 3271897903U);
  EXPECT_EQ(key_hash(Text("a")), 89900919U);
  EXPECT_EQ(key_hash(Text("account-1")), 3644236093U);
  EXPECT_EQ(key_hash(Text("a longer key than fits into a Text")), 1875883078U);
  EXPECT_EQ(key_hash(std::pair(Text("x"), 1)), 2045967140U);
}

TEST(KeyCodecTest, DamagedKeysAreRefused) {
  sample::Maker maker(25);
  for (const std::string_view bytes : {std::string_view("abc"), std::string_view("\x01\x00", 2),
                                       std::string_view("\x01\x03\x00", 3)}) {
    ByteReader in(bytes);
    EXPECT_THROW(decode_key<Text>(in, maker.text_maker()), DecodeError) << hex(bytes);
  }
  ByteReader short_number("\x01\x02");
  EXPECT_THROW(decode_key<int>(short_number, maker.text_maker()), DecodeError);
  ByteReader alternative("\x05");
  EXPECT_THROW((decode_key<std::variant<int, bool>>(alternative, maker.text_maker())), DecodeError);
}

}  // namespace
}  // namespace weir
